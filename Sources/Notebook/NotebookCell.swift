/// One cell: its JSON members, text joined, unknown members kept.
public struct NotebookCell: Sendable, Equatable {
  public var members: NotebookObject

  public init(members: NotebookObject) {
    self.members = members
  }

  public var type: String { members["cell_type"]?.string ?? "" }
  public var isCode: Bool { type == "code" }
  public var id: String { members["id"]?.string ?? "" }

  public var source: String {
    get { members["source"]?.string ?? "" }
    set { members["source"] = .string(newValue) }
  }

  public var metadata: NotebookObject {
    get { members["metadata"]?.object ?? NotebookObject() }
    set { members["metadata"] = .object(newValue) }
  }

  public var outputs: [NotebookValue] {
    get { members["outputs"]?.array ?? [] }
    set { members["outputs"] = .array(newValue) }
  }

  public var executionCount: Int? {
    get { members["execution_count"]?.integer }
    set { members["execution_count"] = newValue.map(NotebookValue.integer) ?? .null }
  }

  public var tags: [String] { metadata["tags"]?.array?.compactMap(\.string) ?? [] }

  /// What people call it: its description for papermill, its name, or how its source begins.
  public var label: String {
    if let word = Self.description(in: source) { return word }
    if let name = metadata["name"]?.string, !name.isEmpty { return name }
    let lines = source.split(whereSeparator: \.isNewline).filter { !$0.allSatisfy(\.isWhitespace) }
    // A line that only names the language says little.
    let first = lines.first { !$0.hasPrefix("#!") } ?? lines.first ?? ""
    let text = first.trimmingPrefix(while: \.isWhitespace)
    return text.count > 40 ? text.prefix(39) + "\u{2026}" : String(text)
  }

  /// The word behind `papermill_description=`.
  private static func description(in source: String) -> String? {
    let mark = Array("papermill_description=".utf8)
    let bytes = Array(source.utf8)
    guard bytes.count > mark.count else { return nil }
    for start in 0..<(bytes.count - mark.count) where bytes[start] == mark[0] {
      guard bytes[start..<(start + mark.count)].elementsEqual(mark) else { continue }
      let rest = String(decoding: bytes[(start + mark.count)...], as: UTF8.self)
      return rest.split(whereSeparator: \.isWhitespace).first.map(String.init)
    }
    return nil
  }
}
