import JupyterProtocol
import KernelCore
import KernelExecutor
import KernelSpecs
import Logging
import PosixSupport

/// One life of a bridge's process, from its start to its end.
///
/// It turns requests into frames and frames into replies and output. It does not restart anything: that is
/// ``BridgeBackend``'s.
@KernelActor
final class BridgeSession: BridgePipes.Receiver {
  /// What the handshake said.
  struct Handshake {
    var languageInfo: [UInt8]?
    var banner: String?
    var capabilities: Set<String>?
    var debugger: JSONValue?
  }

  /// How a request ended.
  enum Reply {
    case content([UInt8], buffers: [[UInt8]])
    /// The process ended before it answered.
    case ended
    /// No answer within the limit; one that comes later is dropped.
    case late
  }

  private enum State {
    case starting
    case ready
    case ended
  }

  /// Cells whose late output still finds its parent.
  private static let rememberedCells = 1024
  private static let keptErrorText = 4096

  private let loop: EventLoop
  private let pipes: BridgePipes
  private let output: any BackendOutput
  private let manifest: BridgeManifest
  private let log: Logger
  private unowned let backend: any LanguageBackend
  private var process: GuardedProcess?
  private var state = State.starting
  private var nextID = 1
  private var replies: [Int: CheckedContinuation<Reply, Never>] = [:]
  private var readyWaiters: [CheckedContinuation<Void, Never>] = []
  private var endWaiters: [CheckedContinuation<Void, Never>] = []
  private var cells: [Int: Execution] = [:]
  private var cellOrder: [Int] = []
  /// The cell that runs, or ran last.
  private var current: Execution?
  private var deadline: EventLoop.TimerID?
  private(set) var handshake: Handshake?
  /// Why it ended, once it has.
  private(set) var failure: ErrorContent?
  private(set) var ending: GuardedProcess.Ending?
  /// Whether it was given a cell or a comm message, and may have something to lose.
  private(set) var hasRun = false
  /// The last of what it printed on stderr while no cell ran or just before its end.
  private var lastErrorText: [UInt8] = []
  /// It was asked to exit: its end is nothing to report.
  private(set) var mustExit = false
  private var isEndedByUser = false
  private var violation: String?

  var onEnd: @KernelActor () -> Void = {}

  var isEnded: Bool { if case .ended = state { true } else { false } }
  var isReady: Bool { if case .ready = state { true } else { false } }
  var processID: Int32? { process?.processID }

  /// Starts the process.
  init(
    manifest: BridgeManifest, command: ResolvedCommand, environment: [String], backend: any LanguageBackend,
    output: any BackendOutput, loop: EventLoop, log: Logger
  ) throws(SystemError) {
    self.loop = loop
    self.output = output
    self.manifest = manifest
    self.backend = backend
    self.log = log
    let (pipes, childEnds) = try BridgePipes.open(hasLane: manifest.concurrent, loop: loop)
    self.pipes = pipes
    defer { childEnds.close() }
    process = try GuardedProcess(
      .init(
        path: command.argv[0], arguments: command.argv, environment: environment,
        descriptors: childEnds.descriptors),
      loop: loop
    ) { [weak self] in self?.processEvent($0) }
    pipes.start(self)
    deadline = loop.after(.milliseconds(Int(manifest.startTimeout * 1000))) { [weak self] in
      guard let self, case .starting = self.state else { return }
      self.violated("it did not send its handshake within \(Int(manifest.startTimeout)) s")
    }
  }

  // MARK: - Waiting

  /// Returns when the handshake has come or the process has ended.
  func waitUntilStarted() async {
    guard case .starting = state else { return }
    await withCheckedContinuation { readyWaiters.append($0) }
  }

  func waitUntilEnded() async {
    if isEnded { return }
    await withCheckedContinuation { endWaiters.append($0) }
  }

