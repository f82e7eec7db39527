import JupyterProtocol
import KernelCore
import KernelExecutor
import KernelSpecs
import Logging
import PosixSupport

/// Any installed Jupyter kernel as a language.
@KernelActor
public final class ProxyBackend: LanguageBackend {
  /// How long a question may take when no cell runs.
  private static let queryLimit = Duration.seconds(10)

  public private(set) var description: LanguageDescription
  private let spec: KernelSpecFile
  private let directory: String
  private let environment: [String]
  private let runtimeFolder: String
  private let loop: EventLoop
  private let log: Logger
  private unowned let output: any BackendOutput
  private var kernel: ProxiedKernel?
  /// ipc, until the kernel has shown that it only knows tcp (Deno's does).
  private var transport = ConnectionInfo.Transport.ipc
  private var running: Execution?
  /// How a kernel ended that had run something, until a cell has told it.
  private var untoldEnd: ErrorContent?
  private var interrupts = 0
  /// Comm messages whose handlers run.
  private var handlers = 0
  private var isShutDown = false
  private var waiting: [CheckedContinuation<Void, Never>] = []
  private var isTaken = false

  public init(
    description: LanguageDescription, spec: KernelSpecFile, directory: String, environment: [String],
    runtimeFolder: String, output: any BackendOutput, loop: EventLoop, log: Logger
  ) {
    self.description = description
    self.spec = spec
    self.directory = directory
    self.environment = environment
    self.runtimeFolder = runtimeFolder
    self.output = output
    self.loop = loop
    self.log = log
  }

  public var isRunning: Bool { kernel.map { !$0.isEnded } ?? false }

  public var processIDs: [Int32] { kernel?.processID.map { [$0] } ?? [] }

  public func prepare() {
    if !isRunning, !isShutDown { _ = try? startKernel() }
  }

  // MARK: - Taking turns

  private func enter() async {
    guard isTaken else {
      isTaken = true
      return
    }
    await withCheckedContinuation { waiting.append($0) }
  }

  private func leave() {
    if waiting.isEmpty {
      isTaken = false
    } else {
      waiting.removeFirst().resume()
    }
  }

  // MARK: - Starting

  private func startKernel() throws -> ProxiedKernel {
    let kernel = try ProxiedKernel(
      name: description.name, spec: spec, directory: directory, environment: environment,
      runtimeFolder: runtimeFolder, transport: transport, backend: self, output: output, loop: loop, log: log)
    kernel.onEnd = { [weak self, unowned kernel] in
      guard let self else { return }
      if kernel.hasRun, !kernel.mustExit { self.untoldEnd = kernel.failure }
      self.output.ended(self)
    }
    self.kernel = kernel
    return kernel
  }

  /// The kernel, started and answering; or why it is not.
  private func readyKernel() async -> (kernel: ProxiedKernel?, failure: ErrorContent?) {
    if isShutDown { return (nil, ErrorContent(name: "KernelShutdown", value: "the kernel is shutting down")) }
    var kernel = kernel
    if kernel?.isEnded ?? true {
      do {
        kernel = try startKernel()
      } catch {
        return (nil, ErrorContent(name: "BackendStartFailed", value: "\(description.name): \(error)"))
      }
    }
    await kernel?.waitUntilStarted()
    if let failure = kernel?.failure {
      guard kernel?.info == nil else { return (nil, failure) }
      // Next time the other way: what was wrong may have been mended.
      transport = transport == .ipc ? .tcp : .ipc
      guard transport == .tcp, running?.isInterrupted != true else { return (nil, failure) }
      return await readyKernel()
    }
    if let info = kernel?.info?["language_info"], info.members != nil {
      description.languageInfo = info.encoded
    }
    return (kernel, nil)
  }

  // MARK: - Cells

