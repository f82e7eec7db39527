/// Why parameters cannot be given to a notebook: what is wrong, with which, and what to do.
public struct ParameterError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String

  public init(_ failure: String, remedy: String = "") {
    description = remedy.isEmpty ? failure : "\(failure); \(remedy)"
  }
}
