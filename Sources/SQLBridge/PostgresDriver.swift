import CSQLBridge
import Glibc

/// A connection to a PostgreSQL server through libpq.
///
/// Everything is sent by libpq's asynchronous calls and waited for with poll, so that an interrupt is noticed at once
/// and the server is told (PQcancel). Values come as text: the server writes each of its types exactly.
final class PostgresDriver: Driver {
  /// Longer than a slow network takes, shorter than a user waits.
  private static let connectLimit: Int32 = 15

  let dialect = Dialect.postgresql
  private let pq: sqlbridge_libpq
  private let connection: OpaquePointer
  private let messages: MessageReceiver

  /// - Parameter tell: takes a text for a stream: notices of the server, and the data of a COPY.
  init(
    uri: String, shown: String, tell: @escaping (_ text: String, _ stream: String) -> Void
  ) throws(SQLFailure) {
    let pq = try PostgresLibrary.load()
    self.pq = pq
    messages = MessageReceiver(pq, tell)
    guard let made = Self.start(uri, pq) else { throw SQLFailure("out of memory", name: "ConnectionError") }
    connection = made
    do {
      try connect(shown)
    } catch {
      pq.finish(made)
      throw error
    }
    _ = pq.set_notice_receiver(
      made,
      { context, result in
        guard let context, let result else { return }
        Unmanaged<MessageReceiver>.fromOpaque(context).takeUnretainedValue().receive(result)
      }, Unmanaged.passUnretained(messages).toOpaque())
  }

  private static func start(_ uri: String, _ pq: sqlbridge_libpq) -> OpaquePointer? {
    let settings = [("dbname", uri), ("fallback_application_name", "parley"), ("client_encoding", "UTF8")]
    var keywords: [UnsafePointer<CChar>?] = settings.map { UnsafePointer(strdup($0.0)) } + [nil]
    var values: [UnsafePointer<CChar>?] = settings.map { UnsafePointer(strdup($0.1)) } + [nil]
    defer { for text in keywords + values { free(UnsafeMutablePointer(mutating: text)) } }
    return pq.connect_start(&keywords, &values, 1)
  }

  private func connect(_ shown: String) throws(SQLFailure) {
    var wanted = POLLOUT
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    let end = now.tv_sec + Int(Self.connectLimit)
    while pq.status(connection) != 1 {
      clock_gettime(CLOCK_MONOTONIC, &now)
      let left = Int32(max(0, end - now.tv_sec)) * 1000
      let isReady = try Interrupts.wait(for: pq.socket(connection), events: wanted, limit: left)
      guard isReady else {
        throw SQLFailure("\(shown): no answer in \(Self.connectLimit) seconds", name: "ConnectionError")
      }
      switch pq.connect_poll(connection) {
      case PG.Poll.ok: return
      case PG.Poll.failed: break
      case PG.Poll.reading: wanted = POLLIN
      default: wanted = POLLOUT
      }
    }
    throw SQLFailure("\(shown): \(errorMessage)", name: "ConnectionError")
  }

  private var errorMessage: String {
    let text = pq.error_message(connection).map { String(cString: $0) } ?? ""
    return String(text.reversed().drop(while: \.isWhitespace).reversed())
  }

  var version: String {
    let number = pq.server_version(connection)
    return "PostgreSQL \(number / 10000).\(number % 10000)"
  }

  var transaction: TransactionState {
    switch pq.transaction_status(connection) {
    case PG.Transaction.open, PG.Transaction.active: .open
    case PG.Transaction.failed: .failed
    default: .none
    }
  }

  var isBroken: Bool { pq.status(connection) != 0 }

  func close() { pq.finish(connection) }

  // MARK: - Statements

