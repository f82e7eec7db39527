import Notebook

/// Limits of time as people write them: `90`, `2.5`, `90s`, `5m`, `2h`.
public enum TimeLimit {
  /// nil when the text is no time; zero means that there is no limit.
  public static func parse(_ text: String) -> Duration? {
    let factors: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let factor = text.last.flatMap { factors[$0] }
    guard let number = Double(factor == nil ? text[...] : text.dropLast()), number.isFinite,
      number * (factor ?? 1) < 1e9
    else { return nil }
    // Negative is how nbclient says "none".
    return .milliseconds(Int64(max(0, number * (factor ?? 1)) * 1000))
  }

  /// The limit of a cell: its tag `timeout=30` before its metadata `parley.execution_timeout`, that before the option,
  /// the option before the notebook's metadata. nil when there is none.
  static func ofCell(_ cell: NotebookCell, option: Duration?, notebook: Notebook) throws(NotebookError)
    -> Duration?
  {
    let prefix = "timeout="
    if let tag = cell.tags.last(where: { $0.hasPrefix(prefix) }) {
      return positive(try read(String(tag.dropFirst(prefix.count)), "the tag \"\(tag)\" of cell \(cell.id)"))
    }
    if let value = cell.metadata["parley"]?["execution_timeout"] {
      return positive(try read(value, "execution_timeout in the metadata of cell \(cell.id)"))
    }
    if let option { return positive(option) }
    guard let value = notebook.metadata["parley"]?["execution_timeout"] else { return nil }
    return positive(try read(value, "execution_timeout in the notebook's metadata"))
  }

  /// The limit of the run: the option before the notebook's metadata `parley.run_timeout`.
  static func ofRun(option: Duration?, notebook: Notebook) throws(NotebookError) -> Duration? {
    if let option { return positive(option) }
    guard let value = notebook.metadata["parley"]?["run_timeout"] else { return nil }
    return positive(try read(value, "run_timeout in the notebook's metadata"))
  }

  private static func read(_ value: NotebookValue, _ place: String) throws(NotebookError) -> Duration {
    if let seconds = value.double { return try read(String(seconds), place) }
    return try read(value.string ?? "", place)
  }

  private static func read(_ text: String, _ place: String) throws(NotebookError) -> Duration {
    guard let limit = parse(text) else {
      throw NotebookError("\(place) is no time: \"\(text)\"", remedy: "write seconds, or 90s, 5m, 2h")
    }
    return limit
  }

  private static func positive(_ limit: Duration) -> Duration? { limit > .zero ? limit : nil }
}

extension Duration {
  /// For people: `30 s`, `1.5 s`.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }

  var text: String {
    seconds == seconds.rounded() ? "\(Int(seconds)) s" : "\(seconds) s"
  }
}
