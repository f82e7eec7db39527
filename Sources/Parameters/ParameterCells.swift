import Notebook

/// The cells that hold parameters, by papermill's tags.
public enum ParameterCells {
  static let declared = "parameters"
  public static let injected = "injected-parameters"

  public static func isMissing(in notebook: Notebook) -> Bool { parametersIndex(in: notebook) == nil }

  static func parametersIndex(in notebook: Notebook) -> Int? {
    notebook.cells.firstIndex { $0.isCode && $0.tags.contains(declared) }
  }

  /// Puts a cell with the values where papermill does: in place of the first one that was injected before, else behind
  /// the first one that declares parameters, else at the top.
  /// - Parameters:
  ///   - language: of the notebook's unmarked cells. A declaring cell with a marker line decides for itself.
  ///   - hidesSource: papermill's report mode for the new cell.
  /// - Returns: whether there was a cell that declares parameters.
  /// - Throws: ``ParameterError`` when the language cannot say a value, or takes no parameters at all.
  @discardableResult
  public static func inject(
    _ values: NotebookObject, into notebook: inout Notebook, language: String, hidesSource: Bool = false
  ) throws(ParameterError) -> Bool {
    let place = parametersIndex(in: notebook)
    let old = notebook.cells.firstIndex { $0.isCode && $0.tags.contains(injected) }
    let marker = place.flatMap { Self.marker(of: notebook.cells[$0].source) }
    let name = place.map { self.language(of: notebook.cells[$0], otherwise: language) } ?? language
    guard let dialect = Dialect.named(name) else {
      throw ParameterError(
        "parameters cannot be given to a cell in \(name)",
        remedy: "begin the cell tagged \"parameters\" with a marker line of one of these: "
          + Dialect.known.joined(separator: ", "))
    }
    let body = try dialect.cell(values, comment: "Parameters")
    var metadata = NotebookObject([.init("tags", [.string(injected)])])
    if hidesSource { metadata["jupyter"] = ["source_hidden": true] }
    let cell = NotebookCell(
      members: NotebookObject([
        .init("cell_type", "code"), .init("execution_count", .null),
        .init("id", .string(freshID(in: notebook, replacing: old))),
        .init("metadata", .object(metadata)), .init("outputs", .array([])),
        .init("source", .string((marker.map { $0 + "\n" } ?? "") + body)),
      ]))
    if let old {
      notebook.cells[old] = cell
    } else {
      notebook.cells.insert(cell, at: place.map { $0 + 1 } ?? 0)
    }
    return place != nil
  }

  /// The same for every run of the same notebook, so that two runs can be compared.
  private static func freshID(in notebook: Notebook, replacing old: Int?) -> String {
    let taken = Set(notebook.cells.indices.filter { $0 != old }.map { notebook.cells[$0].id })
    return (0...).lazy.map { $0 == 0 ? injected : "\(injected)-\($0)" }.first { !taken.contains($0) }
      ?? injected
  }

  /// Code that gives a language values, for a cell that no notebook holds.
  public static func code(_ values: NotebookObject, language: String) throws(ParameterError) -> String {
    guard let dialect = Dialect.named(language) else {
      throw ParameterError("values cannot be given to \(language)")
    }
    return try dialect.cell(values, comment: "Values")
  }

  // MARK: - Languages

  static func marker(of source: String) -> String? {
    let line = source.prefix { $0 != "\n" && $0 != "\r\n" }
    guard line.hasPrefix("#!"), let name = name(in: String(line)), Dialect.named(name) != nil else {
      // In a notebook of another kernel `#!pip install x` is a comment.
      return nil
    }
    return String(line)
  }

  static func language(of cell: NotebookCell, otherwise language: String) -> String {
    marker(of: cell.source).flatMap(name(in:)) ?? language
  }

  private static func name(in marker: String) -> String? {
    let name = marker.dropFirst(2).prefix { !$0.isWhitespace && $0 != ":" }
    return name.isEmpty ? nil : String(name)
  }

  static func withoutMarker(_ source: String) -> String {
    marker(of: source).map { String(source.dropFirst($0.count)) } ?? source
  }
}
