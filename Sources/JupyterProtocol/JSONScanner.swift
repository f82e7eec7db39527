/// Walks JSON text without building anything: proves that it is well formed and tells where values are.
///
/// Contents that only pass through (displays of many MiB) are checked by this and then forwarded as
/// bytes. The text must be valid UTF-8, nesting at most ``maximumDepth``; NaN and Infinity are refused.
/// Source: RFC 8259.
public struct JSONScanner {
  /// Deep enough for any real content, shallow enough that hostile nesting cannot exhaust the stack, and that a
  /// notebook with such an output can still be read (`NotebookParser`).
  public static let maximumDepth = 384

  private let text: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var sawNonASCII = false
  /// Whether the string that was skipped last has an escape.
  private var sawEscape = false

  private init(_ text: UnsafeBufferPointer<UInt8>) {
    self.text = text
  }

  /// Whether the bytes are exactly one JSON object (white space around it allowed).
  public static func isObject(_ bytes: some Collection<UInt8>) -> Bool {
    members(of: bytes) != nil
  }

  /// The members of the object in order, each with the range of its value's text (as offsets from the
  /// start of `bytes`); nil when the bytes are not exactly one valid JSON object.
  public static func members(of bytes: some Collection<UInt8>) -> [(name: String, value: Range<Int>)]? {
    let found = bytes.withContiguousStorageIfAvailable { text -> [(name: String, value: Range<Int>)]? in
      var scanner = JSONScanner(text)
      guard let members = scanner.scanTopLevelObject() else { return nil }
      return members
    }
    if let found { return found }
    return members(of: Array(bytes))
  }

  /// Parses the bytes as one JSON value; nil when they are not one.
  ///
  /// Lone surrogate escapes become U+FFFD, as the reference decoder does.
  public static func parse(_ bytes: some Collection<UInt8>) -> JSONValue? {
    let found = bytes.withContiguousStorageIfAvailable { text -> JSONValue? in
      var scanner = JSONScanner(text)
      scanner.skipSpace()
      guard let value = scanner.parseValue(depth: 0) else { return nil }
      scanner.skipSpace()
      guard scanner.position == text.count, scanner.textIsUTF8 else { return nil }
      return value
    }
    if let found { return found }
    return bytes.withContiguousStorageIfAvailable({ _ in true }) == nil ? parse(Array(bytes)) : nil
  }

  /// Whether it is the depth of its nesting that keeps the text from being read. Brackets inside of strings do not count;
  /// whether the text is well formed is not looked at.
  public static func isTooDeep(_ bytes: [UInt8]) -> Bool {
    var (depth, isInString, isEscaped) = (0, false, false)
    for byte in bytes {
      switch byte {
      case _ where isEscaped: isEscaped = false
      case UInt8(ascii: "\\"): isEscaped = isInString
      case UInt8(ascii: "\""): isInString.toggle()
      case UInt8(ascii: "{") where !isInString, UInt8(ascii: "[") where !isInString: depth += 1
      case UInt8(ascii: "}") where !isInString, UInt8(ascii: "]") where !isInString: depth -= 1
      default: break
      }
      if depth > maximumDepth { return true }
    }
    return false
  }

  // MARK: - Scanning

