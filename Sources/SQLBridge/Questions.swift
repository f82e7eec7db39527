import JupyterProtocol

/// Completion, inspection and completeness.
struct Questions {
  let runner: CellRunner

  // MARK: - Completion

  func complete(_ code: String, cursor: Int, marker: String) -> JSONValue {
    var found = Matches()
    var start = cursor
    if code.unicodeScalars.prefix(cursor).allSatisfy({ $0.properties.isWhitespace }), !marker.isEmpty,
      !code.unicodeScalars.prefix(cursor).contains("\n"),
      let place = completeMarker(marker, code, cursor, &found)
    {
      start = place
    } else if let place = try? complete(code, cursor, &found) {
      start = place
    }
    let matches = found.list
    return .object([
      .init("status", "ok"), .init("matches", .array(matches.map { .string($0.text) })),
      .init("cursor_start", .integer(start)), .init("cursor_end", .integer(cursor)),
      .init(
        "metadata",
        .object([
          .init(
            "_jupyter_types_experimental",
            .array(
              matches.map { match in
                .object([
                  .init("start", .integer(start)), .init("end", .integer(cursor)),
                  .init("text", .string(match.text)),
                  .init("type", .string(match.type)),
                ])
              }))
        ])),
    ])
  }

  /// What is found, each text once, in the order of the search.
  private struct Matches {
    private(set) var list: [(text: String, type: String)] = []
    private var known: Set<String> = []

    mutating func add(_ texts: some Sequence<String>, _ type: String, prefix: String) {
      for text in texts.sorted(by: { $0.lowercased() < $1.lowercased() })
      where (text.lowercased().hasPrefix(prefix) || text.lowercased().hasPrefix("\"" + prefix))
        && list.count < 500
        && known.insert(text).inserted
      {
        list.append((text, type))
      }
    }
  }

  /// The marker line arrives blanked; its text ends where the line does.
  private func completeMarker(_ marker: String, _ code: String, _ cursor: Int, _ found: inout Matches) -> Int?
  {
    let width = code.unicodeScalars.prefix { $0 != "\n" }.count
    let position = cursor - (width - marker.unicodeScalars.count)
    guard position > 0, position <= marker.unicodeScalars.count else { return nil }
    let before = String(String.UnicodeScalarView(marker.unicodeScalars.prefix(position)))
    let word = before.split(separator: " ", omittingEmptySubsequences: false).last.map(String.init) ?? ""
    found.add(runner.connections.all.map(\.name), "connection", prefix: word.lowercased())
    found.add(
      ["sqlite:///", "sqlite::memory:", "postgresql://", "duckdb:///", "duckdb:", "limit="], "keyword",
      prefix: word.lowercased())
    return cursor - word.unicodeScalars.count
  }

  private func complete(_ code: String, _ cursor: Int, _ found: inout Matches) throws(SQLFailure) -> Int {
    let driver = try runner.connections.driverAtHand()
    if let start = completeCommand(code, cursor, driver, &found) { return start }
    let context = QueryContext(code, cursor: cursor, driver.dialect)
    let start = context.codePoints(before: context.range.lowerBound)
    guard !context.isText else { return start }
    let word = context.word
    let catalogue = Catalogue(driver: driver)
    if word.hasPrefix(":") {
      found.add(runner.variables.keys.map { ":" + $0 }, "variable", prefix: word.lowercased())
      return start
    }
    let prefix = word.hasPrefix("\"") ? String(word.dropFirst()).lowercased() : word.lowercased()
    if let last = context.qualifiers.last {
      let schema = context.qualifiers.count > 1 ? context.qualifiers[context.qualifiers.count - 2] : nil
      let table = schema == nil ? context.table(called: last) ?? (nil, last) : (schema, last)
      if let relation = try catalogue.relation(table.0, table.1) {
        found.add(
          try catalogue.columns(of: relation).map { catalogue.written($0.name) }, "column", prefix: prefix)
      }
      let inSchema = try catalogue.relations().filter { Catalogue.same($0.schema, last) }
      found.add(inSchema.map { catalogue.written($0.name) }, "table", prefix: prefix)
      return start
    }
    let relations = try catalogue.relations()
    if !context.wantsTable {
      var used: [Catalogue.Relation] = []
      for table in context.tables {
        if let relation = try catalogue.relation(table.schema, table.name) { used.append(relation) }
      }
      // Without a table in sight the columns of all of them are candidates, while they are few.
      let sources =
        used.isEmpty && context.tables.isEmpty && relations.count(where: \.isVisible) <= 50 && !prefix.isEmpty
        ? relations.filter(\.isVisible) : used
      for relation in sources {
        found.add(
          try catalogue.columns(of: relation).map { catalogue.written($0.name) }, "column", prefix: prefix)
      }
      found.add(context.tables.compactMap(\.alias), "alias", prefix: prefix)
    }
    found.add(relations.filter(\.isVisible).map { catalogue.written($0.name) }, "table", prefix: prefix)
    found.add(Set(relations.map(\.schema)).map(catalogue.written), "schema", prefix: prefix)
    guard !context.wantsTable, !prefix.isEmpty, !word.hasPrefix("\"") else { return start }
    // Keywords in the case that the user writes.
    let isUpper = word.contains { $0.isUppercase } && !word.contains { $0.isLowercase }
    found.add(Keywords.list.map { isUpper ? $0 : $0.lowercased() }, "keyword", prefix: prefix)
    found.add(try catalogue.functions(), "function", prefix: prefix)
    return start
  }

