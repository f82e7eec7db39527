/// Whose SQL it is: what the scanner must know before the database sees the text.
enum Dialect: String {
  case sqlite = "SQLite"
  case postgresql = "PostgreSQL"
  case duckdb = "DuckDB"

  /// `/* /* */ */` is one comment.
  var nestsComments: Bool { self == .postgresql }
  /// `$tag$ text $tag$` is a string.
  var hasDollarQuotes: Bool { self != .sqlite }
  /// `E'\''` is a string.
  var hasEscapeStrings: Bool { self != .sqlite }
  /// `[name]` and `` `name` `` are identifiers.
  var hasBracketNames: Bool { self == .sqlite }
  /// `COPY ... FROM STDIN` is followed by lines of data up to `\.`.
  var hasCopyData: Bool { self == .postgresql }
}
