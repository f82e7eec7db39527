/// Reads one JSON document (RFC 8259) of a manifest or a kernelspec.
///
/// Stricter than the RFC in one point: a key given twice is an error, since one of the two would be
/// lost without a word. Lone surrogates become U+FFFD. Nesting is limited, so that no file can
/// exhaust the stack.
struct SpecJSONParser {
  /// Where and why the text is not JSON; lines and columns count from 1, columns in bytes.
  struct Failure: Error, Equatable {
    let reason: String
    let line: Int
    let column: Int
  }

  private static let deepest = 64
  private let bytes: [UInt8]
  private var index = 0

  static func parse(_ bytes: [UInt8]) throws(Failure) -> SpecJSON {
    var parser = SpecJSONParser(bytes: bytes)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { parser.index = 3 }
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.index == bytes.count else { throw parser.failure("text after the end of the value") }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func failure(_ reason: String) -> Failure {
    let before = bytes.prefix(index)
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    return Failure(reason: reason, line: line, column: index - start + 1)
  }

  private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard current == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  private mutating func value(depth: Int) throws(Failure) -> SpecJSON {
    guard depth < Self.deepest else { throw failure("nested more than \(Self.deepest) levels deep") }
    skipSpace()
    switch current {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case nil: throw failure("the text ends where a value should be")
    default: return try number()
    }
  }

  private mutating func word(_ text: String, _ value: SpecJSON) throws(Failure) -> SpecJSON {
    guard bytes[index...].starts(with: text.utf8) else { throw failure("no JSON value") }
    index += text.utf8.count
    return value
  }

  private mutating func object(depth: Int) throws(Failure) -> SpecJSON {
    index += 1
    var members: [SpecJSON.Member] = []
    skipSpace()
    if take("}") { return .object([]) }
    repeat {
      skipSpace()
      guard current == UInt8(ascii: "\"") else { throw failure("expected a key in quotes") }
      let key = try string()
      guard !members.contains(where: { $0.key == key }) else { throw failure("the key '\(key)' twice") }
      skipSpace()
      guard take(":") else { throw failure("expected ':' after the key '\(key)'") }
      members.append(SpecJSON.Member(key, try value(depth: depth + 1)))
      skipSpace()
    } while take(",")
    guard take("}") else { throw failure("expected ',' or '}'") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(Failure) -> SpecJSON {
    index += 1
    var items: [SpecJSON] = []
    skipSpace()
    if take("]") { return .array([]) }
    repeat {
      items.append(try value(depth: depth + 1))
      skipSpace()
    } while take(",")
    guard take("]") else { throw failure("expected ',' or ']'") }
    return .array(items)
  }

  private mutating func number() throws(Failure) -> SpecJSON {
    let start = index
    _ = take("-")
    if !take("0") {
      guard digits() else { throw failure("no JSON value") }
    }
    if take(".") {
      guard digits() else { throw failure("expected a digit after the decimal point") }
    }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      guard digits() else { throw failure("expected a digit in the exponent") }
    }
    return .number(String(decoding: bytes[start..<index], as: UTF8.self))
  }

  private mutating func digits() -> Bool {
    let start = index
    while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
    return index > start
  }

  private mutating func string() throws(Failure) -> String {
    index += 1
    var text: [UInt8] = []
    while let byte = current {
      index += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw failure("a control character inside a string")
      default: text.append(byte)
      }
    }
    throw failure("a string without its closing quote")
  }

  private mutating func escape(into text: inout [UInt8]) throws(Failure) {
    guard let byte = current else { throw failure("a string without its closing quote") }
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text.append(contentsOf: String(try scalar()).utf8)
    default: throw failure("an unknown escape in a string")
    }
  }

  /// The scalar of one `\uXXXX`, or of two that form a pair; the `\u` is already taken.
  private mutating func scalar() throws(Failure) -> Unicode.Scalar {
    let first = try hexUnit()
    if let plain = Unicode.Scalar(first) { return plain }
    let afterFirst = index
    if (0xD800..<0xDC00).contains(first), take("\\"), take("u") {
      let second = try hexUnit()
      if (0xDC00..<0xE000).contains(second),
        let pair = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      {
        return pair
      }
    }
    index = afterFirst
    return "\u{FFFD}"
  }

  private mutating func hexUnit() throws(Failure) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = current.flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
        throw failure("expected four hexadecimal digits")
      }
      unit = unit << 4 | UInt32(digit)
      index += 1
    }
    return unit
  }
}