  /// A backslash command, the table of `\d`, the connection of `\close`.
  private func completeCommand(
    _ code: String, _ cursor: Int, _ driver: any Driver, _ found: inout Matches
  ) -> Int? {
    let before = String(String.UnicodeScalarView(code.unicodeScalars.prefix(cursor)))
    let line = before.split(separator: "\n", omittingEmptySubsequences: false).last ?? ""
    let text = line.drop(while: \.isWhitespace)
    guard text.hasPrefix("\\") else { return nil }
    let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    let word = words[words.count - 1]
    switch (words.count, words[0]) {
    case (1, _): found.add(CellRunner.commands.map(\.name), "command", prefix: word)
    case (2, "\\d"):
      let catalogue = Catalogue(driver: driver)
      found.add(
        ((try? catalogue.relations()) ?? []).map { catalogue.written($0.name) }, "table",
        prefix: word.lowercased())
    case (2, "\\close"):
      found.add(runner.connections.all.map(\.name), "connection", prefix: word.lowercased())
    case (2, "\\unset"), (2, "\\set"): found.add(runner.variables.keys, "variable", prefix: word.lowercased())
    default: break
    }
    return cursor - word.unicodeScalars.count
  }

  // MARK: - Inspection

  func inspect(_ code: String, cursor: Int) -> JSONValue {
    let data = (try? describe(code, cursor)) ?? nil
    return .object([
      .init("status", "ok"), .init("found", .bool(data != nil)), .init("data", data ?? .object([])),
      .init("metadata", .object([])),
    ])
  }

  private func describe(_ code: String, _ cursor: Int) throws(SQLFailure) -> JSONValue? {
    let driver = try runner.connections.driverAtHand()
    let context = QueryContext(code, cursor: cursor, driver.dialect, wholeWord: true)
    let word = context.word
    guard !word.isEmpty else { return nil }
    if word.hasPrefix(":") {
      let value = runner.variables[String(word.dropFirst())]
      return .object([
        .init("text/plain", .string("\(word) = \(value.map { $0.text ?? "NULL" } ?? "no value"))"))
      ])
    }
    let catalogue = Catalogue(driver: driver)
    let name = QueryContext.unquoted(word)
    let table = context.table(called: name) ?? (nil, name)
    let path =
      (context.qualifiers.last.map { "\"\($0)\"." } ?? table.schema.map { "\"\($0)\"." } ?? "")
      + "\"\(table.name)\""
    if let description = try RelationDescription(path, catalogue) {
      let rendering = ResultRendering(table: description.table, elapsed: 0)
      let details = description.details.joined(separator: "\n")
      return .object([
        .init("text/plain", .string("\(description.title)\n\n\(rendering.plain)\n\(details)")),
        .init(
          "text/html",
          .string(
            "<b>\(ResultRendering.escaped(description.title))</b>\n\(rendering.html)\n"
              + "<pre>\(ResultRendering.escaped(details))</pre>")),
      ])
    }
    if let text = try column(name, context, catalogue) {
      return .object([.init("text/plain", .string(text))])
    }
    if let help = Keywords.help[word.uppercased()] { return .object([.init("text/plain", .string(help))]) }
    return nil
  }

  /// A column of the tables of the statement.
  private func column(_ name: String, _ context: QueryContext, _ catalogue: Catalogue) throws(SQLFailure)
    -> String?
  {
    var tables = context.tables.map { (schema: $0.schema, name: $0.name) }
    if let last = context.qualifiers.last { tables = [context.table(called: last) ?? (nil, last)] }
    for table in tables {
      guard let relation = try catalogue.relation(table.schema, table.name) else { continue }
      guard let column = try catalogue.columns(of: relation).first(where: { Catalogue.same($0.name, name) })
      else {
        continue
      }
      var text = "column \(relation.schema).\(relation.name).\(column.name): \(column.type)"
      if !column.isNullable { text += ", not null" }
      if let value = column.defaultValue { text += ", default \(value)" }
      if !column.note.isEmpty { text += ", \(column.note)" }
      return text
    }
    return nil
  }

  // MARK: - Completeness

  /// As in every SQL prompt a statement goes on until its semicolon; an empty line ends it as well.
  func isComplete(_ code: String) -> JSONValue {
    let dialect = (try? runner.connections.driverAtHand().dialect) ?? .sqlite
    let cell = CellText(code, dialect)
    if cell.closesTooMuch { return ["status": "invalid"] }
    let endsBlank =
      code.hasSuffix("\n\n")
      || code.split(separator: "\n", omittingEmptySubsequences: false).last?.allSatisfy(\.isWhitespace)
        == true && code.contains("\n")
    if cell.isOpen || (cell.lastIsUnfinished && !endsBlank) {
      let last = code.split(separator: "\n", omittingEmptySubsequences: false).last ?? ""
      return ["status": "incomplete", "indent": .string(String(last.prefix { $0 == " " || $0 == "\t" }))]
    }
    return ["status": "complete"]
  }
}
