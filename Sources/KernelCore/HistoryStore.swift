import KernelExecutor

/// One line of history: a cell's input, and what it returned if that was asked for.
public struct HistoryEntry: Sendable, Equatable {
  public var session: Int
  public var line: Int
  public var input: String
  public var output: String?

  public init(session: Int, line: Int, input: String, output: String? = nil) {
    self.session = session
    self.line = line
    self.input = input
    self.output = output
  }
}

/// Where inputs and results are kept. Calls never block the loop; appending needs no answer.
///
/// Source: messaging specification, "History".
public protocol HistoryStore: Sendable {
  func appendInput(line: Int, source: String, language: String)
  func appendOutput(line: Int, text: String)

  /// The last n entries, oldest first.
  func tail(n: Int, output: Bool, raw: Bool) async -> [HistoryEntry]

  /// Lines `start..<stop` of a session: 0 is this one, negative counts back. A nil `stop` means to the end.
  func range(session: Int, start: Int, stop: Int?, output: Bool, raw: Bool) async -> [HistoryEntry]

  /// Entries whose input matches the glob, oldest first; the newest n of them when n is given.
  func search(pattern: String, n: Int?, unique: Bool, output: Bool, raw: Bool) async -> [HistoryEntry]

  /// Writes what is outstanding.
  func close() async
}
