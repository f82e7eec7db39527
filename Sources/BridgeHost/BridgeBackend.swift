import JupyterProtocol
import KernelCore
import KernelExecutor
import KernelSpecs
import Logging
import PosixSupport

/// A language behind a bridge: starts its process when it is needed, runs one request at a time, and starts it
/// anew after it has ended, whatever ended it.
@KernelActor
final class BridgeBackend: LanguageBackend {
  private static let queryLimit = Duration.seconds(10)
  /// For questions while a cell runs: a language that holds its lock in native code cannot answer at all.
  private static let busyQueryLimit = Duration.milliseconds(500)
  /// A bridge that ends so soon after its start, so often, is waited for a little longer each time.
  private static let quickEnd: UInt64 = 5_000_000_000
  private static let longestPause = 5.0

  private(set) var description: LanguageDescription
  private let manifest: BridgeManifest
  private let command: ResolvedCommand
  private let environment: [String]
  private let loop: EventLoop
  private let log: Logger
  private unowned let output: any BackendOutput
  private let turnstile = Turnstile()
  private var session: BridgeSession?
  private var ladder = InterruptLadder()
  /// The session that got a signal since its last cell began.
  private weak var interruptedSession: BridgeSession?
  private var graceTimer: EventLoop.TimerID?
  private var running: Execution?
  /// Cells of subshells, which run beside that one.
  private var beside: [Execution] = []
  private var quickFailures = 0
  private var startedAt: UInt64 = 0
  private var isPaused = false
  private var isShutDown = false
  /// The last question beside a cell whose answer nobody has got yet.
  private var laneQuestion: LaneQuestion?
  /// How a process ended that had run something, until a cell has told it.
  private var untoldEnd: ErrorContent?

  init(
    manifest: BridgeManifest, command: ResolvedCommand, environment: [String],
    description: LanguageDescription, output: any BackendOutput, loop: EventLoop, log: Logger
  ) {
    self.manifest = manifest
    self.command = command
    self.environment = environment
    self.description = description
    self.output = output
    self.loop = loop
    self.log = log
  }

  var isRunning: Bool { session.map { !$0.isEnded } ?? false }

  var processIDs: [Int32] { session?.processID.map { [$0] } ?? [] }

  func prepare() {
    if !isRunning, !isShutDown { _ = try? startSession() }
  }

  /// Stops or resumes reading the bridge's pipes.
  func setPaused(_ paused: Bool) {
    isPaused = paused
    session?.setPaused(paused)
  }

  // MARK: - Starting

  private func startSession() throws(SystemError) -> BridgeSession {
    let session = try BridgeSession(
      manifest: manifest, command: command, environment: environment, backend: self, output: output,
      loop: loop, log: log)
    session.onEnd = { [weak self, unowned session] in self?.ended(session) }
    session.setPaused(isPaused)
    startedAt = EventLoop.now()
    self.session = session
    return session
  }

  /// A session that has shaken hands.
  /// - Parameter execution: the cell that is to run in it, which is told first what became of the one before.
  private func readySession(for execution: Execution? = nil) async -> Result<BridgeSession, BackendFailure> {
    if isShutDown {
      return .failure(
        BackendFailure(ErrorContent(name: "KernelShutdown", value: "the kernel is shutting down")))
    }
    if let execution, let end = untoldEnd {
      untoldEnd = nil
      if let refusal = output.tell(lostState: end, before: execution) {
        return .failure(BackendFailure(refusal))
      }
    }
    var session = session
    if session?.isEnded ?? true {
      await pauseAfterFailures()
      // Much may have happened in the pause.
      if isShutDown { return await readySession(for: execution) }
      if running?.isInterrupted == true {
        return .failure(
          BackendFailure(ErrorContent(name: "KeyboardInterrupt", value: "interrupted before it ran")))
      }
      do {
        session = try startSession()
      } catch {
        return .failure(
          BackendFailure(ErrorContent(name: "BackendStartFailed", value: "\(manifest.language): \(error)")))
      }
    }
    guard let session else { preconditionFailure("a session was just started") }
    await session.waitUntilStarted()
    if session.isEnded, let failure = execution == nil ? session.failure : told(session) {
      return .failure(BackendFailure(failure))
    }
    adopt(session.handshake)
    return .success(session)
  }

  private struct BackendFailure: Error {
    let error: ErrorContent

    init(_ error: ErrorContent) {
      self.error = error
    }
  }

  private func adopt(_ handshake: BridgeSession.Handshake?) {
    guard let handshake else { return }
    if let info = handshake.languageInfo { description.languageInfo = info }
    if let banner = handshake.banner { description.banner = banner }
    if let capabilities = handshake.capabilities { description.capabilities = capabilities }
    if let debugger = handshake.debugger { description.debugger = debugger }
  }

