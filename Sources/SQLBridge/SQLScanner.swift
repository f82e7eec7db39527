/// Cuts SQL text into tokens; enough to find where statements, strings and parameters begin and end.
struct SQLScanner {
  enum Kind: Equatable {
    case word, name, string, number, parameter, comment, space, symbol
  }

  struct Token: Equatable {
    var kind: Kind
    var range: Range<Int>
    /// False for a string, name or comment that the text ends in.
    var isClosed = true
  }

  let text: [UInt8]
  let dialect: Dialect
  private(set) var position: Int

  init(_ text: [UInt8], _ dialect: Dialect, from position: Int = 0) {
    self.text = text
    self.dialect = dialect
    self.position = position
  }

  /// All tokens to the end.
  static func tokens(_ text: [UInt8], _ dialect: Dialect) -> [Token] {
    var scanner = SQLScanner(text, dialect)
    var tokens: [Token] = []
    while let token = scanner.next() { tokens.append(token) }
    return tokens
  }

  mutating func next() -> Token? {
    guard position < text.count else { return nil }
    let start = position
    let (kind, isClosed) = scan()
    return Token(kind: kind, range: start..<position, isClosed: isClosed)
  }

  // MARK: - One token

  private mutating func scan() -> (Kind, Bool) {
    let byte = text[position]
    let following = peek(1)
    switch byte {
    case 0x20, 0x09, 0x0A, 0x0B, 0x0C, 0x0D:
      skip { $0 == 0x20 || (0x09...0x0D).contains($0) }
      return (.space, true)
    case UInt8(ascii: "-") where following == UInt8(ascii: "-"):
      skip { $0 != 0x0A }
      return (.comment, true)
    case UInt8(ascii: "/") where following == UInt8(ascii: "*"): return (.comment, blockComment())
    case UInt8(ascii: "'"): return (.string, quoted(byte, escapes: false))
    case UInt8(ascii: "\""): return (.name, quoted(byte, escapes: false))
    case UInt8(ascii: "`") where dialect.hasBracketNames: return (.name, quoted(byte, escapes: false))
    case UInt8(ascii: "[") where dialect.hasBracketNames:
      return (.name, quoted(UInt8(ascii: "]"), escapes: false))
    case UInt8(ascii: "e"), UInt8(ascii: "E"):
      guard dialect.hasEscapeStrings, following == UInt8(ascii: "'") else { return word() }
      position += 1
      return (.string, quoted(UInt8(ascii: "'"), escapes: true))
    case UInt8(ascii: "$"):
      if dialect.hasDollarQuotes, let isClosed = dollarQuoted() { return (.string, isClosed) }
      position += 1
      skip(Self.isWordByte)
      return (.symbol, true)
    case UInt8(ascii: ":"): return colon()
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
      skip { Self.isWordByte($0) || $0 == UInt8(ascii: ".") }
      return (.number, true)
    case let byte where Self.isWordByte(byte): return word()
    default:
      position += 1
      return (.symbol, true)
    }
  }

  private mutating func word() -> (Kind, Bool) {
    skip { Self.isWordByte($0) || $0 == UInt8(ascii: "$") }
    return (.word, true)
  }

  /// `::` is a cast and `:=` an assignment; `:name` is a parameter.
  private mutating func colon() -> (Kind, Bool) {
    position += 1
    guard let next = peek(0) else { return (.symbol, true) }
    if next == UInt8(ascii: ":") || next == UInt8(ascii: "=") {
      position += 1
      return (.symbol, true)
    }
    guard Self.isWordByte(next), !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next) else {
      return (.symbol, true)
    }
    skip(Self.isWordByte)
    return (.parameter, true)
  }

  private mutating func quoted(_ end: UInt8, escapes: Bool) -> Bool {
    position += 1
    while position < text.count {
      if escapes, text[position] == UInt8(ascii: "\\") {
        position += 2
      } else if text[position] != end {
        position += 1
      } else if peek(1) == end, end != UInt8(ascii: "]") {
        position += 2
      } else {
        position += 1
        return true
      }
    }
    position = text.count
    return false
  }

  private mutating func blockComment() -> Bool {
    var depth = 0
    while position < text.count {
      if text[position] == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") {
        position += 2
        depth -= 1
        if depth == 0 { return true }
      } else if text[position] == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") {
        position += 2
        if depth == 0 || dialect.nestsComments { depth += 1 }
      } else {
        position += 1
      }
    }
    return false
  }

  /// Whether the string is closed; nil when this is none, such as the `$1` of a prepared statement.
  private mutating func dollarQuoted() -> Bool? {
    var end = position + 1
    while end < text.count, Self.isWordByte(text[end]) { end += 1 }
    guard end < text.count, text[end] == UInt8(ascii: "$") else { return nil }
    if end > position + 1, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[position + 1]) { return nil }
    let tag = text[position...end]
    position = end + 1
    while position + tag.count <= text.count {
      if text[position] == UInt8(ascii: "$"), text[position..<position + tag.count].elementsEqual(tag) {
        position += tag.count
        return true
      }
      position += 1
    }
    position = text.count
    return false
  }

  // MARK: - Bytes

  private func peek(_ distance: Int) -> UInt8? {
    position + distance < text.count ? text[position + distance] : nil
  }

  private mutating func skip(_ isPart: (UInt8) -> Bool) {
    while position < text.count, isPart(text[position]) { position += 1 }
  }

  static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
      true
    default: false
    }
  }
}
