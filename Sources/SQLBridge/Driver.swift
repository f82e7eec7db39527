/// A connection to a database of one kind. Everything blocks; an interrupt makes it fail with
/// ``SQLFailure/interrupted``.
protocol Driver: AnyObject {
  var dialect: Dialect { get }
  /// The product with its version.
  var version: String { get }
  var transaction: TransactionState { get }
  /// Whether the connection is gone for good and must be made anew.
  var isBroken: Bool { get }

  /// Runs one statement.
  /// - Parameter limit: how many rows are kept.
  func run(_ query: Query, limit: Int) throws(SQLFailure) -> StatementOutcome

  func close()
}

enum TransactionState {
  case none, open
  /// Open, and of no use any more but to be rolled back.
  case failed
}

/// One statement on its way to a driver.
struct Query {
  /// The statement's text as the user wrote it.
  var text: [UInt8]
  /// Where `:name` stands, in bytes from the start of the text, and its value. In the order of the text.
  var parameters: [(name: String, range: Range<Int>, value: SQLValue)] = []
  var copyData: [UInt8]?

  init(_ text: String, _ parameters: [(name: String, range: Range<Int>, value: SQLValue)] = []) {
    self.text = Array(text.utf8)
    self.parameters = parameters
  }

  /// The text with each parameter replaced by what `placeholder` makes of its name, for databases that know no
  /// `:name`; and how a place in that text is found in the user's.
  func rewritten(_ placeholder: (String) -> String) -> (text: [UInt8], original: (Int) -> Int) {
    var result: [UInt8] = []
    var shifts: [(from: Int, by: Int)] = []
    var position = 0
    for parameter in parameters {
      result += text[position..<parameter.range.lowerBound]
      result += placeholder(parameter.name).utf8
      position = parameter.range.upperBound
      shifts.append((result.count, position - result.count))
    }
    result += text[position...]
    return (result, { offset in offset + (shifts.last { $0.from <= offset }?.by ?? 0) })
  }
}

extension Driver {
  /// The rows of a question of the bridge itself, with `:name` bound to texts.
  func rows(_ sql: String, _ values: [String: String] = [:]) throws(SQLFailure) -> [[SQLValue]] {
    let cell = CellText(sql, dialect)
    guard case .statement(let statement)? = cell.items.first else { return [] }
    var query = Query(sql)
    for parameter in statement.parameters {
      query.parameters.append(
        (parameter.name, parameter.range, values[parameter.name].map(SQLValue.text) ?? .null))
    }
    guard case .rows(let table) = try run(query, limit: 100_000) else { return [] }
    return table.rows
  }
}
