import CPosix
import Glibc
import JupyterProtocol
import JupyterTransport
import KernelCore
import KernelExecutor
import KernelSpecs
import Logging
import PosixSupport

/// One life of another kernel's process, with our client connected to it.
///
/// It listens on ipc endpoints in a private folder with a key of its own, so no port is used and no other user can
/// reach it; on ports of the loopback interface if it can do nothing else. Ids are ours towards the kernel and the front end's towards the front end.
@KernelActor
final class ProxiedKernel {
  /// A request that waits for its reply, and for idle if output belongs to it.
  private struct Pending {
    var execution: Execution?
    var reply: IncomingMessage?
    var isIdle: Bool
    var continuation: CheckedContinuation<IncomingMessage?, Never>
  }

  /// How long output may follow a reply before a lost idle is given up.
  private static let idleLimit = Duration.seconds(4)
  /// kernel_info is asked again in this rhythm until the kernel and its iopub are there.
  private static let nudge = Duration.milliseconds(300)

  private let loop: EventLoop
  private let log: Logger
  private let name: String
  private let folder: String
  private unowned let backend: any LanguageBackend
  private unowned let output: any BackendOutput
  private var client: JupyterClient?
  private var process: GuardedProcess?
  private var printed: [(name: String, descriptor: Int32)] = []
  private var pending: [String: Pending] = [:]
  /// Cells whose late output still finds its parent.
  private var cells: [String: Execution] = [:]
  private var cellOrder: [String] = []
  private var current: Execution?
  private var readyWaiters: [CheckedContinuation<Void, Never>] = []
  private var endWaiters: [CheckedContinuation<Void, Never>] = []
  private var deadline: EventLoop.TimerID?
  private var lastWords = ""
  private var hasPublished = false
  private(set) var info: JSONValue?
  private(set) var isEnded = false
  private(set) var failure: ErrorContent?
  /// It was asked to exit: its end is nothing to report.
  private(set) var mustExit = false
  /// Whether it was given a cell or a comm message, and may have something to lose.
  var hasRun: Bool { current != nil }
  private var ending: GuardedProcess.Ending?

  var onEnd: @KernelActor () -> Void = {}
  var isReady: Bool { info != nil && hasPublished }
  var processID: Int32? { process?.processID }

  /// - Throws: ``ErrorContent``-worthy text when the process cannot be made.
  init(
    name: String, spec: KernelSpecFile, directory: String, environment: [String], runtimeFolder: String,
    transport: ConnectionInfo.Transport, backend: any LanguageBackend, output: any BackendOutput,
    loop: EventLoop, log: Logger
  ) throws {
    self.name = name
    self.loop = loop
    self.log = log
    self.backend = backend
    self.output = output
    folder = try Self.makeFolder(in: runtimeFolder)
    let ports = transport == .ipc ? [1, 2, 3, 4, 5] : try FreePorts.five()
    let connection = ConnectionInfo(
      transport: transport, ip: transport == .ipc ? "\(folder)/k" : "127.0.0.1",
      ports: .init(
        shell: ports[0], iopub: ports[1], stdin: ports[2], control: ports[3], heartbeat: ports[4]),
      key: UniqueID.make(), members: [.init("kernel_name", .string(name))])
    let file = "\(folder)/kernel.json"
    try PrivateFile.write(connection.encoded, to: file)
    let command = try KernelCommandLine.fill(spec, connectionFile: file, directory: directory)
    try start(command, environment: environment)
    client = try JupyterClient(connection, loop: loop, log: log) { [weak self] in self?.received($0, $1) }
    nudgeUntilReady()
    deadline = loop.after(.seconds(60)) { [weak self] in
      guard let self, !self.isReady else { return }
      self.lastWords += "\nit did not answer kernel_info within 60 s"
      self.process?.send(.kill)
    }
  }

  private static func makeFolder(in runtime: String) throws -> String {
    PrivateFile.makeFolder(runtime)
    // Socket paths are limited to about 100 bytes, so the names are short.
    let path = "\(runtime)/p\(getpid())-\(UniqueID.make().prefix(6))"
    guard path.utf8.count < 90, mkdir(path, 0o700) == 0 else {
      let short = "/tmp/parley-\(getuid())-\(UniqueID.make().prefix(8))"
      guard mkdir(short, 0o700) == 0 else { throw SystemError("cannot make the folder \(short)") }
      return short
    }
    return path
  }

