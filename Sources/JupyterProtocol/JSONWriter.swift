/// Appends JSON text to a byte array: values, and values that are JSON text already.
///
/// What the kernel sends is small members around large raw ones; those are spliced in as bytes.
public struct JSONWriter: Sendable {
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  public init(reserving capacity: Int = 256) {
    bytes.reserveCapacity(capacity)
  }

  /// `{ ... }` with the members that `body` writes.
  public mutating func object(_ body: (inout JSONWriter) -> Void) {
    bytes.append(UInt8(ascii: "{"))
    needsComma = false
    body(&self)
    bytes.append(UInt8(ascii: "}"))
    needsComma = true
  }

  /// Starts a member; its value must follow.
  public mutating func name(_ name: String) {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    Self.appendString(name, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  public mutating func member(_ name: String, _ value: JSONValue) {
    self.name(name)
    self.value(value)
  }

  public mutating func member(_ name: String, _ value: String) {
    self.name(name)
    Self.appendString(value, to: &bytes)
    needsComma = true
  }

  public mutating func member(_ name: String, _ value: Int) {
    self.name(name)
    bytes.append(contentsOf: String(value).utf8)
    needsComma = true
  }

  public mutating func member(_ name: String, _ value: Bool) {
    self.name(name)
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
    needsComma = true
  }

  /// A member whose value is JSON text already.
  public mutating func member(_ name: String, raw: some Sequence<UInt8>) {
    self.name(name)
    bytes.append(contentsOf: raw)
    needsComma = true
  }

  /// A string member from UTF-8 bytes (which must be valid UTF-8).
  public mutating func member(_ name: String, utf8: [UInt8]) {
    self.name(name)
    Self.appendString(utf8: utf8, to: &bytes)
    needsComma = true
  }

  public mutating func value(_ value: JSONValue) {
    switch value {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .bool(let flag): bytes.append(contentsOf: (flag ? "true" : "false").utf8)
    case .integer(let number): bytes.append(contentsOf: String(number).utf8)
    case .double(let number):
      // JSON has no NaN and no infinity; null is what the reference implementation sends.
      bytes.append(contentsOf: (number.isFinite ? number.description : "null").utf8)
    case .string(let text): Self.appendString(text, to: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        self.value(element)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      object { writer in
        for member in members { writer.member(member.name, member.value) }
      }
    }
    needsComma = true
  }

  static func appendString(_ text: String, to bytes: inout [UInt8]) {
    var text = text
    text.withUTF8 { appendString($0, to: &bytes) }
  }

  static func appendString(utf8: [UInt8], to bytes: inout [UInt8]) {
    utf8.withUnsafeBufferPointer { appendString($0, to: &bytes) }
  }

  /// The UTF-8 text in quotes, with what JSON forbids inside a string escaped. Runs of plain bytes are
  /// copied whole: this is the path of all printed text.
  private static func appendString(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
    bytes.reserveCapacity(bytes.count + text.count + text.count / 16 + 2)
    bytes.append(UInt8(ascii: "\""))
    var start = 0
    var index = 0
    while index < text.count {
      index += PlainText.words(in: text, from: index).count
      guard index < text.count else { break }
      let byte = text[index]
      guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else {
        index += 1
        continue
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<index]))
      appendEscape(byte, to: &bytes)
      index += 1
      start = index
    }
    bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start...]))
    bytes.append(UInt8(ascii: "\""))
  }

  private static func appendEscape(_ byte: UInt8, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\n"): bytes.append(UInt8(ascii: "n"))
    case UInt8(ascii: "\r"): bytes.append(UInt8(ascii: "r"))
    case UInt8(ascii: "\t"): bytes.append(UInt8(ascii: "t"))
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
    default:
      let digits = Array("0123456789abcdef".utf8)
      bytes.append(contentsOf: "u00".utf8)
      bytes.append(digits[Int(byte >> 4)])
      bytes.append(digits[Int(byte & 15)])
    }
  }
}
