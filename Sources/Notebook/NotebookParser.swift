/// Reads JSON text as Python's json module does, and says where it is wrong.
///
/// Like Python it takes NaN and Infinity, which real notebooks hold, and makes U+FFFD of half a surrogate pair.
struct NotebookParser {
  struct Failure: Error, Equatable {
    let line: Int
    let column: Int
    let reason: String
  }

  /// Deeper than any notebook, shallow enough for the stack.
  private static let maximumDepth = 400

  private let text: UnsafeBufferPointer<UInt8>
  private var position = 0

  private init(_ text: UnsafeBufferPointer<UInt8>) {
    self.text = text
  }

  static func parse(_ bytes: [UInt8]) throws(Failure) -> NotebookValue {
    let result = bytes.withUnsafeBufferPointer { text -> Result<NotebookValue, Failure> in
      var parser = NotebookParser(text)
      do throws(Failure) {
        return .success(try parser.document())
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private mutating func document() throws(Failure) -> NotebookValue {
    guard String(validating: text, as: UTF8.self) != nil else { throw fail("the text is not UTF-8", at: 0) }
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    skipSpace()
    let value = try value(depth: 0)
    skipSpace()
    guard position == text.count else { throw fail("there is more after the end of the value") }
    return value
  }

  private func fail(_ reason: String, at place: Int? = nil) -> Failure {
    let before = text[..<min(place ?? position, text.count)]
    let line = before.lazy.filter { $0 == UInt8(ascii: "\n") }.count + 1
    let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    return Failure(line: line, column: before.endIndex - start + 1, reason: reason)
  }

  // MARK: - Values

  private mutating func value(depth: Int) throws(Failure) -> NotebookValue {
    guard position < text.count else { throw fail("the text ends where a value is expected") }
    guard depth < Self.maximumDepth else { throw fail("it is nested too deeply") }
    switch text[position] {
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "{"): return .object(try object(depth: depth))
    case UInt8(ascii: "["): return .array(try array(depth: depth))
    case UInt8(ascii: "t") where take("true"): return .bool(true)
    case UInt8(ascii: "f") where take("false"): return .bool(false)
    case UInt8(ascii: "n") where take("null"): return .null
    case UInt8(ascii: "N") where take("NaN"): return .number("NaN")
    case UInt8(ascii: "I") where take("Infinity"): return .number("Infinity")
    default: return .number(try number())
    }
  }

  private mutating func object(depth: Int) throws(Failure) -> NotebookObject {
    var members: [NotebookObject.Member] = []
    position += 1
    skipSpace()
    if take("}") { return NotebookObject() }
    while true {
      guard position < text.count, text[position] == UInt8(ascii: "\"") else {
        throw fail("a name in quotes is expected")
      }
      let name = try string()
      skipSpace()
      guard take(":") else { throw fail("':' is expected") }
      skipSpace()
      members.append(.init(name, try value(depth: depth + 1)))
      skipSpace()
      if take("}") { return NotebookObject(members) }
      guard take(",") else { throw fail("',' or '}' is expected") }
      skipSpace()
    }
  }

  private mutating func array(depth: Int) throws(Failure) -> [NotebookValue] {
    var elements: [NotebookValue] = []
    position += 1
    skipSpace()
    if take("]") { return [] }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take("]") { return elements }
      guard take(",") else { throw fail("',' or ']' is expected") }
      skipSpace()
    }
  }

  private mutating func number() throws(Failure) -> String {
    let start = position
    _ = take("-")
    if take("Infinity") { return "-Infinity" }
    if !take("0") { try digits() }
    if take(".") { try digits() }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      try digits()
    }
    return PythonNumber.normalised(String(decoding: text[start..<position], as: UTF8.self))
  }

  private mutating func digits() throws(Failure) {
    let start = position
    while position < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[position]) {
      position += 1
    }
    guard position > start else {
      throw fail(start < text.count ? "a value is expected" : "the text ends inside a number")
    }
  }

  // MARK: - Strings

  private mutating func string() throws(Failure) -> String {
    let opening = position
    position += 1
    let start = position
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: "\""):
        position += 1
        return String(decoding: text[start..<(position - 1)], as: UTF8.self)
      case UInt8(ascii: "\\"): return try escapedString(from: start, opening: opening)
      case 0..<0x20: throw fail("a control character stands in a string")
      default: position += 1
      }
    }
    throw fail("this string does not end", at: opening)
  }

  private mutating func escapedString(from start: Int, opening: Int) throws(Failure) -> String {
    var bytes = Array(text[start..<position])
    while position < text.count {
      let byte = text[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: bytes, as: UTF8.self)
      case UInt8(ascii: "\\"): try appendEscape(to: &bytes)
      case 0..<0x20: throw fail("a control character stands in a string", at: position - 1)
      default: bytes.append(byte)
      }
    }
    throw fail("this string does not end", at: opening)
  }

  private mutating func appendEscape(to bytes: inout [UInt8]) throws(Failure) {
    guard position < text.count else { throw fail("the text ends inside a string") }
    let kind = text[position]
    position += 1
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(kind)
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0C)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "u"):
      var units = [try hexUnit()]
      if UTF16.isLeadSurrogate(units[0]), take("\\u") {
        let mark = position
        let trail = try hexUnit()
        if UTF16.isTrailSurrogate(trail) { units.append(trail) } else { position = mark - 2 }
      }
      bytes.append(contentsOf: String(decoding: units, as: UTF16.self).utf8)
    default: throw fail("this escape is not known", at: position - 1)
    }
  }

  private mutating func hexUnit() throws(Failure) -> UInt16 {
    let digits = text[position..<min(position + 4, text.count)]
    let value = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    guard digits.count == 4, let value, digits.first != UInt8(ascii: "+") else {
      throw fail("four hexadecimal digits are expected")
    }
    position += 4
    return value
  }

  // MARK: - Characters

  private mutating func skipSpace() {
    while position < text.count, [0x20, 0x0A, 0x0D, 0x09].contains(text[position]) { position += 1 }
  }

  private mutating func take(_ word: StaticString) -> Bool {
    guard position + word.utf8CodeUnitCount <= text.count else { return false }
    for offset in 0..<word.utf8CodeUnitCount where text[position + offset] != word.utf8Start[offset] {
      return false
    }
    position += word.utf8CodeUnitCount
    return true
  }
}
