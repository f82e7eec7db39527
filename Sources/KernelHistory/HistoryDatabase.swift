import KernelCore
import PosixSupport

/// The history of inputs and results, kept on disk for all kernels of a user.
///
/// May be called from any thread, best from the kernel's loop: no call waits for the disk. One worker
/// thread owns the file; it starts and opens the file with the first use, writes what has come in
/// meanwhile as one transaction, and answers queries after everything that was appended before them.
/// When the file cannot be used, the history of this process is kept in memory and one line says so.
/// Source: messaging specification, "History"; the access rules are those of IPython.
public final class HistoryDatabase: HistoryStore {
  private static let writeDelay = Duration.milliseconds(300)
  private let worker = WorkerThread(name: "history")
  private let core: HistoryWriter

  /// - Parameters:
  ///   - path: an absolute path of the file, made with its folders on first use; nil for memory only.
  ///   - report: gets one line for each thing that went wrong, on the worker thread.
  public init(path: String?, report: @escaping @Sendable (String) -> Void) {
    core = HistoryWriter(path: path, report: report)
  }

  deinit {
    // Ends the worker after what is queued; nobody is left to wait for it.
    worker.stop(within: .zero)
  }

  public func appendInput(line: Int, source: String, language: String) {
    append(.input(line: line, source: source, language: language))
  }

  public func appendOutput(line: Int, text: String) {
    append(.output(line: line, text: text))
  }

  public func tail(n: Int, output: Bool, raw: Bool) async -> [HistoryEntry] {
    await query { try $0.tail(n: n, output: output, raw: raw) }
  }

  public func range(session: Int, start: Int, stop: Int?, output: Bool, raw: Bool) async -> [HistoryEntry] {
    await query { try $0.range(session: session, start: start, stop: stop, output: output, raw: raw) }
  }

  public func search(
    pattern: String, n: Int?, unique: Bool, output: Bool, raw: Bool
  ) async -> [HistoryEntry] {
    await query { try $0.search(pattern: pattern, n: n, unique: unique, output: output, raw: raw) }
  }

  /// Writes what is outstanding and closes the file, but takes at most half a second: the end of a
  /// kernel must not wait for a slow disk. Later calls do nothing and find nothing.
  public func close() async {
    // Submitted under the lock, so that no job can come behind the one that closes.
    let mustWait = core.inbox.withLock { inbox -> Bool in
      guard !inbox.isClosed else { return false }
      inbox.isClosed = true
      // A history that was never used has nothing to write and no thread to end.
      guard inbox.isUsed else { return false }
      worker.submit { [core] in core.close() }
      return true
    }
    guard mustWait else { return }
    // The wait blocks a thread of its own, since the caller's is the event loop.
    let closer = WorkerThread(name: "history-close")
    _ = try? await closer.run { [worker] in worker.stop(within: .milliseconds(500)) }
    closer.stop(within: .zero)
  }

  private func append(_ record: HistoryFile.Record) {
    core.inbox.withLock { inbox in
      guard !inbox.isClosed else { return }
      inbox.isUsed = true
      inbox.records.append(record)
      guard !inbox.isScheduled else { return }
      inbox.isScheduled = true
      // Cells in quick succession share one transaction, and the disk is left alone while they run.
      worker.submit(after: Self.writeDelay) { [core] in core.write() }
    }
  }

  private func query(
    _ body: @escaping @Sendable (HistoryFile) throws -> [HistoryEntry]
  ) async -> [HistoryEntry] {
    await withCheckedContinuation { continuation in
      let isOpen = core.inbox.withLock { inbox -> Bool in
        guard !inbox.isClosed else { return false }
        inbox.isUsed = true
        worker.submit { [core] in
          core.write()
          continuation.resume(returning: core.query(body))
        }
        return true
      }
      if !isOpen { continuation.resume(returning: []) }
    }
  }
}
