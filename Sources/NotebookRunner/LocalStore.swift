import Glibc
import KernelExecutor
import PosixSupport

/// Notebooks in files; `-` is standard input and output.
@KernelActor
public final class LocalStore: NotebookStore {
  private let worker: WorkerThread

  public init(worker: WorkerThread) {
    self.worker = worker
  }

  public func read(_ uri: String) async throws -> [UInt8] {
    try await worker.run { try LocalFile.read(uri) }
  }

  public func write(_ bytes: [UInt8], to uri: String, _ precondition: WritePrecondition) async throws
    -> String
  {
    try await worker.run {
      guard LocalFile.isSpecial(uri) else { return try LocalFile.replace(uri, with: bytes, precondition) }
      try LocalFile.put(bytes, into: uri)
      return ""
    }
  }

  public func exists(_ uri: String) async throws -> Bool {
    try await worker.run { access(uri, F_OK) == 0 }
  }

  /// Whether a path is written once, at the end: a pipe or a device.
  public nonisolated static func isStream(_ path: String) -> Bool { LocalFile.isSpecial(path) }
}