  private func start(_ command: KernelCommandLine, environment: [String]) throws {
    var pipes: [(read: Int32, write: Int32)] = []
    for _ in 0..<2 {
      var ends: [Int32] = [-1, -1]
      guard parley_pipe(&ends) == 0 else { throw SystemError("cannot make a pipe") }
      pipes.append((ends[0], ends[1]))
    }
    defer { for pipe in pipes { close(pipe.write) } }
    process = try GuardedProcess(
      .init(
        path: command.program, arguments: command.arguments,
        environment: ChildEnvironment.merge(environment, command.environment),
        descriptors: [-1, pipes[0].write, pipes[1].write]),
      loop: loop
    ) { [weak self] in self?.processEvent($0) }
    for (stream, pipe) in zip(["stdout", "stderr"], pipes) {
      _ = parley_set_nonblocking(pipe.read)
      printed.append((stream, pipe.read))
      loop.watch(pipe.read, priority: .bridge) { [weak self] _ in self?.readPrinted(stream, pipe.read) }
    }
  }

  // MARK: - Waiting

  private func nudgeUntilReady() {
    guard !isEnded, !isReady else { return }
    client?.send("kernel_info_request", content: JSONText.emptyObject)
    loop.after(Self.nudge) { [weak self] in self?.nudgeUntilReady() }
  }

  func waitUntilStarted() async {
    guard !isReady, !isEnded else { return }
    await withCheckedContinuation { readyWaiters.append($0) }
  }

  func waitUntilEnded() async {
    if isEnded { return }
    await withCheckedContinuation { endWaiters.append($0) }
  }

  private func resumeReadyWaiters() {
    let waiters = readyWaiters
    readyWaiters = []
    for waiter in waiters { waiter.resume() }
  }

  // MARK: - Requests

  /// Sends a request and waits for its reply, with a cell also for its idle; nil when the kernel has ended first or
  /// the limit is over.
  func request(
    _ messageType: String, content: [UInt8], metadata: [UInt8] = JSONText.emptyObject,
    buffers: [[UInt8]] = [],
    cell: Execution? = nil, on source: JupyterClient.Source = .shell, limit: Duration? = nil
  ) async -> IncomingMessage? {
    guard !isEnded, let client else { return nil }
    let id = client.send(messageType, content: content, metadata: metadata, buffers: buffers, on: source)
    if let cell { remember(cell, id) }
    let timer = limit.map { limit in loop.after(limit) { [weak self] in self?.finish(id, with: nil) } }
    defer { loop.cancel(timer) }
    return await withCheckedContinuation { continuation in
      pending[id] = Pending(execution: cell, isIdle: cell == nil, continuation: continuation)
    }
  }

  /// Sends a message that has no reply, and waits until the kernel is idle again.
  func deliver(_ message: IncomingMessage) async {
    guard !isEnded, let client else { return }
    let cell = Execution(
      parent: Parent(message), request: ExecuteRequest(code: "", storeHistory: false), executionCount: 0)
    let id = client.send(
      message.header.messageType, content: message.content, metadata: message.metadata,
      buffers: message.buffers)
    remember(cell, id)
    let timer = loop.after(.seconds(10)) { [weak self] in self?.finish(id, with: nil) }
    defer { loop.cancel(timer) }
    _ = await withCheckedContinuation { continuation in
      // The message itself stands for the reply that such messages do not have.
      pending[id] = Pending(execution: cell, reply: message, isIdle: false, continuation: continuation)
    }
  }

  private func remember(_ cell: Execution, _ id: String) {
    cells[id] = cell
    current = cell
    cellOrder.append(id)
    if cellOrder.count > 512 { cells[cellOrder.removeFirst()] = nil }
  }

  private func finish(_ id: String, with reply: IncomingMessage?) {
    pending.removeValue(forKey: id)?.continuation.resume(returning: reply)
  }

  // MARK: - Signals

  func interrupt(_ mode: KernelSpecFile.InterruptMode) {
    switch mode {
    case .signal: process?.send(.interrupt)
    case .message: client?.send("interrupt_request", content: JSONText.emptyObject, on: .control)
    }
  }

  func kill() { process?.send(.kill) }

  func askToExit(restart: Bool) {
    mustExit = true
    let content: JSONValue = ["restart": .bool(restart)]
    client?.send("shutdown_request", content: content.encoded, on: .control)
  }

  // MARK: - Messages

  private func received(_ source: JupyterClient.Source, _ message: IncomingMessage) {
    let parentID = JSONScanner.parse(message.parentHeader)?["msg_id"]?.string ?? ""
    switch source {
    case .iopub: published(message, parentID)
    case .stdin: asked(message, parentID)
    case .shell, .control: replied(message, parentID)
    }
  }

  private func replied(_ message: IncomingMessage, _ parentID: String) {
    if message.header.messageType == "kernel_info_reply", info == nil {
      info = JSONScanner.parse(message.content)
      becomeReady()
      return
    }
    guard var entry = pending[parentID] else { return }
    entry.reply = message
    pending[parentID] = entry
    if entry.isIdle {
      finish(parentID, with: message)
    } else {
      // Reply and idle come on different sockets, in either order; some kernels lose the idle.
      loop.after(Self.idleLimit) { [weak self] in self?.finish(parentID, with: message) }
    }
  }

