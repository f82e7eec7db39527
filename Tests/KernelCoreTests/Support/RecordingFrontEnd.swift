import JupyterProtocol
import KernelCore
import KernelExecutor
import ParleyTestSupport

/// A front end in the test's process: keeps what the kernel sends, in one order, and tells it as a transcript.
@KernelActor
final class RecordingFrontEnd: FrontEnd {
  struct Sent {
    /// Nil for what was published on iopub.
    let channel: Channel?
    let message: OutgoingMessage
    let id: String
  }

  private(set) var sent: [Sent] = []
  /// What the kernel finds when it looks for messages that have arrived but were not received yet.
  var onReceivePending: @KernelActor () -> Void = {}
  private var waiters: [(isDone: @KernelActor () -> Bool, continuation: CheckedContinuation<Void, Never>)] =
    []

  func publish(_ message: OutgoingMessage) {
    record(Sent(channel: nil, message: message, id: "out\(sent.count + 1)"))
  }

  func send(_ message: OutgoingMessage, on channel: Channel) -> String {
    let id = "out\(sent.count + 1)"
    record(Sent(channel: channel, message: message, id: id))
    return id
  }

  func receivePending() { onReceivePending() }

  private func record(_ entry: Sent) {
    sent.append(entry)
    let done = waiters.filter { $0.isDone() }
    waiters.removeAll { $0.isDone() }
    for waiter in done { waiter.continuation.resume() }
  }

  /// Returns when the condition holds; it is looked at after each message.
  func wait(until isDone: @escaping @KernelActor () -> Bool) async {
    // Asked in here: the way into it may take a turn, for a task of the test library.
    await withCheckedContinuation { continuation in
      if isDone() { continuation.resume() } else { waiters.append((isDone, continuation)) }
    }
  }

  // MARK: - As text

  /// Everything so far, each line begun by the id of the request it answers.
  var transcript: [String] { sent.map { "\($0.message.parent.messageID): \(Self.line($0))" } }

  /// What answers one request.
  func transcript(of parent: String) -> [String] {
    sent.filter { $0.message.parent.messageID == parent }.map(Self.line)
  }

  /// The content of the reply to a request.
  func reply(to parent: String) -> JSONValue? {
    sent.last { $0.channel != nil && $0.channel != .stdin && $0.message.parent.messageID == parent }
      .flatMap { JSONScanner.parse($0.message.content) }
  }

  /// One message as a test reads it; line breaks are shown as ⏎.
  private static func line(_ entry: Sent) -> String {
    let type = entry.message.messageType
    let content = JSONScanner.parse(entry.message.content) ?? .null
    func text(_ name: String) -> String {
      (content[name]?.string ?? "?").split(separator: "\n", omittingEmptySubsequences: false).joined(
        separator: "⏎")
    }
    func count() -> String { "[\(content["execution_count"]?.integer ?? -1)]" }
    if let channel = entry.channel {
      let status = content["status"]?.string ?? ""
      let name = content["ename"]?.string.map { " \($0)" } ?? ""
      switch type {
      case "execute_reply": return "\(channel.rawValue): execute_reply \(status)\(name) \(count())"
      case "input_request":
        return
          "\(channel.rawValue): input_request \(text("prompt"))\(content["password"]?.bool == true ? " (password)" : "")"
      default: return "\(channel.rawValue): \(type) \(status)\(name)"
      }
    }
    switch type {
    case "status": return text("execution_state") + (content["channel"]?.string.map { " (\($0))" } ?? "")
    case "stream": return "\(text("name")) \(text("text"))"
    case "execute_input": return "execute_input \(count()) \(text("code"))"
    case "execute_result": return "execute_result \(count()) \(content["data"]?["text/plain"]?.string ?? "?")"
    case "error": return "error \(text("ename")): \(text("evalue"))"
    default: return "\(type) \(entry.message.content.text)"
    }
  }
}

/// A clock that the test turns by hand.
@KernelActor
final class ManualScheduler: Scheduler {
  private var timers: [Int: (deadline: Duration, body: @KernelActor () -> Void)] = [:]
  private var nextID = 0
  private(set) var now = Duration.zero

  func after(_ delay: Duration, _ body: @escaping @KernelActor () -> Void) -> @KernelActor () -> Void {
    nextID += 1
    let id = nextID
    timers[id] = (now + delay, body)
    return { [weak self] in self?.timers[id] = nil }
  }

  var pending: Int { timers.count }

  /// Turns the clock forward; what is due runs in its order.
  func advance(milliseconds: Int) {
    let target = now + .milliseconds(milliseconds)
    while let next = timers.filter({ $0.value.deadline <= target }).min(by: {
      ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key)
    }) {
      timers[next.key] = nil
      now = next.value.deadline
      next.value.body()
    }
    now = target
  }
}
