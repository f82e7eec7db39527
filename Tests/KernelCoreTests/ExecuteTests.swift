import JupyterProtocol
import KernelExecutor
import ParleyTestSupport
import Testing

@testable import KernelCore

/// What a front end sees of a cell, as transcripts.
@Suite("execute", .timeLimit(.minutes(5)))
@KernelActor
struct ExecuteTests {
  private let bench = Bench()

  @Test("a cell that prints and has a result")
  func ok() async {
    #expect(
      await bench.execute("print hi\nresult 42") == [
        "busy", "execute_input [1] print hi⏎result 42", "stdout hi", "execute_result [1] 42",
        "shell: execute_reply ok [1]", "idle",
      ])
  }

  @Test("the user's error: published once, by the language, and repeated in the reply")
  func userError() async throws {
    #expect(
      await bench.execute("error NameError\nprint never") == [
        "busy", "execute_input [1] error NameError⏎print never", "error NameError: v",
        "shell: execute_reply error NameError [1]", "idle",
      ])
    let reply = try #require(bench.frontEnd.reply(to: "1"))
    #expect(reply["evalue"] == "v" && reply["traceback"] == ["NameError: v"])
    #expect(reply["user_expressions"] == [:] && reply["payload"] == [])
  }

  @Test("a language that fails: the kernel publishes the error")
  func failed() async {
    #expect(
      await bench.execute("die BackendTerminated") == [
        "busy", "execute_input [1] die BackendTerminated", "error BackendTerminated: v",
        "shell: execute_reply error BackendTerminated [1]", "idle",
      ])
  }

  @Test("a silent cell shows nothing, counts nothing and is not remembered")
  func silent() async {
    let silent = JSONValue.Member("silent", true)
    #expect(
      await bench.execute("print hi\nresult 1\nerror E", [silent]) == [
        "busy", "shell: execute_reply error E [0]", "idle",
      ])
    #expect(await bench.execute("die X", [silent]) == ["busy", "shell: execute_reply error X [0]", "idle"])
    // Even when it asks to be stored.
    #expect(
      await bench.execute("print a", [silent, .init("store_history", true)]) == [
        "busy", "shell: execute_reply ok [0]", "idle",
      ])
    #expect(bench.history.calls.isEmpty)
  }

  @Test("comm messages of a silent cell go out all the same")
  func silentComm() async {
    let lines = await bench.execute(
      #"publish comm_msg {"comm_id":"c","data":{}}"#, [.init("silent", true)])
    #expect(lines == ["busy", #"comm_msg {"comm_id":"c","data":{}}"#, "shell: execute_reply ok [0]", "idle"])
  }

  @Test("store_history false shows everything but counts nothing")
  func notStored() async {
    _ = await bench.execute("print a")
    #expect(
      await bench.execute("result 5", [.init("store_history", false)]) == [
        "busy", "execute_input [1] result 5", "execute_result [1] 5", "shell: execute_reply ok [1]", "idle",
      ])
    #expect(await bench.execute("print b").contains("shell: execute_reply ok [2]"))
    #expect(bench.history.calls == ["input 1 alpha: print a", "input 2 alpha: print b"])
  }

  @Test("inputs and text results go to the history, long results do not")
  func history() async {
    _ = await bench.execute("result 42")
    _ = await bench.execute("result \(String(repeating: "x", count: 65 << 10))")
    #expect(bench.history.calls.count == 3)
    #expect(bench.history.calls.prefix(2) == ["input 1 alpha: result 42", "output 1: 42"])
  }

  @Test(
    "an empty cell runs nothing and starts no language; it counts like any other", arguments: ["", " \n\t "])
  func empty(code: String) async {
    #expect(await bench.execute(code).last(2) == ["shell: execute_reply ok [1]", "idle"])
    #expect(bench.languages.made.isEmpty)
  }

  @Test("user expressions and payload pass through, expressions only to the last segment")
  func expressions() async throws {
    _ = await bench.execute("")
    let alpha = try await started()
    alpha.userExpressions = #"{"e":{"status":"ok"}}"#
    alpha.payload = #"[{"source":"page"}]"#
    let ask = JSONValue.Member("user_expressions", ["e": "x"])
    _ = await bench.execute("", [ask])
    #expect(bench.frontEnd.reply(to: "3")?["user_expressions"] == ["e": ["status": "ok"]])
    #expect(bench.frontEnd.reply(to: "3")?["payload"] == [["source": "page"]])
    // Nothing asked, nothing answered.
    _ = await bench.execute("print a")
    #expect(bench.frontEnd.reply(to: "4")?["user_expressions"] == [:])
    _ = await bench.execute("print a\n#!beta\nprint b", [ask])
    #expect(
      bench.frontEnd.reply(to: "5")?["user_expressions"] == [:], "beta answers none, alpha must not be asked")
  }

  private func started() async throws -> ScriptedLanguage {
    _ = await bench.execute("print start")
    return try bench.alpha
  }

  @Test("the reply's metadata")
  func metadata() async throws {
    _ = await bench.execute("error E")
    let reply = try #require(bench.frontEnd.sent.first { $0.message.messageType == "execute_reply" })
    let metadata = try #require(JSONScanner.parse(reply.message.metadata))
    #expect(
      metadata["status"] == "error" && metadata["dependencies_met"] == true && metadata["engine"] == "s")
    #expect(metadata["started"]?.string?.count == 27)
    #expect(reply.message.parent.identities == [Array(text: "client")])
  }

  @Test(
    "content that is no request is refused, and the kernel goes on",
    arguments: ["", "[]", "{}", #"{"code":1}"#, #"{"code":"x""#, "nonsense"])
  func invalid(content: String) async {
    let id = bench.send("execute_request", raw: content)
    await bench.finished(id)
    #expect(bench.transcript(of: id) == ["busy", "shell: execute_reply error InvalidRequest [0]", "idle"])
    #expect(await bench.execute("print a").contains("stdout a"))
  }

  @Test("cells run one after the other, in the order in which they came")
  func serial() async throws {
    bench.start("wait gate\nprint one")
    bench.start("print two")
    await bench.settle()
    #expect(bench.transcript(of: "2").isEmpty)
    try bench.alpha.open("gate")
    await bench.finished("2")
    let replies = bench.transcript.filter {
      $0.contains("reply") || $0.hasSuffix("busy") || $0.hasSuffix("idle")
    }
    #expect(
      replies == [
        "1: busy", "1: shell: execute_reply ok [1]", "1: idle", "2: busy", "2: shell: execute_reply ok [2]",
        "2: idle",
      ])
  }

  @Test("an unknown message type on shell gets busy and idle and no reply")
  func unknownType() async {
    #expect(await bench.run("made_up_request") == ["busy", "idle"])
    #expect(await bench.run("hello") == ["busy", "idle"])
  }
}

