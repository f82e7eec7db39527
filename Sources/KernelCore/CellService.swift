import JupyterProtocol
import KernelExecutor

/// Runs cells: counts, echoes the input, sends each segment to its language, and makes the reply.
@KernelActor
final class CellService {
  private let languages: LanguageTable
  private let publisher: Publisher
  private let output: OutputHub
  private let broker: StdinBroker
  private let history: any HistoryStore
  private let commands: ServerCommands
  private let session: String
  /// The number of the last cell that was stored, for each subshell (JEP 91); the parent's key is "".
  private var counts: [String: Int] = [:]
  /// Cells that run now, in any subshell.
  private(set) var running: [(execution: Execution, backend: (any LanguageBackend)?)] = []

  init(
    languages: LanguageTable, publisher: Publisher, output: OutputHub, broker: StdinBroker,
    history: any HistoryStore, commands: ServerCommands, session: String
  ) {
    self.languages = languages
    self.publisher = publisher
    self.output = output
    self.broker = broker
    self.history = history
    self.commands = commands
    self.session = session
  }

  /// The reply to an execute request, and whether cells that wait must be aborted.
  struct Result {
    let content: [UInt8]
    let metadata: [UInt8]
    let abortsQueue: Bool
  }

  /// The rules by which cells are split, as of now.
  var router: CellRouter {
    CellRouter(
      isLanguage: { name in KernelActor.assumeIsolated { self.languages.isLanguage(name) } },
      defaultOwnsCellMagics: languages.defaultDescription?.ownsCellMagics ?? false)
  }

  func run(_ message: IncomingMessage, parent: Parent) async -> Result {
    let started = Timestamp.now()
    let subshell = parent.subshellID ?? ""
    var count = counts[subshell] ?? 0
    let request: ExecuteRequest
    do {
      request = try ExecuteRequest(message)
    } catch {
      return result(of: .failed(error.error), count: count, started: started, abortsQueue: true)
    }
    if request.storeHistory {
      count += 1
      counts[subshell] = count
    }
    let execution = Execution(parent: parent, request: request, executionCount: count)
    if !request.silent { publishInput(execution) }
    if request.storeHistory {
      history.appendInput(line: count, source: request.code, language: languages.defaultName)
    }
    let outcome = await run(execution)
    broker.cancel(execution)
    if case .failed(let error) = outcome, !request.silent {
      publisher.publish(OutgoingMessage("error", parent: parent, content: error.content))
    }
    publisher.flush()
    var failed = true
    if case .ok = outcome { failed = false }
    return result(
      of: outcome, count: execution.executionCount, started: started,
      abortsQueue: failed && request.stopOnError && !request.silent)
  }

  /// The reply to a request that must not run since an earlier cell has failed.
  ///
  /// Its count is 0. Front ends write a reply's number beside the cell, where any other would say that the cell has run.
  func aborted() -> Result {
    result(
      of: .failed(ErrorContent(name: "ExecutionAborted", value: "not run, because an earlier cell failed")),
      count: 0, started: Timestamp.now(), abortsQueue: false)
  }

  // MARK: - One cell

  private func run(_ execution: Execution) async -> ExecuteOutcome {
    let code = execution.request.code
    if code.allSatisfy(\.isWhitespace), execution.request.userExpressions == JSONText.emptyObject {
      // Asks for the counter, or runs nothing: no language is needed for that.
      return .ok(userExpressions: nil, payload: nil)
    }
    let segments = router.segments(of: code, metadata: JSONScanner.parse(execution.request.metadata))
    var outcome = ExecuteOutcome.ok(userExpressions: nil, payload: nil)
    for (index, segment) in segments.enumerated() {
      let isLast = index == segments.count - 1
      outcome = await run(
        segment, of: execution, expressions: isLast ? execution.request.userExpressions : JSONText.emptyObject
      )
      guard case .ok = outcome else { return outcome }
      if execution.isInterrupted, !isLast {
        return .failed(ErrorContent(name: "KeyboardInterrupt", value: "the rest of the cell did not run"))
      }
    }
    return outcome
  }

