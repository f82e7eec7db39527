import JupyterProtocol
import KernelExecutor
import ParleyTestSupport
import Testing

@testable import KernelCore

/// Requests that change nothing.
@Suite("queries", .timeLimit(.minutes(5)))
@KernelActor
struct QueryTests {
  private let bench = Bench()

  @Test("kernel_info before any language has started")
  func kernelInfo() async throws {
    let info = try await bench.ask("kernel_info_request")
    #expect(info["status"] == "ok" && info["protocol_version"] == "5.6")
    #expect(info["implementation"] == "parley" && info["implementation_version"] == "1.2.3")
    #expect(info["language_info"] == ["name": "alpha"])
    #expect(info["banner"]?.string?.hasSuffix("\nAlpha 1") == true)
    #expect(info["supported_features"] == ["kernel subshells"] && info["debugger"] == false)
    #expect(info["execution_state"] == "idle")
    #expect(info["help_links"]?.array?.first?["url"]?.string?.hasPrefix("https://") == true)
    #expect(bench.languages.made.isEmpty)
  }

  @Test("kernel_info has a debugger when the language has one")
  func debugger() async throws {
    bench.languages.descriptions[0].capabilities.insert("debug")
    let info = try await bench.ask("kernel_info_request")
    #expect(info["debugger"] == true && info["supported_features"] == ["kernel subshells", "debugger"])
  }

  @Test("kernel_info on control says busy while a cell runs, and gets no status")
  func busyState() async throws {
    bench.start("wait gate")
    await bench.settle()
    let info = try await bench.ask("kernel_info_request", on: .control)
    #expect(info["execution_state"] == "busy")
    #expect(bench.transcript(of: "2") == ["control: kernel_info_reply ok"])
    try bench.alpha.open("gate")
    await bench.finished("1")
  }

