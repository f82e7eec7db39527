import JupyterProtocol
import KernelCore
import KernelExecutor
import PosixSupport

/// Runs one script of checks against a bridge and says what is missing.
///
/// The code of each check comes from `check.json` beside the manifest: docs/authors-guide.md. A check without
/// code is skipped, so a bridge can be examined from its first day on.
@KernelActor
final class BridgeExaminer {
  enum Verdict: Equatable {
    case ok
    case failed(String)
    case skipped(String)
  }

  private static let limit = Duration.seconds(20)
  private static let interruptLimit = Duration.seconds(5)

  private let kernel: Kernel
  private let frontEnd: RecordingFrontEnd
  private let snippets: JSONValue
  /// What the first cell may take: its language may have to be made ready once.
  private let startLimit: Duration
  /// Told the verdict of each check as it is there.
  private let report: @KernelActor (String, Verdict) -> Void

  init(
    kernel: Kernel, frontEnd: RecordingFrontEnd, snippets: JSONValue, startLimit: Duration,
    report: @escaping @KernelActor (String, Verdict) -> Void
  ) {
    self.kernel = kernel
    self.frontEnd = frontEnd
    self.snippets = snippets
    self.startLimit = startLimit
    self.report = report
  }

  func run() async {
    var cannotStart = false
    await check("handshake", "print") { code in
      let exchange = await self.frontEnd.wait(for: self.start(code), self.startLimit)
      guard let reply = exchange.reply else { return .failed("no reply within \(self.startLimit)") }
      if reply["ename"]?.string == "BackendStartFailed" {
        cannotStart = true
        return .failed(reply["traceback"]?.array?.first?.string ?? "it could not start")
      }
      return Self.isOK(exchange) ? .ok : Self.describe(exchange)
    }
    // Every other check would say the same, after the pause that a language has that cannot start.
    if cannotStart { return }
    await check("kernel_info says what the language is", "print") { _ in await self.languageInfo() }
    await check("print: stdout is exactly hello", "print") { code in
      let exchange = await self.execute(code)
      return Self.expect(exchange.text("stdout"), "hello\n")
    }
    await check("unicode comes through whole", "unicode") { code in
      let exchange = await self.execute(code)
      return Self.expect(exchange.text("stdout"), "h\u{E9}llo \u{2603} \u{1D11E}\n")
    }
    await check("stderr is a stream of its own", "stderr") { code in
      let exchange = await self.execute(code)
      return exchange.text("stderr").isEmpty ? .failed("nothing on stderr") : .ok
    }
    await check("10,000 lines arrive in order", "lines") { code in
      let expected = (0..<10_000).map { "\($0)\n" }.joined()
      let text = await self.execute(code).text("stdout")
      return text == expected
        ? .ok : .failed("\(text.utf8.count) of \(expected.utf8.count) bytes, or out of order")
    }
    await check("4,000,000 characters in one line arrive whole", "large") { code in
      let text = await self.execute(code).text("stdout")
      let wanted = 4_000_000
      return text.utf8.count == wanted + 1 && text.utf8.dropLast().allSatisfy { $0 == UInt8(ascii: "x") }
        ? .ok : .failed("\(text.utf8.count) of \(wanted + 1) bytes, or others")
    }
    await check("a result is an execute_result", "result") { code in
      await self.expectTypes(code, ["execute_result"])
    }
    await check("a silent cell shows nothing", "result") { code in
      await self.expectTypes(code, [], silent: true)
    }
    await check("a display is a display_data", "display") { code in
      await self.expectTypes(code, ["display_data"])
    }
    await check("text and displays keep their order", "order") { code in
      await self.expectTypes(code, ["stream", "display_data", "stream"])
    }
    await check("an error is one error output and an error reply", "error") { code in
      let exchange = await self.execute(code)
      guard exchange.reply?["status"]?.string == "error" else { return .failed("the reply is not an error") }
      guard exchange.types.filter({ $0 == "error" }).count == 1 else { return Self.describe(exchange) }
      return exchange.reply?["ename"]?.string?.isEmpty == false ? .ok : .failed("the reply has no ename")
    }
    await check("an error names its line in the cell", "error_line") { code in
      let error = await self.execute(code).outputs.last { $0.type == "error" }?.content
      let lines = (error?["traceback"]?.array ?? []) + [error?["evalue"] ?? .null]
      return lines.contains { $0.string?.contains("3") == true }
        ? .ok : .failed("neither the traceback nor the message names line 3")
    }
    await checkState()
    await check("what is printed after the end of the cell is its output still", "late") { code in
      let id = self.start(code)
      let ended = await self.frontEnd.wait(for: id, Self.limit)
      guard ended.isComplete else { return .failed("the cell did not end") }
      guard !ended.text("stdout").contains("late") else {
        return .failed("it was printed before the cell ended")
      }
      let later = await self.frontEnd.wait(for: id, Self.interruptLimit) {
        $0.text("stdout").contains("late")
      }
      return Self.expect(later.text("stdout"), "late\n")
    }
    await check("a question to the user is asked and answered", "input") { code in
      self.frontEnd.answer = "Ada"
      let exchange = await self.execute(code, allowStdin: true)
      return exchange.text("stdout").contains("Ada") ? .ok : Self.describe(exchange)
    }
    await check("a question is refused where nobody can answer", "input") { code in
      // An error of the language, or what it says of a read that found the end of input.
      let exchange = await self.execute(code)
      let isTold = exchange.reply?["status"]?.string == "error" || !exchange.text("stderr").isEmpty
      return isTold ? .ok : Self.describe(exchange)
    }
    await check("an endless loop is interrupted", "loop") { await self.interrupted($0) }
    await check("a sleep is interrupted", "sleep") { await self.interrupted($0) }
    await check("a child process is interrupted", "child") { await self.interrupted($0) }
    await check("an interrupt while nothing runs changes nothing", "print") { code in
      self.kernel.interrupt()
      return Self.expect(await self.execute(code).text("stdout"), "hello\n")
    }
    await check("an interrupt keeps the state", "state_get") { code in
      Self.expect(await self.execute(code).text("stdout"), "42\n")
    }
    await checkQuestions()
    await check("the end of its process is an error in the cell", "crash") { code in
      let exchange = await self.execute(code)
      return exchange.reply?["ename"]?.string == "BackendTerminated" ? .ok : Self.describe(exchange)
    }
    await check("and the next cell runs", "print") { code in
      Self.expect(await self.execute(code).text("stdout"), "hello\n")
    }
  }

