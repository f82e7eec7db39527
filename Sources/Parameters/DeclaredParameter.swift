import Notebook

/// A variable that a cell tagged `parameters` gives a default value, or asks for.
public struct DeclaredParameter: Sendable, Equatable {
  public var name: String
  /// The type as written: an annotation, or a `# type: int` comment.
  public var annotation: String?
  /// The default as written; nil for one that is only annotated, and so has to be given.
  public var defaultText: String?
  /// The comment behind it.
  public var help: String

  /// What a value must be; nil when neither the annotation nor the default tells.
  public var kind: ParameterKind? {
    annotation.flatMap(ParameterKind.init(annotation:))
      ?? (annotation == nil ? defaultText.flatMap(ParameterKind.init(literal:)) : nil)
  }

  public var isRequired: Bool { defaultText == nil }
}

/// What a parameter's value is, in any language.
public enum ParameterKind: String, Sendable {
  case boolean = "bool"
  case integer = "int"
  case number = "float"
  case text = "str"
  case list
  case mapping = "dict"

  private static let names: [String: ParameterKind] = [
    "bool": .boolean, "boolean": .boolean, "logical": .boolean,
    "int": .integer, "integer": .integer, "long": .integer, "short": .integer, "int64": .integer,
    "int32": .integer,
    "bigint": .integer,
    "float": .number, "double": .number, "number": .number, "numeric": .number,
    "str": .text, "string": .text, "character": .text,
    "list": .list, "array": .list, "tuple": .list, "sequence": .list,
    "dict": .mapping, "mapping": .mapping, "object": .mapping, "map": .mapping,
  ]

  /// Of a type's name, also in its longer forms: `List[int]`, `list[str]`, `[Int]`, `string[]`. Nil for what leaves a
  /// choice: `int | None`, `Optional[str]`, `Literal["a"]`.
  init?(annotation: String) {
    var text = annotation.filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }
    if text.contains("|") || text.hasSuffix("?") { return nil }
    if text.hasSuffix("[]") || text.hasPrefix("[") {
      self = text.contains(":") ? .mapping : .list
      return
    }
    if let bracket = text.firstIndex(where: { $0 == "[" || $0 == "<" }) { text = String(text[..<bracket]) }
    let last = text.split(separator: ".").last.map(String.init) ?? text
    guard let kind = Self.names[last.lowercased()] else { return nil }
    self = kind
  }

  /// Of a literal in any of the languages; nil for anything else.
  init?(literal: String) {
    let text = literal.trimmingBlanks
    switch text {
    case "True", "False", "true", "false", "TRUE", "FALSE":
      self = .boolean
      return
    default: break
    }
    guard let first = text.first else { return nil }
    switch first {
    case "\"", "'", "`":
      guard text.count > 1, text.last == first else { return nil }
      self = .text
    case "[": self = text.hasPrefix("[dict ") ? .mapping : .list
    case "{":
      guard text.contains(":") || text.contains("=>") || text == "{}" else { return nil }
      self = .mapping
    default:
      if text.hasPrefix("list(") || text.hasPrefix("c(") {
        self = .list
        return
      }
      let digits = text.filter { $0 != "_" }
      if Int(digits) != nil || (digits.hasSuffix("L") && Int(digits.dropLast()) != nil) {
        self = .integer
      } else if first.isNumber || first == "-" || first == ".", Double(digits) != nil {
        self = .number
      } else {
        return nil
      }
    }
  }

  /// Whether a value is of this kind. A whole number will do for any number, null for everything.
  func accepts(_ value: NotebookValue) -> Bool {
    switch (self, value) {
    case (_, .null), (.boolean, .bool), (.text, .string), (.list, .array), (.mapping, .object),
      (.number, .number):
      true
    case (.integer, .number(let text)):
      if case .integer = Number(text) { true } else { false }
    default: false
    }
  }
}

extension NotebookValue {
  /// The word for its kind in messages.
  var kindName: String {
    switch self {
    case .null: "null"
    case .bool: "bool"
    case .number(let text): if case .integer = Number(text) { "int" } else { "float" }
    case .string: "str"
    case .array: "list"
    case .object: "dict"
    }
  }
}

extension StringProtocol {
  var trimmingBlanks: String {
    let start = drop(while: \.isWhitespace)
    guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...end])
  }
}
