/// What stands around the cursor in SQL text: the word, the names before its dots, the tables of its statement.
struct QueryContext {
  /// The word's place in the cell, in bytes; empty between words.
  private(set) var range: Range<Int>
  /// `a.b.` before the word, without quotes.
  private(set) var qualifiers: [String] = []
  /// Whether the cursor is in a string, a comment or a number, where nothing is completed.
  private(set) var isText = false
  /// Tables of the statement, with their schemas and the names they have in it.
  private(set) var tables: [(schema: String?, name: String, alias: String?)] = []
  /// Whether a table is expected: behind FROM, JOIN, INTO, UPDATE, TABLE.
  private(set) var wantsTable = false
  private let bytes: [UInt8]

  /// - Parameter cursor: in code points.
  /// - Parameter wholeWord: whether the part of the word behind the cursor belongs to it, as for inspection.
  init(_ code: String, cursor: Int, _ dialect: Dialect, wholeWord: Bool = false) {
    bytes = Array(code.utf8)
    let place = code.unicodeScalars.prefix(cursor).reduce(0) { $0 + UTF8.width($1) }
    range = place..<place
    let cell = CellText(code, dialect)
    var part = 0..<bytes.count
    for case .statement(let statement) in cell.items where statement.range.lowerBound <= place {
      part = statement.range.lowerBound..<max(statement.range.upperBound, place)
    }
    readTables(part, dialect)
    let tokens = SQLScanner.tokens(bytes, dialect).filter { $0.kind != .space }
    guard
      var index = tokens.lastIndex(where: {
        $0.range.lowerBound < place || (wholeWord && $0.range.contains(place))
      })
    else { return }
    let token = tokens[index]
    if place <= token.range.upperBound {
      switch token.kind {
      case .word, .name, .parameter:
        range = token.range.lowerBound..<(wholeWord ? token.range.upperBound : place)
        index -= 1
      case .string, .number: isText = true
      case .comment:
        isText =
          place < token.range.upperBound
          || token.isClosed && bytes[token.range.lowerBound] == UInt8(ascii: "-")
      default: break
      }
    }
    // Names before dots, directly before the word.
    var end = range.lowerBound
    while index > 0, tokens[index].range == end - 1..<end, bytes[end - 1] == UInt8(ascii: "."),
      tokens[index - 1].range.upperBound == end - 1,
      tokens[index - 1].kind == .word || tokens[index - 1].kind == .name
    {
      qualifiers.insert(Self.unquoted(text(tokens[index - 1].range)), at: 0)
      end = tokens[index - 1].range.lowerBound
      index -= 2
    }
    if index >= 0, tokens[index].kind == .word {
      wantsTable = ["FROM", "JOIN", "INTO", "UPDATE", "TABLE"].contains(
        text(tokens[index].range).uppercased())
    }
  }

  /// The word as it stands there.
  var word: String { text(range) }

  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  /// A place in bytes as code points.
  func codePoints(before offset: Int) -> Int {
    bytes[..<offset].count { $0 & 0xC0 != 0x80 }
  }

  /// The table that a name of the statement means.
  func table(called name: String) -> (schema: String?, name: String)? {
    let found =
      tables.first { $0.alias.map { Catalogue.same($0, name) } ?? false }
      ?? tables.first { Catalogue.same($0.name, name) }
    return found.map { ($0.schema, $0.name) }
  }

  static func unquoted(_ name: String) -> String {
    guard let first = name.first, name.count > 1, ["\"", "`", "["].contains(first) else { return name }
    return String(name.dropFirst().dropLast()).replacing("\"\"", with: "\"")
  }

  /// Names behind FROM, JOIN, INTO, UPDATE and commas of a FROM, each with its alias.
  private mutating func readTables(_ part: Range<Int>, _ dialect: Dialect) {
    let text = bytes
    let tokens = SQLScanner.tokens(Array(text[part]), dialect).filter {
      $0.kind != .space && $0.kind != .comment
    }
    func word(_ index: Int) -> String {
      guard index < tokens.count else { return "" }
      let range = tokens[index].range
      return String(
        decoding: text[part.lowerBound + range.lowerBound..<part.lowerBound + range.upperBound], as: UTF8.self
      )
    }
    func isName(_ index: Int) -> Bool {
      guard index < tokens.count else { return false }
      if tokens[index].kind == .name { return true }
      return tokens[index].kind == .word && !Keywords.all.contains(word(index).uppercased())
    }
    var index = 0
    var expectsTable = false
    while index < tokens.count {
      let upper = tokens[index].kind == .word ? word(index).uppercased() : ""
      if ["FROM", "JOIN", "INTO", "UPDATE"].contains(upper) {
        expectsTable = true
        index += 1
        continue
      }
      guard expectsTable, isName(index) else {
        expectsTable = false
        index += 1
        continue
      }
      var names = [Self.unquoted(word(index))]
      index += 1
      while word(index) == ".", isName(index + 1) {
        names.append(Self.unquoted(word(index + 1)))
        index += 2
      }
      var alias: String?
      if word(index).uppercased() == "AS" { index += 1 }
      if isName(index) {
        alias = Self.unquoted(word(index))
        index += 1
      }
      tables.append((names.count > 1 ? names[names.count - 2] : nil, names[names.count - 1], alias))
      expectsTable = word(index) == ","
      if expectsTable { index += 1 }
    }
  }
}
