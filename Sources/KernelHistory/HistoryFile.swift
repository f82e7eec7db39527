import KernelCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Sessions, inputs and results in one SQLite file, which several kernels share.
///
/// For one thread at a time; not Sendable. The tables are those of IPython's history with two
/// differences: a row number tells the order across sessions (and allows subshells to use a line number
/// twice), and the language of a cell is kept.
final class HistoryFile {
  /// Something to write down.
  enum Record: Sendable {
    case input(line: Int, source: String, language: String)
    case output(line: Int, text: String)
  }

  private static let schemaVersion = 1
  /// How long other kernels are waited for. Whoever asks for the history waits as long, and a cell behind that.
  private static let patience = Duration.seconds(1)
  private let connection: SQLiteConnection
  /// This process's session; none before the first input, so that a kernel that is only looked at
  /// leaves no empty session.
  private var session: Int?
  private var hasWriteAheadLog: Bool

  /// Opens the file, or a database in memory when `path` is nil.
  ///
  /// - Throws: ``SQLiteError`` when the file cannot be made, read or written, or is of a newer version.
  init(path: String?) throws {
    if let path { Self.makePrivate(path) }
    connection = try SQLiteConnection(path: path ?? ":memory:")
    connection.wait(atMost: Self.patience)
    hasWriteAheadLog = path == nil
    try useWriteAheadLog()
    try connection.transaction { try makeTables() }
  }

  /// Writes everything in one transaction.
  func write(_ records: [Record]) throws {
    guard !records.isEmpty else { return }
    try useWriteAheadLog()
    var allocated = session
    try connection.transaction {
      let session = try allocated ?? newSession()
      allocated = session
      for record in records {
        switch record {
        case .input(let line, let source, let language):
          try connection.run(
            """
            INSERT INTO history (session, line, source, source_raw, language) VALUES (?1, ?2, ?3, ?3, ?4)
            """, .integer(session), .integer(line), .text(source), .text(language))
        case .output(let line, let text):
          // A cell with several results keeps them all.
          try connection.run(
            """
            INSERT INTO output_history (session, line, output) VALUES (?1, ?2, ?3)
            ON CONFLICT (session, line) DO UPDATE SET output = output || char(10) || excluded.output
            """, .integer(session), .integer(line), .text(text))
        }
      }
    }
    session = allocated
  }

  /// The last n inputs, oldest first. This session's count as the last, even when another kernel has
  /// written meanwhile: whoever asks wants to step back through what they typed (IPython's rule).
  func tail(n: Int, output: Bool, raw: Bool) throws -> [HistoryEntry] {
    try entries(
      "FROM history AS h \(join(output)) ORDER BY h.session = ?2 DESC, h.id DESC LIMIT ?1",
      [.integer(max(0, n)), .integer(session ?? 0)], output: output, raw: raw
    ).reversed()
  }

  /// Lines `start..<stop`. Negative lines count from the end and a stop of 0 means the end, as in IPython.
  func range(session asked: Int, start: Int, stop: Int?, output: Bool, raw: Bool) throws -> [HistoryEntry] {
    let wanted = asked > 0 ? asked : try currentSession() + asked
    let end =
      try connection.rows("SELECT coalesce(max(line), 0) FROM history WHERE session = ?1", [.integer(wanted)])
    {
      $0.integer(0) + 1
    }.first ?? 1
    let first = start < 0 ? start + end : start
    let limit = stop.map { $0 == 0 ? end : $0 < 0 ? $0 + end : $0 } ?? end
    return try entries(
      """
      FROM history AS h \(join(output)) WHERE h.session = ?1 AND h.line >= ?2 AND h.line < ?3
      ORDER BY h.line, h.id
      """, [.integer(wanted), .integer(first), .integer(limit)], output: output, raw: raw)
  }

  func search(pattern: String, n: Int?, unique: Bool, output: Bool, raw: Bool) throws -> [HistoryEntry] {
    let column = column(raw)
    // Of equal inputs only the newest; SQLite takes the other columns from the row of the maximum.
    let newest = unique ? ", max(h.id)" : ""
    let group = unique ? "GROUP BY \(column)" : ""
    return try entries(
      """
      FROM history AS h \(join(output)) WHERE \(column) GLOB ?1 \(group) ORDER BY h.id DESC LIMIT ?2
      """, [.text(Self.glob(pattern)), .integer(n.map { max(0, $0) } ?? -1)], output: output, raw: raw,
      more: newest
    ).reversed()
  }

  /// Notes the end of the session; other kernels are hardly waited for.
  func finish() {
    connection.wait(atMost: .milliseconds(200))
    guard let session else { return }
    // Whoever holds the file now has reason to; the note is only for people.
    try? connection.run(
      """
      UPDATE sessions SET "end" = \(Self.now),
        num_cmds = (SELECT count(*) FROM history WHERE session = ?1) WHERE session = ?1
      """, .integer(session))
  }