  private func pauseAfterFailures() async {
    guard quickFailures > 1 else { return }
    let seconds = min(0.1 * Double(1 << min(quickFailures, 10)), Self.longestPause)
    if let running {
      let text =
        "[\(manifest.language) has failed to start \(quickFailures) times; trying again in a moment]\n"
      output.stream("stderr", Array(text.utf8), of: running)
    }
    await withCheckedContinuation { continuation in
      loop.after(.milliseconds(Int(seconds * 1000))) { continuation.resume() }
    }
  }

  private func ended(_ session: BridgeSession) {
    guard self.session === session else { return }
    // Only what never came up counts: a cell that ends its language may do so as often as it likes.
    let cameUp = session.handshake != nil
    quickFailures = !cameUp && EventLoop.now() - startedAt < Self.quickEnd ? quickFailures + 1 : 0
    // A cell that runs takes it back when it tells it. Whoever else may wait for the session, a question or a comm's
    // handler, tells nobody.
    if session.hasRun, !session.mustExit { untoldEnd = session.failure }
    output.ended(self)
  }

  // MARK: - Cells

  func execute(
    _ code: String, marker: String, of execution: Execution, expressions: [UInt8]
  ) async -> ExecuteOutcome {
    let content = Self.content(code, marker: marker, of: execution, expressions: expressions)
    if let subshell = execution.parent.subshellID, hasSubshells {
      return await executeBeside(content, of: execution, subshell: subshell)
    }
    return await executeInTurn(content, of: execution)
  }

  private func executeInTurn(_ content: [UInt8], of execution: Execution) async -> ExecuteOutcome {
    await turnstile.enter()
    defer { turnstile.leave() }
    if execution.isInterrupted {
      return .failed(ErrorContent(name: "KeyboardInterrupt", value: "interrupted before it ran"))
    }
    running = execution
    laneQuestion = nil
    ladder.reset()
    defer {
      running = nil
      loop.cancel(graceTimer)
    }
    let session: BridgeSession
    switch await readySession(for: execution) {
    case .success(let ready): session = ready
    case .failure(let failure): return .failed(failure.error)
    }
    await absorbLateInterrupt(session)
    if execution.isInterrupted {
      return .failed(ErrorContent(name: "KeyboardInterrupt", value: "interrupted before it ran"))
    }
    let reply = await session.request(
      "execute_request", content: content,
      metadata: execution.request.metadata, cell: execution)
    return await outcome(reply, of: execution, session)
  }

  /// A signal has no address: one that a cell got as it ended may arrive together with the next request, and would be
  /// taken for that one's. So something harmless is asked in between.
  private func absorbLateInterrupt(_ session: BridgeSession) async {
    guard interruptedSession === session, !session.isEnded else { return }
    interruptedSession = nil
    guard description.capabilities.contains("is_complete") else { return }
    var content = JSONWriter()
    content.object { $0.member("code", "") }
    _ = await ask(session, "is_complete_request", content.bytes)
  }

  private func outcome(
    _ reply: BridgeSession.Reply, of execution: Execution, _ session: BridgeSession
  ) async -> ExecuteOutcome {
    guard case .content(let content, _) = reply else {
      return .failed(told(session) ?? ErrorContent(name: "BackendTerminated", value: manifest.language))
    }
    if let outcome = Self.outcome(content, of: execution) { return outcome }
    if JSONScanner.isTooDeep(content) {
      return .failed(
        ErrorContent(
          name: "ReplyTooDeep",
          value: "what the cell replied is nested more than \(JSONScanner.maximumDepth) levels deep"))
    }
    return await violation(session)
  }

  // MARK: - Subshells

  private var hasSubshells: Bool { manifest.concurrent && description.capabilities.contains("subshells") }

  private func executeBeside(
    _ content: [UInt8], of execution: Execution, subshell: String
  ) async -> ExecuteOutcome {
    if running == nil, beside.isEmpty { ladder.reset() }
    beside.append(execution)
    defer { beside.removeAll { $0 === execution } }
    let session: BridgeSession
    switch await sessionForSubshell(execution) {
    case .success(let ready): session = ready
    case .failure(let failure): return .failed(failure.error)
    }
    guard hasSubshells else {
      // Its handshake has taken back what the manifest promised.
      return await executeInTurn(content, of: execution)
    }
    if execution.isInterrupted {
      return .failed(ErrorContent(name: "KeyboardInterrupt", value: "interrupted before it ran"))
    }
    let reply = await session.request(
      "execute_request", content: content,
      metadata: execution.request.metadata, cell: execution, onLane: true, subshell: subshell)
    return await outcome(reply, of: execution, session)
  }

