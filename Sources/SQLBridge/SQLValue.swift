/// One value of a result or of a parameter.
enum SQLValue: Equatable {
  case null
  case bool(Bool)
  case integer(Int64)
  case real(Double)
  /// A number that no machine type holds exactly, in its decimal digits.
  case number(String)
  case text(String)
  case bytes([UInt8])
}

extension SQLValue {
  /// What a user sees and what a text protocol sends; nil for NULL.
  var text: String? {
    switch self {
    case .null: nil
    case .bool(let flag): flag ? "true" : "false"
    case .integer(let number): String(number)
    case .real(let number): Self.text(of: number)
    case .number(let digits): digits
    case .text(let text): text
    case .bytes(let bytes): Self.hexadecimal(bytes)
    }
  }

  var isNumeric: Bool {
    switch self {
    case .integer, .real, .number: true
    default: false
    }
  }

  private static func text(of number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
    return number.description
  }

  /// As PostgreSQL writes `bytea`.
  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = Array("\\x".utf8)
    text.reserveCapacity(2 + 2 * bytes.count)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// What a column holds, in the words of the Table Schema specification, and what it lacks words for.
enum ColumnKind: String {
  case any, boolean, date, datetime, integer, number, string, time
  /// Exact decimals: a `number` whose values travel as strings.
  case decimal
  /// Bytes, as hexadecimal text.
  case binary
}

extension ColumnKind {
  /// The kind that fits all values; nil when all of them are NULL.
  init?(of values: some Sequence<SQLValue>) {
    var found: ColumnKind?
    for value in values {
      let kind: ColumnKind
      switch value {
      case .null: continue
      case .bool: kind = .boolean
      case .integer: kind = .integer
      case .real: kind = .number
      case .number: kind = .decimal
      case .text: kind = .string
      case .bytes: kind = .binary
      }
      switch (found, kind) {
      case (nil, _): found = kind
      case (.integer, .number), (.number, .integer): found = .number
      case (let before?, _) where before != kind:
        self = .any
        return
      default: break
      }
    }
    guard let found else { return nil }
    self = found
  }
}

struct ResultColumn: Equatable {
  var name: String
  /// Nil where the database does not say; then the values do.
  var kind: ColumnKind?
}

/// The rows of a statement, as many as were asked for.
struct ResultTable {
  var columns: [ResultColumn]
  var rows: [[SQLValue]] = []
  /// How many rows there were; nil when nobody counted those that are not here.
  var total: Int?
  /// Whether there are rows that are not here.
  var isCut = false
}

/// How a statement ended.
enum StatementOutcome {
  case rows(ResultTable)
  /// What the statement did, such as `INSERT 0 3`; empty when there is nothing to say.
  case done(String)
}

/// A failure that the user is told: of the database, of a connection, of a command.
struct SQLFailure: Error {
  var name = "SQLError"
  var message: String
  /// `DETAIL: ...`, `HINT: ...`, each a line.
  var details: [String] = []
  /// Where it is, in bytes from the start of the statement.
  var offset: Int?

  init(_ message: String, name: String = "SQLError", details: [String] = [], offset: Int? = nil) {
    self.name = name
    self.message = message
    self.details = details
    self.offset = offset
  }

  static let interrupted = SQLFailure("interrupted", name: "KeyboardInterrupt")
}