  private func run(
    _ segment: CellSegment, of execution: Execution, expressions: [UInt8]
  ) async -> ExecuteOutcome {
    do {
      switch segment.target {
      case .command(let name, let arguments):
        running.append((execution, nil))
        defer { running.removeAll { $0.execution === execution } }
        return try await commands.run(name, arguments: arguments, of: execution)
      case .unknown(let name):
        throw RequestFailure(languages.unknown(name))
      case .standard:
        return try await run(segment.code, in: languages.defaultName, "", "", of: execution, expressions)
      case .language(let name, let instance, let marker):
        return try await run(segment.code, in: name, instance, marker, of: execution, expressions)
      }
    } catch let failure as RequestFailure {
      return .failed(failure.error)
    } catch {
      return .failed(ErrorContent(name: "InternalError", value: "\(error)"))
    }
  }

  private func run(
    _ code: String, in language: String, _ instance: String, _ marker: String, of execution: Execution,
    _ expressions: [UInt8]
  ) async throws -> ExecuteOutcome {
    let backend = try languages.backend(language, instance: instance)
    guard marker.isEmpty || backend.description.takesMarker else {
      let option = marker.prefix { !$0.isWhitespace }
      throw RequestFailure(
        ErrorContent(
          name: "UnknownOption",
          // Who tries a connection string on another language need not see its password in an error.
          value: "\(language) has no option \(option.contains("@") ? "" : "\"\(option)\" ")on its marker line"
        ))
    }
    running.append((execution, backend))
    defer { running.removeAll { $0.execution === execution && $0.backend === backend } }
    return await backend.execute(code, marker: marker, of: execution, expressions: expressions)
  }

  private func publishInput(_ execution: Execution) {
    var content = JSONWriter(reserving: execution.request.code.utf8.count + 64)
    content.object { writer in
      writer.member("code", execution.request.code)
      writer.member("execution_count", execution.executionCount)
    }
    publisher.publishSoon(
      OutgoingMessage("execute_input", parent: execution.parent, content: content.bytes))
  }

  // MARK: - Interrupt

  /// Stops every cell that runs, and lets go the questions they have asked.
  func interrupt(language: String? = nil) {
    for entry in running {
      if let language, entry.backend?.description.name != language { continue }
      entry.execution.isInterrupted = true
      broker.cancel(entry.execution)
    }
    // Each language once, however many subshells wait for it; one that runs a comm's handler is in no cell.
    for backend in languages.all {
      if let language, backend.description.name != language { continue }
      backend.interrupt()
    }
  }

  // MARK: - Reply

  private func result(
    of outcome: ExecuteOutcome, count: Int, started: String, abortsQueue: Bool
  ) -> Result {
    var status = "ok"
    var content = JSONWriter()
    content.object { writer in
      switch outcome {
      case .ok(let expressions, let payload):
        writer.member("status", "ok")
        writer.member("execution_count", count)
        writer.member("user_expressions", raw: expressions ?? JSONText.emptyObject)
        writer.member("payload", raw: payload ?? JSONText.emptyArray)
      case .error(let error, let payload):
        status = "error"
        writer.member("status", "error")
        error.writeMembers(to: &writer)
        writer.member("execution_count", count)
        writer.member("user_expressions", raw: JSONText.emptyObject)
        writer.member("payload", raw: payload ?? JSONText.emptyArray)
      case .failed(let error):
        status = "error"
        writer.member("status", "error")
        error.writeMembers(to: &writer)
        writer.member("execution_count", count)
        writer.member("user_expressions", raw: JSONText.emptyObject)
        writer.member("payload", raw: JSONText.emptyArray)
      }
    }
    var metadata = JSONWriter()
    metadata.object { writer in
      writer.member("started", started)
      writer.member("dependencies_met", true)
      writer.member("engine", session)
      writer.member("status", status)
    }
    return Result(content: content.bytes, metadata: metadata.bytes, abortsQueue: abortsQueue)
  }
}
