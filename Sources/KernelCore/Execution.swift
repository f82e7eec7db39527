import JupyterProtocol
import KernelExecutor

/// One cell that runs or has run: what its output answers.
///
/// A backend keeps it as long as output of the cell may come.
@KernelActor
public final class Execution {
  public let parent: Parent
  public let request: ExecuteRequest
  /// The number this cell has, `In [n]`.
  public let executionCount: Int
  /// Whether the user asked to stop it.
  public var isInterrupted = false
  /// The last error the cell has published.
  public var publishedError: ErrorContent?

  public init(parent: Parent, request: ExecuteRequest, executionCount: Int) {
    self.parent = parent
    self.request = request
    self.executionCount = executionCount
  }
}

/// How a cell, or one segment of it, ended.
public enum ExecuteOutcome: Sendable {
  /// With the JSON texts of `user_expressions` and `payload`, where the language gave any.
  case ok(userExpressions: [UInt8]?, payload: [UInt8]?)
  /// The user's own error, which the language has published already.
  case error(ErrorContent, payload: [UInt8]?)
  /// The language failed or could not start; nobody has published this yet.
  case failed(ErrorContent)
}
