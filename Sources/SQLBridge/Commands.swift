import Glibc

/// Lines that begin with a backslash: questions about connections and tables, and variables.
extension CellRunner {
  static let commands: [(name: String, arguments: String, help: String)] = [
    ("\\d", "[TABLE]", "tables and views, or the columns of one"),
    ("\\connections", "", "the connections, the one in use marked"),
    ("\\close", "NAME", "close a connection"),
    ("\\set", "[NAME VALUE]", "give :NAME a value, or show all values"),
    ("\\unset", "NAME", "take a value away"),
    ("\\echo", "TEXT", "print a text; :NAME in it is the value of a variable"),
    ("\\warn", "TEXT", "the same to standard error"),
    ("\\q", "", "end the bridge with all its connections"),
    ("\\?", "", "show this help"),
  ]

  func command(_ line: String, isLast: Bool, _ output: CellOutput) throws(SQLFailure) {
    var words = Marker.words(line)
    let name = words.removeFirst()
    if name == "\\echo" || name == "\\warn" {
      let texts = words.map { word in
        word.hasPrefix(":")
          ? variables[String(word.dropFirst())]?.text ?? word : Marker.value(word).text ?? word
      }
      return output.text(texts.joined(separator: " ") + "\n", to: name == "\\echo" ? "stdout" : "stderr")
    }
    // As in psql a semicolon behind it is no part of a name.
    if let last = words.last, last.hasSuffix(";") { words[words.count - 1] = String(last.dropLast()) }
    words.removeAll(where: \.isEmpty)
    switch (name, words.count) {
    case ("\\d", 0), ("\\dt", 0): try show(relations(), isLast, output)
    case ("\\d", 1): try describe(words[0], isLast, output)
    case ("\\connections", 0), ("\\conninfo", 0): show(connectionTable, isLast, output)
    case ("\\close", 1): try connections.close(words[0])
    case ("\\set", 0): show(variableTable, isLast, output)
    case ("\\set", 2...) where Marker.isName(words[0]):
      variables[words[0]] = Marker.value(words.dropFirst().joined(separator: " "))
    case ("\\unset", 1): variables[words[0]] = nil
    case ("\\q", 0):
      connections.closeAll()
      exit(0)
    case ("\\?", _): output.text(Self.help)
    default:
      if let known = Self.commands.first(where: { $0.name == name }) {
        throw SQLFailure("use it as: \(known.name) \(known.arguments)", name: "CommandError")
      }
      throw SQLFailure("there is no command \(name); \\? lists those there are", name: "CommandError")
    }
  }

  private static var help: String {
    let width = commands.map { $0.name.count + $0.arguments.count + 1 }.max() ?? 0
    return commands.map { command in
      let left = "\(command.name) \(command.arguments)"
      return "  \(left)\(String(repeating: " ", count: width - left.count))  \(command.help)\n"
    }.joined()
  }

  private func show(_ table: ResultTable, _ isLast: Bool, _ output: CellOutput) {
    output.result(ResultRendering(table: table, elapsed: 0).bundle, isLast: isLast)
  }

  private static func table(_ names: [String], _ rows: [[String?]]) -> ResultTable {
    ResultTable(
      columns: names.map { ResultColumn(name: $0, kind: .string) },
      rows: rows.map { row in row.map { $0.map(SQLValue.text) ?? .null } }, total: rows.count)
  }

  private var connectionTable: ResultTable {
    Self.table(
      ["in use", "name", "address", "database", "transaction"],
      connections.all.map { connection in
        let transaction =
          switch connection.driver?.transaction {
          case .open: "open"
          case .failed: "aborted"
          default: ""
          }
        return [
          connection.name == connections.currentName ? "*" : "", connection.name, connection.address.shown,
          connection.driver.map { $0.isBroken ? "lost" : $0.version } ?? "", transaction,
        ]
      })
  }

  private var variableTable: ResultTable {
    Self.table(["name", "value"], variables.sorted { $0.key < $1.key }.map { [$0.key, $0.value.text] })
  }

  private func relations() throws(SQLFailure) -> ResultTable {
    let catalogue = Catalogue(driver: try connections.driver(of: connections.inUse()))
    return Self.table(
      ["schema", "name", "kind"],
      try catalogue.relations().filter { !$0.isSystem }.map { [$0.schema, $0.name, $0.kind] })
  }

  private func describe(_ word: String, _ isLast: Bool, _ output: CellOutput) throws(SQLFailure) {
    let driver = try connections.driver(of: connections.inUse())
    guard let description = try RelationDescription(word, Catalogue(driver: driver)) else {
      throw SQLFailure("there is no table or view \(word) in \(connections.currentName ?? "the database")")
    }
    show(description.table, isLast, output)
    output.text(description.details.map { "\($0)\n" }.joined())
  }
}

/// A table or view with its columns, for `\d` and inspection.
struct RelationDescription {
  let relation: Catalogue.Relation
  let columns: [Catalogue.Column]
  let details: [String]

  /// - Parameter word: a name, quoted or not, perhaps with its schema before it. Nil when there is none.
  init?(_ word: String, _ catalogue: Catalogue) throws(SQLFailure) {
    let names = SQLScanner.tokens(Array(word.utf8), catalogue.driver.dialect).filter {
      $0.kind == .word || $0.kind == .name
    }.map { QueryContext.unquoted(String(decoding: Array(word.utf8)[$0.range], as: UTF8.self)) }
    guard let name = names.last,
      let relation = try catalogue.relation(names.count > 1 ? names[names.count - 2] : nil, name)
    else { return nil }
    self.relation = relation
    columns = try catalogue.columns(of: relation)
    details = try catalogue.details(of: relation)
  }

  var title: String { "\(relation.kind) \(relation.schema).\(relation.name)" }

  var table: ResultTable {
    ResultTable(
      columns: ["column", "type", "null", "default", "note"].map { ResultColumn(name: $0, kind: .string) },
      rows: columns.map { column in
        [
          .text(column.name), .text(column.type), .text(column.isNullable ? "" : "not null"),
          .text(column.defaultValue ?? ""), .text(column.note),
        ]
      }, total: columns.count)
  }
}