  /// The same with a limit: a program that may not be killed (sudo) must not hold up the end of the kernel.
  func waitUntilEnded(atMost limit: Duration) async {
    if isEnded { return }
    let timer = loop.after(limit) { [weak self] in self?.resumeEndWaiters() }
    await waitUntilEnded()
    loop.cancel(timer)
  }

  private func resumeEndWaiters() {
    let waiters = endWaiters
    endWaiters = []
    for waiter in waiters { waiter.resume() }
  }

  // MARK: - Requests

  /// Sends a request and waits for its reply.
  /// - Parameters:
  ///   - cell: the cell that an execute request runs.
  ///   - onLane: on descriptor 5, because a request is running on 3.
  ///   - subshell: the subshell it runs in, on the lane.
  func request(
    _ messageType: String, content: [UInt8], metadata: [UInt8]? = nil, buffers: [[UInt8]] = [],
    cell: Execution? = nil, onLane: Bool = false, subshell: String? = nil, limit: Duration? = nil
  ) async -> Reply {
    guard !isEnded else { return .ended }
    let id = nextID
    nextID += 1
    var frame = BridgeFrame(messageType, id: id, content: content)
    if let cell {
      hasRun = true
      remember(cell, id: id)
      frame.header = cell.parent.headerBytes
      if !onLane {
        current = cell
        // What earlier cells wrote is in their outputs.
        lastErrorText = []
      }
    }
    frame.subshellID = subshell
    frame.metadata = metadata
    frame.buffers = buffers
    let timer = limit.map { limit in
      loop.after(limit) { [weak self] in self?.replies.removeValue(forKey: id)?.resume(returning: .late) }
    }
    defer { loop.cancel(timer) }
    return await withCheckedContinuation { continuation in
      replies[id] = continuation
      send(frame, onLane: onLane)
    }
  }

  /// Sends a frame that has no reply.
  func post(_ messageType: String, content: [UInt8] = JSONText.emptyObject, onLane: Bool = false) {
    send(BridgeFrame(messageType, content: content), onLane: onLane)
  }

  /// Asks the bridge to interrupt a cell, by the number of its request: it may have ended when the message is read.
  func askToInterrupt(_ cell: Execution) {
    var frame = BridgeFrame("interrupt_request")
    frame.request = cells.first { $0.value === cell && replies[$0.key] != nil }?.key
    send(frame, onLane: manifest.concurrent)
  }

  private func send(_ frame: BridgeFrame, onLane: Bool) {
    let bytes =
      switch manifest.requests {
      case .json: frame.encodedAsJSON
      case .nul: frame.encodedAsFields()
      case .sized: frame.encodedAsFields(sizedFrom: BridgeFrame.sizedFrom)
      }
    pipes.send(bytes, onLane: onLane)
  }

  private func remember(_ cell: Execution, id: Int) {
    cells[id] = cell
    cellOrder.append(id)
    guard cellOrder.count > Self.rememberedCells else { return }
    // A cell that still runs is never forgotten, however many messages come meanwhile.
    if let index = cellOrder.firstIndex(where: { replies[$0] == nil }) {
      cells[cellOrder.remove(at: index)] = nil
    }
  }

  // MARK: - Signals

  func signal(_ command: GuardedProcess.Command) {
    process?.send(command)
  }

  /// Ends the process because the user wants it, by a third interrupt.
  func endByUser() {
    isEndedByUser = true
    signal(.kill)
  }

  func setPaused(_ paused: Bool) {
    pipes.setPaused(paused)
  }

  /// Asks the process to exit; the caller decides how long to wait before it kills.
  func askToExit(restart: Bool) {
    mustExit = true
    var content = JSONWriter()
    content.object { $0.member("restart", restart) }
    post("shutdown_request", content: content.bytes)
    pipes.closeRequests()
  }

  // MARK: - Frames

