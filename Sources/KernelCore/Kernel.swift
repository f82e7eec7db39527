import JupyterProtocol
import KernelExecutor
import Logging

/// The kernel: messages in, messages out. It owns the queues and knows no socket and no process.
///
/// docs/architecture.md tells the life of a request. All of it happens on the event loop.
@KernelActor
public final class Kernel {
  public struct Configuration: Sendable {
    public var identity: KernelIdentity
    /// The language of unmarked cells.
    public var defaultLanguage: String
    /// The session id in our headers.
    public var session: String

    public init(identity: KernelIdentity, defaultLanguage: String, session: String) {
      self.identity = identity
      self.defaultLanguage = defaultLanguage
      self.session = session
    }
  }

  private let frontEnd: any FrontEnd
  private let scheduler: any Scheduler
  private let publisher: Publisher
  private let languages: LanguageTable
  private let broker: StdinBroker
  private let comms: CommService
  private let cells: CellService
  private let queries: QueryService
  private let control: ControlService
  private let info: KernelInfo
  private let output: OutputHub
  private let history: any HistoryStore
  private let log: Logger
  /// The parent subshell has the key "".
  private var subshells: [String: RequestQueue] = [:]
  /// Deleted subshells in which something still runs.
  private var closing: [RequestQueue] = []
  private var controlQueue: RequestQueue?
  /// Debug requests wait for the language, which must not hold up an interrupt behind them.
  private var debugQueue: RequestQueue?
  private var isShuttingDown = false

  /// Whether a cell fails whose language has ended since its last one. Otherwise it runs, and a line says that the state
  /// is lost: where nobody reads it, what follows would run on nothing.
  public var stopsAtLostState: Bool {
    get { output.stopsAtLostState }
    set { output.stopsAtLostState = newValue }
  }

  /// Told once, when a client wants the kernel to end, after its reply was sent.
  public var onShutdown: @KernelActor (_ restart: Bool) -> Void = { _ in }

  public init(
    _ configuration: Configuration, frontEnd: any FrontEnd, scheduler: any Scheduler,
    provider: any LanguageProvider, history: any HistoryStore, system: any SystemInformation, log: Logger
  ) {
    self.frontEnd = frontEnd
    self.scheduler = scheduler
    self.log = log
    self.history = history
    publisher = Publisher(frontEnd: frontEnd, scheduler: scheduler)
    broker = StdinBroker(frontEnd: frontEnd, publisher: publisher)
    let table = CommTable()
    languages = LanguageTable(provider: provider, defaultName: configuration.defaultLanguage)
    let debugger = DebugState()
    output = OutputHub(
      publisher: publisher, broker: broker, comms: table, history: history, debugger: debugger)
    languages.output = output
    let commands = ServerCommands(languages: languages, publisher: publisher)
    cells = CellService(
      languages: languages, publisher: publisher, output: output, broker: broker, history: history,
      commands: commands, session: configuration.session)
    queries = QueryService(languages: languages, cells: cells, comms: table, history: history)
    comms = CommService(languages: languages, comms: table, publisher: publisher)
    control = ControlService(languages: languages, cells: cells, system: system, debugger: debugger)
    info = KernelInfo(identity: configuration.identity, languages: languages)
    commands.interrupt = { [weak cells] in cells?.interrupt(language: $0) }
    addSubshell("")
    controlQueue = RequestQueue(scheduler: scheduler, overtaking: .orders) { [weak self] in
      await self?.handleControl($0)
    }
    debugQueue = RequestQueue(scheduler: scheduler) { [weak self] in await self?.handleControl($0) }
  }

  /// Says that the kernel starts, and starts the default language in the background.
  public func start() {
    publisher.status("starting", parent: .none)
    (try? languages.backend(languages.defaultName))?.prepare()
  }

  // MARK: - Receiving

