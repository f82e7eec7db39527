import Glibc
import KernelExecutor
import KernelSpecs
import PosixSupport
import Synchronization

/// A descriptor that reports go to, written on a worker so that a reader who stops reading stops nobody else.
@KernelActor
final class ReportSink {
  /// The languages wait while more than this waits here.
  private static let backlogLimit = 4 << 20

  private final class Queue: Sendable {
    let waiting = Mutex(0)
  }

  private let descriptor: Int32
  private let worker: WorkerThread
  private let queue = Queue()
  private var isBehind = false
  var onBacklog: @KernelActor (Bool) -> Void = { _ in }

  init(descriptor: Int32, worker: WorkerThread) {
    self.descriptor = descriptor
    self.worker = worker
  }

  /// - Parameter target: a file, which is emptied, or `fd:N`.
  convenience init(target: String, worker: WorkerThread) throws(SpecError) {
    if target.hasPrefix("fd:") {
      guard let number = Int32(target.dropFirst(3)), fcntl(number, F_GETFD) >= 0 else {
        throw SpecError(
          .usage, "\(target) is no open descriptor", remedy: "open it in the shell, for example 3>FILE")
      }
      // The languages must not hold it open.
      _ = fcntl(number, F_SETFD, FD_CLOEXEC)
      self.init(descriptor: number, worker: worker)
      return
    }
    let descriptor = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw SpecError(
        .cannotCreate, "cannot write \(target): \(SystemError.text(of: errno).lowercased())",
        remedy: "check the folder")
    }
    self.init(descriptor: descriptor, worker: worker)
  }

  func write(_ text: String) { write(Array(text.utf8)) }

  func write(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    let waiting = queue.waiting.withLock { waiting in
      waiting += bytes.count
      return waiting
    }
    let (descriptor, queue) = (descriptor, queue)
    worker.submit { [weak self] in
      Self.write(bytes, to: descriptor)
      let left = queue.waiting.withLock { waiting in
        waiting -= bytes.count
        return waiting
      }
      if left == 0 { Task { @KernelActor in self?.caughtUp() } }
    }
    if waiting > Self.backlogLimit, !isBehind {
      isBehind = true
      onBacklog(true)
    }
  }

  private func caughtUp() {
    guard isBehind else { return }
    isBehind = false
    onBacklog(false)
  }

  private nonisolated static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent)
      }
      // A reader that has gone wants no more; the notebook has it all.
      guard count >= 0 || errno == EINTR || errno == EAGAIN else { return }
      sent += max(0, count)
      if count < 0, errno == EAGAIN {
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&ready, 1, -1)
      }
    }
  }
}