  func received(_ frame: BridgeFrame) {
    switch frame.messageType {
    case "kernel_info_reply" where frame.id == 0 || frame.id == nil: greet(frame)
    case "input_request": ask(frame)
    case "comm_target":
      if let name = JSONScanner.parse(frame.content)?["target_name"]?.string {
        output.registerTarget(name, for: backend)
      }
    case "sync": break
    case "done": finish(frame)
    case let type where type.hasSuffix("_reply"): finish(frame)
    case "stream": printedInFrame(frame)
    default: publish(frame)
    }
  }

  func printed(_ name: String, _ text: [UInt8]) {
    if name == "stderr" { keepErrorText(text) }
    output.stream(name, text, of: current)
  }

  func mustAcknowledge(_ sequence: Int) {
    var frame = BridgeFrame("ack")
    frame.acknowledgement = sequence
    send(frame, onLane: false)
  }

  func violated(_ text: String) {
    guard violation == nil, !isEnded else { return }
    violation = text
    log.error("bridge", metadata: ["language": "\(manifest.language)", "problem": "\(text)"])
    signal(.kill)
  }

  func eventsEnded() {
    // Usually its process is ending; its own end tells more than this.
    loop.after(.seconds(1)) { [weak self] in self?.violated("it has closed descriptor 4") }
  }

  private func greet(_ frame: BridgeFrame) {
    guard case .starting = state else { return }
    guard let content = JSONScanner.parse(frame.content), content["bridge_protocol"]?.integer == 1 else {
      violated("its handshake does not speak version 1 of the bridge protocol")
      return
    }
    handshake = Handshake(
      languageInfo: content["language_info"].flatMap { $0.members == nil ? nil : $0.encoded },
      banner: content["banner"]?.string,
      capabilities: content["capabilities"]?.array.map { Set($0.compactMap(\.string)) },
      debugger: content["debugger"].flatMap { $0.members == nil ? nil : $0 })
    state = .ready
    loop.cancel(deadline)
    resumeReadyWaiters()
  }

  private func finish(_ frame: BridgeFrame) {
    guard let id = frame.id, let continuation = replies.removeValue(forKey: id) else { return }
    continuation.resume(returning: .content(frame.content, buffers: frame.buffers))
  }

  private func ask(_ frame: BridgeFrame) {
    // A question from another thread names its cell; that thread reads no requests but on the lane.
    let isFromThread = frame.request != nil && manifest.concurrent
    guard let id = frame.id, let cell = frame.request.flatMap({ cells[$0] }) ?? current else { return }
    let content = JSONScanner.parse(frame.content)
    let prompt = content?["prompt"]?.string ?? ""
    let password = content?["password"]?.bool ?? false
    KernelActor.start { [weak self] in
      guard let self else { return }
      let answer = await self.output.ask(prompt, password: password, of: cell)
      guard let content = Self.inputReply(answer) else { return }
      self.send(BridgeFrame("input_reply", id: id, content: content), onLane: isFromThread)
    }
  }

  private static func inputReply(_ answer: InputAnswer) -> [UInt8]? {
    if answer == .withdrawn { return nil }
    var writer = JSONWriter()
    writer.object { writer in
      switch answer {
      case .value(let text):
        writer.member("status", "ok")
        writer.member("value", text)
      case .endOfFile:
        writer.member("status", "eof")
      case .refused(let error):
        writer.member("status", "error")
        writer.member("ename", error.name)
        writer.member("evalue", error.value)
      case .withdrawn: break
      }
    }
    return writer.bytes
  }

  private func cell(of frame: BridgeFrame) -> Execution? {
    frame.id.flatMap { cells[$0] } ?? current
  }

  private func printedInFrame(_ frame: BridgeFrame) {
    guard let content = JSONScanner.parse(frame.content), let text = content["text"]?.string else {
      violated("a stream frame has no text")
      return
    }
    output.stream(content["name"]?.string ?? "stdout", Array(text.utf8), of: cell(of: frame))
  }

