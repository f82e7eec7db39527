/// What a marker line says behind `#!sql`: which connection, and options.
struct Marker: Equatable {
  /// The URI, as written.
  var address: String?
  /// A connection's name: to use, or to give to the one of the address.
  var name: String?
  /// Rows to show; nil when nothing is said.
  var limit: Int?
  /// `:n=5`.
  var parameters: [(name: String, value: SQLValue)] = []

  static func == (left: Marker, right: Marker) -> Bool {
    left.address == right.address && left.name == right.name && left.limit == right.limit
      && left.parameters.elementsEqual(right.parameters) { $0 == $1 }
  }

  init() {}

  init(_ text: String) throws(SQLFailure) {
    for word in Self.words(text) {
      if word.hasPrefix(":") {
        let (name, value) = Self.pair(word.dropFirst())
        guard let value, !name.isEmpty else {
          throw Self.wrong("\(word) has no value; write :\(name)=VALUE")
        }
        parameters.append((name, Self.value(value)))
      } else if word.hasPrefix("limit=") {
        let text = word.dropFirst("limit=".count)
        guard let number = text == "all" ? Int.max : Int(text), number >= 0 else {
          throw Self.wrong("\(word): the limit is a number of rows, or all")
        }
        limit = number
      } else {
        guard address == nil, name == nil else {
          throw Self.wrong("one connection only; options are limit=N and :name=VALUE")
        }
        let (key, value) = Self.pair(Substring(word))
        if let value, Self.isName(key) {
          name = key
          address = value
        } else if Address.looksLikeOne(word) {
          address = word
        } else if Self.isName(word) {
          name = word
        } else {
          throw Self.wrong("a connection is named with letters, digits, \"-\" and \"_\"")
        }
      }
    }
  }

  private static func wrong(_ text: String) -> SQLFailure { SQLFailure(text, name: "MarkerError") }

  static func isName(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { SQLScanner.isWordByte($0) || $0 == UInt8(ascii: "-") }
  }

  private static func pair(_ word: Substring) -> (String, String?) {
    guard let sign = word.firstIndex(of: "=") else { return (String(word), nil) }
    return (String(word[..<sign]), String(word[word.index(after: sign)...]))
  }

  /// Words at white space; quotes keep a value together and stay in it. By code points: a quote with an accent on it is
  /// a quote.
  static func words(_ text: String) -> [String] {
    var words: [String] = []
    var word = String.UnicodeScalarView()
    var quote: Unicode.Scalar?
    for scalar in text.unicodeScalars {
      if scalar == quote {
        quote = nil
      } else if quote == nil, scalar == "'" || scalar == "\"" {
        quote = scalar
      } else if quote == nil, scalar.properties.isWhitespace {
        if !word.isEmpty { words.append(String(word)) }
        word = String.UnicodeScalarView()
        continue
      }
      word.append(scalar)
    }
    if !word.isEmpty { words.append(String(word)) }
    return words
  }

  /// The value that a parameter gets from its text: a number, NULL, true or false; anything else, and all that is in
  /// quotes, is text.
  static func value(_ text: String) -> SQLValue {
    let scalars = text.unicodeScalars
    if let quote = scalars.first, quote == "'" || quote == "\"", scalars.count > 1, scalars.last == quote {
      let inside = Array(scalars.dropFirst().dropLast()).replacing([quote, quote], with: [quote])
      return .text(String(String.UnicodeScalarView(inside)))
    }
    switch text.lowercased() {
    case "null": return .null
    case "true": return .bool(true)
    case "false": return .bool(false)
    default: break
    }
    if let number = Int64(text) { return .integer(number) }
    let isNumber = !text.isEmpty && text.utf8.allSatisfy { "0123456789.eE+-".utf8.contains($0) }
    if isNumber, Double(text) != nil {
      // Digits beyond a double's are kept where the database can.
      return text.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) || text.utf8.count < 16
        ? Double(text).map(SQLValue.real) ?? .text(text) : .number(text)
    }
    return .text(text)
  }
}
