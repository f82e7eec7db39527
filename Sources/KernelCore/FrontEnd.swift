import JupyterProtocol
import KernelExecutor

/// What the kernel needs of whoever drives it: the ZeroMQ sockets, or an in-process client.
@KernelActor
public protocol FrontEnd: AnyObject {
  /// Publishes on iopub. Calls take effect in order.
  func publish(_ message: OutgoingMessage)

  /// Sends a reply or a question to the sender of the message's parent; returns the new message's id.
  @discardableResult
  func send(_ message: OutgoingMessage, on channel: Channel) -> String

  /// Takes a question back that may not have reached anybody yet; one that has is out of reach.
  func withdraw(_ messageID: String)

  /// Hands over what has arrived on shell but was not received yet, by calling the kernel.
  func receivePending()
}

extension FrontEnd {
  /// A front end that delivers at once has nothing to take back.
  public func withdraw(_ messageID: String) {}
}

/// Timers, from whoever owns the clock.
@KernelActor
public protocol Scheduler: AnyObject {
  /// Calls `body` once after the delay; the result cancels it.
  @discardableResult
  func after(_ delay: Duration, _ body: @escaping @KernelActor () -> Void) -> @KernelActor () -> Void
}

extension Scheduler {
  /// The operation's value, or nil when it takes longer than the limit (it then goes on unobserved).
  public func withDeadline<Value: Sendable>(
    _ limit: Duration, _ operation: sending @escaping @KernelActor () async -> Value
  ) async -> Value? {
    let slot = DeadlineSlot<Value>()
    return await withCheckedContinuation { continuation in
      slot.continuation = continuation
      let cancel = after(limit) { slot.finish(nil) }
      KernelActor.start {
        let value = await operation()
        cancel()
        slot.finish(value)
      }
    }
  }
}

/// A continuation that is resumed by whoever comes first.
@KernelActor
private final class DeadlineSlot<Value: Sendable> {
  var continuation: CheckedContinuation<Value?, Never>?

  func finish(_ value: Value?) {
    continuation?.resume(returning: value)
    continuation = nil
  }
}
