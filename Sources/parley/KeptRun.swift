import KernelExecutor
import Logging
import NotebookRunner
import PosixSupport

/// A failed run whose languages live on: sockets into its kernel, until somebody ends it.
@KernelActor
final class KeptRun {
  private let run: NotebookRun
  private let sockets: KernelSockets
  private let loop: EventLoop
  private var isOver = false
  private var waiter: CheckedContinuation<Void, Never>?

  /// Whether a cell has failed and its language is still there.
  static func isWorthIt(_ run: NotebookRun) -> Bool {
    switch run.record.reason {
    case .userError, .cellTimeout, .runTimeout: true
    default: false
    }
  }

  /// - Throws: ``ConfigurationError`` when the sockets or the connection file cannot be made.
  init(
    _ run: NotebookRun, cancellation: Int32, loop: EventLoop, log: Logger,
    onCongestion: @escaping @KernelActor (Bool) -> Void
  ) throws {
    self.run = run
    self.loop = loop
    sockets = try KernelSockets(
      Connector(nil), session: run.record.runID, cancellation: cancellation, loop: loop, log: log)
    let kernel = run.handOver(to: sockets.frontEnd)
    kernel.onShutdown = { [weak self] _ in self?.end() }
    sockets.serve(kernel, onCongestion: onCongestion)
  }

  var connectionFile: String { sockets.connectionFile ?? "" }

  /// Returns when somebody has asked for the end, or when the limit is over; a limit of zero is none.
  func wait(_ limit: Duration) async {
    let timer = limit == .zero ? nil : loop.after(limit) { [weak self] in self?.end() }
    if !isOver { await withCheckedContinuation { waiter = $0 } }
    loop.cancel(timer)
  }

  func end() {
    isOver = true
    waiter?.resume()
    waiter = nil
  }

  /// Ends the languages, then the sockets.
  func close(within limit: Duration) async {
    let start = ContinuousClock.now
    await run.shutdown(within: limit)
    await sockets.close(since: start)
  }
}
