import KernelExecutor

/// A place where notebooks are: files here, objects elsewhere in other targets.
///
/// Calls never block the loop; what takes time happens on a thread of the store's.
@KernelActor
public protocol NotebookStore: AnyObject {
  func read(_ uri: String) async throws -> [UInt8]

  /// Replaces the whole: a reader sees the old or the new bytes, never a part.
  /// - Returns: what ``WritePrecondition/matches(_:)`` of the next write takes.
  func write(_ bytes: [UInt8], to uri: String, _ precondition: WritePrecondition) async throws -> String

  func exists(_ uri: String) async throws -> Bool
}

/// What must be true of the place for a write to happen.
public enum WritePrecondition: Sendable, Equatable {
  case none
  case absent
  /// It still holds the version of that tag.
  case matches(String)
}

/// Why something could not be read or written.
public struct StorageError: Error, Sendable, CustomStringConvertible {
  public enum Kind: Sendable {
    case missing
    case permission
    /// Another run has it.
    case busy
    /// The precondition of the write does not hold.
    case conflict
    case failed
  }

  public let kind: Kind
  public let problem: String
  public let remedy: String

  public init(_ kind: Kind, _ problem: String, remedy: String = "") {
    self.kind = kind
    self.problem = problem
    self.remedy = remedy
  }

  public var description: String { remedy.isEmpty ? problem : "\(problem); \(remedy)" }
}
