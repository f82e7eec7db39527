import JupyterProtocol
import KernelCore
import KernelExecutor
import ParleyTestSupport

/// A language without a process. A cell is a script of one command a line:
///
///     print TEXT   stderr TEXT   result TEXT   publish TYPE JSON   ask PROMPT   secret PROMPT
///     error NAME   (the user's error)        die NAME   (the language fails)
///     wait GATE    (until the test opens it; an interrupt ends the cell)
///     target NAME  (registers a comm target)
@KernelActor
final class ScriptedLanguage: LanguageBackend {
  private(set) var description: LanguageDescription
  let instance: String
  private let output: any BackendOutput
  private(set) var isRunning = false
  var processIDs: [Int32] { isRunning ? [4242] : [] }
  /// What was asked of it, in order.
  private(set) var log: [String] = []
  /// The code of each cell as it came.
  private(set) var cells: [String] = []
  /// What each marker line said behind the name.
  private(set) var markers: [String] = []
  /// Answers to queries by message type; without one there is none.
  var answers: [String: String] = [:]
  /// Queries wait behind this gate when it is named.
  var queryGate: String?
  /// Whether comm messages reach it.
  var takesComms = true
  var userExpressions: String?
  var payload: String?
  private var gates: [(name: String, continuation: CheckedContinuation<Bool, Never>)] = []
  private(set) var executions: [Execution] = []

  init(_ description: LanguageDescription, instance: String, output: any BackendOutput) {
    self.description = description
    self.instance = instance
    self.output = output
  }

  // MARK: - Gates

  func isWaiting(at name: String) -> Bool { gates.contains { $0.name == name } }

  func open(_ name: String) { release(where: { $0 == name }, value: true) }

  private func release(where matches: (String) -> Bool, value: Bool) {
    let mine = gates.filter { matches($0.name) }
    gates.removeAll { matches($0.name) }
    for gate in mine { gate.continuation.resume(returning: value) }
  }

  /// False when it was interrupted.
  private func wait(at name: String) async -> Bool {
    await withCheckedContinuation { gates.append((name, $0)) }
  }

  // MARK: - LanguageBackend

  func prepare() {
    log.append("prepare")
    isRunning = true
  }

  func execute(
    _ code: String, marker: String, of execution: Execution, expressions: [UInt8]
  ) async -> ExecuteOutcome {
    isRunning = true
    cells.append(code)
    markers.append(marker)
    executions.append(execution)
    for line in code.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 1)
      guard let command = words.first else { continue }
      if let outcome = await run(String(command), words.count > 1 ? String(words[1]) : "", execution) {
        return outcome
      }
    }
    return .ok(
      userExpressions: expressions == JSONText.emptyObject ? nil : userExpressions.map { Array(text: $0) },
      payload: payload.map { Array(text: $0) })
  }

  /// The cell's outcome, when the command ends it.
  private func run(_ command: String, _ rest: String, _ execution: Execution) async -> ExecuteOutcome? {
    switch command {
    case "print": output.stream("stdout", Array(text: rest), of: execution)
    case "stderr": output.stream("stderr", Array(text: rest), of: execution)
    case "result": show("execute_result", "{\"data\":{\"text/plain\":\"\(rest)\"}}", execution)
    case "publish":
      let words = rest.split(separator: " ", maxSplits: 1)
      let isValid = show(String(words[0]), String(words[1]), execution)
      if !isValid { output.stream("stderr", Array(text: "refused"), of: execution) }
    case "ask", "secret":
      switch await output.ask(rest, password: command == "secret", of: execution) {
      case .value(let text): output.stream("stdout", Array(text: "got \(text)"), of: execution)
      case .endOfFile: output.stream("stdout", Array(text: "got end of file"), of: execution)
      case .refused(let error): return .error(error, payload: nil)
      case .withdrawn: return .error(ErrorContent(name: "KeyboardInterrupt", value: ""), payload: nil)
      }
    case "error":
      let error = ErrorContent(name: rest, value: "v")
      show("error", error.content.text, execution)
      return .error(error, payload: payload.map { Array(text: $0) })
    case "die": return .failed(ErrorContent(name: rest, value: "v"))
    case "wait":
      guard await wait(at: rest) else {
        return .error(ErrorContent(name: "KeyboardInterrupt", value: ""), payload: nil)
      }
    case "target": output.registerTarget(rest, for: self)
    default: break
    }
    return nil
  }

  @discardableResult
  private func show(_ type: String, _ content: String, _ execution: Execution) -> Bool {
    output.publish(type, content: Array(text: content), metadata: nil, buffers: [], of: execution, from: self)
  }

  func query(_ messageType: String, content: [UInt8]) async -> [UInt8]? {
    log.append("\(messageType) \(content.text)")
    if let queryGate { _ = await wait(at: queryGate) }
    return answers[messageType].map { Array(text: $0) }
  }

  func comm(_ message: IncomingMessage) async -> Bool {
    log.append("\(message.header.messageType) \(message.content.text) +\(message.buffers.count)")
    return takesComms
  }

  func debug(_ content: [UInt8]) async -> [UInt8]? {
    log.append("debug")
    return answers["debug_request"].map { Array(text: $0) }
  }

  func interrupt() {
    // As the protocol has it: nothing happens when nothing runs.
    guard !gates.isEmpty else { return }
    log.append("interrupt")
    release(where: { _ in true }, value: false)
  }

  func restart() async {
    log.append("restart")
    output.ended(self)
  }

  func shutdown(within limit: Duration) async {
    log.append("shutdown")
    isRunning = false
    release(where: { _ in true }, value: false)
  }
}

/// The languages `alpha` (the default), `beta` and `gamma`, and `delta`, which is not installed.
@KernelActor
final class ScriptedLanguages: LanguageProvider {
  private(set) var made: [ScriptedLanguage] = []
  var descriptions: [LanguageDescription] = [
    LanguageDescription(
      name: "alpha", displayName: "Alpha", aliases: ["a"], languageInfo: Array(text: #"{"name":"alpha"}"#),
      banner: "Alpha 1", capabilities: ["complete", "inspect", "is_complete", "comm"]),
    LanguageDescription(
      name: "beta", displayName: "Beta <2>", languageInfo: Array(text: "{}"), capabilities: ["complete"]),
    LanguageDescription(
      name: "gamma", displayName: "Gamma", languageInfo: Array(text: "{}"), capabilities: ["complete"],
      takesMarker: true),
    LanguageDescription(
      name: "delta", displayName: "Delta",
      availability: .missing(reason: "no delta on PATH", install: "apt install delta"),
      languageInfo: Array(text: "{}")),
  ]

  func language(named name: String) -> LanguageDescription? {
    descriptions.first { $0.name == name || $0.aliases.contains(name) }
  }

  func allLanguages() -> [LanguageDescription] { descriptions }

  func makeBackend(
    for language: LanguageDescription, instance: String, output: any BackendOutput
  ) -> any LanguageBackend {
    let backend = ScriptedLanguage(language, instance: instance, output: output)
    made.append(backend)
    return backend
  }

  subscript(_ name: String, instance: String = "") -> ScriptedLanguage? {
    made.first { $0.description.name == name && $0.instance == instance }
  }
}
