import KernelCore
import Synchronization

/// What the history's worker thread does: take what has come in, write it, answer queries.
///
/// ``inbox`` is for any thread; everything else is called on the worker alone.
final class HistoryWriter: Sendable {
  /// What has been appended and not yet been taken by the worker.
  struct Inbox {
    var records: [HistoryFile.Record] = []
    /// Whether the worker has a job that will take the records.
    var isScheduled = false
    var isUsed = false
    var isClosed = false
  }

  private struct State {
    var file: HistoryFile?
    /// Records that could not be written yet; tried again with the next ones.
    var unwritten: [HistoryFile.Record] = []
    var hasReported = false
    /// A file that another process held is tried again from then on, so that not every query waits for it.
    var nextAttempt = ContinuousClock.now
  }

  private static let pauseBetweenAttempts = Duration.seconds(2)

  /// More than a long session holds; what a full disk refuses must not fill the memory.
  private static let mostUnwritten = 10_000

  let inbox = Mutex(Inbox())
  /// Only the worker takes this lock; it is there to let the compiler see that nobody else does.
  private let state = Mutex(State())
  private let path: String?
  private let report: @Sendable (String) -> Void

  init(path: String?, report: @escaping @Sendable (String) -> Void) {
    self.path = path
    self.report = report
  }

  func write() {
    state.withLock { write(takeRecords(), to: &$0) }
  }

  func query(_ body: (HistoryFile) throws -> [HistoryEntry]) -> [HistoryEntry] {
    state.withLock { state in
      do {
        // While another process holds the file there is at least what came in meanwhile.
        guard let file = open(&state) else {
          let memory = try HistoryFile(path: nil)
          try memory.write(state.unwritten)
          return try body(memory)
        }
        return try body(file)
      } catch {
        complain("cannot search the history\(place): \(error)", &state)
        return []
      }
    }
  }

  func close() {
    state.withLock { state in
      state.nextAttempt = ContinuousClock.now
      write(takeRecords(), to: &state)
      state.file?.finish()
      state.file = nil
    }
  }

  private func takeRecords() -> [HistoryFile.Record] {
    inbox.withLock { inbox in
      defer {
        inbox.records = []
        inbox.isScheduled = false
      }
      return inbox.records
    }
  }

  private func write(_ records: [HistoryFile.Record], to state: inout State) {
    state.unwritten += records
    state.unwritten.removeFirst(max(0, state.unwritten.count - Self.mostUnwritten))
    guard !state.unwritten.isEmpty, let file = open(&state) else { return }
    do {
      try file.write(state.unwritten)
      state.unwritten = []
      state.hasReported = false
    } catch {
      complain("cannot write the history\(place), will try again: \(error)", &state)
    }
  }

  /// The file; nil while another process holds it. What can never be used is replaced by memory.
  private func open(_ state: inout State) -> HistoryFile? {
    if let file = state.file { return file }
    guard ContinuousClock.now >= state.nextAttempt else { return nil }
    let identity = path.flatMap(FileIdentity.init)
    do {
      state.file = try HistoryFile(path: path)
    } catch let error as SQLiteError where error.isBusy {
      complain("another process holds the history\(place), will try again: \(error)", &state)
      state.nextAttempt = ContinuousClock.now + Self.pauseBetweenAttempts
    } catch let error as SQLiteError where error.isCorrupt {
      if let path, let identity, let aside = HistoryFile.setAside(path, identity) {
        complain(
          "the history\(place) was damaged (\(error)); it is \(aside) now, and a new one begins", &state)
      }
      state.file = try? HistoryFile(path: path)
      if state.file == nil { useMemory(error, &state) }
    } catch {
      useMemory(error, &state)
    }
    return state.file
  }

  private func useMemory(_ error: any Error, _ state: inout State) {
    complain("history is kept in memory only; cannot use the file\(place): \(error)", &state)
    state.file = try? HistoryFile(path: nil)
  }

  private var place: String { path.map { " " + $0 } ?? "" }

  /// One line for a row of equal troubles; a full disk would otherwise fill the log too.
  private func complain(_ text: String, _ state: inout State) {
    guard !state.hasReported else { return }
    state.hasReported = true
    report(text)
  }
}
