import NotebookRunner
import Synchronization

/// Tells a write of ours whose answer was lost from one of somebody else's.
///
/// A connection may break behind a write that has worked. The next one, bound to the version before, is refused then,
/// though nobody else has been there: what is stored is compared with what we have sent.
final class UnsettledWrites: Sendable {
  private let hashes = Mutex<Set<[UInt8]>>([])

  /// - Parameters:
  ///   - put: writes under a condition; returns the new version.
  ///   - present: what is stored now, and its version.
  func write(
    _ bytes: [UInt8], _ precondition: WritePrecondition, put: (WritePrecondition) throws -> String,
    present: () throws -> (bytes: [UInt8], tag: String)
  ) throws -> String {
    let hash = Digest.sha256(bytes)
    hashes.withLock { _ = $0.insert(hash) }
    var tag: String
    do {
      tag = try put(precondition)
    } catch let error as StorageError where error.kind == .conflict {
      guard let stored = try? present() else { throw error }
      let storedHash = Digest.sha256(stored.bytes)
      guard hashes.withLock({ $0.contains(storedHash) }) else { throw error }
      tag = storedHash == hash ? stored.tag : try put(.matches(stored.tag))
    }
    hashes.withLock { $0 = [] }
    return tag
  }
}