  private func becomeReady() {
    guard isReady else { return }
    loop.cancel(deadline)
    resumeReadyWaiters()
  }

  private func published(_ message: IncomingMessage, _ parentID: String) {
    if !hasPublished {
      hasPublished = true
      becomeReady()
    }
    switch message.header.messageType {
    case "status":
      guard JSONScanner.parse(message.content)?["execution_state"]?.string == "idle",
        var entry = pending[parentID]
      else { return }
      entry.isIdle = true
      pending[parentID] = entry
      if let reply = entry.reply { finish(parentID, with: reply) }
    case "execute_input", "iopub_welcome", "shutdown_reply": break
    case "stream":
      let content = JSONScanner.parse(message.content)
      output.stream(
        content?["name"]?.string ?? "stdout", Array((content?["text"]?.string ?? "").utf8),
        of: cells[parentID] ?? current)
    default:
      let isValid = output.publish(
        message.header.messageType, content: Self.withoutCount(message), metadata: message.metadata,
        buffers: message.buffers, of: cells[parentID] ?? current, from: backend)
      if !isValid { log.warning("a kernel published an invalid message", metadata: ["kernel": "\(name)"]) }
    }
  }

  /// The server counts; the kernel's own number would not fit the cell.
  private static func withoutCount(_ message: IncomingMessage) -> [UInt8] {
    guard message.header.messageType == "execute_result",
      let members = JSONScanner.members(of: message.content)
    else { return message.content }
    var writer = JSONWriter(reserving: message.content.count)
    writer.object { writer in
      for member in members where member.name != "execution_count" {
        writer.member(member.name, raw: message.content[member.value])
      }
    }
    return writer.bytes
  }

  private func asked(_ message: IncomingMessage, _ parentID: String) {
    guard message.header.messageType == "input_request", let cell = cells[parentID] ?? current else { return }
    let content = JSONScanner.parse(message.content)
    KernelActor.start { [weak self] in
      guard let self else { return }
      let answer = await self.output.ask(
        content?["prompt"]?.string ?? "", password: content?["password"]?.bool ?? false, of: cell)
      let value: JSONValue
      switch answer {
      case .value(let text): value = ["value": .string(text)]
      case .endOfFile, .refused: value = ["value": "\u{4}"]
      case .withdrawn: return
      }
      self.client?.send("input_reply", content: value.encoded, parent: Parent(message), on: .stdin)
    }
  }

  // MARK: - The end

  private func processEvent(_ event: GuardedProcess.Event) {
    switch event {
    case .started: break
    case .failed(let error): lastWords += "\n\(error)"
    case .exited(let ending): self.ending = ending
    case .gone: end()
    }
  }

  private func readPrinted(_ stream: String, _ descriptor: Int32) {
    var chunk = [UInt8](repeating: 0, count: 16 << 10)
    let count = read(descriptor, &chunk, chunk.count)
    guard count > 0 else {
      if count == 0 || errno != EAGAIN {
        loop.unwatch(descriptor)
        close(descriptor)
        printed.removeAll { $0.descriptor == descriptor }
      }
      return
    }
    // What the kernel process writes for its log; useful when it dies, noise in a cell.
    lastWords = String((lastWords + String(decoding: chunk[..<count], as: UTF8.self)).suffix(2000))
  }

  private func end() {
    for (_, descriptor) in printed {
      loop.unwatch(descriptor)
      close(descriptor)
    }
    printed = []
    loop.cancel(deadline)
    client?.close()
    client = nil
    process = nil
    isEnded = true
    failure = describeFailure()
    let waiting = pending.values
    pending = [:]
    for entry in waiting { entry.continuation.resume(returning: entry.reply) }
    resumeReadyWaiters()
    for waiter in endWaiters { waiter.resume() }
    endWaiters = []
    for file in ["kernel.json", "k-1", "k-2", "k-3", "k-4", "k-5"] { unlink("\(folder)/\(file)") }
    rmdir(folder)
    onEnd()
  }

  private func describeFailure() -> ErrorContent {
    let how = ending?.text ?? "unknown status"
    var lines = [info == nil ? "\(name) could not start: \(how)." : "\(name) ended: \(how)."]
    let words = lastWords.split(separator: "\n").suffix(5)
    if !words.isEmpty {
      lines.append("The last it wrote:")
      lines.append(contentsOf: words.map { "    \($0)" })
    }
    lines.append(
      "What \(name) had in memory is lost; the other languages keep theirs. Its next cell starts it anew.")
    return ErrorContent(
      name: info == nil ? "BackendStartFailed" : "BackendTerminated", value: "\(name): \(how)",
      traceback: lines)
  }
}
