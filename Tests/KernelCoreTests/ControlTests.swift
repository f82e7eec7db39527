import JupyterProtocol
import KernelExecutor
import ParleyTestSupport
import Testing

@testable import KernelCore

/// What comes on control is answered whatever runs on shell.
@Suite("control", .timeLimit(.minutes(5)))
@KernelActor
struct ControlTests {
  private let bench = Bench()

  @Test("statuses only for interrupt, shutdown and debug requests, and they name the channel")
  func statuses() async {
    #expect(
      await bench.run("interrupt_request", on: .control) == [
        "busy (control)", "control: interrupt_reply ok", "idle (control)",
      ])
    #expect(
      await bench.run("debug_request", ["command": "x"], on: .control) == [
        "busy (control)", "control: debug_reply error NotSupported", "idle (control)",
      ])
    for type in ["kernel_info_request", "usage_request", "list_subshell_request", "comm_info_request"] {
      let reply = "control: \(type.dropLast("_request".count))_reply ok"
      #expect(await bench.run(type, on: .control) == [reply])
    }
  }

  @Test("interrupt: the reply at once, then the cell ends as the language says")
  func interrupt() async throws {
    bench.start("wait gate", id: "cell")
    await bench.settle()
    let lines = await bench.run("interrupt_request", on: .control)
    #expect(lines == ["busy (control)", "control: interrupt_reply ok", "idle (control)"])
    await bench.finished("cell")
    #expect(
      bench.transcript(of: "cell").last(2) == ["shell: execute_reply error KeyboardInterrupt [1]", "idle"])
    #expect(try bench.alpha.log == ["interrupt"])
    // With nothing running nobody is disturbed.
    _ = await bench.run("interrupt_request", on: .control)
    bench.kernel.interrupt()
    #expect(try bench.alpha.log == ["interrupt"])
  }

  @Test("an interrupt between two segments ends the cell")
  func betweenSegments() async throws {
    bench.start("wait gate\n#!beta\nprint never", id: "cell")
    await bench.settle()
    let alpha = try bench.alpha
    // A language that ends well in spite of the interrupt.
    alpha.open("gate")
    alpha.executions.last?.isInterrupted = true
    await bench.finished("cell")
    #expect(
      bench.transcript(of: "cell").contains("error KeyboardInterrupt: the rest of the cell did not run"))
    #expect(bench.languages["beta"] == nil)
  }

  @Test("debug requests go to the default language when it runs")
  func debug() async throws {
    _ = await bench.execute("print a")
    try bench.alpha.answers["debug_request"] = #"{"type":"response","success":true}"#
    #expect(try await bench.ask("debug_request", ["command": "x"], on: .control)["success"] == true)
  }

  @Test("usage of the whole process tree")
  func usage() async throws {
    _ = await bench.execute("print a\n#!beta\nprint b")
    let usage = try await bench.ask("usage_request", on: .control)
    #expect(usage["hostname"] == "host" && usage["pid"] == 7 && usage["kernel_cpu"] == .double(1.5))
    #expect(usage["kernel_memory"] == 1002, "both languages' processes are asked for")
    #expect(usage["host_cpu_percent"]?.integer == 50 && usage["cpu_count"] == 2)
    #expect(
      usage["host_virtual_memory"]?["percent"]?.integer == 25 && usage["host_virtual_memory"]?["used"] == 50)
  }

  @Test("an unknown request on control is ignored")
  func unknown() async {
    bench.send("made_up_request", on: .control)
    await bench.settle()
    #expect(bench.transcript.isEmpty)
  }

  @Test(
    "shutdown: the reply, the same on iopub, idle, and then the program is told", arguments: [true, false])
  func shutdown(restart: Bool) async {
    var told: [Bool] = []
    bench.kernel.onShutdown = { told.append($0) }
    let content = "{\"status\":\"ok\",\"restart\":\(restart)}"
    #expect(
      await bench.run("shutdown_request", ["restart": .bool(restart)], on: .control) == [
        "busy (control)", "control: shutdown_reply ok", "shutdown_reply \(content)", "idle (control)",
      ])
    #expect(told == [restart])
    #expect(
      await bench.run("shutdown_request", [:], on: .shell) == [
        "busy", "shell: shutdown_reply ok", #"shutdown_reply {"status":"ok","restart":false}"#, "idle",
      ])
  }

  @Test("the end answers everything that waits or runs, each with one reply and one idle")
  func end() async throws {
    let subshell = try #require(
      try await bench.ask("create_subshell_request", on: .control)["subshell_id"]?.string)
    bench.start("wait gate", id: "runs")
    bench.start("print never", id: "waits")
    bench.start("#!beta\nwait gate", id: "runs too", subshell: subshell)
    bench.start("#!beta\nprint never", id: "waits too", subshell: subshell)
    bench.send("kernel_info_request", id: "info")
    await bench.settle()
    // What the program does: SIGTERM or a shutdown request.
    await bench.kernel.shutdown(within: .seconds(1))
    for id in ["runs", "waits", "runs too", "waits too", "info"] {
      let lines = bench.transcript(of: id)
      #expect(lines.filter { $0.contains("_reply") }.count == 1, "\(id): \(lines)")
      #expect(lines.filter { $0 == "idle" }.count == 1 && lines.last == "idle", "\(id): \(lines)")
    }
    #expect(bench.transcript(of: "waits").contains("shell: execute_reply error ExecutionAborted [0]"))
    #expect(!bench.transcript.contains { $0.contains("never") })
    #expect(bench.history.calls.last == "close")
    #expect(bench.languages.made.allSatisfy { $0.log.last == "shutdown" })
    // A cell that comes now is answered, and nothing is started.
    let late = await bench.execute("#!gamma\nprint never")
    #expect(late.last(2) == ["shell: execute_reply error ExecutionAborted [0]", "idle"])
    #expect(bench.languages["gamma"] == nil)
  }

  @Test("the start: a status without a parent, and the default language in the background")
  func start() async throws {
    bench.kernel.start()
    #expect(bench.transcript == [": starting"])
    #expect(try bench.alpha.log == ["prepare"])
  }
}

