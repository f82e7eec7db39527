import JupyterProtocol
import KernelCore
import KernelExecutor

/// The front end of a run: a client of the kernel inside the process, without sockets.
///
/// Nobody sits before it, so questions to the user are refused by the kernel itself (`allow_stdin` is false).
@KernelActor
final class RunFrontEnd: FrontEnd {
  /// What came back for a request that somebody waits for.
  private struct Waiting {
    var reply: JSONValue?
    var isIdle: Bool
    let continuation: CheckedContinuation<JSONValue?, Never>
  }

  weak var kernel: Kernel?
  /// Who has the kernel once the run is over; nothing reaches the run then.
  private weak var successor: (any FrontEnd)?
  private var isHandedOver = false
  /// Told every message on iopub, in order.
  var onPublish: @KernelActor (OutgoingMessage) -> Void = { _ in }
  /// Told every reply on shell and control.
  var onReply: @KernelActor (OutgoingMessage) -> Void = { _ in }
  private let session: String
  private var waiting: [String: Waiting] = [:]
  private var count = 0

  init(session: String) {
    self.session = session
  }

  func handOver(to successor: any FrontEnd) {
    self.successor = successor
    isHandedOver = true
  }

  // MARK: - FrontEnd

  func publish(_ message: OutgoingMessage) {
    guard !isHandedOver else {
      successor?.publish(message)
      return
    }
    onPublish(message)
    guard message.messageType == "status", waiting[message.parent.messageID] != nil,
      JSONScanner.parse(message.content)?["execution_state"]?.string == "idle"
    else { return }
    waiting[message.parent.messageID]?.isIdle = true
    finishIfComplete(message.parent.messageID)
  }

  func send(_ message: OutgoingMessage, on channel: Channel) -> String {
    // A reply to the run itself, which has given it up, finds nobody.
    if isHandedOver { return successor?.send(message, on: channel) ?? newID() }
    count += 1
    if channel != .stdin {
      onReply(message)
      waiting[message.parent.messageID]?.reply = JSONScanner.parse(message.content) ?? .null
      finishIfComplete(message.parent.messageID)
    }
    return "\(session)-\(count)"
  }

  func withdraw(_ messageID: String) { successor?.withdraw(messageID) }

  func receivePending() { successor?.receivePending() }

  // MARK: - Requests

  func newID() -> String {
    count += 1
    return "\(session)-\(count)"
  }

  /// Hands a message to the kernel.
  func deliver(
    _ type: String, id: String, _ content: [UInt8], metadata: [UInt8] = JSONText.emptyObject,
    channel: Channel = .shell
  ) {
    let header = Header(messageID: id, session: session, messageType: type, date: Timestamp.now())
    kernel?.receive(
      IncomingMessage(
        channel: channel, identities: [], header: header, parentHeader: JSONText.emptyObject,
        metadata: metadata, content: content, buffers: []))
  }

  /// Sends a request; returns its reply when everything that belongs to it has come, or nil once it is given up.
  func request(
    _ type: String, id: String? = nil, _ content: [UInt8] = JSONText.emptyObject,
    metadata: [UInt8] = JSONText.emptyObject, channel: Channel = .shell
  ) async -> JSONValue? {
    let id = id ?? newID()
    return await withCheckedContinuation { continuation in
      // Control publishes no status for the requests a run sends.
      waiting[id] = Waiting(isIdle: channel == .control, continuation: continuation)
      deliver(type, id: id, content, metadata: metadata, channel: channel)
    }
  }

  /// Waits no longer for any reply.
  func giveUp() {
    let entries = waiting.values
    waiting = [:]
    for entry in entries { entry.continuation.resume(returning: nil) }
  }

  private func finishIfComplete(_ id: String) {
    guard let entry = waiting[id], entry.isIdle, let reply = entry.reply else { return }
    waiting[id] = nil
    entry.continuation.resume(returning: reply)
  }
}
