import JupyterProtocol
import KernelExecutor

/// Publishes what backends put out: adds what the specification wants, holds back what a silent cell says,
/// remembers results for the history.
@KernelActor
final class OutputHub: BackendOutput {
  /// Results longer than this are not kept in the history.
  private static let historyLimit = 64 << 10

  private let publisher: Publisher
  private let broker: StdinBroker
  private let comms: CommTable
  private let history: any HistoryStore
  private let debugger: DebugState?
  /// See ``Kernel/stopsAtLostState``.
  var stopsAtLostState = false

  init(
    publisher: Publisher, broker: StdinBroker, comms: CommTable, history: any HistoryStore,
    debugger: DebugState? = nil
  ) {
    self.debugger = debugger
    self.publisher = publisher
    self.broker = broker
    self.comms = comms
    self.history = history
  }

  func stream(_ name: String, _ text: [UInt8], of execution: Execution?) {
    if execution?.request.silent == true { return }
    publisher.stream(name, text, parent: execution?.parent ?? .none)
  }

  func publish(
    _ messageType: String, content: [UInt8], metadata: [UInt8]?, buffers: [[UInt8]],
    of execution: Execution?, from backend: any LanguageBackend
  ) -> Bool {
    guard let members = JSONScanner.members(of: content) else { return false }
    if let metadata, !JSONScanner.isObject(metadata) { return false }
    var content = content
    switch messageType {
    case "execute_result", "display_data", "update_display_data":
      content = complete(content, members: members, messageType: messageType, execution: execution)
      if messageType == "execute_result" { remember(content, of: execution) }
    case "error":
      execution?.publishedError = JSONScanner.parse(content).flatMap(ErrorContent.init)
    case "comm_open":
      if let parsed = JSONScanner.parse(content), let id = parsed["comm_id"]?.string {
        comms.open(id, target: parsed["target_name"]?.string ?? "", owner: backend)
      }
    case "comm_close":
      if let id = JSONScanner.parse(content)?["comm_id"]?.string { comms.close(id) }
    case "debug_event": debugger?.noticed(content, from: backend)
    default: break
    }
    let isOutput = !messageType.hasPrefix("comm_") && messageType != "debug_event"
    if execution?.request.silent == true, isOutput { return true }
    publisher.publish(
      OutgoingMessage(
        messageType, parent: execution?.parent ?? .none, content: content,
        metadata: metadata ?? JSONText.emptyObject, buffers: buffers))
    return true
  }

  func ask(_ prompt: String, password: Bool, of execution: Execution) async -> InputAnswer {
    await broker.ask(prompt, password: password, of: execution)
  }

  func registerTarget(_ name: String, for backend: any LanguageBackend) {
    comms.registerTarget(name, owner: backend)
  }

  func tell(lostState end: ErrorContent, before execution: Execution) -> ErrorContent? {
    // Its last line says what becomes of the next cell, which is this one.
    let happened =
      end.traceback.dropLast().joined(separator: "\n")
      + "\nThat was since its last cell; what it had in memory is lost."
    guard stopsAtLostState else {
      stream("stderr", Array("[\(happened) It is started anew.]\n".utf8), of: execution)
      return nil
    }
    return ErrorContent(
      name: "BackendStateLost", value: "\(end.value), since its last cell",
      traceback: [happened, "So this cell is not run."])
  }

  func ended(_ backend: any LanguageBackend) {
    debugger?.ended(backend)
    for id in comms.removeAll(of: backend) {
      var content = JSONWriter()
      content.object { writer in
        writer.member("comm_id", id)
        writer.member("data", raw: JSONText.emptyObject)
      }
      publisher.publish(OutgoingMessage("comm_close", parent: .none, content: content.bytes))
    }
  }

  /// Fills in what a bridge may leave out: `metadata`, `transient` (null has crashed clients), and the
  /// number of a result. The large `data` is copied, not decoded.
  private func complete(
    _ content: [UInt8], members: [(name: String, value: Range<Int>)], messageType: String,
    execution: Execution?
  ) -> [UInt8] {
    func isObject(_ name: String) -> Bool {
      members.last { $0.name == name }.map { content[$0.value.lowerBound] == UInt8(ascii: "{") } ?? false
    }
    let isResult = messageType == "execute_result"
    let hasCount = members.contains { $0.name == "execution_count" }
    if isObject("metadata"), isObject("transient"), isObject("data"), !isResult || hasCount { return content }
    var writer = JSONWriter(reserving: content.count + 64)
    writer.object { writer in
      for name in ["data", "metadata", "transient"] {
        if isObject(name), let member = members.last(where: { $0.name == name }) {
          writer.member(name, raw: content[member.value])
        } else {
          writer.member(name, raw: JSONText.emptyObject)
        }
      }
      let known: Set = ["data", "metadata", "transient"]
      for member in members where !known.contains(member.name) {
        writer.member(member.name, raw: content[member.value])
      }
      if isResult, !hasCount { writer.member("execution_count", execution?.executionCount ?? 0) }
    }
    return writer.bytes
  }

  private func remember(_ content: [UInt8], of execution: Execution?) {
    guard let execution, execution.request.storeHistory, content.count <= Self.historyLimit,
      let text = JSONScanner.parse(content)?["data"]?["text/plain"]?.string
    else { return }
    history.appendOutput(line: execution.executionCount, text: text)
  }
}
