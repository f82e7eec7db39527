import Notebook

/// What a notebook says of its parameters: by a cell tagged `parameters`, or in more detail by a JSON Schema in its
/// metadata, `parley.parameters`.
public struct ParameterSchema: Sendable {
  /// In the order in which they are declared.
  public let declared: [DeclaredParameter]
  /// Whether the notebook has said anything: without, any parameter may be given.
  public let isKnown: Bool
  /// Those of a cell, whose defaults the cell itself sets.
  private let inCell: Set<String>
  private let properties: NotebookObject?
  private let required: [String]
  private let allowsOthers: Bool

  /// - Parameter language: of the notebook's unmarked cells.
  public init(of notebook: Notebook, language: String) {
    let cell = ParameterCells.parametersIndex(in: notebook).map { notebook.cells[$0] }
    let dialect = cell.flatMap { Dialect.named(ParameterCells.language(of: $0, otherwise: language)) }
    let source = cell.map { ParameterCells.withoutMarker($0.source) } ?? ""
    var declared = dialect.map { ParameterScanner(dialect: $0).parameters(in: source) } ?? []
    inCell = Set(declared.map(\.name))
    let schema = notebook.metadata["parley"]?["parameters"]?.object
    properties = schema?["properties"]?.object
    required = schema?["required"]?.array?.compactMap(\.string) ?? []
    allowsOthers = schema?["additionalProperties"]?.bool ?? (schema == nil)
    for property in properties?.members ?? [] where !declared.contains(where: { $0.name == property.name }) {
      declared.append(
        DeclaredParameter(
          name: property.name, annotation: property.value["type"]?.string,
          defaultText: property.value["default"].map { String(decoding: $0.line, as: UTF8.self) },
          help: property.value["description"]?.string ?? ""))
    }
    self.declared = declared
    isKnown = dialect != nil && cell != nil || schema != nil
  }

  /// Defaults that only the schema knows: no cell of the notebook sets them.
  public var ownDefaults: NotebookObject {
    NotebookObject(schemaDefaults.members.filter { !inCell.contains($0.name) })
  }

  /// The names that the notebook does not declare, if it declares any.
  public func unknownNames(in values: NotebookObject) -> [String] {
    guard isKnown else { return [] }
    return values.members.map(\.name).filter { name in !declared.contains { $0.name == name } }
  }

  var schemaDefaults: NotebookObject {
    NotebookObject(
      (properties?.members ?? []).compactMap { property in
        property.value["default"].map { NotebookObject.Member(property.name, $0) }
      })
  }

  /// Holds values against the declarations.
  /// - Parameter allowUnknown: lets pass what the notebook does not know.
  /// - Throws: ``ParameterError`` with everything that is wrong.
  public func check(_ values: NotebookObject, allowUnknown: Bool) throws(ParameterError) {
    var problems: [String] = []
    let names = declared.map(\.name)
    for member in values.members {
      guard let parameter = declared.first(where: { $0.name == member.name }) else {
        if isKnown, !allowUnknown, !(properties != nil && allowsOthers) {
          problems.append(unknown(member.name, names))
        }
        continue
      }
      if let rule = properties?[member.name] {
        if let problem = Rule(rule).problem(with: member.value) {
          problems.append("\(member.name) \(problem)")
        }
      } else if let kind = parameter.kind, !kind.accepts(member.value) {
        problems.append(
          "\(member.name) must be \(kind.rawValue), not \(member.value.kindName)"
            + (kind == .text ? " (-r gives it as text)" : ""))
      }
    }
    let defaults = schemaDefaults
    for parameter in declared where values[parameter.name] == nil {
      let isMissing =
        required.contains(parameter.name) && defaults[parameter.name] == nil
        || parameter.isRequired && properties?[parameter.name] == nil
      if isMissing {
        problems.append("\(parameter.name) is missing: give it with -p \(parameter.name) VALUE")
      }
    }
    for name in required where values[name] == nil && !names.contains(name) {
      problems.append("\(name) is missing: give it with -p \(name) VALUE")
    }
    if !problems.isEmpty { throw ParameterError("wrong parameters: " + problems.joined(separator: "; ")) }
  }

  private func unknown(_ name: String, _ names: [String]) -> String {
    if names.isEmpty {
      return "\(name) is unknown: the notebook declares none (--allow-unknown gives it all the same)"
    }
    if let near = names.first(where: { EditDistance.isSmall($0, name) }) {
      return "\(name) is unknown; did you mean \(near)?"
    }
    return
      "\(name) is unknown; the notebook has \(names.joined(separator: ", ")) (--allow-unknown gives it all the same)"
  }
}

/// The part of JSON Schema that parameters need.
private struct Rule {
  private let schema: NotebookValue

  init(_ schema: NotebookValue) {
    self.schema = schema
  }

  func problem(with value: NotebookValue) -> String? {
    let types = schema["type"]?.array?.compactMap(\.string) ?? schema["type"]?.string.map { [$0] } ?? []
    if !types.isEmpty, !types.contains(where: { Self.matches(value, $0) }) {
      return "must be \(types.joined(separator: " or ")), not \(value.kindName)"
    }
    if let allowed = schema["enum"]?.array, !allowed.contains(value) {
      let texts = allowed.map { String(decoding: $0.line, as: UTF8.self) }
      return "must be one of \(texts.joined(separator: ", "))"
    }
    if let number = value.double {
      if let least = schema["minimum"]?.double, !(number >= least) { return "must be at least \(least)" }
      if let most = schema["maximum"]?.double, !(number <= most) { return "must be at most \(most)" }
    }
    if let text = value.string {
      if let least = schema["minLength"]?.integer, text.unicodeScalars.count < least {
        return "must have at least \(least) characters"
      }
      if let most = schema["maxLength"]?.integer, text.unicodeScalars.count > most {
        return "must have at most \(most) characters"
      }
    }
    if let items = schema["items"], let values = value.array {
      for (index, item) in values.enumerated() {
        if let problem = Rule(items).problem(with: item) { return "[\(index)] \(problem)" }
      }
    }
    return nil
  }

  private static func matches(_ value: NotebookValue, _ type: String) -> Bool {
    switch (type, value) {
    case ("null", .null), ("boolean", .bool), ("number", .number), ("string", .string), ("array", .array),
      ("object", .object):
      true
    case ("integer", .number): ParameterKind.integer.accepts(value)
    default: false
    }
  }
}

/// Whether two words differ by a slip or two of the pen.
private enum EditDistance {
  static func isSmall(_ left: String, _ right: String) -> Bool {
    let left = Array(left.lowercased())
    let right = Array(right.lowercased())
    var row = Array(0...right.count)
    for (i, character) in left.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in right.enumerated() {
        let cost = diagonal + (character == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(cost, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[right.count] <= min(2, max(left.count, right.count) / 2)
  }
}
