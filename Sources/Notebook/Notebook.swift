/// A notebook of nbformat 4, read and written as the reference implementation does it.
///
/// Source: nbformat, "The Notebook file format"; nbformat/v4/rwbase.py and nbjson.py for the form on disk.
public struct Notebook: Sendable, Equatable {
  /// Everything at the top but the cells.
  public var members: NotebookObject
  public var cells: [NotebookCell]

  public var metadata: NotebookObject {
    get { members["metadata"]?.object ?? NotebookObject() }
    set { members["metadata"] = .object(newValue) }
  }

  /// Reads a notebook of nbformat 4.0 or newer and upgrades it to 4.5: cells without an id get one.
  public init(reading bytes: [UInt8]) throws(NotebookError) {
    self = try NotebookReader.read(bytes)
  }

  init(members: NotebookObject, cells: [NotebookCell]) {
    self.members = members
    self.cells = cells
  }

  /// The file's text: what Python's `nbformat.write` puts on disk for the same content.
  public var encoded: [UInt8] {
    var top = members
    top["cells"] = .array(cells.map { .object(Self.split($0)) })
    return NotebookWriter.text(of: .object(top)) + [UInt8(ascii: "\n")]
  }

  // MARK: - Lines

  private static func split(_ cell: NotebookCell) -> NotebookObject {
    var members = cell.members
    if let source = members["source"]?.string { members["source"] = .array(TextLines.split(source)) }
    if let attachments = members["attachments"]?.object {
      members["attachments"] = .object(
        NotebookObject(attachments.members.map { .init($0.name, split(bundle: $0.value)) }))
    }
    if cell.isCode, let outputs = members["outputs"]?.array {
      members["outputs"] = .array(outputs.map(split(output:)))
    }
    return members
  }

  private static func split(output: NotebookValue) -> NotebookValue {
    guard var members = output.object else { return output }
    switch members["output_type"]?.string {
    case "execute_result", "display_data":
      if let data = members["data"] { members["data"] = split(bundle: data) }
    case "stream":
      if let text = members["text"]?.string { members["text"] = .array(TextLines.split(text)) }
    default: break
    }
    return .object(members)
  }

  private static func split(bundle: NotebookValue) -> NotebookValue {
    guard let bundle = bundle.object else { return bundle }
    return .object(
      NotebookObject(
        bundle.members.map { member in
          guard let text = member.value.string, isSplit(member.name) else { return member }
          return .init(member.name, .array(TextLines.split(text)))
        }))
  }

  private static func isSplit(_ mimeType: String) -> Bool {
    mimeType.hasPrefix("text/") || mimeType == "application/javascript" || mimeType == "image/svg+xml"
  }
}

extension NotebookValue {
  /// JSON text on one line, names in their order.
  public var line: [UInt8] { NotebookWriter.line(of: self) }

  /// Reads any JSON text, for the contents of messages; nil when it is none.
  public init?(json bytes: [UInt8]) {
    guard let value = try? NotebookParser.parse(bytes) else { return nil }
    self = value
  }
}
