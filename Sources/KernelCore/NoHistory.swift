/// A history that keeps nothing: what a schedule or a check runs is not what its user has typed.
public struct NoHistory: HistoryStore {
  public init() {}

  public func appendInput(line: Int, source: String, language: String) {}
  public func appendOutput(line: Int, text: String) {}
  public func tail(n: Int, output: Bool, raw: Bool) async -> [HistoryEntry] { [] }
  public func range(session: Int, start: Int, stop: Int?, output: Bool, raw: Bool) async -> [HistoryEntry] {
    []
  }
  public func search(pattern: String, n: Int?, unique: Bool, output: Bool, raw: Bool) async -> [HistoryEntry]
  { [] }
  public func close() async {}
}
