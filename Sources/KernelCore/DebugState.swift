import JupyterProtocol
import KernelExecutor

/// What the debugger of the default language is doing, learnt from the requests and events that pass.
///
/// A page that is loaded anew asks `debugInfo` while the language stands at a breakpoint or runs a busy cell. It is
/// answered from here, at once. Source: messaging specification, "Debug request"; enhancement proposal 47.
@KernelActor
final class DebugState {
  private weak var backend: (any LanguageBackend)?
  private var isStarted = false
  private var breakpoints: [(source: String, lines: JSONValue)] = []
  private var stoppedThreads: [Int] = []

  /// A request has been answered.
  func answered(_ request: JSONValue, _ reply: [UInt8], by backend: any LanguageBackend) {
    guard let reply = JSONScanner.parse(reply), reply["success"]?.bool == true else { return }
    self.backend = backend
    switch request["command"]?.string {
    case "initialize": isStarted = true
    case "disconnect", "terminate": reset()
    case "setBreakpoints":
      guard let source = request["arguments"]?["source"]?["path"]?.string else { return }
      // A debugger may set them on other lines than it was asked to.
      let lines = reply["body"]?["breakpoints"]?.array?.compactMap { $0["line"]?.integer } ?? []
      breakpoints.removeAll { $0.source == source }
      if !lines.isEmpty {
        breakpoints.append((source, .array(lines.map { ["line": .integer($0)] })))
      }
    default: break
    }
  }

  /// An event is on its way to the front ends.
  func noticed(_ event: [UInt8], from backend: any LanguageBackend) {
    guard let event = JSONScanner.parse(event) else { return }
    let thread = event["body"]?["threadId"]?.integer
    switch event["event"]?.string {
    case "stopped":
      self.backend = backend
      if let thread, !stoppedThreads.contains(thread) { stoppedThreads.append(thread) }
    case "continued":
      let isAll = event["body"]?["allThreadsContinued"]?.bool ?? true
      stoppedThreads.removeAll { isAll || $0 == thread }
    case "terminated", "exited": stoppedThreads = []
    default: break
    }
  }

  /// A language's process has ended.
  func ended(_ backend: any LanguageBackend) {
    if self.backend === backend { reset() }
  }

  private func reset() {
    isStarted = false
    breakpoints = []
    stoppedThreads = []
  }

  /// The response to `debugInfo`.
  /// - Parameter constants: what never changes of it, as the language has told.
  func information(_ request: JSONValue, constants: JSONValue) -> [UInt8] {
    var body: [JSONValue.Member] = [.init("isStarted", .bool(isStarted))]
    body += constants.members ?? []
    body.append(
      .init(
        "breakpoints",
        .array(breakpoints.map { ["source": .string($0.source), "breakpoints": $0.lines] })))
    body.append(.init("stoppedThreads", .array(stoppedThreads.map(JSONValue.integer))))
    return response(to: request, [.init("success", true), .init("body", .object(body))])
  }

  /// The response to a request that no debugger takes.
  func refusal(_ request: JSONValue, _ error: ErrorContent) -> [UInt8] {
    let content = JSONScanner.parse(error.replyContent)?.members ?? []
    return response(to: request, [.init("success", false), .init("message", .string(error.value))] + content)
  }

  private func response(to request: JSONValue, _ members: [JSONValue.Member]) -> [UInt8] {
    let number = request["seq"] ?? 0
    return JSONValue.object(
      [
        .init("type", "response"), .init("seq", number), .init("request_seq", number),
        .init("command", request["command"] ?? ""),
      ] + members
    ).encoded
  }
}