  // MARK: - Queries

  private func column(_ raw: Bool) -> String { raw ? "h.source_raw" : "h.source" }

  private func join(_ output: Bool) -> String {
    output ? "LEFT JOIN output_history AS o ON o.session = h.session AND o.line = h.line" : ""
  }

  private func entries(
    _ query: String, _ values: [SQLiteConnection.Value], output: Bool, raw: Bool, more: String = ""
  ) throws -> [HistoryEntry] {
    let columns = "h.session, h.line, \(column(raw)), \(output ? "o.output" : "NULL")\(more)"
    return try connection.rows("SELECT \(columns) \(query)", values) { row in
      HistoryEntry(
        session: row.integer(0), line: row.integer(1), input: row.text(2) ?? "", output: row.text(3))
    }
  }

  /// The number of this session, or the one it would get.
  private func currentSession() throws -> Int {
    if let session { return session }
    return try connection.rows("SELECT coalesce(max(session), 0) + 1 FROM sessions") { $0.integer(0) }.first
      ?? 1
  }

  private func newSession() throws -> Int {
    try connection.run("INSERT INTO sessions (start) VALUES (\(Self.now))")
    return connection.lastInsertedRow
  }

  /// The specification knows `*` and `?` only; SQLite's bracket is taken as itself.
  static func glob(_ pattern: String) -> String {
    pattern.split(separator: "[", omittingEmptySubsequences: false).joined(separator: "[[]")
  }

  // MARK: - The file

  private static let now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

  /// With a log readers and one writer do not exclude each other. Turning it on needs the file alone for a moment and
  /// does not wait for that; until it succeeds, and where it cannot (a network folder), the usual journal is right too,
  /// only slower.
  private func useWriteAheadLog() throws {
    guard !hasWriteAheadLog else { return }
    do {
      try connection.execute("PRAGMA journal_mode = WAL")
      try connection.execute("PRAGMA synchronous = NORMAL")
      hasWriteAheadLog = true
    } catch let error as SQLiteError where error.isBusy {
      // Another kernel has it. Tried again with the next write.
    }
  }

  private func makeTables() throws {
    let version = try connection.rows("PRAGMA user_version") { $0.integer(0) }.first ?? 0
    guard version <= Self.schemaVersion else {
      throw SQLiteError(
        attempt: "reading the history", code: 0,
        text: "the file is of version \(version), newer than this parley")
    }
    guard version == 0 else { return }
    try connection.execute(
      """
      CREATE TABLE IF NOT EXISTS sessions (
        session INTEGER PRIMARY KEY AUTOINCREMENT, start TEXT, "end" TEXT, num_cmds INTEGER, remark TEXT);
      CREATE TABLE IF NOT EXISTS history (
        id INTEGER PRIMARY KEY, session INTEGER NOT NULL, line INTEGER NOT NULL, source TEXT NOT NULL,
        source_raw TEXT NOT NULL, language TEXT NOT NULL);
      CREATE INDEX IF NOT EXISTS history_lines ON history (session, line);
      CREATE TABLE IF NOT EXISTS output_history (
        session INTEGER NOT NULL, line INTEGER NOT NULL, output TEXT NOT NULL, PRIMARY KEY (session, line));
      PRAGMA user_version = \(Self.schemaVersion);
      """)
  }

  /// Puts a file that is no database any more out of the way, for somebody who may want to mend it.
  /// - Returns: where it is now; nil when it could not be moved.
  static func setAside(_ path: String, _ broken: FileIdentity) -> String? {
    // Another kernel may have done so already; what is there now would then be its new file.
    guard FileIdentity(path) == broken else { return nil }
    let aside = path + ".corrupt"
    guard rename(path, aside) == 0 else { return nil }
    for suffix in ["-wal", "-shm", "-journal"] { unlink(path + suffix) }
    return aside
  }

  /// Makes the file before SQLite does, readable by its owner only: people type secrets. SQLite gives
  /// its journal the mode of the file. What fails here fails again, with a text, when it is opened.
  private static func makePrivate(_ path: String) {
    var parent = ""
    for part in path.split(separator: "/").dropLast() {
      parent += "/" + part
      mkdir(parent, 0o700)
    }
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    if descriptor >= 0 { close(descriptor) }
  }
}

/// Which file a path names, whatever its name.
struct FileIdentity: Equatable {
  private let device: UInt64
  private let number: UInt64

  /// Nil when there is none.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    device = UInt64(status.st_dev)
    number = UInt64(status.st_ino)
  }
}
