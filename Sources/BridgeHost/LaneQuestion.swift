import KernelExecutor
import PosixSupport

/// A question that was sent on the second lane, until its answer has come and was used.
///
/// Whoever asks beside a cell waits for a moment only. An answer that comes later is kept: the user who presses Tab once
/// more asks the same again, and has it at once instead of making the language begin anew.
@KernelActor
final class LaneQuestion {
  let messageType: String
  let content: [UInt8]
  private(set) var isAnswered = false
  /// nil when the language has given none.
  private(set) var answer: [UInt8]?
  private var waiters: [CheckedContinuation<Void, Never>] = []

  init(_ messageType: String, _ content: [UInt8]) {
    self.messageType = messageType
    self.content = content
  }

  func isSame(_ messageType: String, _ content: [UInt8]) -> Bool {
    self.messageType == messageType && self.content == content
  }

  func finish(_ answer: [UInt8]?) {
    self.answer = answer
    isAnswered = true
    resumeAll()
  }

  /// Waits for the answer; whether it has come within the limit.
  func wait(atMost limit: Duration, _ loop: EventLoop) async -> Bool {
    if isAnswered { return true }
    // Before the timer, which must not come before the end. Early for others who wait: they look again.
    let end = EventLoop.now() + UInt64(limit / .nanoseconds(1))
    let timer = loop.after(limit) { [weak self] in self?.resumeAll() }
    while !isAnswered, EventLoop.now() < end {
      await withCheckedContinuation { waiters.append($0) }
    }
    loop.cancel(timer)
    return isAnswered
  }

  private func resumeAll() {
    let resumed = waiters
    waiters = []
    for waiter in resumed { waiter.resume() }
  }
}