  /// Takes a verified message from the front end.
  public func receive(_ message: IncomingMessage) {
    switch message.channel {
    case .stdin: broker.receive(message)
    case .control where message.header.messageType == "debug_request":
      if control.isDebugInfo(message.content) {
        KernelActor.start { await self.handleControl(RequestQueue.Entry(message)) }
      } else {
        debugQueue?.enqueue(message)
      }
    case .control: controlQueue?.enqueue(message)
    case .shell:
      let id = message.header.subshellID ?? ""
      guard let queue = subshells[id] else {
        KernelActor.start { self.refuseUnknownSubshell(message) }
        return
      }
      queue.enqueue(message)
    }
  }

  /// Stops the running cells: what SIGINT to the server asks for.
  public func interrupt() {
    cells.interrupt()
  }

  /// Ends the languages and answers what still runs, at the latest after `limit`.
  public func shutdown(within limit: Duration) async {
    guard !isShuttingDown else { return }
    isShuttingDown = true
    for queue in subshells.values { queue.abortWaitingExecutes() }
    // Together, not in turn: the limit is for all of them.
    let endings = languages.all.map { backend in
      KernelActor.start { await backend.shutdown(within: limit) }
    }
    for ending in endings { await ending.value }
    // What they ran has failed by now, and each request gets its reply before the program closes the sockets.
    let queues = subshells.values + closing
    _ = await scheduler.withDeadline(.milliseconds(200)) {
      for queue in queues { await queue.waitUntilIdle() }
    }
    publisher.flush()
    await history.close()
  }

  // MARK: - Shell

  private func addSubshell(_ id: String) {
    subshells[id] = RequestQueue(scheduler: scheduler) { [weak self] entry in
      await self?.handleShell(entry, subshell: id)
    }
  }

  private func handleShell(_ entry: RequestQueue.Entry, subshell: String) async {
    let message = entry.message
    let parent = Parent(message)
    publisher.busySoon(parent: parent, executes: entry.isExecute)
    defer { publisher.idle(parent: parent) }
    switch message.header.messageType {
    case "execute_request":
      let result =
        entry.isAborted || isShuttingDown ? cells.aborted() : await cells.run(message, parent: parent)
      if result.abortsQueue {
        // Exactly what arrived before the reply, which includes what still waits in the library.
        frontEnd.receivePending()
        subshells[subshell]?.abortWaitingExecutes()
      }
      publisher.flush()
      frontEnd.send(
        OutgoingMessage("execute_reply", parent: parent, content: result.content, metadata: result.metadata),
        on: .shell)
    case "comm_open", "comm_msg", "comm_close":
      await comms.handle(message, parent: parent)
      publisher.flush()
    case "shutdown_request":
      shutdown(message, parent: parent)
    default:
      await answer(message, parent: parent)
    }
  }

  /// Any message for a subshell that is not there gets an answer, or its sender would wait for ever.
  private func refuseUnknownSubshell(_ message: IncomingMessage) {
    let parent = Parent(message)
    let id = message.header.subshellID ?? ""
    publisher.status("busy", parent: parent)
    refuse(
      message, parent: parent, ErrorContent(name: "SubshellNotFound", value: "there is no subshell \(id)"))
    publisher.idle(parent: parent)
  }

  // MARK: - Control

  private func handleControl(_ entry: RequestQueue.Entry) async {
    let message = entry.message
    let parent = Parent(message)
    let hasStatus = ControlService.withStatus.contains(message.header.messageType)
    if hasStatus { publisher.status("busy", parent: parent, channel: .control) }
    defer {
      if message.header.messageType == "debug_request" {
        publisher.idle(parent: parent, channel: .control)
      } else if hasStatus {
        // Interrupts and the shutdown: the cells that run say themselves in a moment that they have ended.
        publisher.status("idle", parent: parent, channel: .control)
      }
    }
    switch message.header.messageType {
    case "interrupt_request":
      reply(message, parent: parent, control.interrupt())
    case "shutdown_request":
      shutdown(message, parent: parent)
    case "debug_request":
      reply(message, parent: parent, await control.debug(message.content))
    case "create_subshell_request":
      let id = UniqueID.make()
      addSubshell(id)
      reply(message, parent: parent, ["status": "ok", "subshell_id": .string(id)])
    case "delete_subshell_request":
      deleteSubshell(message, parent: parent)
    case "list_subshell_request":
      let ids = subshells.keys.filter { !$0.isEmpty }.sorted().map(JSONValue.string)
      reply(message, parent: parent, ["status": "ok", "subshell_id": .array(ids)])
    default:
      // In order, like everything on control: clients rely on it.
      await answer(message, parent: parent)
    }
  }