  @Test("completion goes to the language of the cursor's segment, the code blanked in place")
  func complete() async throws {
    _ = await bench.execute("print a\n#!beta\nprint b")
    let answer = #"{"status":"ok","matches":["pi"],"cursor_start":0,"cursor_end":1,"metadata":{}}"#
    try bench.alpha.answers["complete_request"] = answer
    let cell = "p\n#!beta\nq"
    #expect(
      try await bench.ask("complete_request", ["code": .string(cell), "cursor_pos": 1])["matches"] == ["pi"])
    #expect(try bench.alpha.log == [#"complete_request {"code":"p","cursor_pos":1}"#])
    _ = try await bench.ask("complete_request", ["code": .string(cell), "cursor_pos": 10])
    #expect(bench.languages["beta"]?.log == [#"complete_request {"code":" \n      \nq","cursor_pos":10}"#])
  }

  @Test(
    "a language without an answer gives the specification's nothing",
    arguments: [
      ("complete_request", #"{"status":"ok","matches":[],"cursor_start":1,"cursor_end":1,"metadata":{}}"#),
      ("inspect_request", #"{"status":"ok","found":false,"data":{},"metadata":{}}"#),
      ("is_complete_request", #"{"status":"unknown"}"#),
    ])
  func nothing(type: String, expected: String) async throws {
    for code in ["x", "#!klingon\nx", "#!delta\nx", "#!help"] {
      let reply = try await bench.ask(type, ["code": .string(code), "cursor_pos": 1])
      #expect(reply.encoded.text == expected || code.hasPrefix("#!") && type == "complete_request")
    }
  }

  @Test("a language's marker alone is incomplete: a console's Enter must not run it")
  func markerAlone() async throws {
    #expect(
      try await bench.ask("is_complete_request", ["code": "#!beta"]) == [
        "status": "incomplete", "indent": "",
      ])
    for code in ["#!beta\n", "#!beta x", "#!help", "#!klingon"] {
      #expect(try await bench.ask("is_complete_request", ["code": .string(code)])["status"] == "unknown")
    }
  }

  @Test("an answer that is no JSON object is none", arguments: ["[]", "{", ""])
  func badAnswer(answer: String) async throws {
    _ = await bench.execute("print a")
    try bench.alpha.answers["is_complete_request"] = answer
    #expect(try await bench.ask("is_complete_request", ["code": "x"])["status"] == "unknown")
  }

  @Test(
    "cursors that are missing, null or out of range are clamped",
    arguments: [
      (#"{"code":"é😀"}"#, 2), (#"{"code":"é😀","cursor_pos":null}"#, 2),
      (#"{"code":"é😀","cursor_pos":99}"#, 2),
      (#"{"code":"é😀","cursor_pos":-4}"#, 0), (#"{"code":"é😀","cursor_pos":1}"#, 1),
    ])
  func cursor(content: String, expected: Int) async throws {
    let id = bench.send("complete_request", raw: content)
    await bench.finished(id)
    #expect(bench.frontEnd.reply(to: id)?["cursor_start"]?.integer == expected)
  }

  @Test("completion behind #! offers languages, aliases and the kernel's own lines")
  func marker() async throws {
    func matches(_ code: String, _ cursor: Int) async throws -> JSONValue {
      try await bench.ask("complete_request", ["code": .string(code), "cursor_pos": .integer(cursor)])
    }
    let all = try await matches("#!", 2)
    #expect(
      all["matches"] == [
        "#!alpha", "#!a", "#!beta", "#!gamma", "#!delta", "#!languages", "#!restart", "#!interrupt", "#!help",
      ])
    let some = try await matches("x\n#!be\ny", 6)
    #expect(some["matches"] == ["#!beta"] && some["cursor_start"] == 2 && some["cursor_end"] == 6)
    let types = try #require(some["metadata"]?["_jupyter_types_experimental"]?.array)
    #expect(types.map { $0["type"] } == ["language"])
    #expect(bench.languages.made.isEmpty)
  }

  @Test(
    "history in its three forms",
    arguments: [
      (#"{"hist_access_type":"tail","n":5,"output":true,"raw":false}"#, "tail 5 output=true raw=false"),
      (#"{"hist_access_type":"tail"}"#, "tail 10 output=false raw=true"),
      (#"{"hist_access_type":"range","session":-1,"start":2,"stop":9}"#, "range -1 2..<9 output=false"),
      (#"{"hist_access_type":"range","stop":null}"#, "range 0 0..<end output=false"),
      (#"{"hist_access_type":"search","pattern":"a*","n":3,"unique":true}"#, "search a* n=3 unique=true"),
      (#"{"hist_access_type":"search"}"#, "search * n=all unique=false"),
    ])
  func history(content: String, call: String) async throws {
    bench.history.entries.withLock {
      $0 = [.init(session: 3, line: 1, input: "a"), .init(session: 3, line: 2, input: "b", output: "7")]
    }
    let id = bench.send("history_request", raw: content)
    await bench.finished(id)
    #expect(bench.history.calls == [call])
    let rows: JSONValue =
      call.contains("output=true")
      ? [[3, 1, ["a", .null]], [3, 2, ["b", "7"]]] : [[3, 1, "a"], [3, 2, "b"]]
    #expect(bench.frontEnd.reply(to: id) == ["status": "ok", "history": rows])
  }

  @Test(
    "content that is no request is refused",
    arguments: [
      ("complete_request", "{}"), ("inspect_request", #"{"code":1}"#), ("is_complete_request", "{}"),
      ("history_request", "{}"),
      ("history_request", #"{"hist_access_type":"all"}"#), ("kernel_info_request", "[]"),
      ("comm_info_request", "nope"),
    ])
  func invalid(type: String, content: String) async {
    let id = bench.send(type, raw: content)
    await bench.finished(id)
    let reply = "\(type.dropLast("_request".count))_reply"
    #expect(bench.transcript(of: id) == ["busy", "shell: \(reply) error InvalidRequest", "idle"])
  }

  @Test("connect_request answers what the program has set")
  func connect() async throws {
    bench.kernel.connectionPorts = { ["status": "ok", "shell_port": 5] }
    #expect(try await bench.ask("connect_request")["shell_port"] == 5)
  }
}

/// Questions overtake a cell that runs; nothing else does.
@Suite("overtaking", .timeLimit(.minutes(5)))
@KernelActor
struct RequestQueueTests {
  private let bench = Bench()

  private func busyBench() async {
    bench.start("wait gate", id: "cell")
    await bench.settle()
  }

  private func openGate() throws { try bench.alpha.open("gate") }

  @Test(
    "a question waits a moment and then overtakes, with a busy and an idle of its own",
    arguments: [
      "kernel_info_request", "complete_request", "inspect_request", "is_complete_request", "history_request",
      "comm_info_request",
    ])
  func overtakes(type: String) async throws {
    await busyBench()
    let id = bench.send(type, ["code": "x", "hist_access_type": "tail"])
    await bench.settle()
    #expect(bench.transcript(of: id).isEmpty, "a short cell must not be overtaken")
    bench.clock.advance(milliseconds: 200)
    await bench.settle()
    let reply = "\(type.dropLast("_request".count))_reply"
    #expect(bench.transcript(of: id) == ["busy", "shell: \(reply) ok".padded(for: reply), "idle"])
    #expect(!bench.transcript.contains("cell: idle"))
    #expect(bench.transcript.last == ": busy", "the kernel must not look idle while a cell runs")
    try openGate()
    await bench.finished("cell")
    #expect(
      bench.transcript(of: id).filter { $0 == "idle" }.count == 1, "it must not be answered a second time")
  }

  @Test("without the moment it keeps its turn")
  func keepsTurn() async throws {
    await busyBench()
    bench.start("print b", id: "second")
    bench.send("kernel_info_request", id: "info")
    try openGate()
    await bench.finished("info")
    let idles = bench.transcript.filter { $0.hasSuffix(": idle") }
    #expect(idles == ["cell: idle", "second: idle", "info: idle"])
    bench.clock.advance(milliseconds: 500)
    await bench.settle()
    #expect(bench.transcript(of: "info").count == 3)
  }

  @Test("executes and comm messages never overtake")
  func neverOvertake() async throws {
    await busyBench()
    bench.start("print b", id: "second")
    bench.send("comm_msg", ["comm_id": "c", "data": [:]], id: "comm")
    bench.clock.advance(milliseconds: 1_000)
    await bench.settle()
    #expect(bench.transcript(of: "second").isEmpty && bench.transcript(of: "comm").isEmpty)
    try openGate()
    await bench.finished("comm")
  }

  @Test("questions behind a question that hangs keep their turn")
  func behindAQuestion() async throws {
    _ = await bench.execute("print a")
    try bench.alpha.queryGate = "slow"
    bench.send("inspect_request", ["code": "x"], id: "slow")
    bench.send("kernel_info_request", id: "info")
    bench.clock.advance(milliseconds: 1_000)
    await bench.settle()
    #expect(bench.transcript(of: "info").isEmpty)
    try bench.alpha.open("slow")
    await bench.finished("info")
  }

  @Test("on control an interrupt overtakes a question that hangs; other requests keep their turn")
  func interruptOvertakesOnControl() async throws {
    _ = await bench.execute("print a")
    try bench.alpha.queryGate = "slow"
    bench.send("inspect_request", ["code": "x"], on: .control, id: "slow")
    bench.send("kernel_info_request", on: .control, id: "info")
    bench.send("interrupt_request", on: .control, id: "interrupt")
    bench.clock.advance(milliseconds: 1_000)
    await bench.finished("interrupt", on: .control)
    #expect(
      bench.transcript(of: "interrupt") == [
        "busy (control)", "control: interrupt_reply ok", "idle (control)",
      ])
    let replies = bench.transcript.filter { $0.contains(" control: ") }
    #expect(replies.first == "interrupt: control: interrupt_reply ok")
    try bench.alpha.open("slow")
    await bench.finished("info", on: .control)
  }
}

extension String {
  /// Only `is_complete_reply` says something else than ok here.
  fileprivate func padded(for reply: String) -> String {
    reply == "is_complete_reply" ? "shell: is_complete_reply unknown" : self
  }
}
