/// Why a file is no notebook that can be read: what is wrong and what to do.
public struct NotebookError: Error, Sendable, Equatable, CustomStringConvertible {
  public let problem: String
  public let remedy: String

  public init(_ problem: String, remedy: String = "") {
    self.problem = problem
    self.remedy = remedy
  }

  public var description: String { remedy.isEmpty ? problem : "\(problem); \(remedy)" }
}