  /// A session that has shaken hands, without waiting for the cell that runs in it.
  private func sessionForSubshell(_ execution: Execution) async -> Result<BridgeSession, BackendFailure> {
    if isRunning { return await readySession(for: execution) }
    await turnstile.enter()
    defer { turnstile.leave() }
    return await readySession(for: execution)
  }

  func closeSubshell(_ id: String) {
    guard hasSubshells, let session, session.isReady else { return }
    var content = JSONWriter()
    content.object { $0.member("subshell_id", id) }
    session.post("subshell_close", content: content.bytes, onLane: true)
  }

  /// Waits for the end of the process, so that the next cell does not meet it.
  private func violation(_ session: BridgeSession) async -> ExecuteOutcome {
    session.violated("the content of its execute_reply is not one JSON object")
    await session.waitUntilEnded()
    return .failed(
      told(session)
        ?? ErrorContent(name: "BridgeProtocolError", value: "\(manifest.language): invalid reply"))
  }

  /// Why a session has ended, for a cell that tells it.
  private func told(_ session: BridgeSession) -> ErrorContent? {
    if self.session === session { untoldEnd = nil }
    return session.failure
  }

  private static func content(
    _ code: String, marker: String, of execution: Execution, expressions: [UInt8]
  ) -> [UInt8] {
    let request = execution.request
    var writer = JSONWriter(reserving: code.utf8.count + 256)
    writer.object { writer in
      writer.member("code", code)
      writer.member("silent", request.silent)
      writer.member("store_history", request.storeHistory)
      writer.member("user_expressions", raw: expressions)
      writer.member("allow_stdin", request.allowStdin)
      writer.member("stop_on_error", request.stopOnError)
      writer.member("execution_count", execution.executionCount)
      if !marker.isEmpty { writer.member("marker", marker) }
    }
    return writer.bytes
  }

  private static func outcome(_ content: [UInt8], of execution: Execution) -> ExecuteOutcome? {
    guard let members = JSONScanner.members(of: content) else { return nil }
    func raw(_ name: String) -> [UInt8]? {
      members.last { $0.name == name }.map { Array(content[$0.value]) }
    }
    let status = raw("status").flatMap { JSONScanner.parse($0)?.string } ?? "ok"
    if status == "ok" { return .ok(userExpressions: raw("user_expressions"), payload: raw("payload")) }
    let error =
      JSONScanner.parse(content).flatMap(ErrorContent.init) ?? execution.publishedError
      ?? ErrorContent(name: "Error", value: "the cell failed without saying why")
    return .error(error, payload: raw("payload"))
  }

  // MARK: - Questions and messages

  func query(_ messageType: String, content: [UInt8]) async -> [UInt8]? {
    let capability = String(messageType.dropLast("_request".count))
    guard description.capabilities.contains(capability), !isShutDown else { return nil }
    let onLane = !turnstile.isFree
    if onLane {
      // Busy: by the second lane or not at all, so that the question never waits for the cell.
      guard manifest.concurrent, let session, session.isReady else { return nil }
      return await askBeside(session, messageType, content)
    }
    await turnstile.enter()
    defer { turnstile.leave() }
    guard case .success(let session) = await readySession() else { return nil }
    return await ask(session, messageType, content)
  }

  private func ask(_ session: BridgeSession, _ messageType: String, _ content: [UInt8]) async -> [UInt8]? {
    // A question that hangs (an attribute that computes for ever) is interrupted, or no cell could run again.
    let timer = loop.after(Self.queryLimit) { session.signal(.interrupt) }
    defer { loop.cancel(timer) }
    let result = await session.request(messageType, content: content, limit: Self.queryLimit + .seconds(2))
    guard case .content(let reply, _) = result else { return nil }
    return reply
  }

  /// Asks while a cell runs. One question at a time: a language that is slower than the limit would get further behind
  /// with each one, and never be in time.
  private func askBeside(_ session: BridgeSession, _ messageType: String, _ content: [UInt8]) async
    -> [UInt8]?
  {
    if let earlier = laneQuestion, !earlier.isSame(messageType, content) {
      guard await earlier.wait(atMost: Self.busyQueryLimit, loop) else { return nil }
    }
    let question: LaneQuestion
    if let same = laneQuestion, same.isSame(messageType, content) {
      question = same
    } else {
      question = LaneQuestion(messageType, content)
      laneQuestion = question
      KernelActor.start {
        let result = await session.request(
          messageType, content: content, onLane: true, limit: Self.queryLimit)
        guard case .content(let reply, _) = result else { return question.finish(nil) }
        question.finish(reply)
      }
    }
    guard await question.wait(atMost: Self.busyQueryLimit, loop) else { return nil }
    if laneQuestion === question { laneQuestion = nil }
    return question.answer
  }

