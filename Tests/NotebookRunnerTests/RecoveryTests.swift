import Notebook
import Testing

@testable import NotebookRunner

@Suite("what a killed run leaves")
struct RecoveryTests {
  private static let snapshot = """
    {"nbformat":4,"nbformat_minor":5,"metadata":{"parley":{"reason":"running","run_id":"this"}},"cells":[
    {"cell_type":"code","id":"a","metadata":{"parley":{"status":"pending"}},"source":"1","outputs":[],"execution_count":null},
    {"cell_type":"code","id":"b","metadata":{"parley":{"status":"pending"}},"source":"2","outputs":[],"execution_count":null},
    {"cell_type":"code","id":"c","metadata":{"parley":{"status":"pending"}},"source":"3","outputs":[],"execution_count":null}]}
    """
  private static let ended = """
    {"running":0}
    {"cell":0,"members":{"cell_type":"code","id":"a","metadata":{"parley":{"status":"ok"}},"source":"1","outputs":[],"execution_count":1}}

    """

  private func fold(_ journal: String) throws -> (Notebook, Recovery.Outcome) {
    Recovery.fold(Array(journal.utf8), into: try Notebook(reading: Array(Self.snapshot.utf8)))
  }

  private func statuses(_ notebook: Notebook) -> [String?] {
    notebook.cells.map { $0.metadata["parley"]?["status"]?.string }
  }

  @Test("cells that had ended are there, the one that ran is interrupted")
  func folds() throws {
    let (notebook, outcome) = try fold(Self.ended + "{\"running\":1}\n")
    #expect(statuses(notebook) == ["ok", "interrupted", "not_reached"])
    #expect(outcome.restored == 1 && outcome.interrupted == 2)
    #expect(notebook.cells[0].executionCount == 1)
    #expect(notebook.metadata["parley"]?["reason"] == "platform_error")
  }

  @Test("a last line that was cut short is passed over")
  func torn() throws {
    for length in 0..<Self.ended.utf8.count {
      let cut = String(decoding: Array(Self.ended.utf8).prefix(length), as: UTF8.self)
      let (notebook, _) = try fold(cut)
      #expect(notebook.cells.count == 3)
    }
  }

  @Test(
    "the journal of an earlier run is not folded into the output of a later one", arguments: ["this", "that"])
  func otherRun(id: String) throws {
    let (notebook, outcome) = try fold("{\"parley_journal\":1,\"run_id\":\"\(id)\"}\n" + Self.ended)
    #expect(outcome.restored == (id == "this" ? 1 : 0))
    #expect(statuses(notebook) == [id == "this" ? "ok" : "not_reached", "not_reached", "not_reached"])
    #expect(notebook.metadata["parley"]?["reason"] == "platform_error")
  }

  @Test("a line for a cell that is not there is passed over")
  func foreign() throws {
    let (notebook, outcome) = try fold("{\"cell\":9,\"members\":{}}\n")
    #expect(outcome.restored == 0 && notebook.cells.count == 3)
  }
}

@Suite("limits of time")
struct TimeLimitTests {
  @Test(
    "as people write them",
    arguments: [("90", 90), ("2.5", 2.5), ("90s", 90), ("5m", 300), ("2h", 7200), ("0", 0), ("-1", 0)]
      as [(String, Double)])
  func reads(text: String, seconds: Double) {
    #expect(TimeLimit.parse(text) == .milliseconds(Int(seconds * 1000)))
  }

  @Test("what is no time", arguments: ["", "soon", "5x", "nan", "inf", "1e300", "s"])
  func refuses(text: String) {
    #expect(TimeLimit.parse(text) == nil)
  }
}
