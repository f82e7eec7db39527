/// Writes JSON text byte for byte as nbformat's writer does: Python's `json.dumps` with an indent of one, sorted
/// names and nothing escaped that need not be.
struct NotebookWriter {
  private(set) var bytes: [UInt8] = []

  static func text(of value: NotebookValue) -> [UInt8] {
    var writer = NotebookWriter()
    writer.write(value, depth: 0)
    return writer.bytes
  }

  /// On one line and in order, for journals and streams of events.
  static func line(of value: NotebookValue) -> [UInt8] {
    var writer = NotebookWriter()
    writer.writeCompact(value)
    return writer.bytes
  }

  private mutating func write(_ value: NotebookValue, depth: Int) {
    switch value {
    case .null: append("null")
    case .bool(let flag): append(flag ? "true" : "false")
    case .number(let text): append(text)
    case .string(let text): appendString(text)
    case .array(let elements):
      guard !elements.isEmpty else { return append("[]") }
      append("[")
      for (index, element) in elements.enumerated() {
        if index > 0 { append(",") }
        newLine(depth + 1)
        write(element, depth: depth + 1)
      }
      newLine(depth)
      append("]")
    case .object(let object):
      guard !object.isEmpty else { return append("{}") }
      append("{")
      for (index, member) in Self.sorted(object).enumerated() {
        if index > 0 { append(",") }
        newLine(depth + 1)
        appendString(member.name)
        append(": ")
        write(member.value, depth: depth + 1)
      }
      newLine(depth)
      append("}")
    }
  }

  private mutating func writeCompact(_ value: NotebookValue) {
    switch value {
    case .array(let elements):
      append("[")
      for (index, element) in elements.enumerated() {
        if index > 0 { append(",") }
        writeCompact(element)
      }
      append("]")
    case .object(let object):
      append("{")
      for (index, member) in object.members.enumerated() {
        if index > 0 { append(",") }
        appendString(member.name)
        append(":")
        writeCompact(member.value)
      }
      append("}")
    default: write(value, depth: 0)
    }
  }

  /// By code points, as Python sorts, which is the order of UTF-8's bytes; of equal names the last one stays.
  private static func sorted(_ object: NotebookObject) -> [NotebookObject.Member] {
    let ordered = object.members.enumerated().sorted { left, right in
      if left.element.name.utf8.elementsEqual(right.element.name.utf8) { return left.offset < right.offset }
      return left.element.name.utf8.lexicographicallyPrecedes(right.element.name.utf8)
    }
    var result: [NotebookObject.Member] = []
    for (_, member) in ordered {
      if let last = result.last, last.name.utf8.elementsEqual(member.name.utf8) { result.removeLast() }
      result.append(member)
    }
    return result
  }

  // MARK: - Characters

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func newLine(_ depth: Int) {
    bytes.append(UInt8(ascii: "\n"))
    for _ in 0..<depth { bytes.append(UInt8(ascii: " ")) }
  }

  private mutating func appendString(_ text: String) {
    var text = text
    bytes.append(UInt8(ascii: "\""))
    text.withUTF8 { utf8 in
      var start = 0
      for (index, byte) in utf8.enumerated()
      where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        bytes.append(contentsOf: utf8[start..<index])
        appendEscape(byte)
        start = index + 1
      }
      bytes.append(contentsOf: utf8[start...])
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func appendEscape(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\n"): append("\\n")
    case UInt8(ascii: "\r"): append("\\r")
    case UInt8(ascii: "\t"): append("\\t")
    case 0x08: append("\\b")
    case 0x0C: append("\\f")
    case UInt8(ascii: "\""): append("\\\"")
    case UInt8(ascii: "\\"): append("\\\\")
    default: append("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
    }
  }
}