  private func languageInfo() async -> Verdict {
    let id = frontEnd.deliver("kernel_info_request", [:])
    let info = await frontEnd.wait(for: id, Self.limit).reply?["language_info"]
    let missing = ["name", "version", "mimetype", "file_extension"].filter {
      info?[$0]?.string?.isEmpty ?? true
    }
    return missing.isEmpty ? .ok : .failed("language_info has no \(missing.joined(separator: ", "))")
  }

  private func checkState() async {
    await check("a cell sees what an earlier one has set", "state_get") { get in
      guard let set = self.snippets["state_set"]?.string else {
        return .skipped("no state_set in check.json")
      }
      _ = await self.execute(set)
      return Self.expect(await self.execute(get).text("stdout"), "42\n")
    }
  }

  private func checkQuestions() async {
    await check("completion", "complete") { code in
      let id = self.frontEnd.deliver(
        "complete_request", ["code": .string(code), "cursor_pos": .integer(code.unicodeScalars.count)])
      let matches = await self.frontEnd.wait(for: id, Self.limit).reply?["matches"]?.array ?? []
      let wanted = self.snippets["complete_match"]?.string ?? ""
      return matches.contains(.string(wanted))
        ? .ok : .failed("\"\(wanted)\" is not among \(matches.count) matches")
    }
    for status in ["complete", "incomplete", "invalid"] {
      await check("is_complete says \(status)", "is_\(status)") { code in
        let id = self.frontEnd.deliver("is_complete_request", ["code": .string(code)])
        let found = await self.frontEnd.wait(for: id, Self.limit).reply?["status"]?.string ?? "nothing"
        return Self.expect(found, status)
      }
    }
    await check("inspection", "inspect") { code in
      let id = self.frontEnd.deliver(
        "inspect_request", ["code": .string(code), "cursor_pos": .integer(code.unicodeScalars.count)])
      return await self.frontEnd.wait(for: id, Self.limit).reply?["found"]?.bool == true
        ? .ok : .failed("nothing found")
    }
  }

  // MARK: - Steps

  private func check(_ name: String, _ key: String, _ body: (String) async -> Verdict) async {
    guard let code = snippets[key]?.string else {
      report(name, .skipped("no \(key) in check.json"))
      return
    }
    report(name, await body(code))
  }

  private func execute(_ code: String, allowStdin: Bool = false) async -> RecordingFrontEnd.Exchange {
    await frontEnd.wait(for: start(code, allowStdin: allowStdin), Self.limit)
  }

  private func start(_ code: String, allowStdin: Bool = false, silent: Bool = false) -> String {
    frontEnd.deliver(
      "execute_request",
      ["code": .string(code), "allow_stdin": .bool(allowStdin), "silent": .bool(silent)])
  }

  private func expectTypes(_ code: String, _ expected: [String], silent: Bool = false) async -> Verdict {
    let types = await frontEnd.wait(for: start(code, silent: silent), Self.limit).types
    return types == expected
      ? .ok : .failed("expected \(expected.joined(separator: ", ")), got \(types.joined(separator: ", "))")
  }

  /// The cell prints one line before it goes on for ever, so the interrupt surely comes while it runs.
  private func interrupted(_ code: String) async -> Verdict {
    let id = start(code)
    let begun = await frontEnd.wait(for: id, Self.limit) { !$0.text("stdout").isEmpty || $0.isComplete }
    guard !begun.isComplete else { return .failed("the cell ended by itself") }
    guard !begun.text("stdout").isEmpty else { return .failed("the cell printed no line before it went on") }
    kernel.interrupt()
    let exchange = await frontEnd.wait(for: id, Self.interruptLimit)
    guard exchange.isComplete else {
      // Leave no loop behind for the checks that follow.
      kernel.interrupt()
      kernel.interrupt()
      _ = await frontEnd.wait(for: id, Self.interruptLimit)
      return .failed("still running 5 s after the interrupt")
    }
    return exchange.reply?["status"]?.string == "error" ? .ok : .failed("the reply is not an error")
  }

  private static func isOK(_ exchange: RecordingFrontEnd.Exchange) -> Bool {
    exchange.reply?["status"]?.string == "ok" && exchange.isIdle
  }

  private static func expect(_ found: String, _ wanted: String) -> Verdict {
    found == wanted ? .ok : .failed("expected \(quoted(wanted)), got \(quoted(found))")
  }

  private static func describe(_ exchange: RecordingFrontEnd.Exchange) -> Verdict {
    let status = exchange.reply?["status"]?.string ?? "none"
    let reason = exchange.reply?["evalue"]?.string.map { ": \($0)" } ?? ""
    return .failed("outputs \(exchange.types.joined(separator: ", ")), reply \(status)\(reason)")
  }

  private static func quoted(_ text: String) -> String {
    String(decoding: JSONValue.string(String(text.prefix(100))).encoded, as: UTF8.self)
  }
}