  func comm(_ message: IncomingMessage) async -> Bool {
    guard !isShutDown else { return false }
    if let subshell = message.header.subshellID, hasSubshells, let session, session.isReady {
      let cell = Self.cell(of: message)
      if running == nil, beside.isEmpty { ladder.reset() }
      beside.append(cell)
      defer { beside.removeAll { $0 === cell } }
      return await deliver(message, to: session, cell: cell, onLane: true, subshell: subshell)
    }
    if !turnstile.isFree, manifest.concurrent, let session, session.isReady {
      return await deliver(message, to: session, cell: Self.cell(of: message), onLane: true)
    }
    await turnstile.enter()
    defer { turnstile.leave() }
    // A front end opens its comms as soon as it has connected, when the language may just be starting.
    guard let session else { return false }
    await session.waitUntilStarted()
    guard session.isReady else { return false }
    adopt(session.handshake)
    // A handler is user code: it can run for ever, and must be as easy to interrupt as a cell.
    let cell = Self.cell(of: message)
    running = cell
    ladder.reset()
    defer {
      running = nil
      loop.cancel(graceTimer)
    }
    return await deliver(message, to: session, cell: cell, onLane: false)
  }

  /// What stands for a comm message where a cell is expected: output of its handler has the message as parent.
  private static func cell(of message: IncomingMessage) -> Execution {
    Execution(
      parent: Parent(message), request: ExecuteRequest(code: "", storeHistory: false), executionCount: 0)
  }

  private func deliver(
    _ message: IncomingMessage, to session: BridgeSession, cell: Execution, onLane: Bool,
    subshell: String? = nil
  ) async -> Bool {
    guard JSONScanner.isObject(message.content) else { return true }
    _ = await session.request(
      message.header.messageType, content: message.content, metadata: message.metadata,
      buffers: message.buffers, cell: cell, onLane: onLane, subshell: subshell)
    return true
  }

  func debug(_ content: [UInt8]) async -> [UInt8]? {
    // Whether its debugger is installed the language tells itself, and how to install it.
    guard manifest.capabilities.contains("debug"), JSONScanner.isObject(content), isRunning,
      case .success(let session) = await readySession()
    else { return nil }
    guard
      case .content(let reply, _) = await session.request(
        "debug_request", content: content, onLane: manifest.concurrent)
    else { return nil }
    return reply
  }

  // MARK: - Interrupt and end

  func interrupt() {
    guard let execution = running ?? beside.last, let session, !session.isEnded else { return }
    // A bridge that is still loading dies of SIGINT; the cell sees the flag before it runs.
    guard session.isReady else { return }
    // What it has begun to write must be read, or it could not unwind.
    session.setPaused(false)
    interruptedSession = session
    switch ladder.next() {
    case .ask:
      repeatInterrupt(of: execution, session)
      if description.capabilities.contains("interrupt") {
        session.askToInterrupt(execution)
      } else {
        session.signal(.interrupt)
      }
      graceTimer = loop.after(.milliseconds(Int(manifest.interruptGrace * 1000))) { [weak self] in
        guard let self, self.running === execution || self.beside.contains(where: { $0 === execution })
        else { return }
        self.output.stream(
          "stderr",
          Array(
            "[\(self.manifest.language) still runs; interrupt again to press harder, a third time to end it]\n"
              .utf8),
          of: execution)
      }
    case .press:
      session.signal(.interrupt)
      session.signal(.terminateOthers)
    case .kill:
      session.endByUser()
    }
  }

  /// Some languages lose a signal that comes between two of their commands: bash, when it is about to fork.
  private func repeatInterrupt(of execution: Execution, _ session: BridgeSession) {
    guard manifest.interruptRepeat > 0 else { return }
    loop.after(.milliseconds(Int(manifest.interruptRepeat * 1000))) { [weak self, weak session] in
      guard let self, self.running === execution, let session, !session.isEnded else { return }
      session.signal(.interrupt)
    }
  }

  func restart() async {
    await end(within: .milliseconds(500), restart: true)
    untoldEnd = nil
    quickFailures = 0
  }

  func shutdown(within limit: Duration) async {
    isShutDown = true
    await end(within: limit, restart: false)
  }

  private func end(within limit: Duration, restart: Bool) async {
    guard let session, !session.isEnded else { return }
    // A bridge that is busy reads no request. Its cell is interrupted, so that it unwinds and nothing of it runs on
    // (a shell ignores SIGTERM, and would go on with the next command); then it reads that it is to exit.
    session.askToExit(restart: restart)
    running?.isInterrupted = true
    if running != nil { session.signal(.interrupt) }
    let timer = loop.after(limit) { session.signal(.kill) }
    await session.waitUntilEnded(atMost: limit + .seconds(1))
    loop.cancel(timer)
  }
}
