import JupyterProtocol
import KernelCore
import KernelExecutor
import PosixSupport

/// A front end inside the process: sends requests to a kernel and keeps what comes back.
///
/// For `parley check-bridge`; it sees what a client sees, without sockets.
@KernelActor
final class RecordingFrontEnd: FrontEnd {
  /// Everything that came back for one request.
  struct Exchange {
    var outputs: [(type: String, content: JSONValue)] = []
    var reply: JSONValue?
    var isIdle = false

    var isComplete: Bool { isIdle && reply != nil }

    /// All text of a stream.
    func text(_ name: String) -> String {
      outputs.filter { $0.type == "stream" && $0.content["name"]?.string == name }
        .compactMap { $0.content["text"]?.string }.joined()
    }

    /// The types of outputs in order, statuses and the echo of the input left out.
    var types: [String] {
      outputs.map(\.type).filter { $0 != "status" && $0 != "execute_input" }
    }
  }

  private struct Waiter {
    let messageID: String
    let isSatisfied: (Exchange) -> Bool
    let continuation: CheckedContinuation<Exchange, Never>
  }

  weak var kernel: Kernel?
  /// What `input_request` is answered with.
  var answer = ""
  private let loop: EventLoop
  private var exchanges: [String: Exchange] = [:]
  private var waiters: [Waiter] = []
  private var count = 0

  init(_ loop: EventLoop) {
    self.loop = loop
  }

  // MARK: - FrontEnd

  func publish(_ message: OutgoingMessage) {
    let id = message.parent.messageID
    let content = JSONScanner.parse(message.content) ?? .null
    exchanges[id, default: Exchange()].outputs.append((message.messageType, content))
    if message.messageType == "status", content["execution_state"]?.string == "idle" {
      exchanges[id]?.isIdle = true
    }
    wakeWaiters()
  }

  func send(_ message: OutgoingMessage, on channel: Channel) -> String {
    count += 1
    let id = "answer-\(count)"
    if channel == .stdin {
      let header = JSONValue.object([.init("msg_id", .string(id))]).encoded
      // Later, as an answer from outside comes: whoever asks has not noted its question yet.
      loop.after(.zero) { [weak self] in
        guard let self else { return }
        self.deliver("input_reply", ["value": .string(self.answer)], parentHeader: header, channel: .stdin)
      }
    } else {
      exchanges[message.parent.messageID, default: Exchange()].reply = JSONScanner.parse(message.content)
      wakeWaiters()
    }
    return id
  }

  func receivePending() {}

  // MARK: - Requests

  /// Sends a request; returns its message id.
  @discardableResult
  func deliver(
    _ type: String, _ content: JSONValue, parentHeader: [UInt8] = JSONText.emptyObject,
    channel: Channel = .shell
  ) -> String {
    count += 1
    let id = "request-\(count)"
    let header = Header(messageID: id, session: "check", messageType: type, date: Timestamp.now())
    kernel?.receive(
      IncomingMessage(
        channel: channel, identities: [], header: header, parentHeader: parentHeader,
        metadata: JSONText.emptyObject, content: content.encoded, buffers: []))
    return id
  }

  /// What has come back once it satisfies, or as it is when the time is over.
  func wait(
    for id: String, _ limit: Duration, until isSatisfied: @escaping (Exchange) -> Bool = \.isComplete
  ) async -> Exchange {
    let present = exchanges[id] ?? Exchange()
    if isSatisfied(present) { return present }
    let timer = loop.after(limit) { [weak self] in self?.giveUp(id) }
    defer { loop.cancel(timer) }
    return await withCheckedContinuation { continuation in
      waiters.append(Waiter(messageID: id, isSatisfied: isSatisfied, continuation: continuation))
    }
  }

  private func wakeWaiters() {
    for waiter in waiters {
      guard let exchange = exchanges[waiter.messageID], waiter.isSatisfied(exchange) else { continue }
      waiters.removeAll { $0.messageID == waiter.messageID }
      waiter.continuation.resume(returning: exchange)
    }
  }

  private func giveUp(_ id: String) {
    let late = waiters.filter { $0.messageID == id }
    waiters.removeAll { $0.messageID == id }
    for waiter in late { waiter.continuation.resume(returning: exchanges[id] ?? Exchange()) }
  }
}
