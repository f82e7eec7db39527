import CSQLite

/// A statement or a connection that failed, with the library's own text.
struct SQLiteError: Error, Equatable, CustomStringConvertible {
  let attempt: String
  /// The primary result code.
  let code: Int32
  let text: String

  /// Whether another process held the file for longer than we wait.
  var isBusy: Bool { code == SQLITE_BUSY || code == SQLITE_LOCKED }

  /// Whether the file is no database, or one that is broken.
  var isCorrupt: Bool { code == SQLITE_CORRUPT || code == SQLITE_NOTADB }

  var description: String { "\(attempt): \(text)" }
}

/// One connection to a database, with its prepared statements kept.
///
/// For one thread at a time; not Sendable. Texts are UTF-8 and may hold NUL.
final class SQLiteConnection {
  /// A value to bind to a parameter.
  enum Value {
    case integer(Int)
    case text(String)
  }

  /// The row a query is at. Valid inside the closure it is handed to.
  struct Row {
    fileprivate let statement: OpaquePointer

    func integer(_ column: Int32) -> Int { Int(sqlite3_column_int64(statement, column)) }

    func text(_ column: Int32) -> String? {
      // The text must be asked for before its length: asking may convert it.
      guard let bytes = sqlite3_column_text(statement, column) else { return nil }
      let count = Int(sqlite3_column_bytes(statement, column))
      return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
  }

  private let handle: OpaquePointer
  private var statements: [String: OpaquePointer] = [:]

  /// Opens or creates a file; `:memory:` for a database that lives as long as the connection.
  init(path: String) throws {
    var opened: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    let code = sqlite3_open_v2(path, &opened, flags, nil)
    guard code == SQLITE_OK, let opened else {
      let text = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
      sqlite3_close_v2(opened)
      throw SQLiteError(attempt: "opening \(path)", code: code, text: text)
    }
    handle = opened
  }

  deinit {
    for statement in statements.values { sqlite3_finalize(statement) }
    sqlite3_close_v2(handle)
  }

  /// How long a statement waits for other processes before it fails as busy.
  func wait(atMost limit: Duration) {
    let (seconds, attoseconds) = limit.components
    sqlite3_busy_timeout(handle, Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000))
  }

  /// Runs statements without parameters and without interest in their rows.
  func execute(_ sql: String) throws {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw failure(sql, code) }
  }

  /// Runs one statement to its end.
  func run(_ sql: String, _ values: Value...) throws {
    try step(sql, values) { _ in }
  }

  /// The rows of a query, each made into a value.
  func rows<Element>(_ sql: String, _ values: [Value] = [], _ make: (Row) -> Element) throws -> [Element] {
    var elements: [Element] = []
    try step(sql, values) { elements.append(make($0)) }
    return elements
  }

  /// The row number that the last insertion made.
  var lastInsertedRow: Int { Int(sqlite3_last_insert_rowid(handle)) }

  /// Runs `body` as one write transaction; other writers wait from its start, so that it cannot fail
  /// half-way for want of the lock.
  func transaction(_ body: () throws -> Void) throws {
    try execute("BEGIN IMMEDIATE")
    do {
      try body()
      try execute("COMMIT")
    } catch {
      // Fails only when the failure has ended the transaction already.
      try? execute("ROLLBACK")
      throw error
    }
  }

  private func step(_ sql: String, _ values: [Value], _ each: (Row) -> Void) throws {
    let statement = try prepared(sql)
    defer {
      sqlite3_reset(statement)
      sqlite3_clear_bindings(statement)
    }
    for (index, value) in values.enumerated() {
      try bind(value, to: Int32(index + 1), of: statement, sql)
    }
    while true {
      let code = sqlite3_step(statement)
      if code == SQLITE_DONE { return }
      guard code == SQLITE_ROW else { throw failure(sql, code) }
      each(Row(statement: statement))
    }
  }

  private func prepared(_ sql: String) throws -> OpaquePointer {
    if let known = statements[sql] { return known }
    var made: OpaquePointer?
    let code = sqlite3_prepare_v2(handle, sql, -1, &made, nil)
    guard code == SQLITE_OK, let made else { throw failure(sql, code) }
    statements[sql] = made
    return made
  }

  private func bind(_ value: Value, to index: Int32, of statement: OpaquePointer, _ sql: String) throws {
    let code: Int32
    switch value {
    case .integer(let number): code = sqlite3_bind_int64(statement, index, Int64(number))
    case .text(let text):
      // SQLITE_TRANSIENT, "make a copy", is a cast in C that Swift does not import.
      let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
      var copy = text
      code = copy.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) {
          // An empty text has no address, which would bind NULL.
          $0.baseAddress.map {
            sqlite3_bind_text64(
              statement, index, $0, sqlite3_uint64(bytes.count), transient, UInt8(SQLITE_UTF8))
          } ?? sqlite3_bind_text(statement, index, "", 0, transient)
        }
      }
    }
    guard code == SQLITE_OK else { throw failure(sql, code) }
  }

  private func failure(_ sql: String, _ code: Int32) -> SQLiteError {
    SQLiteError(
      attempt: String(sql.prefix { $0 != "\n" }.prefix(60)), code: code & 0xFF,
      text: String(cString: sqlite3_errmsg(handle)))
  }
}
