import JupyterProtocol
import KernelExecutor

/// Puts everything on iopub, in order, printed text in sensible portions.
///
/// Text goes out at once after a quiet moment; while more keeps coming it is collected for a short time, so
/// that 40,000 flushed lines become some hundred messages instead of 40,000. Whatever else is published sends
/// the collected text first, so the order never changes.
@KernelActor
final class Publisher {
  private struct Collected {
    var name: String
    var parent: Parent
    var text: [UInt8]
  }

  private static let collectFor = Duration.milliseconds(20)
  private static let portion = 256 << 10

  private let frontEnd: any FrontEnd
  private let scheduler: any Scheduler
  private var collected: Collected?
  /// What leaves when the code that runs now has come to a halt, in order.
  private var postponed: [OutgoingMessage] = []
  /// The ids of the execute requests that are busy.
  private var executing: [String] = []
  private var cancelTimer: (@KernelActor () -> Void)?

  init(frontEnd: any FrontEnd, scheduler: any Scheduler) {
    self.frontEnd = frontEnd
    self.scheduler = scheduler
  }

  func publish(_ message: OutgoingMessage) {
    flush()
    frontEnd.publish(message)
  }

  /// Publishes once the job that runs now waits for something, and before anything else is published.
  ///
  /// For what a cell is announced with: its language starts on it while we sign and send.
  func publishSoon(_ message: OutgoingMessage) {
    if postponed.isEmpty {
      flush()
      KernelActor.start { self.sendPostponed() }
    }
    postponed.append(message)
  }

  private func sendPostponed() {
    guard !postponed.isEmpty else { return }
    let messages = postponed
    postponed = []
    for message in messages { frontEnd.publish(message) }
  }

  /// `busy` for a request on shell, as ``publishSoon(_:)`` does.
  func busySoon(parent: Parent, executes: Bool) {
    if executes { executing.append(parent.messageID) }
    publishSoon(Self.statusMessage("busy", parent: parent, channel: .shell))
  }

  /// `idle` for a request; while a cell runs, a `busy` behind it that belongs to no request.
  ///
  /// Front ends and the server that ends forgotten kernels take the last status for that of the kernel, and would show or
  /// end an idle one after each completion, message of a widget or question of the debugger. Record: docs/adr/0008.
  func idle(parent: Parent, channel: Channel = .shell) {
    if let ended = executing.firstIndex(of: parent.messageID) { executing.remove(at: ended) }
    status("idle", parent: parent, channel: channel)
    if !executing.isEmpty { status("busy", parent: .none) }
  }

  /// `status`, with the channel named for requests that did not come on shell.
  func status(_ state: String, parent: Parent, channel: Channel = .shell) {
    publish(Self.statusMessage(state, parent: parent, channel: channel))
  }

  private static func statusMessage(_ state: String, parent: Parent, channel: Channel) -> OutgoingMessage {
    var content = JSONWriter(reserving: 32)
    content.object { writer in
      writer.member("execution_state", state)
      if channel != .shell { writer.member("channel", channel.rawValue) }
    }
    return OutgoingMessage("status", parent: parent, content: content.bytes)
  }

  /// Printed text; the bytes are valid UTF-8.
  func stream(_ name: String, _ text: [UInt8], parent: Parent) {
    guard !text.isEmpty else { return }
    if let current = collected, current.name != name || current.parent.messageID != parent.messageID {
      flush()
    }
    if collected == nil {
      collected = Collected(name: name, parent: parent, text: text)
    } else {
      collected?.text.append(contentsOf: text)
    }
    // A running timer means that text went out a moment ago.
    if cancelTimer == nil || collected?.text.count ?? 0 >= Self.portion {
      flush()
      if cancelTimer == nil {
        cancelTimer = scheduler.after(Self.collectFor) { [weak self] in self?.collectingEnds() }
      }
    }
  }

  private func collectingEnds() {
    cancelTimer = nil
    guard collected != nil else { return }
    flush()
    // More is likely to come: keep the rhythm.
    cancelTimer = scheduler.after(Self.collectFor) { [weak self] in self?.collectingEnds() }
  }

  /// Sends what was postponed and the text collected so far.
  func flush() {
    sendPostponed()
    guard let ready = collected else { return }
    collected = nil
    var content = JSONWriter(reserving: ready.text.count + 64)
    content.object { writer in
      writer.member("name", ready.name)
      writer.member("text", utf8: ready.text)
    }
    frontEnd.publish(OutgoingMessage("stream", parent: ready.parent, content: content.bytes))
  }
}