@Suite("subshells", .timeLimit(.minutes(5)))
@KernelActor
struct SubshellTests {
  private let bench = Bench()

  private func create() async throws -> String {
    try #require(try await bench.ask("create_subshell_request", on: .control)["subshell_id"]?.string)
  }

  private func list() async throws -> [String] {
    try await bench.ask("list_subshell_request", on: .control)["subshell_id"]?.array?.compactMap(\.string)
      ?? []
  }

  @Test("made, listed, deleted")
  func life() async throws {
    #expect(try await list().isEmpty)
    let (first, second) = (try await create(), try await create())
    #expect(try await list() == [first, second].sorted())
    #expect(
      try await bench.ask("delete_subshell_request", ["subshell_id": .string(first)], on: .control)["status"]
        == "ok")
    #expect(try await list() == [second])
    let again = try await bench.ask("delete_subshell_request", ["subshell_id": .string(first)], on: .control)
    #expect(again["status"] == "error" && again["ename"] == "SubshellNotFound")
    for content: JSONValue in [[:], ["subshell_id": ""], ["subshell_id": .null]] {
      #expect(
        try await bench.ask("delete_subshell_request", content, on: .control)["ename"] == "SubshellNotFound")
    }
    #expect(await bench.execute("print a").contains("stdout a"), "the parent shell cannot be deleted")
  }

  @Test("a subshell runs beside the parent shell, in a queue of its own, with a counter of its own")
  func beside() async throws {
    let id = try await create()
    bench.start("wait gate", id: "parent")
    bench.start("#!beta\nprint side", id: "side", subshell: id)
    await bench.finished("side")
    #expect(
      bench.transcript(of: "side") == [
        "busy", "execute_input [1] #!beta⏎print side", "stdout side", "shell: execute_reply ok [1]", "idle",
      ])
    #expect(bench.transcript(of: "parent") == ["busy", "execute_input [1] wait gate"])
    let reply = try #require(bench.frontEnd.sent.last { $0.message.messageType == "execute_reply" })
    #expect(reply.message.parent.subshellID == id, "the header of the reply names the subshell")
    try bench.alpha.open("gate")
    await bench.finished("parent")
  }

  @Test("an error aborts only its own queue")
  func errors() async throws {
    let id = try await create()
    bench.start("wait gate\nerror E", id: "fails")
    bench.start("print never", id: "aborted")
    bench.start("#!beta\nwait gate", id: "other", subshell: id)
    bench.start("#!beta\nprint yes", id: "runs", subshell: id)
    await bench.settle()
    try bench.alpha.open("gate")
    await bench.finished("aborted")
    bench.languages["beta"]?.open("gate")
    await bench.finished("runs")
    #expect(bench.transcript(of: "runs").contains("stdout yes"))
    #expect(bench.transcript(of: "aborted").contains { $0.contains("ExecutionAborted") })
  }

  @Test(
    "a message for a subshell that is not there gets busy, an error and idle",
    arguments: ["execute_request", "kernel_info_request", "complete_request"])
  func unknown(type: String) async {
    let lines = await bench.run(type, ["code": "x"], subshell: "nobody")
    let reply = "shell: \(type.dropLast("_request".count))_reply error SubshellNotFound"
    #expect(lines.count == 3 && lines.first == "busy" && lines.last == "idle")
    #expect(lines[1].hasPrefix(reply))
  }

  @Test("what waits in a subshell that is deleted is still answered")
  func deletedWhileBusy() async throws {
    let id = try await create()
    bench.start("wait gate\nerror E", id: "runs", subshell: id)
    bench.start("print b", id: "waits", subshell: id)
    await bench.settle()
    _ = try await bench.ask("delete_subshell_request", ["subshell_id": .string(id)], on: .control)
    try bench.alpha.open("gate")
    await bench.finished("waits")
    for cell in ["runs", "waits"] {
      #expect(bench.transcript(of: cell).filter { $0.contains("reply") }.count == 1)
    }
  }
}

