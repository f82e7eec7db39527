import CSQLBridge
import Glibc
import JupyterProtocol

/// A DuckDB database in a Python process that has the `duckdb` package: see docs/adr/0006.
///
/// Each request and each answer is one line of JSON on the process's standard input and output. SIGINT reaches it by the
/// process group; it answers that the statement was interrupted, and lives on.
final class DuckDBDriver: Driver {
  let dialect = Dialect.duckdb
  private(set) var version = "DuckDB"
  private(set) var transaction = TransactionState.none
  private(set) var isBroken = false
  private let process: PythonProcess

  init(path: String, resources: String) throws(SQLFailure) {
    process = try PythonProcess(program: resources + "/duckdb_process.py", argument: path)
    let answer = try process.answer()
    if let problem = answer["error"]?["message"]?.string {
      process.end()
      throw SQLFailure(problem, name: "ConnectionError")
    }
    version = "DuckDB \(answer["version"]?.string ?? "")"
  }

  func close() { process.end() }

  func run(_ query: Query, limit: Int) throws(SQLFailure) -> StatementOutcome {
    let (text, original) = query.rewritten { "$" + $0 }
    let parameters = query.parameters.map { JSONValue.Member($0.name, Self.json($0.value)) }
    let answer: JSONValue
    do {
      try process.ask([
        "sql": .string(String(decoding: text, as: UTF8.self)), "parameters": .object(parameters),
        "limit": .integer(min(limit, Int(Int32.max))),
      ])
      answer = try process.answer()
    } catch {
      isBroken = true
      throw error
    }
    transaction =
      switch answer["transaction"]?.string {
      case "open": .open
      case "failed": .failed
      default: .none
      }
    if let error = answer["error"] {
      if error["name"]?.string == "KeyboardInterrupt" { throw .interrupted }
      var failure = SQLFailure(error["message"]?.string ?? "it failed without saying why")
      failure.offset = error["offset"]?.integer.map(original)
      throw failure
    }
    guard let columns = answer["columns"]?.array else { return .done(answer["tag"]?.string ?? "") }
    var table = ResultTable(
      columns: columns.map { column in
        ResultColumn(
          name: column["name"]?.string ?? "", kind: column["kind"]?.string.flatMap(ColumnKind.init) ?? .string
        )
      })
    table.rows = (answer["rows"]?.array ?? []).map { row in
      zip(row.array ?? [], table.columns).map { Self.value($0, $1.kind ?? .string) }
    }
    table.isCut = answer["more"]?.bool ?? false
    if !table.isCut { table.total = table.rows.count }
    return .rows(table)
  }

  private static func json(_ value: SQLValue) -> JSONValue {
    switch value {
    case .bool(let flag): .bool(flag)
    case .integer(let number): .integer(Int(number))
    case .real(let number): .double(number)
    case .number(let digits): .object([.init("decimal", .string(digits))])
    default: value.text.map(JSONValue.string) ?? .null
    }
  }

  private static func value(_ value: JSONValue, _ kind: ColumnKind) -> SQLValue {
    switch value {
    case .null: .null
    case .bool(let flag): .bool(flag)
    case .integer(let number): .integer(Int64(number))
    case .double(let number): .real(number)
    case .string(let text):
      switch kind {
      case .number: Double(text).map(SQLValue.real) ?? .text(text)
      case .decimal, .integer: .number(text)
      default: .text(text)
      }
    default: .text(String(decoding: value.encoded, as: UTF8.self))
    }
  }
}