  public func execute(
    _ code: String, marker: String, of execution: Execution, expressions: [UInt8]
  ) async -> ExecuteOutcome {
    await enter()
    defer { leave() }
    if let end = untoldEnd, !isShutDown {
      untoldEnd = nil
      if let refusal = output.tell(lostState: end, before: execution) { return .failed(refusal) }
    }
    running = execution
    interrupts = 0
    defer { running = nil }
    let (ready, failure) = await readyKernel()
    guard let kernel = ready else { return .failed(failure ?? unexplained) }
    if execution.isInterrupted {
      return .failed(ErrorContent(name: "KeyboardInterrupt", value: "interrupted before it ran"))
    }
    let reply = await kernel.request(
      "execute_request", content: Self.content(code, execution, expressions),
      metadata: execution.request.metadata,
      cell: execution)
    guard let reply else {
      untoldEnd = nil
      return .failed(kernel.failure ?? unexplained)
    }
    return Self.outcome(reply.content, execution)
  }

  private var unexplained: ErrorContent {
    ErrorContent(name: "BackendTerminated", value: "\(description.name) ended")
  }

  private static func content(_ code: String, _ execution: Execution, _ expressions: [UInt8]) -> [UInt8] {
    var writer = JSONWriter(reserving: code.utf8.count + 256)
    writer.object { writer in
      writer.member("code", code)
      writer.member("silent", execution.request.silent)
      writer.member("store_history", execution.request.storeHistory)
      writer.member("user_expressions", raw: expressions)
      // Asked in every case: whether this front end can answer is for the server to say.
      writer.member("allow_stdin", execution.request.allowStdin)
      writer.member("stop_on_error", false)
    }
    return writer.bytes
  }

  private static func outcome(_ content: [UInt8], _ execution: Execution) -> ExecuteOutcome {
    let members = JSONScanner.members(of: content) ?? []
    func raw(_ name: String) -> [UInt8]? {
      members.last { $0.name == name }.map { Array(content[$0.value]) }
    }
    let value = JSONScanner.parse(content) ?? .null
    if value["status"]?.string == "ok" {
      return .ok(userExpressions: raw("user_expressions"), payload: raw("payload"))
    }
    if let error = ErrorContent(value), !error.name.isEmpty || execution.publishedError != nil {
      return .error(error, payload: raw("payload"))
    }
    if let error = execution.publishedError { return .error(error, payload: raw("payload")) }
    // Some kernels end a cell that was interrupted without a word; then the server says what happened.
    return .failed(
      execution.isInterrupted
        ? ErrorContent(name: "KeyboardInterrupt", value: "interrupted")
        : ErrorContent(name: "Error", value: "the cell failed without saying why"))
  }

  // MARK: - Questions and messages

  public func query(_ messageType: String, content: [UInt8]) async -> [UInt8]? {
    // Its shell takes one request at a time: behind a cell the question would wait for it.
    guard !isTaken, !isShutDown else { return nil }
    await enter()
    defer { leave() }
    guard let kernel = await readyKernel().kernel else { return nil }
    return await kernel.request(messageType, content: content, limit: Self.queryLimit)?.content
  }

  public func comm(_ message: IncomingMessage) async -> Bool {
    guard let kernel, kernel.isReady, !isShutDown else { return false }
    if running == nil { interrupts = 0 }
    handlers += 1
    defer { handlers -= 1 }
    await kernel.deliver(message)
    return true
  }

  public func debug(_ content: [UInt8]) async -> [UInt8]? {
    guard let kernel, kernel.isReady else { return nil }
    return await kernel.request("debug_request", content: content, on: .control, limit: Self.queryLimit)?
      .content
  }

  // MARK: - Interrupt and end

  public func interrupt() {
    guard running != nil || handlers > 0, let kernel, kernel.isReady else { return }
    interrupts += 1
    if interrupts < 3 { kernel.interrupt(spec.interruptMode) } else { kernel.kill() }
  }

  public func restart() async {
    await end(within: .seconds(1), restart: true)
    untoldEnd = nil
  }

  public func shutdown(within limit: Duration) async {
    isShutDown = true
    await end(within: limit, restart: false)
  }

  private func end(within limit: Duration, restart: Bool) async {
    guard let kernel, !kernel.isEnded else { return }
    kernel.askToExit(restart: restart)
    let timer = loop.after(limit) { kernel.kill() }
    await kernel.waitUntilEnded()
    loop.cancel(timer)
  }
}
