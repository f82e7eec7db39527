import Glibc

/// Where a database is: the URI of a marker line, with its secrets told apart.
struct Address: Equatable {
  enum Place: Equatable {
    /// A path, `:memory:`, or a `file:` URI.
    case sqlite(String)
    /// What libpq takes.
    case postgresql(String)
    /// A path or `:memory:`.
    case duckdb(String)
  }

  let place: Place
  /// The URI for people: without secrets.
  let shown: String
  private let secrets: [String]

  /// - Parameters:
  ///   - text: a URI in which `${NAME}` stands for a variable of the environment.
  ///   - variable: looks one up.
  init(_ text: String, variable: (String) -> String?) throws(SQLFailure) {
    var secrets: [String] = []
    let expanded = try Self.expand(text, &secrets, variable)
    // Of a URI that is a variable as a whole, the variable is all there is to show.
    let isVariable = text.hasPrefix("${")
    let lower = expanded.lowercased()
    if lower.hasPrefix("postgresql://") || lower.hasPrefix("postgres://") {
      place = .postgresql(expanded)
      let found = Self.passwords(in: expanded)
      secrets += found
      secrets += found.map(Self.decoded)
      shown = isVariable ? text : Self.masked(Self.masked(text, Self.passwords(in: text)), secrets)
    } else if lower.hasPrefix("sqlite:") || lower.hasPrefix("duckdb:") {
      let scheme = lower.hasPrefix("sqlite:") ? "sqlite" : "duckdb"
      let path = try Self.path(String(expanded.dropFirst("sqlite:".count)), scheme: scheme, shown: text)
      place = scheme == "sqlite" ? .sqlite(path) : .duckdb(path)
      shown = text
    } else {
      let shown = Self.masked(text, Self.passwords(in: text))
      throw SQLFailure(
        "\"\(shown)\" is no address of a database; use sqlite:///file.db, sqlite::memory:, "
          + "postgresql://user@host/database, or duckdb:///file.duckdb",
        name: "ConnectionError")
    }
    self.secrets = secrets.filter { !$0.isEmpty }.sorted { $0.utf8.count > $1.utf8.count }
  }

  /// A text of a library, which may repeat parts of the URI, without the secrets.
  func masked(_ text: String) -> String { Self.masked(text, secrets) }

  /// Whether a word of a marker line is an address rather than the name of a connection.
  static func looksLikeOne(_ word: String) -> Bool { word.contains(":") || word.hasPrefix("${") }

  // MARK: - Parts

  /// `///relative`, `////absolute`, `//` and `:memory:`, as SQLAlchemy has them.
  private static func path(_ rest: String, scheme: String, shown: String) throws(SQLFailure) -> String {
    if rest.isEmpty || rest == "//" || rest == ":memory:" || rest == "///:memory:" || rest == "///" {
      return ":memory:"
    }
    if rest.hasPrefix("///") {
      let path = String(rest.dropFirst(3))
      guard path.hasPrefix("~/"), let home = getenv("HOME") else { return path }
      return String(cString: home) + path.dropFirst()
    }
    throw SQLFailure(
      "\"\(shown)\" has no path; write \(scheme):///file for a file beside the notebook, \(scheme):////folder/file "
        + "for any other, and \(scheme)::memory: for none",
      name: "ConnectionError")
  }

  private static func expand(
    _ text: String, _ secrets: inout [String], _ variable: (String) -> String?
  ) throws(SQLFailure) -> String {
    var result = ""
    var rest = Substring(text)
    while let start = rest.firstRange(of: "${") {
      result += rest[..<start.lowerBound]
      rest = rest[start.upperBound...]
      guard let end = rest.firstIndex(of: "}") else {
        throw SQLFailure("\"${\" without its \"}\"", name: "ConnectionError")
      }
      let name = String(rest[..<end])
      guard let value = variable(name) else {
        throw SQLFailure(
          "the environment has no variable \(name); set it before the kernel starts", name: "ConnectionError")
      }
      // A part of a URI may hold any character; a whole one is meant as it is.
      let isPart = result.lowercased().hasPrefix("postgres")
      result += isPart ? encoded(value) : value
      if isPart { secrets += [value, encoded(value)] }
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }

  /// The password before the `@`, and what `password=` and its like say in the query.
  private static func passwords(in uri: String) -> [String] {
    var found: [String] = []
    guard let scheme = uri.firstRange(of: "://") else { return [] }
    let rest = uri[scheme.upperBound...]
    let authority = rest.prefix { $0 != "?" && $0 != "#" }
    // A password with a slash or an @ that nobody has encoded is still one.
    if let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") {
      found.append(String(authority[authority.index(after: colon)..<at]))
    }
    if let query = rest.firstIndex(of: "?") {
      for pair in rest[rest.index(after: query)...].split(separator: "&") {
        let parts = pair.split(separator: "=", maxSplits: 1)
        if parts.count == 2, parts[0].lowercased().contains("password") { found.append(String(parts[1])) }
      }
    }
    return found.filter { !$0.isEmpty && !$0.hasPrefix("${") }
  }

  private static func masked(_ text: String, _ secrets: [String]) -> String {
    var text = text
    for secret in secrets { text.replace(secret, with: "***") }
    return text
  }

  private static func encoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      if SQLScanner.isWordByte(byte), byte < 0x80 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") {
        result.unicodeScalars.append(UnicodeScalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        result += "%" + (digits.utf8.count == 1 ? "0" : "") + digits
      }
    }
    return result
  }

  private static func decoded(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      if byte == UInt8(ascii: "%"), let value = UInt8(digits, radix: 16) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
