import Glibc
import JupyterProtocol

/// Runs the statements and commands of a cell, one after the other, and publishes what comes of them.
final class CellRunner {
  private static let usualLimit = 1000

  let connections: Connections
  /// What `\set` has set.
  var variables: [String: SQLValue] = [:]

  init(connections: Connections) {
    self.connections = connections
  }

  /// - Returns: the content of the reply.
  func run(_ code: String, marker markerText: String, expressions: JSONValue, output: CellOutput) -> JSONValue
  {
    connections.tell = { output.text($0, to: $1) }
    var place = ErrorPlace()
    do {
      try run(code, markerText, output, &place)
    } catch {
      let content = place.error(for: error)
      if !output.isSilent { output.channel.send("error", id: output.id, content) }
      return .object([.init("status", "error")] + (content.members ?? []))
    }
    var reply: [JSONValue.Member] = [.init("status", "ok")]
    if let members = expressions.members, !members.isEmpty {
      reply.append(
        .init("user_expressions", .object(members.map { .init($0.name, evaluate($0.value.string ?? "")) })))
    }
    return .object(reply)
  }

  private func run(
    _ code: String, _ markerText: String, _ output: CellOutput, _ place: inout ErrorPlace
  ) throws(SQLFailure) {
    let marker = try Marker(markerText)
    let (connection, isNew) = try connections.use(marker)
    var driver = try connections.driver(of: connection)
    let cell = CellText(code, driver.dialect)
    if isNew, cell.items.isEmpty {
      output.text("connected to \(connection.address.shown), \(driver.version)\n")
    }
    for (number, item) in cell.items.enumerated() {
      place = ErrorPlace(cell: cell, item: item, itemsLeft: cell.items.count - number - 1)
      if Interrupts.isPending { throw .interrupted }
      switch item {
      case .command(let range):
        let isLast = number == cell.items.count - 1
        try command(cell.text(range), isLast: isLast, output)
      case .statement(let statement):
        driver = try connections.driver(of: connections.inUse())
        let query = try self.query(statement, of: cell, marker)
        let before = driver.transaction
        let start = Self.now()
        let outcome: StatementOutcome
        do {
          outcome = try driver.run(query, limit: marker.limit ?? Self.usualLimit)
        } catch {
          throw Self.explain(error, before, driver)
        }
        publish(outcome, elapsed: Self.now() - start, isLast: number == cell.items.count - 1, output)
      }
    }
  }

  private func query(_ statement: Statement, of cell: CellText, _ marker: Marker) throws(SQLFailure) -> Query
  {
    var query = Query(cell.text(statement.range))
    query.copyData = statement.copyData.map { Array(cell.bytes[$0]) }
    for parameter in statement.parameters {
      let given = marker.parameters.last { $0.name == parameter.name }?.value ?? variables[parameter.name]
      guard let value = given else {
        if parameter.mayBeSlice { continue }
        throw SQLFailure(
          "no value for :\(parameter.name); give one with \":\(parameter.name)=VALUE\" on the marker line or "
            + "\"\\set \(parameter.name) VALUE\" on a line of its own",
          name: "ParameterError", offset: parameter.range.lowerBound - statement.range.lowerBound)
      }
      let start = statement.range.lowerBound
      query.parameters.append(
        (parameter.name, parameter.range.lowerBound - start..<parameter.range.upperBound - start, value))
    }
    return query
  }

  private func publish(_ outcome: StatementOutcome, elapsed: Double, isLast: Bool, _ output: CellOutput) {
    switch outcome {
    case .rows(let table):
      output.result(ResultRendering(table: table, elapsed: elapsed).bundle, isLast: isLast)
    case .done(let tag):
      guard !tag.isEmpty else { return }
      let time = ResultRendering.noticeable(elapsed)
      output.text(time.isEmpty ? "\(tag)\n" : "\(tag) (\(time))\n")
    }
  }

  /// What became of the transaction belongs to the error of an interrupted or failed statement.
  private static func explain(_ failure: SQLFailure, _ before: TransactionState, _ driver: any Driver)
    -> SQLFailure
  {
    var failure = failure
    switch (before, driver.transaction) {
    case (.open, .none): failure.details.append("The transaction was rolled back.")
    case (_, .failed): failure.details.append("The transaction is aborted: end it with ROLLBACK.")
    case (.open, .open) where failure.name == "KeyboardInterrupt":
      failure.details.append("The transaction is still open: end it with COMMIT or ROLLBACK.")
    default: break
    }
    return failure
  }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  // MARK: - User expressions

  /// A front end's expression is a query of its own.
  private func evaluate(_ code: String) -> JSONValue {
    do {
      let driver = try connections.driver(of: connections.inUse())
      let cell = CellText(code, driver.dialect)
      guard cell.items.count == 1, case .statement(let statement)? = cell.items.first else {
        throw SQLFailure("a user expression is one statement")
      }
      guard
        case .rows(let table) = try driver.run(query(statement, of: cell, Marker()), limit: Self.usualLimit)
      else {
        throw SQLFailure("the statement has no result")
      }
      let bundle = ResultRendering(table: table, elapsed: 0).bundle
      return .object([
        .init("status", "ok"), .init("data", JSONScanner.parse(bundle) ?? .object([])),
        .init("metadata", .object([])),
      ])
    } catch {
      let failure = error as? SQLFailure ?? SQLFailure("\(error)")
      return .object([.init("status", "error")] + (ErrorPlace().error(for: failure).members ?? []))
    }
  }
}

/// Where a cell is while it runs, for the errors.
private struct ErrorPlace {
  var cell: CellText?
  var item: CellText.Item?
  var itemsLeft = 0

  /// The content of an `error` message.
  func error(for failure: SQLFailure) -> JSONValue {
    var traceback: [String] = []
    if let cell, let item, failure.name != "KeyboardInterrupt" || cell.items.count > 1 {
      traceback = excerpt(cell, item, failure.offset)
    }
    traceback.append("\(failure.name): \(failure.message)")
    traceback += failure.details
    if itemsLeft > 0 {
      traceback.append(
        itemsLeft == 1
          ? "One statement after it did not run." : "\(itemsLeft) statements after it did not run.")
    }
    return .object([
      .init("ename", .string(failure.name)),
      .init("evalue", .string(([failure.message] + failure.details).joined(separator: "\n"))),
      .init("traceback", .array(traceback.map(JSONValue.string))),
    ])
  }

  /// The line of the cell with a caret below the place.
  private func excerpt(_ cell: CellText, _ item: CellText.Item, _ offset: Int?) -> [String] {
    let range =
      switch item {
      case .command(let range): range
      case .statement(let statement): statement.range
      }
    guard let offset else {
      let (line, _) = cell.place(of: range.lowerBound)
      return ["line \(line):", "    " + Self.shortened(cell.line(line))]
    }
    let (line, column) = cell.place(of: min(range.lowerBound + offset, range.upperBound))
    let text = cell.line(line)
    let lead = text.unicodeScalars.prefix(column - 1).map { $0 == "\t" ? "\t" : " " }.joined()
    return ["line \(line), column \(column):", "    " + text, "    " + lead + "^"]
  }

  private static func shortened(_ text: String) -> String {
    text.count > 200 ? String(text.prefix(200)) + "…" : text
  }
}