/// Which cells are not run after one has failed.
@Suite("stop_on_error", .timeLimit(.minutes(5)))
@KernelActor
struct StopOnErrorTests {
  private let bench = Bench()

  private func replies() -> [String] {
    bench.transcript.filter { $0.contains("execute_reply") }
  }

  @Test("exactly the cells that arrived before the error reply are aborted: with idle, without a number")
  func exact() async {
    bench.start("error E")
    bench.start("print never")
    bench.start("print never either")
    await bench.finished("3")
    #expect(
      replies() == [
        "1: shell: execute_reply error E [1]", "2: shell: execute_reply error ExecutionAborted [0]",
        "3: shell: execute_reply error ExecutionAborted [0]",
      ])
    #expect(bench.transcript(of: "2") == ["busy", "shell: execute_reply error ExecutionAborted [0]", "idle"])
    // The next one is a new start.
    #expect(await bench.execute("print on").contains("stdout on"))
    #expect(replies().last == "4: shell: execute_reply ok [2]")
  }

  @Test("so are those that have arrived but were not received yet")
  func pending() async {
    bench.frontEnd.onReceivePending = { [bench] in
      bench.frontEnd.onReceivePending = {}
      bench.start("print never", id: "late")
    }
    bench.start("error E", id: "first")
    await bench.finished("late")
    #expect(
      bench.transcript(of: "late") == ["busy", "shell: execute_reply error ExecutionAborted [0]", "idle"])
  }

  @Test("a cell that comes when the error reply is out is run")
  func afterReply() async {
    bench.start("error E")
    await bench.frontEnd.wait { self.replies().count == 1 }
    bench.start("print yes")
    await bench.finished("2")
    #expect(bench.transcript(of: "2").contains("stdout yes"))
  }

  @Test("only execute requests are aborted")
  func others() async {
    bench.start("wait gate\nerror E")
    bench.send("kernel_info_request")
    bench.start("print never")
    bench.send("history_request", ["hist_access_type": "tail"])
    await bench.settle()
    bench.languages["alpha"]?.open("gate")
    await bench.finished("4")
    #expect(bench.transcript(of: "2") == ["busy", "shell: kernel_info_reply ok", "idle"])
    #expect(bench.transcript(of: "3").contains("shell: execute_reply error ExecutionAborted [0]"))
    #expect(bench.transcript(of: "4") == ["busy", "shell: history_reply ok", "idle"])
  }

  @Test(
    "nothing is aborted when the cell says so, is silent, or ends well",
    arguments: [
      ("error E", "stop_on_error", false), ("error E", "silent", true), ("print a", "stop_on_error", true),
    ])
  func notAborted(code: String, option: String, value: Bool) async {
    bench.start(code, [.init(option, .bool(value))])
    bench.start("print yes")
    await bench.finished("2")
    #expect(bench.transcript(of: "2").contains("stdout yes"))
  }

  @Test(
    "a language's failure, an unknown language and a request that is none abort too", arguments: [0, 1, 2])
  func failures(which: Int) async {
    switch which {
    case 0: bench.start("die X")
    case 1: bench.start("#!klingon\nx")
    default: bench.send("execute_request", raw: "[]")
    }
    bench.start("print never")
    await bench.finished("2")
    #expect(
      bench.transcript(of: "2").dropFirst().first?.hasPrefix("shell: execute_reply error ExecutionAborted")
        == true)
  }
}

extension Array {
  func last(_ count: Int) -> [Element] { Array(suffix(count)) }
}