  func run(_ query: Query, limit: Int) throws(SQLFailure) -> StatementOutcome {
    // The same name is the same parameter, so that the server sees one type for it.
    var names: [String] = []
    for parameter in query.parameters where !names.contains(parameter.name) { names.append(parameter.name) }
    let (text, original) = query.rewritten { name in "$\((names.firstIndex(of: name) ?? 0) + 1)" }
    let values = names.map { name in query.parameters.first { $0.name == name }?.value.text ?? nil }
    guard send(text, values) else { throw lost() }
    _ = pq.set_single_row_mode(connection)
    var run = Run(copyData: query.copyData, limit: limit)
    while let result = try nextResult(&run) {
      defer { pq.clear(result) }
      take(result, &run, text, original)
      // With a COPY under way nothing else comes before its data has gone.
      if run.copies { try copy(&run) }
    }
    if Interrupts.isPending, run.failure != nil { throw .interrupted }
    if var failure = run.failure {
      // The server knows a parameter by its number alone.
      for (index, name) in names.enumerated().reversed() {
        failure.message.replace("parameter $\(index + 1)", with: "parameter :\(name); write :\(name)::type")
      }
      throw failure
    }
    if isBroken { throw lost() }
    guard var table = run.table else { return .done(run.tag) }
    table.total = run.count
    table.isCut = run.count > table.rows.count
    return .rows(table)
  }

  /// What has come of a statement so far.
  private struct Run {
    let copyData: [UInt8]?
    let limit: Int
    var table: ResultTable?
    /// Rows that came, kept or not.
    var count = 0
    var tag = ""
    var failure: SQLFailure?
    var isCancelled = false
    /// A COPY waits for data or has some.
    var copiesIn = false
    var copiesOut = false
    var copied: [UInt8] = []

    var copies: Bool { copiesIn || copiesOut }

    init(copyData: [UInt8]?, limit: Int) {
      self.copyData = copyData
      self.limit = limit
    }
  }

  private func send(_ text: [UInt8], _ values: [String?]) -> Bool {
    let copies: [UnsafePointer<CChar>?] = values.map { value in value.map { UnsafePointer(strdup($0)) } }
    defer { for copy in copies { free(UnsafeMutablePointer(mutating: copy)) } }
    let terminated = text.filter { $0 != 0 } + [0]
    return terminated.withUnsafeBytes { bytes in
      pq.send_query_params(
        connection, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(values.count), nil, copies,
        nil, nil, 0)
        == 1
    }
  }

  /// The next result, once it is there; an interrupt on the way cancels the statement on the server.
  private func nextResult(_ run: inout Run) throws(SQLFailure) -> OpaquePointer? {
    while pq.is_busy(connection) == 1 {
      do {
        _ = try Interrupts.wait(for: pq.socket(connection), events: POLLIN, noticing: !run.isCancelled)
      } catch {
        run.isCancelled = true
        try cancel()
        continue
      }
      if pq.consume_input(connection) == 0 { throw lost() }
    }
    if Interrupts.isPending, !run.isCancelled {
      run.isCancelled = true
      try cancel()
    }
    return pq.get_result(connection)
  }

