import Glibc
import Notebook

/// Makes one valid notebook of what a killed run has left: its last snapshot and the journal beside it.
public enum Recovery {
  public struct Outcome: Sendable {
    /// Cells that the journal knew more of than the snapshot.
    public let restored: Int
    /// The cell that ran when the run was killed, counted from 1.
    public let interrupted: Int?
  }

  /// Folds the journal of `output` into it and removes the journal. A run that was killed before it had one has left an
  /// output that says `running`; it is concluded all the same.
  /// - Throws: ``StorageError`` when there is nothing to recover or the run is still going on, ``NotebookError`` when
  ///   the output is no notebook.
  public static func recover(_ output: String) throws -> Outcome {
    let path = Journal.path(for: output)
    guard access(path, F_OK) == 0 || isUnfinished(output) else {
      throw StorageError(
        .missing, "there is no journal \(path)",
        remedy: "the last run of \(output) has saved everything itself")
    }
    let lock = try OutputLock(output: output, runID: "recover")
    defer { lock.release() }
    let snapshot = try Notebook(reading: LocalFile.read(output))
    let hasJournal = access(path, F_OK) == 0
    let (notebook, outcome) = fold(hasJournal ? try LocalFile.read(path) : [], into: snapshot)
    _ = try LocalFile.replace(output, with: notebook.encoded, .none)
    unlink(path)
    return outcome
  }

  private static func isUnfinished(_ output: String) -> Bool {
    guard let bytes = try? LocalFile.read(output), let notebook = try? Notebook(reading: bytes) else {
      return false
    }
    return notebook.metadata["parley"]?["reason"]?.string == "running"
  }

  /// A line that was cut short is the last one; what it would have said is lost. The journal of another run, which this
  /// one had no time to replace, tells nothing about it.
  static func fold(_ journal: [UInt8], into snapshot: Notebook) -> (Notebook, Outcome) {
    var notebook = snapshot
    var running: Int?
    var restored: Set<Int> = []
    for line in journal.split(separator: UInt8(ascii: "\n")) {
      guard let entry = NotebookValue(json: Array(line)) else { continue }
      if let journalID = entry["run_id"]?.string, let runID = notebook.metadata["parley"]?["run_id"]?.string,
        journalID != runID
      {
        break
      }
      if let index = entry["running"]?.integer { running = index }
      guard let index = entry["cell"]?.integer, notebook.cells.indices.contains(index),
        let members = entry["members"]?.object
      else { continue }
      notebook.cells[index] = NotebookCell(members: members)
      restored.insert(index)
      if index == running { running = nil }
    }
    conclude(&notebook, running, hasJournal: !journal.isEmpty)
    return (notebook, Outcome(restored: restored.count, interrupted: running.map { $0 + 1 }))
  }

  private static func conclude(_ notebook: inout Notebook, _ running: Int?, hasJournal: Bool) {
    for index in notebook.cells.indices {
      let status = notebook.cells[index].metadata["parley"]?["status"]?.string
      if index == running || status == CellStatus.running.rawValue {
        mark(&notebook.cells[index], .interrupted, papermill: "failed")
      } else if status == CellStatus.pending.rawValue {
        mark(&notebook.cells[index], .notReached, papermill: "pending")
      }
    }
    var parley = notebook.metadata["parley"]?.object ?? NotebookObject()
    if parley["reason"]?.string == "running" || parley["reason"] == nil {
      parley["reason"] = .string(RunReason.platformError.rawValue)
      parley["message"] =
        hasJournal
        ? "the run was killed; what it had done was recovered from its journal"
        : "the run was killed before its first cell"
      var papermill = notebook.metadata["papermill"]?.object ?? NotebookObject()
      papermill["exception"] = true
      notebook.metadata["papermill"] = .object(papermill)
    }
    notebook.metadata["parley"] = .object(parley)
  }

  private static func mark(_ cell: inout NotebookCell, _ status: CellStatus, papermill: String) {
    var parley = cell.metadata["parley"]?.object ?? NotebookObject()
    parley["status"] = .string(status.rawValue)
    cell.metadata["parley"] = .object(parley)
    var record = cell.metadata["papermill"]?.object ?? NotebookObject()
    record["status"] = .string(papermill)
    if status == .interrupted { record["exception"] = true }
    cell.metadata["papermill"] = .object(record)
  }
}