  private mutating func scanTopLevelObject() -> [(name: String, value: Range<Int>)]? {
    var members: [(name: String, value: Range<Int>)] = []
    skipSpace()
    guard take(UInt8(ascii: "{")) else { return nil }
    skipSpace()
    if !take(UInt8(ascii: "}")) {
      repeat {
        skipSpace()
        guard let name = parseString() else { return nil }
        skipSpace()
        guard take(UInt8(ascii: ":")) else { return nil }
        skipSpace()
        let start = position
        guard skipValue(depth: 1) else { return nil }
        members.append((name, start..<position))
        skipSpace()
      } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "}")) else { return nil }
    }
    skipSpace()
    guard position == text.count, textIsUTF8 else { return nil }
    return members
  }

  private var textIsUTF8: Bool {
    !sawNonASCII || String(validating: text, as: UTF8.self) != nil
  }

  private mutating func skipValue(depth: Int) -> Bool {
    guard depth < Self.maximumDepth, position < text.count else { return false }
    switch text[position] {
    case UInt8(ascii: "\""): return skipString()
    case UInt8(ascii: "{"): return skipContainer(close: UInt8(ascii: "}"), named: true, depth: depth)
    case UInt8(ascii: "["): return skipContainer(close: UInt8(ascii: "]"), named: false, depth: depth)
    case UInt8(ascii: "t"): return takeWord("true")
    case UInt8(ascii: "f"): return takeWord("false")
    case UInt8(ascii: "n"): return takeWord("null")
    default: return skipNumber()
    }
  }

  private mutating func skipContainer(close: UInt8, named: Bool, depth: Int) -> Bool {
    position += 1
    skipSpace()
    if take(close) { return true }
    repeat {
      skipSpace()
      if named {
        guard skipString() else { return false }
        skipSpace()
        guard take(UInt8(ascii: ":")) else { return false }
        skipSpace()
      }
      guard skipValue(depth: depth + 1) else { return false }
      skipSpace()
    } while take(UInt8(ascii: ","))
    return take(close)
  }

  /// Skips a string, eight bytes a step where nothing special is in them.
  private mutating func skipString() -> Bool {
    guard take(UInt8(ascii: "\"")) else { return false }
    sawEscape = false
    while true {
      skipPlainWords()
      guard position < text.count else { return false }
      let byte = text[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return true
      case UInt8(ascii: "\\"):
        sawEscape = true
        guard skipEscape() else { return false }
      case 0..<0x20: return false
      case 0x80...: sawNonASCII = true
      default: break
      }
    }
  }

  private mutating func skipPlainWords() {
    let (count, isASCII) = PlainText.words(in: text, from: position)
    position += count
    if !isASCII { sawNonASCII = true }
  }

  private mutating func skipEscape() -> Bool {
    guard position < text.count else { return false }
    let kind = text[position]
    position += 1
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return true
    case UInt8(ascii: "u"): return hexUnit() != nil
    default: return false
    }
  }

  /// The four hexadecimal digits behind `\u`.
  private mutating func hexUnit() -> UInt16? {
    guard position + 4 <= text.count else { return nil }
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let digit = Character(UnicodeScalar(text[position])).hexDigitValue else { return nil }
      unit = unit << 4 | UInt16(digit)
      position += 1
    }
    return unit
  }

  private mutating func skipNumber() -> Bool {
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")) {
      guard skipDigits() else { return false }
    }
    if take(UInt8(ascii: ".")) {
      guard skipDigits() else { return false }
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard skipDigits() else { return false }
    }
    return true
  }

  private mutating func skipDigits() -> Bool {
    let start = position
    while position < text.count, text[position] >= UInt8(ascii: "0"), text[position] <= UInt8(ascii: "9") {
      position += 1
    }
    return position > start
  }

  private mutating func skipSpace() {
    while position < text.count {
      switch text[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < text.count, text[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func takeWord(_ word: StaticString) -> Bool {
    guard position + word.utf8CodeUnitCount <= text.count else { return false }
    for offset in 0..<word.utf8CodeUnitCount where text[position + offset] != word.utf8Start[offset] {
      return false
    }
    position += word.utf8CodeUnitCount
    return true
  }

  // MARK: - Parsing

  private mutating func parseValue(depth: Int) -> JSONValue? {
    guard depth < Self.maximumDepth, position < text.count else { return nil }
    switch text[position] {
    case UInt8(ascii: "\""): return parseString().map(JSONValue.string)
    case UInt8(ascii: "{"): return parseObject(depth: depth)
    case UInt8(ascii: "["): return parseArray(depth: depth)
    case UInt8(ascii: "t"): return takeWord("true") ? .bool(true) : nil
    case UInt8(ascii: "f"): return takeWord("false") ? .bool(false) : nil
    case UInt8(ascii: "n"): return takeWord("null") ? .null : nil
    default:
      let start = position
      guard skipNumber() else { return nil }
      let digits = String(decoding: text[start..<position], as: UTF8.self)
      if let whole = Int(digits) { return .integer(whole) }
      return Double(digits).map(JSONValue.double)
    }
  }

  private mutating func parseObject(depth: Int) -> JSONValue? {
    var members: [JSONValue.Member] = []
    position += 1
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object([]) }
    repeat {
      skipSpace()
      guard let name = parseString() else { return nil }
      skipSpace()
      guard take(UInt8(ascii: ":")) else { return nil }
      skipSpace()
      guard let value = parseValue(depth: depth + 1) else { return nil }
      members.append(.init(name, value))
      skipSpace()
    } while take(UInt8(ascii: ","))
    return take(UInt8(ascii: "}")) ? .object(members) : nil
  }

  private mutating func parseArray(depth: Int) -> JSONValue? {
    var elements: [JSONValue] = []
    position += 1
    skipSpace()
    if take(UInt8(ascii: "]")) { return .array([]) }
    repeat {
      skipSpace()
      guard let value = parseValue(depth: depth + 1) else { return nil }
      elements.append(value)
      skipSpace()
    } while take(UInt8(ascii: ","))
    return take(UInt8(ascii: "]")) ? .array(elements) : nil
  }

  private mutating func parseString() -> String? {
    let start = position + 1
    guard skipString() else { return nil }
    let inside = start..<(position - 1)
    return sawEscape ? unescape(inside) : String(decoding: text[inside], as: UTF8.self)
  }

  private func unescape(_ range: Range<Int>) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count)
    var walker = JSONScanner(UnsafeBufferPointer(rebasing: text[..<range.upperBound]))
    walker.position = range.lowerBound
    while walker.position < range.upperBound {
      // What needs no escape is most of it, and is copied in one go.
      let plain =
        walker.position..<(walker.position + PlainText.words(in: walker.text, from: walker.position).count)
      bytes.append(contentsOf: text[plain])
      walker.position = plain.upperBound
      guard walker.position < range.upperBound else { break }
      let byte = text[walker.position]
      walker.position += 1
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      let kind = text[walker.position]
      walker.position += 1
      switch kind {
      case UInt8(ascii: "b"): bytes.append(0x08)
      case UInt8(ascii: "f"): bytes.append(0x0C)
      case UInt8(ascii: "n"): bytes.append(0x0A)
      case UInt8(ascii: "r"): bytes.append(0x0D)
      case UInt8(ascii: "t"): bytes.append(0x09)
      case UInt8(ascii: "u"): bytes.append(contentsOf: walker.unicodeEscape())
      default: bytes.append(kind)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The UTF-8 of one `\uXXXX` or of a surrogate pair; U+FFFD for half a pair.
  private mutating func unicodeEscape() -> [UInt8] {
    guard let unit = hexUnit() else { return [] }
    var units = [unit]
    if UTF16.isLeadSurrogate(unit), position + 1 < text.count, text[position] == UInt8(ascii: "\\"),
      text[position + 1] == UInt8(ascii: "u")
    {
      let mark = position
      position += 2
      if let trail = hexUnit(), UTF16.isTrailSurrogate(trail) {
        units.append(trail)
      } else {
        position = mark
      }
    }
    return Array(String(decoding: units, as: UTF16.self).utf8)
  }
}
