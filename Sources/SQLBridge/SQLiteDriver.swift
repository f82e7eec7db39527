import CSQLBridge
import CSQLite

/// A SQLite file or a database in memory.
final class SQLiteDriver: Driver {
  let dialect = Dialect.sqlite
  let isBroken = false
  private let database: OpaquePointer

  /// - Parameter path: a file, `:memory:`, or a `file:` URI.
  init(path: String) throws(SQLFailure) {
    var opened: OpaquePointer?
    let code = sqlite3_open_v2(
      path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, nil)
    guard code == SQLITE_OK, let opened else {
      let text = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
      sqlite3_close_v2(opened)
      throw SQLFailure("\(path): \(text)", name: "ConnectionError")
    }
    database = opened
    sqlite3_extended_result_codes(opened, 1)
    sqlite3_progress_handler(opened, 1000, sqlbridge_progress, nil)
    // A locked file is waited for a while, but not longer than the user does.
    sqlite3_busy_handler(
      opened,
      { _, attempt in
        guard sqlbridge_interrupted() == 0, attempt < 500 else { return 0 }
        sqlite3_sleep(10)
        return 1
      }, nil)
    do {
      // A file that is no database is told now, not with the first statement.
      _ = try run(Query("SELECT count(*) FROM sqlite_schema"), limit: 1)
    } catch {
      sqlite3_close_v2(opened)
      if error.name == "KeyboardInterrupt" { throw error }
      throw SQLFailure("\(path): \(error.message)", name: "ConnectionError")
    }
  }

  var version: String { "SQLite \(String(cString: sqlite3_libversion()))" }

  var transaction: TransactionState { sqlite3_get_autocommit(database) != 0 ? .none : .open }

  func close() { sqlite3_close_v2(database) }

  // MARK: - Statements

  func run(_ query: Query, limit: Int) throws(SQLFailure) -> StatementOutcome {
    let statement = try prepare(query.text)
    guard let statement else { return .done("") }
    defer { sqlite3_finalize(statement) }
    try bind(query, to: statement)
    sqlbridge_cancel_with({ sqlite3_interrupt(OpaquePointer($0)) }, UnsafeMutableRawPointer(database))
    defer { sqlbridge_cancel_with(nil, nil) }
    let width = sqlite3_column_count(statement)
    var table = ResultTable(
      columns: (0..<width).map { column in
        ResultColumn(
          name: sqlite3_column_name(statement, column).map { String(cString: $0) } ?? "",
          kind: Self.kind(declared: sqlite3_column_decltype(statement, column).map { String(cString: $0) }))
      })
    while true {
      // Between the last look and this call an interrupt would be lost but for the progress handler.
      if Interrupts.isPending { throw .interrupted }
      let code = sqlite3_step(statement)
      if code == SQLITE_DONE { break }
      guard code == SQLITE_ROW else { throw failure(code) }
      guard table.rows.count < limit else {
        table.isCut = true
        break
      }
      table.rows.append((0..<width).map { Self.value(statement, $0) })
    }
    if width > 0 {
      if !table.isCut { table.total = table.rows.count }
      // Every value has a type of its own here; what a column was declared as counts only where there are none.
      for column in table.columns.indices {
        table.columns[column].kind =
          ColumnKind(of: table.rows.lazy.map { $0[column] }) ?? table.columns[column].kind
      }
      return .rows(table)
    }
    return .done(tag(statement))
  }

  private func prepare(_ text: [UInt8]) throws(SQLFailure) -> OpaquePointer? {
    var statement: OpaquePointer?
    let code = text.withUnsafeBytes { bytes in
      sqlite3_prepare_v2(
        database, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(clamping: bytes.count),
        &statement, nil)
    }
    guard code == SQLITE_OK else { throw failure(code) }
    return statement
  }