  private func publish(_ frame: BridgeFrame) {
    let isValid = output.publish(
      frame.messageType, content: frame.content, metadata: frame.metadata, buffers: frame.buffers,
      of: cell(of: frame), from: backend)
    if !isValid, JSONScanner.isTooDeep(frame.content) {
      // The user's value, not the bridge's fault: no reason to lose what the language has in memory.
      output.stream(
        "stderr",
        Array(
          "[a \(frame.messageType) is not shown: it is nested more than \(JSONScanner.maximumDepth) levels deep]\n"
            .utf8),
        of: cell(of: frame))
    } else if !isValid {
      let start = String(decoding: frame.content.prefix(80), as: UTF8.self)
      violated("the content of its \(frame.messageType) is not one JSON object; it begins with \(start)")
    }
  }

  // MARK: - The end

  private func processEvent(_ event: GuardedProcess.Event) {
    switch event {
    case .started: break
    case .failed(let error):
      violation = "its program cannot be executed: \(SystemError.text(of: error.code))"
    case .exited(let ending):
      self.ending = ending
    case .gone: end()
    }
  }

  private func end() {
    // Everything it had printed is in the pipes still.
    pipes.finish()
    loop.cancel(deadline)
    let wasStarting = !isReady
    state = .ended
    failure = describeFailure(wasStarting: wasStarting)
    process = nil
    let waiting = replies.values
    replies = [:]
    for continuation in waiting { continuation.resume(returning: .ended) }
    resumeReadyWaiters()
    resumeEndWaiters()
    onEnd()
  }

  private func resumeReadyWaiters() {
    let waiters = readyWaiters
    readyWaiters = []
    for waiter in waiters { waiter.resume() }
  }

  private func keepErrorText(_ text: [UInt8]) {
    lastErrorText.append(contentsOf: text.suffix(Self.keptErrorText))
    if lastErrorText.count > Self.keptErrorText {
      lastErrorText.removeFirst(lastErrorText.count - Self.keptErrorText)
    }
  }

  /// What happened, in the words of the cell that has to show it.
  private func describeFailure(wasStarting: Bool) -> ErrorContent {
    let name = manifest.language
    let end = ending.map(\.text)
    var lines: [String]
    let kind: String
    if let violation {
      kind = wasStarting ? "BackendStartFailed" : "BridgeProtocolError"
      lines = ["\(name) was ended by the kernel: \(violation)."]
    } else if wasStarting {
      kind = "BackendStartFailed"
      lines = ["\(name) could not start: it ended with \(end ?? "an unknown status") before its handshake."]
    } else {
      kind = "BackendTerminated"
      lines = ["\(name) ended: \(end ?? "unknown status")."]
    }
    if let ending {
      let seconds = Int((ending.userSeconds + ending.systemSeconds) * 10)
      lines.append(
        "It had used \(seconds / 10).\(seconds % 10) s of processor time and at most "
          + "\(ending.maximumResidentKiB / 1024) MiB of memory.")
      if isEndedByUser {
        lines.append("It did not heed two interrupts; the third one ended it.")
      } else if ending.signal == 9, violation == nil {
        lines.append("Signal 9 is what the system sends when memory has run out, or somebody with `kill -9`.")
      }
    }
    let errorText = String(decoding: lastErrorText, as: UTF8.self).split(separator: "\n").suffix(5)
    if !errorText.isEmpty {
      lines.append("The last it wrote to stderr:")
      lines.append(contentsOf: errorText.map { "    \($0)" })
    }
    lines.append(
      wasStarting
        ? "The next \(name) cell tries again; `parley doctor` checks the installation."
        : "What \(name) had in memory is lost; the other languages keep theirs. The next \(name) cell starts it anew."
    )
    return ErrorContent(name: kind, value: "\(name): \(violation ?? end ?? "ended")", traceback: lines)
  }
}
