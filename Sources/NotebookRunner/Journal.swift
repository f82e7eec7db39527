import Glibc
import Notebook
import PosixSupport
import Synchronization

/// What has changed since the last snapshot, a line of JSON a cell, beside the output: all that is lost when
/// the process is killed is what came after the last line.
///
/// A line is written at once, so the end of the process loses nothing; the sync, which guards against the end of the
/// machine, is the worker's, and lines that come while one is under way share the next.
public final class Journal: Sendable {
  private struct State {
    /// A sync is to come that will cover what is written now.
    var isPlanned = false
    var problem: StorageError?
  }

  private let path: String
  private let descriptor: Int32
  private let worker: WorkerThread
  private let state = Mutex(State())

  /// Starts an empty journal.
  init(output: String, runID: String, worker: WorkerThread) throws(StorageError) {
    path = Self.path(for: output)
    self.worker = worker
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw LocalFile.error("cannot write", path) }
    append([
      "parley_journal": 1, "run_id": .string(runID), "host": .string(OutputLock.host()),
      "pid": .integer(Int(getpid())),
    ])
  }

  static func path(for output: String) -> String { LocalFile.target(of: output) + ".journal" }

  func started(_ cell: Int) {
    append(["running": .integer(cell)])
  }

  func record(_ cell: NotebookCell, at index: Int) {
    append(["cell": .integer(index), "members": .object(cell.members)])
  }

  /// The last thing that went wrong, told once.
  func takeProblem() -> StorageError? {
    state.withLock { state in
      defer { state.problem = nil }
      return state.problem
    }
  }

  private func append(_ line: NotebookValue) {
    do throws(StorageError) {
      try LocalFile.write(line.line + [UInt8(ascii: "\n")], to: descriptor, path)
    } catch {
      note(error)
    }
    let mustPlan = state.withLock { state in
      defer { state.isPlanned = true }
      return !state.isPlanned
    }
    if mustPlan { worker.submit { self.synchronize() } }
  }

  private func synchronize() {
    state.withLock { $0.isPlanned = false }
    if fdatasync(descriptor) != 0 { note(LocalFile.error("cannot write", path)) }
  }

  private func note(_ problem: StorageError) {
    state.withLock { $0.problem = problem }
  }

  /// Removes it: the output itself holds everything. Call it on the worker, behind the last line.
  func remove() {
    unlink(path)
    close(descriptor)
  }
}
