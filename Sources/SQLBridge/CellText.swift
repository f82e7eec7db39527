/// One statement of a cell.
struct Statement: Equatable {
  /// The bytes of the cell that are its text, without the semicolon.
  var range: Range<Int>
  /// Its `:name` parameters, in the order of the text.
  var parameters: [Parameter] = []
  /// The lines behind a `COPY ... FROM STDIN`.
  var copyData: Range<Int>?

  struct Parameter: Equatable {
    var name: String
    /// In bytes from the start of the cell.
    var range: Range<Int>
    /// Inside brackets or braces, where `a[1:n]` is a slice unless there is a value for `n`.
    var mayBeSlice: Bool
  }
}

/// A cell as statements and backslash commands.
struct CellText {
  enum Item: Equatable {
    case statement(Statement)
    /// A line such as `\d table`, from the backslash to its end.
    case command(Range<Int>)
  }

  let bytes: [UInt8]
  private(set) var items: [Item] = []
  /// Whether the text ends within a string, comment, trigger or parenthesis.
  private(set) var isOpen = false
  /// Whether the last statement has no semicolon.
  private(set) var lastIsUnfinished = false
  /// Whether a parenthesis is closed that was never opened.
  private(set) var closesTooMuch = false

  init(_ code: String, _ dialect: Dialect) {
    bytes = Array(code.utf8)
    var reader = StatementReader(bytes, dialect)
    while let item = reader.next() { items.append(item) }
    isOpen = reader.isOpen
    lastIsUnfinished = reader.lastIsUnfinished
    closesTooMuch = reader.closesTooMuch
  }

  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  /// The line and column, both from 1 and the column in code points, of a place in the cell.
  func place(of offset: Int) -> (line: Int, column: Int) {
    let before = bytes[..<min(offset, bytes.count)]
    let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    let line = before.count { $0 == 0x0A } + 1
    // Bytes that go on with a code point are no column of their own.
    return (line, before[start...].count { $0 & 0xC0 != 0x80 } + 1)
  }

  /// The text of a line, from 1.
  func line(_ number: Int) -> String {
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    return number <= lines.count ? String(decoding: lines[number - 1], as: UTF8.self) : ""
  }
}

/// Finds the ends of statements: semicolons that are in no string, comment, parenthesis of a rule, or body of a
/// trigger or function.
private struct StatementReader {
  private let text: [UInt8]
  private let dialect: Dialect
  private var scanner: SQLScanner
  private(set) var isOpen = false
  private(set) var lastIsUnfinished = false
  private(set) var closesTooMuch = false

  init(_ text: [UInt8], _ dialect: Dialect) {
    self.text = text
    self.dialect = dialect
    scanner = SQLScanner(text, dialect)
  }

  mutating func next() -> CellText.Item? {
    var start: Int?
    var end = 0
    var words: [String] = []
    var parameters: [Statement.Parameter] = []
    var parentheses = 0
    var brackets = 0
    var blocks = 0
    while true {
      let before = scanner.position
      guard let token = scanner.next() else { break }
      if !token.isClosed { isOpen = true }
      if token.kind == .space || token.kind == .comment { continue }
      let first = text[token.range.lowerBound]
      if start == nil {
        if first == UInt8(ascii: ";") { continue }
        if first == UInt8(ascii: "\\") { return command(from: before) }
        start = token.range.lowerBound
      }
      if token.kind == .symbol {
        switch first {
        case UInt8(ascii: "("): parentheses += 1
        case UInt8(ascii: ")"):
          parentheses -= 1
          if parentheses < 0 { closesTooMuch = true }
        case UInt8(ascii: "["), UInt8(ascii: "{"): brackets += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"): brackets -= 1
        case UInt8(ascii: ";") where blocks <= 0 && !(parentheses > 0 && words.contains("RULE")):
          return .statement(finish(start ?? end, end, words, parameters))
        default: break
        }
      }
      end = token.range.upperBound
      if token.kind == .parameter {
        parameters.append(
          .init(
            name: String(decoding: text[token.range.dropFirst()], as: UTF8.self), range: token.range,
            mayBeSlice: brackets > 0))
      }
      if token.kind == .word {
        let word = String(decoding: text[token.range], as: UTF8.self).uppercased()
        if words.count < 16 { words.append(word) }
        blocks += Self.blockChange(word, words, inside: blocks > 0)
      }
    }
    guard let start else { return nil }
    lastIsUnfinished = true
    if parentheses > 0 || blocks > 0 { isOpen = true }
    return .statement(Statement(range: start..<end, parameters: parameters))
  }

  /// What a word does to the depth of `BEGIN ... END` in the body of a trigger, function or procedure.
  private static func blockChange(_ word: String, _ words: [String], inside: Bool) -> Int {
    guard words.first == "CREATE",
      words.prefix(5).contains(where: { ["TRIGGER", "FUNCTION", "PROCEDURE"].contains($0) })
    else { return 0 }
    switch word {
    case "BEGIN": return 1
    case "CASE": return inside ? 1 : 0
    case "END": return inside ? -1 : 0
    default: return 0
    }
  }

  private mutating func command(from start: Int) -> CellText.Item {
    var end = start
    while end < text.count, text[end] != 0x0A { end += 1 }
    scanner = SQLScanner(text, dialect, from: end)
    return .command(start..<end)
  }

  private mutating func finish(
    _ start: Int, _ end: Int, _ words: [String], _ parameters: [Statement.Parameter]
  ) -> Statement {
    var statement = Statement(range: start..<end, parameters: parameters)
    guard dialect.hasCopyData, words.first == "COPY", words.contains("FROM"), words.contains("STDIN") else {
      return statement
    }
    // The data begins on the next line and ends with a line of its own, `\.`, or with the cell.
    var line = scanner.position
    while line < text.count, text[line] != 0x0A { line += 1 }
    let data = min(line + 1, text.count)
    line = data
    while line < text.count {
      var next = line
      while next < text.count, text[next] != 0x0A { next += 1 }
      let isEnd = text[line..<next].elementsEqual(Array("\\.".utf8))
      if isEnd {
        statement.copyData = data..<line
        scanner = SQLScanner(text, dialect, from: next)
        return statement
      }
      line = min(next + 1, text.count)
    }
    statement.copyData = data..<text.count
    scanner = SQLScanner(text, dialect, from: text.count)
    return statement
  }
}