  private func bind(_ query: Query, to statement: OpaquePointer) throws(SQLFailure) {
    for index in 0..<sqlite3_bind_parameter_count(statement) {
      let name = sqlite3_bind_parameter_name(statement, index + 1).map { String(cString: $0) } ?? "?"
      // SQLite itself would take NULL for what nobody has given.
      guard query.parameters.contains(where: { ":" + $0.name == name }) else {
        throw SQLFailure("no value for \(name); write parameters as :name", name: "ParameterError")
      }
    }
    for parameter in query.parameters {
      let index = sqlite3_bind_parameter_index(statement, ":" + parameter.name)
      guard index > 0 else { continue }
      let code: Int32
      // SQLITE_TRANSIENT, "make a copy", is a cast in C that Swift does not import.
      let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
      switch parameter.value {
      case .null: code = sqlite3_bind_null(statement, index)
      case .bool(let flag): code = sqlite3_bind_int64(statement, index, flag ? 1 : 0)
      case .integer(let number): code = sqlite3_bind_int64(statement, index, number)
      case .real(let number): code = sqlite3_bind_double(statement, index, number)
      case .number(let text), .text(let text):
        code = text.withCString { sqlite3_bind_text(statement, index, $0, -1, transient) }
      case .bytes(let bytes):
        code = sqlite3_bind_blob64(statement, index, bytes, sqlite3_uint64(bytes.count), transient)
      }
      guard code == SQLITE_OK else { throw failure(code) }
    }
  }

  /// What to say of a statement without rows.
  private func tag(_ statement: OpaquePointer) -> String {
    guard sqlite3_stmt_readonly(statement) == 0 else { return "" }
    let text = sqlite3_sql(statement).map { String(cString: $0) } ?? ""
    let words = SQLScanner.tokens(Array(text.utf8), dialect).filter { $0.kind == .word }.prefix(12).map {
      String(decoding: Array(text.utf8)[$0.range], as: UTF8.self).uppercased()
    }
    let changing: Set<String> = ["INSERT", "REPLACE", "UPDATE", "DELETE", "WITH"]
    guard let first = words.first else { return "" }
    if changing.contains(first) {
      let rows = sqlite3_changes64(database)
      return "\(rows) \(rows == 1 ? "row" : "rows") changed"
    }
    let kinds: Set<String> = ["TABLE", "VIEW", "INDEX", "TRIGGER"]
    guard ["CREATE", "DROP", "ALTER"].contains(first), let kind = words.first(where: kinds.contains) else {
      return ""
    }
    return "\(first) \(kind)"
  }

  private func failure(_ code: Int32) -> SQLFailure {
    if code & 0xFF == SQLITE_INTERRUPT || Interrupts.isPending { return .interrupted }
    let offset = sqlite3_error_offset(database)
    return SQLFailure(String(cString: sqlite3_errmsg(database)), offset: offset >= 0 ? Int(offset) : nil)
  }

  // MARK: - Values

  private static func value(_ statement: OpaquePointer, _ column: Int32) -> SQLValue {
    switch sqlite3_column_type(statement, column) {
    case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, column))
    case SQLITE_FLOAT: return .real(sqlite3_column_double(statement, column))
    case SQLITE_NULL: return .null
    case SQLITE_BLOB:
      let start = sqlite3_column_blob(statement, column)
      let count = Int(sqlite3_column_bytes(statement, column))
      return .bytes(start.map { Array(UnsafeRawBufferPointer(start: $0, count: count)) } ?? [])
    default:
      let start = sqlite3_column_text(statement, column)
      let count = Int(sqlite3_column_bytes(statement, column))
      // Text is whatever bytes were stored; what is no UTF-8 is repaired, or no JSON could hold it.
      return .text(String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self))
    }
  }

  /// By the rules of type affinity, for columns without any value.
  private static func kind(declared type: String?) -> ColumnKind? {
    guard let type = type?.uppercased() else { return nil }
    if type.contains("INT") { return .integer }
    if type.contains("CHAR") || type.contains("CLOB") || type.contains("TEXT") { return .string }
    if type.contains("REAL") || type.contains("FLOA") || type.contains("DOUB") { return .number }
    return nil
  }
}
