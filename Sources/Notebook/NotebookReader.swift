/// Makes a ``Notebook`` of a file's text: checks the shape, joins lines, upgrades.
enum NotebookReader {
  static let minor = 5
  private static let transient = ["orig_nbformat", "orig_nbformat_minor", "signature"]

  static func read(_ bytes: [UInt8]) throws(NotebookError) -> Notebook {
    guard !bytes.allSatisfy({ [0x20, 0x0A, 0x0D, 0x09].contains($0) }) else {
      throw NotebookError("the file is empty")
    }
    let value: NotebookValue
    do {
      value = try NotebookParser.parse(bytes)
    } catch {
      throw NotebookError("not JSON: line \(error.line), column \(error.column): \(error.reason)")
    }
    guard var members = value.object, let format = members["nbformat"] else {
      throw NotebookError("not a notebook: the JSON has no \"nbformat\"")
    }
    try check(format, minor: members["nbformat_minor"])
    guard let cells = members["cells"]?.array else {
      throw NotebookError("not a notebook: \"cells\" is missing or not a list")
    }
    guard members["metadata"].map({ $0.object != nil }) ?? true else {
      throw NotebookError("not a notebook: \"metadata\" is not an object")
    }
    members["cells"] = nil
    var metadata = members["metadata"]?.object ?? NotebookObject()
    for name in transient { metadata[name] = nil }
    members["metadata"] = .object(metadata)
    let isNewer = (members["nbformat_minor"]?.integer ?? 0) > minor
    var read: [NotebookCell] = []
    for (index, cell) in cells.enumerated() {
      read.append(try self.cell(cell, number: index + 1, isNewer: isNewer))
    }
    if !isNewer { members["nbformat_minor"] = .integer(minor) }
    return Notebook(members: members, cells: CellIDs.completed(read))
  }

  private static func check(_ format: NotebookValue, minor: NotebookValue?) throws(NotebookError) {
    guard let major = format.integer else { throw NotebookError("not a notebook: \"nbformat\" is no number") }
    guard major >= 4 else {
      throw NotebookError(
        "the notebook is of nbformat \(major), which is older than 4",
        remedy: "convert it with: jupyter nbconvert --to notebook --output NEW.ipynb OLD.ipynb")
    }
    guard major == 4 else {
      throw NotebookError("the notebook is of nbformat \(major); this version of parley reads nbformat 4")
    }
    guard let minor = minor?.integer, minor >= 0 else {
      throw NotebookError("not a notebook: \"nbformat_minor\" is missing or no number")
    }
  }

  // MARK: - Cells

  private static func cell(
    _ value: NotebookValue, number: Int, isNewer: Bool
  ) throws(NotebookError) -> NotebookCell {
    guard var members = value.object else { throw NotebookError("cell \(number) is not an object") }
    let type = members["cell_type"]?.string ?? ""
    guard ["code", "markdown", "raw"].contains(type) || isNewer && !type.isEmpty else {
      throw NotebookError("cell \(number) has the cell_type \"\(type)\"; known are code, markdown and raw")
    }
    guard let source = (members["source"] ?? "").joinedText else {
      throw NotebookError("cell \(number): \"source\" is neither a string nor a list of strings")
    }
    members["source"] = .string(source)
    guard var metadata = (members["metadata"] ?? .emptyObject).object else {
      throw NotebookError("cell \(number): \"metadata\" is not an object")
    }
    metadata["trusted"] = nil
    members["metadata"] = .object(metadata)
    if let attachments = members["attachments"]?.object {
      members["attachments"] = .object(
        NotebookObject(attachments.members.map { .init($0.name, joined(bundle: $0.value)) }))
    }
    if type == "code" {
      guard let outputs = (members["outputs"] ?? []).array else {
        throw NotebookError("cell \(number): \"outputs\" is not a list")
      }
      members["outputs"] = .array(outputs.map(joined(output:)))
      if members["execution_count"] == nil { members["execution_count"] = .null }
    }
    return NotebookCell(members: members)
  }

  private static func joined(output: NotebookValue) -> NotebookValue {
    guard var members = output.object else { return output }
    switch members["output_type"]?.string {
    case "execute_result", "display_data":
      if let data = members["data"] { members["data"] = joined(bundle: data) }
    default:
      if let text = members["text"]?.joinedText { members["text"] = .string(text) }
    }
    return .object(members)
  }

  /// `application/json` and its kin hold any JSON: a list of strings there is a list of strings.
  private static func joined(bundle: NotebookValue) -> NotebookValue {
    guard let bundle = bundle.object else { return bundle }
    return .object(
      NotebookObject(
        bundle.members.map { member in
          guard !isJSON(member.name), case .array = member.value, let text = member.value.joinedText else {
            return member
          }
          return .init(member.name, .string(text))
        }))
  }

  static func isJSON(_ mimeType: String) -> Bool {
    mimeType == "application/json" || mimeType.hasPrefix("application/") && mimeType.hasSuffix("+json")
  }
}
