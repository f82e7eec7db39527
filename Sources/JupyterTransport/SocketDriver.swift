import KernelExecutor
import PosixSupport
import ZeroMQ

/// Binds ZeroMQ sockets to the event loop.
///
/// A socket's descriptor is edge-triggered, so readiness is asked again after it fired and after every use
/// of the socket (``touched()``), before the loop waits. Missing that is how requests get stranded.
@KernelActor
final class SocketDriver {
  private let loop: EventLoop
  private let descriptor: Int32
  private let serve: @KernelActor () -> Bool
  private var mustAsk = true
  private var check: UInt64?

  /// - Parameter serve: handles what has arrived, a bounded amount; returns whether more is left.
  init(
    loop: EventLoop, descriptor: Int32, priority: EventLoop.Priority = .socket,
    serve: @escaping @KernelActor () -> Bool
  ) {
    self.loop = loop
    self.descriptor = descriptor
    self.serve = serve
    loop.watch(descriptor, priority: priority) { [weak self] _ in
      self?.mustAsk = true
    }
    check = loop.addCheck { [weak self] in
      guard let self, self.mustAsk else { return false }
      // First, so that a use of the socket while it is served counts.
      self.mustAsk = false
      if self.serve() { self.mustAsk = true }
      return self.mustAsk
    }
  }

  /// The socket was used outside of `serve`.
  func touched() {
    mustAsk = true
  }

  func stop() {
    loop.unwatch(descriptor)
    if let check { loop.removeCheck(check) }
    check = nil
  }
}
