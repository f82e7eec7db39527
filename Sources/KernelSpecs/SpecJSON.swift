/// A JSON value that keeps what the file says: the order of members and the text of numbers.
///
/// Manifests and kernelspecs are edited by people, so a copy must look like the original, and an
/// error must name the key it is about; both are out of reach of a decoder into dictionaries.
public enum SpecJSON: Equatable, Sendable {
  case null
  case bool(Bool)
  /// The number as written, for example `1e3`.
  case number(String)
  case string(String)
  case array([SpecJSON])
  case object([Member])

  public struct Member: Equatable, Sendable {
    public let key: String
    public var value: SpecJSON

    public init(_ key: String, _ value: SpecJSON) {
      self.key = key
      self.value = value
    }
  }

  /// The member of an object, or nil when this is no object or has no such member.
  public subscript(key: String) -> SpecJSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  public var stringValue: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  /// What a message calls the type of this value.
  var typeName: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  /// The value on one line, without spaces.
  public var compact: String {
    var writer = SpecJSONWriter(indented: false)
    writer.write(self, depth: 0)
    return writer.text
  }

  /// The value for people: two spaces a level, arrays of plain values on one line.
  public var pretty: String {
    var writer = SpecJSONWriter(indented: true)
    writer.write(self, depth: 0)
    return writer.text
  }
}

/// Writes JSON text; kept apart so that the string is built in one buffer.
private struct SpecJSONWriter {
  let indented: Bool
  var text = ""

  init(indented: Bool) { self.indented = indented }

  mutating func write(_ value: SpecJSON, depth: Int) {
    switch value {
    case .null: text += "null"
    case .bool(let flag): text += flag ? "true" : "false"
    case .number(let digits): text += digits
    case .string(let string): write(string)
    case .array(let items):
      let oneLine = !indented || items.allSatisfy(\.isScalar)
      list("[", "]", items, oneLine: oneLine, depth: depth) { $0.write($1, depth: depth + 1) }
    case .object(let members):
      list("{", "}", members, oneLine: !indented, depth: depth) { writer, member in
        writer.write(member.key)
        writer.text += writer.indented ? ": " : ":"
        writer.write(member.value, depth: depth + 1)
      }
    }
  }

  private mutating func list<Item>(
    _ open: String, _ close: String, _ items: [Item], oneLine: Bool, depth: Int,
    _ each: (inout SpecJSONWriter, Item) -> Void
  ) {
    text += open
    for (position, item) in items.enumerated() {
      if position > 0 { text += "," }
      if oneLine {
        if position > 0, indented { text += " " }
      } else {
        text += "\n" + String(repeating: "  ", count: depth + 1)
      }
      each(&self, item)
    }
    if !oneLine, !items.isEmpty { text += "\n" + String(repeating: "  ", count: depth) }
    text += close
  }

  private mutating func write(_ string: String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

extension SpecJSON {
  fileprivate var isScalar: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }
}