/// `#!` lines that the kernel itself handles, and cells of several languages.
@Suite("server lines and segments", .timeLimit(.minutes(5)))
@KernelActor
struct ServerCommandTests {
  private let bench = Bench()

  @Test("a cell of three parts runs in order; an error ends it")
  func segments() async {
    #expect(
      await bench.execute("print 1\n#!beta\nprint 2\n#!alpha:two\nprint 3") == [
        "busy", "execute_input [1] print 1⏎#!beta⏎print 2⏎#!alpha:two⏎print 3", "stdout 1", "stdout 23",
        "shell: execute_reply ok [1]", "idle",
      ])
    #expect(bench.languages["alpha", "two"]?.cells.count == 1)
    #expect(await bench.execute("#!beta\nerror E\n#!alpha\nprint never").last(3).first == "error E: v")
  }

  @Test("an alias and the name are one language")
  func alias() async throws {
    _ = await bench.execute("print 1")
    _ = await bench.execute("#!a\nprint 2")
    #expect(try bench.alpha.cells == ["print 1", "   \nprint 2"])
    #expect(bench.languages.made.count == 1)
  }

  @Test(
    "languages that are not there say what to do",
    arguments: [
      ("#!klingon\nx", "error UnknownLanguage: ", "alpha, beta, delta, gamma"),
      ("#!delta\nx", "error LanguageNotInstalled: ", "no delta on PATH; install it with: apt install delta"),
      ("#!beta memory=8G\nx", "error UnknownOption: ", "memory=8G"),
      ("#!restart klingon", "error UnknownLanguage: ", "klingon"),
    ])
  func missing(code: String, start: String, part: String) async {
    let error = await bench.execute(code).first { $0.hasPrefix("error ") } ?? ""
    #expect(error.hasPrefix(start) && error.contains(part))
  }

  @Test("what stands behind the name goes to a language that takes it, and a password is in no error")
  func markers() async throws {
    _ = await bench.execute("#!gamma a://u:pw@h  limit=5 \nprint 1")
    _ = await bench.execute("#!gamma\nprint 2")
    #expect(bench.languages["gamma"]?.markers == ["a://u:pw@h  limit=5", ""])
    let refused = await bench.execute("#!beta a://u:pw@h\nx").filter { $0.hasPrefix("error ") }.joined()
    #expect(refused.contains("UnknownOption") && !refused.contains("pw"))
  }

  @Test("#!languages lists what is running, installed and missing, as text and safe HTML")
  func languages() async throws {
    _ = await bench.execute("print a")
    let table = try #require(await bench.execute("#!languages").first { $0.hasPrefix("display_data") })
    for part in ["running, default", "installed", "no delta on PATH: apt install delta", "Beta &lt;2&gt;"] {
      #expect(table.contains(part), "\(part)")
    }
    #expect(
      await bench.execute("#!help").contains { $0.hasPrefix("display_data") && $0.contains("#!restart") })
  }

  @Test("#!restart restarts what runs, the default without a name; others are left alone")
  func restart() async throws {
    #expect(
      await bench.execute("#!restart").contains("stdout alpha is not running; its next cell starts it.⏎"))
    _ = await bench.execute("print a\n#!beta\nprint b")
    #expect(
      await bench.execute("#!restart\nprint go").contains(
        "stdout alpha was restarted; what it had in memory is gone.⏎go"))
    #expect(try bench.alpha.log == ["restart"] && bench.languages["beta"]?.log == [])
    _ = await bench.execute("#!restart beta alpha")
    #expect(try bench.alpha.log == ["restart", "restart"] && bench.languages["beta"]?.log == ["restart"])
  }

  @Test("#!interrupt from another subshell stops the language it names")
  func interrupt() async throws {
    let subshell = try #require(
      try await bench.ask("create_subshell_request", on: .control)["subshell_id"]?.string)
    bench.start("wait gate", id: "cell")
    await bench.settle()
    bench.start("#!interrupt beta", id: "other", subshell: subshell)
    await bench.finished("other")
    #expect(!bench.transcript(of: "cell").contains("idle"))
    bench.start("#!interrupt alpha", id: "this", subshell: subshell)
    await bench.finished("this")
    await bench.finished("cell")
    #expect(
      bench.transcript(of: "cell").last(2) == ["shell: execute_reply error KeyboardInterrupt [1]", "idle"])
  }

  @Test("a silent cell's server lines show nothing")
  func silent() async {
    #expect(
      await bench.execute("#!help\n#!languages\n#!restart", [.init("silent", true)]) == [
        "busy", "shell: execute_reply ok [0]", "idle",
      ])
  }

  @Test("the metadata of a request names the language of an unmarked cell")
  func metadata() async {
    _ = await bench.execute("print x", metadata: ["polyglot_notebook": ["kernelName": "beta"]])
    #expect(bench.languages["beta"]?.cells == ["print x"])
  }
}