  private func cancel() throws(SQLFailure) {
    guard let request = pq.get_cancel(connection) else { throw lost() }
    defer { pq.free_cancel(request) }
    var problem = [CChar](repeating: 0, count: 256)
    if pq.cancel(request, &problem, Int32(problem.count)) == 0 {
      messages.tell("[the server could not be told to stop: \(Self.text(problem))]\n", "stderr")
    }
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func lost() -> SQLFailure {
    SQLFailure(
      "the connection is lost: \(errorMessage)", name: "ConnectionError",
      details: ["The next statement connects again; open transactions and temporary tables are gone."])
  }

  // MARK: - Results

  private func take(_ result: OpaquePointer, _ run: inout Run, _ text: [UInt8], _ original: (Int) -> Int) {
    switch pq.result_status(result) {
    case PG.Result.singleTuple, PG.Result.tuplesOK: takeRows(result, &run)
    case PG.Result.commandOK:
      run.tag = pq.cmd_status(result).map { String(cString: $0) } ?? ""
    case PG.Result.copyIn: run.copiesIn = true
    case PG.Result.copyOut: run.copiesOut = true
    case PG.Result.emptyQuery: break
    default: run.failure = run.failure ?? failure(result, text, original)
    }
  }

  private func takeRows(_ result: OpaquePointer, _ run: inout Run) {
    let width = pq.nfields(result)
    if run.table == nil {
      run.table = ResultTable(
        columns: (0..<width).map { column in
          ResultColumn(
            name: pq.fname(result, column).map { String(cString: $0) } ?? "",
            kind: PG.kind(of: pq.ftype(result, column)))
        })
    }
    let height = pq.ntuples(result)
    run.count += Int(height)
    let kinds = run.table?.columns.map { $0.kind ?? .string } ?? []
    for row in 0..<height where run.table?.rows.count ?? 0 < run.limit {
      run.table?.rows.append((0..<width).map { value(result, row, $0, kinds[Int($0)]) })
    }
  }

  private func value(_ result: OpaquePointer, _ row: Int32, _ column: Int32, _ kind: ColumnKind) -> SQLValue {
    if pq.getisnull(result, row, column) == 1 { return .null }
    let length = Int(pq.getlength(result, row, column))
    let text = String(
      decoding: UnsafeRawBufferPointer(start: pq.getvalue(result, row, column), count: length), as: UTF8.self)
    switch kind {
    case .boolean: return .bool(text == "t")
    case .integer: return Int64(text).map(SQLValue.integer) ?? .text(text)
    case .number: return Double(text).map(SQLValue.real) ?? .text(text)
    case .decimal: return .number(text)
    default: return .text(text)
    }
  }

  private func failure(_ result: OpaquePointer, _ text: [UInt8], _ original: (Int) -> Int) -> SQLFailure {
    func field(_ code: Int32) -> String? { pq.result_error_field(result, code).map { String(cString: $0) } }
    guard let message = field(PG.Field.message) else {
      return SQLFailure(pq.result_error_message(result).map { String(cString: $0) } ?? errorMessage)
    }
    var failure = SQLFailure(field(PG.Field.state).map { "\(message) (\($0))" } ?? message)
    let extras = [("DETAIL", PG.Field.detail), ("HINT", PG.Field.hint), ("CONTEXT", PG.Field.context)]
    for (name, code) in extras {
      if let text = field(code) { failure.details.append("\(name): \(text)") }
    }
    if let place = field(PG.Field.position).flatMap({ Int($0) }) {
      // The server counts characters from 1.
      let sent = String(decoding: text, as: UTF8.self)
      failure.offset = original(sent.unicodeScalars.prefix(place - 1).reduce(0) { $0 + UTF8.width($1) })
    }
    return failure
  }

  // MARK: - COPY

  private func copy(_ run: inout Run) throws(SQLFailure) {
    if run.copiesIn {
      run.copiesIn = false
      if let data = run.copyData {
        _ = data.withUnsafeBytes {
          pq.put_copy_data(connection, $0.baseAddress?.assumingMemoryBound(to: CChar.self), Int32($0.count))
        }
        _ = pq.put_copy_end(connection, nil)
      } else {
        _ = pq.put_copy_end(connection, "no data follows the statement")
      }
      return
    }
    run.copiesOut = false
    while true {
      var buffer: UnsafeMutablePointer<CChar>?
      let count = pq.get_copy_data(connection, &buffer, 1)
      if count > 0, let buffer {
        run.copied += UnsafeRawBufferPointer(start: buffer, count: Int(count))
        pq.freemem(buffer)
        if run.copied.count > 1 << 16 { flushCopied(&run) }
      } else if count == 0 {
        do {
          _ = try Interrupts.wait(for: pq.socket(connection), events: POLLIN, noticing: !run.isCancelled)
        } catch {
          run.isCancelled = true
          try cancel()
        }
        if pq.consume_input(connection) == 0 { throw lost() }
      } else {
        break
      }
    }
    flushCopied(&run)
  }

  private func flushCopied(_ run: inout Run) {
    messages.tell(String(decoding: run.copied, as: UTF8.self), "stdout")
    run.copied = []
  }
}

/// What libpq calls with a notice of the server.
private final class MessageReceiver {
  private let pq: sqlbridge_libpq
  let tell: (String, String) -> Void

  init(_ pq: sqlbridge_libpq, _ tell: @escaping (String, String) -> Void) {
    self.pq = pq
    self.tell = tell
  }

  func receive(_ result: OpaquePointer) {
    func field(_ code: Int32) -> String? { pq.result_error_field(result, code).map { String(cString: $0) } }
    var text = "\(field(PG.Field.severity) ?? "NOTICE"):  \(field(PG.Field.message) ?? "")\n"
    if let detail = field(PG.Field.detail) { text += "DETAIL:  \(detail)\n" }
    if let hint = field(PG.Field.hint) { text += "HINT:  \(hint)\n" }
    tell(text, "stderr")
  }
}