  private func deleteSubshell(_ message: IncomingMessage, parent: Parent) {
    let id = JSONScanner.parse(message.content)?["subshell_id"]?.string ?? ""
    guard !id.isEmpty, let queue = subshells.removeValue(forKey: id) else {
      refuse(
        message, parent: parent, ErrorContent(name: "SubshellNotFound", value: "there is no subshell \(id)"))
      return
    }
    // What still waits there is answered, not run.
    queue.abortWaitingExecutes()
    closing.append(queue)
    closing.removeAll(where: \.isIdle)
    for backend in languages.all { backend.closeSubshell(id) }
    reply(message, parent: parent, ["status": "ok"])
  }

  private func shutdown(_ message: IncomingMessage, parent: Parent) {
    let restart = JSONScanner.parse(message.content)?["restart"]?.bool ?? false
    let content: JSONValue = ["status": "ok", "restart": .bool(restart)]
    reply(message, parent: parent, content)
    publisher.publish(OutgoingMessage("shutdown_reply", parent: parent, content: content.encoded))
    onShutdown(restart)
  }

  // MARK: - Requests that come on either channel

  private func answer(_ message: IncomingMessage, parent: Parent) async {
    let type = message.header.messageType
    guard let content = JSONScanner.parse(message.content), content.members != nil else {
      if Self.replyType(type) != nil {
        refuse(message, parent: parent, .invalidRequest(type, "the content is not a JSON object"))
      }
      return
    }
    do throws(RequestFailure) {
      switch type {
      case "kernel_info_request":
        let state = subshells.values.contains(where: \.isExecuting) ? "busy" : "idle"
        reply(message, parent: parent, info.content(executionState: state))
      case "complete_request": reply(message, parent: parent, try await queries.complete(content))
      case "inspect_request": reply(message, parent: parent, try await queries.inspect(content))
      case "is_complete_request": reply(message, parent: parent, try await queries.isComplete(content))
      case "history_request": reply(message, parent: parent, try await queries.history(content))
      case "comm_info_request": reply(message, parent: parent, queries.commInfo(content))
      case "usage_request": reply(message, parent: parent, await control.usage())
      case "connect_request": reply(message, parent: parent, connectionPorts())
      default: log.debug("no handler", metadata: ["msg_type": "\(type)"])
      }
    } catch {
      refuse(message, parent: parent, error.error)
    }
  }

  /// The five ports, for the deprecated `connect_request`; set by the program.
  public var connectionPorts: @KernelActor () -> JSONValue = { ["status": "ok"] }

  private func reply(_ message: IncomingMessage, parent: Parent, _ content: JSONValue) {
    reply(message, parent: parent, content.encoded)
  }

  private func reply(_ message: IncomingMessage, parent: Parent, _ content: [UInt8]) {
    guard let type = Self.replyType(message.header.messageType) else { return }
    publisher.flush()
    frontEnd.send(OutgoingMessage(type, parent: parent, content: content), on: message.channel)
  }

  private func refuse(_ message: IncomingMessage, parent: Parent, _ error: ErrorContent) {
    let type = Self.replyType(message.header.messageType) ?? "\(message.header.messageType)_reply"
    publisher.flush()
    frontEnd.send(OutgoingMessage(type, parent: parent, content: error.replyContent), on: message.channel)
  }

  private static func replyType(_ requestType: String) -> String? {
    guard requestType.hasSuffix("_request") else { return nil }
    return requestType.dropLast("_request".count) + "_reply"
  }
}
