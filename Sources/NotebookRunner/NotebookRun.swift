import JupyterProtocol
import KernelCore
import KernelExecutor
import Logging
import Notebook

/// Runs the cells of a notebook, one after the other, through a kernel inside the process.
///
/// It decides what each cell's end means for the run; the outputs are ``OutputRecorder``'s, saving and showing are
/// ``RunObserver``s'. Nothing is polled and nothing sleeps: every step is the answer to a message, a timer or a signal.
@KernelActor
public final class NotebookRun {
  public struct Options: Sendable {
    /// The language of cells without a marker.
    public var language: String
    public var cellTimeout: Duration?
    public var runTimeout: Duration?
    public var startTimeout = Duration.seconds(60)
    public var outputLimit = OutputLimit()
    /// Whether the notebook's kernel is somebody else's, whose notebooks know no markers.
    public var isForeign = false
    /// Places of cells that are left out and keep the outputs they have.
    public var skipped: Set<Int> = []
    /// Taken out of everything that is recorded.
    public var secrets: SecretFilter?
    /// Code that gives the language the secrets, before the first cell.
    public var hiddenCode: String?

    public init(language: String) {
      self.language = language
    }
  }

  public private(set) var notebook: Notebook
  public private(set) var record: RunRecord
  /// The error of the cell that ended the run.
  public private(set) var error: ErrorContent?
  /// The place of the cell that runs, or ran last.
  public private(set) var current = 0
  /// Takes output that a cell has too much of: the cell, a name for the kind, the bytes.
  public var onOverflow: @KernelActor (_ cell: Int, _ name: String, _ bytes: [UInt8]) -> Void = { _, _, _ in }

  /// What every snapshot is sent through before it is saved.
  public var presentation: @KernelActor (Notebook) -> Notebook = { $0 }

  private let options: Options
  private let provider: any LanguageProvider
  private let limits: [Duration?]
  private let runLimit: Duration?
  private let scheduler: any Scheduler
  private let frontEnd: RunFrontEnd
  private let kernel: Kernel
  private let meter = ResourceMeter()
  private var observers: [any RunObserver] = []
  private var recorder = OutputRecorder()
  private var states: [CellState]
  /// Cells whose outputs are newer in the recorder than in the notebook.
  private var stale: Set<Int> = []
  /// Which cell a request runs.
  private var requests: [String: Int] = [:]
  private var stopping: Stop?
  /// The end of a stream that may be the beginning of a secret, and the message that had it.
  private var held: (message: OutgoingMessage, text: String)?
  private var pressed = 0
  private var cancelTimers: [@KernelActor () -> Void] = []

  /// Why a run ends before its last cell.
  private enum Stop {
    case cellLimit(Duration)
    case runLimit(Duration)
    case signal(String)
  }

  /// - Throws: ``NotebookError`` when a limit of time in the notebook is none.
  public init(
    _ notebook: Notebook, record: RunRecord, options: Options, provider: any LanguageProvider,
    scheduler: any Scheduler, log: Logger
  ) throws(NotebookError) {
    self.notebook = notebook
    self.record = record
    self.options = options
    self.provider = provider
    self.scheduler = scheduler
    var limits: [Duration?] = []
    for cell in notebook.cells {
      limits.append(try TimeLimit.ofCell(cell, option: options.cellTimeout, notebook: notebook))
    }
    self.limits = limits
    runLimit = try TimeLimit.ofRun(option: options.runTimeout, notebook: notebook)
    states = notebook.cells.map { _ in CellState() }
    for index in options.skipped { states[index].status = .skipped }
    // What comes before the first cell runs must not replace outputs that are kept.
    current = notebook.cells.indices.first { !options.skipped.contains($0) } ?? 0
    recorder.limit = options.outputLimit.bytes
    frontEnd = RunFrontEnd(session: record.runID)
    kernel = Kernel(
      .init(
        identity: KernelIdentity(version: record.version), defaultLanguage: options.language,
        session: record.runID),
      frontEnd: frontEnd, scheduler: scheduler, provider: provider, history: NoHistory(), system: meter,
      log: log)
    kernel.stopsAtLostState = true
    frontEnd.kernel = kernel
    frontEnd.onPublish = { [weak self] in self?.receive($0) }
    frontEnd.onReply = { [weak self] in self?.replied($0) }
  }

  public func add(_ observer: any RunObserver) { observers.append(observer) }

  public func status(of cell: Int) -> CellStatus { states[cell].status }

  /// How long a cell has run, in seconds; nil before it has ended.
  public func duration(of cell: Int) -> Double? {
    states[cell].start.flatMap { start in states[cell].end.map { $0.since(start) } }
  }

  // MARK: - The run

  /// Starts the language in the background and puts the notebook into its state before the first cell.
  public func prepare() {
    kernel.start()
    record.start = .now()
    for index in notebook.cells.indices {
      if notebook.cells[index].isCode, !options.skipped.contains(index) {
        notebook.cells[index].outputs = []
        notebook.cells[index].executionCount = nil
      }
      states[index].write(to: &notebook.cells[index])
    }
    if options.skipped.isEmpty { notebook.metadata["widgets"] = nil }
    record.write(to: &notebook)
  }

  /// Runs the cells; returns when the last one that runs has ended.
  public func run() async {
    for observer in observers { observer.runStarted(self) }
    let memoryEnds = OutOfMemory.count()
    if let runLimit {
      cancelTimers.append(scheduler.after(runLimit) { [weak self] in self?.stop(.runLimit(runLimit)) })
    }
    var starts = await startLanguage()
    if starts { starts = await giveSecrets() }
    if starts {
      for index in notebook.cells.indices where stopping == nil && record.reason == nil {
        await run(cell: index, memoryEnds)
      }
    }
    for cancel in cancelTimers { cancel() }
    for index in states.indices where states[index].status == .pending {
      states[index].status = .notReached
      states[index].write(to: &notebook.cells[index])
    }
    conclude()
    if starts, let info = await frontEnd.request("kernel_info_request")?["language_info"],
      let value = NotebookValue(json: info.encoded), value.object?.isEmpty == false
    {
      notebook.metadata["language_info"] = value
    }
    for observer in observers { observer.runEnded(self) }
  }

  /// Ends the languages; what they still print belongs to the cells that started it.
  public func shutdown(within limit: Duration) async {
    await kernel.shutdown(within: limit)
    releaseHeld()
    record.end = .now()
    record.write(to: &notebook)
  }

  /// Gives the kernel and its languages to another front end; from now on the notebook changes no more.
  public func handOver(to frontEnd: any FrontEnd) -> Kernel {
    releaseHeld()
    kernel.stopsAtLostState = false
    self.frontEnd.handOver(to: frontEnd)
    return kernel
  }

  /// The output's place does not take the notebook: the reason of a run that went well otherwise.
  public func cannotBeSaved(_ message: String) {
    if record.reason == .ok {
      record.reason = .storageError
      record.message = message
    }
    record.write(to: &notebook)
  }

  /// The notebook as it is now, outputs included.
  public func snapshot() -> Notebook {
    for index in stale { bringUpToDate(index) }
    if let widgets = recorder.widgets.metadata { notebook.metadata["widgets"] = filtered(widgets) }
    return presentation(notebook)
  }

  /// One cell as it is now.
  public func cell(_ index: Int) -> NotebookCell {
    if stale.contains(index) { bringUpToDate(index) }
    return notebook.cells[index]
  }

  private func bringUpToDate(_ index: Int) {
    stale.remove(index)
    let outputs = recorder.outputs(of: index, options.outputLimit)
    // Once more: text that was folded may hold what its pieces did not.
    notebook.cells[index].outputs = options.secrets == nil ? outputs : outputs.map(filtered)
  }

  private func conclude() {
    switch stopping {
    case .signal(let name):
      record.reason = .cancelled
      record.message = "\(name) asked for the end"
    case .runLimit(let limit):
      record.reason = .runTimeout
      record.message = "the run took longer than its limit of \(limit.text)"
    case .cellLimit, nil: break
    }
    if record.reason == nil { record.reason = .ok }
    record.hasException = record.reason != .ok
    record.end = .now()
    record.write(to: &notebook)
  }

  /// Waits until the default language answers; its first question is one that changes nothing.
  private func startLanguage() async -> Bool {
    let limit = options.startTimeout
    let request: JSONValue = ["code": "1"]
    let content = request.encoded
    let cancel = scheduler.after(limit) { [weak self] in self?.frontEnd.giveUp() }
    let answer = await frontEnd.request("is_complete_request", content)
    cancel()
    guard answer == nil, stopping == nil else {
      // What its start has cost is no cell's.
      if stopping == nil { _ = await frontEnd.request("usage_request", channel: .control) }
      return stopping == nil
    }
    record.reason = .startFailed
    record.message = "\(options.language) did not start within \(limit.text)"
    return false
  }

  /// Gives the language the secrets. Whatever goes wrong must not show the code that holds them.
  private func giveSecrets() async -> Bool {
    guard let code = options.hiddenCode else { return true }
    let content: JSONValue = [
      "code": .string(code), "silent": true, "store_history": false, "allow_stdin": false,
      "stop_on_error": true,
    ]
    let cancel = scheduler.after(options.startTimeout) { [weak self] in self?.frontEnd.giveUp() }
    let reply = await frontEnd.request("execute_request", content.encoded)
    cancel()
    guard stopping == nil, reply?["status"]?.string != "ok" else { return stopping == nil }
    record.reason = .startFailed
    record.message = "the secrets could not be given to \(options.language)"
    if let error = reply.flatMap(ErrorContent.init) { record.message? += ": \(filtered(error).name)" }
    return false
  }

  private func filtered(_ value: NotebookValue) -> NotebookValue { options.secrets?.filter(value) ?? value }

  private func filtered(_ error: ErrorContent) -> ErrorContent {
    guard let secrets = options.secrets else { return error }
    return ErrorContent(
      name: secrets.filter(error.name), value: secrets.filter(error.value),
      traceback: error.traceback.map(secrets.filter))
  }

  // MARK: - One cell

  private func run(cell index: Int, _ memoryEnds: Int) async {
    guard !options.skipped.contains(index) else {
      for observer in observers { observer.cellEnded(index, of: self) }
      return
    }
    current = index
    let cell = notebook.cells[index]
    states[index].start = .now()
    states[index].status = .running
    if cell.tags.contains("skip-execution") {
      end(cell: index, .skipped)
      return
    }
    guard cell.isCode, !cell.source.allSatisfy(\.isWhitespace) else {
      end(cell: index, .ok)
      return
    }
    recorder.begin(index)
    states[index].write(to: &notebook.cells[index])
    for observer in observers { observer.cellStarted(index, of: self) }
    let before = meter.reading
    let reply = await execute(cell, index)
    await measure(index, since: before)
    let outcome = outcome(of: index, reply, memoryEnds)
    end(cell: index, outcome)
  }

  private func execute(_ cell: NotebookCell, _ index: Int) async -> JSONValue? {
    let id = frontEnd.newID()
    requests[id] = index
    let cancelLimit = limits[index].map { limit in
      scheduler.after(limit) { [weak self] in self?.stop(.cellLimit(limit)) }
    }
    defer { cancelLimit?() }
    let allowsErrors = cell.tags.contains("raises-exception")
    let provider = provider
    let source =
      options.isForeign
      ? ForeignSource.make(cell.source) { name in
        KernelActor.assumeIsolated { provider.language(named: name) != nil }
      } : cell.source
    let content: JSONValue = [
      "code": .string(source), "silent": false, "store_history": true, "allow_stdin": false,
      "stop_on_error": .bool(!allowsErrors),
    ]
    return await frontEnd.request(
      "execute_request", id: id, content.encoded, metadata: RequestMetadata.make(cell, notebook))
  }

  private func measure(_ index: Int, since before: ResourceMeter.Reading) async {
    guard pressed < 3 else { return }
    _ = await frontEnd.request("usage_request", channel: .control)
    let now = meter.reading
    guard now.peakMemory > 0 else { return }
    // Differences of what is counted in hundredths have digits of their own: 0.010000000000000009.
    let spent = max(0, now.processorSeconds - before.processorSeconds)
    states[index].processorSeconds = (spent * 100).rounded() / 100
    states[index].peakMemory = now.peakMemory
  }

  /// What a cell's reply means for the cell, and for the run.
  private func outcome(of index: Int, _ reply: JSONValue?, _ memoryEnds: Int) -> CellStatus {
    let failed = reply?["status"]?.string != "ok"
    if let stopping { return stopped(index, stopping) }
    guard failed else { return .ok }
    let error = filtered(
      reply.flatMap(ErrorContent.init) ?? ErrorContent(name: "Error", value: "the cell failed"))
    let isExpected = notebook.cells[index].tags.contains("raises-exception")
    switch error.name {
    case "BackendTerminated", "BridgeProtocolError", "BackendStateLost":
      let isMemory = error.value.contains("signal 9") && OutOfMemory.count() > memoryEnds
      // One language of several has died, and that was to be expected; the others go on. Another project's kernel is
      // all there is. What was lost before the cell began is not its doing, so never expected.
      if isExpected, !isMemory, !options.isForeign, error.name != "BackendStateLost" { return .ok }
      finish(isMemory ? .outOfMemory : .kernelDied, index, error)
      return .died
    case "BackendStartFailed", "LanguageNotInstalled":
      finish(.startFailed, index, error)
      return .failed
    case "SystemExit" where ["", "0"].contains(error.value):
      // The notebook itself has ended the run, and says that all is well; papermill has it so.
      finish(.ok, index, nil)
      record.message = "the notebook ended the run"
      return .ok
    default:
      if isExpected { return .ok }
      finish(.userError, index, error)
      return .failed
    }
  }

  /// A cell that was stopped, also when it has ended as if nothing had happened.
  private func stopped(_ index: Int, _ stop: Stop) -> CellStatus {
    record.failedCell = notebook.cells[index].id
    switch stop {
    case .signal: return .interrupted
    case .runLimit(let limit):
      tell(index, "RunTimeoutError", "the run took longer than its limit of \(limit.text)")
    case .cellLimit(let limit):
      record.reason = .cellTimeout
      record.message = "cell \(index + 1) ran longer than its limit of \(limit.text)"
      tell(index, "CellTimeoutError", "the cell ran longer than its limit of \(limit.text)")
    }
    return .timedOut
  }

  /// Puts an error into a cell that the language knows nothing of.
  private func tell(_ index: Int, _ name: String, _ value: String) {
    let error = ErrorContent(name: name, value: value)
    self.error = error
    states[index].message = value
    _ = recorder.record("error", content: error.content, of: index, request: "")
    stale.insert(index)
  }

  private func finish(_ reason: RunReason, _ index: Int, _ error: ErrorContent?) {
    record.reason = reason
    record.failedCell = error == nil ? nil : notebook.cells[index].id
    record.message = error.map { $0.value.isEmpty ? $0.name : "\($0.name): \($0.value)" }
    self.error = error
  }

  private func end(cell index: Int, _ status: CellStatus) {
    states[index].end = .now()
    states[index].status = status
    bringUpToDateIfCode(index)
    states[index].write(to: &notebook.cells[index])
    for observer in observers { observer.cellEnded(index, of: self) }
  }

  private func bringUpToDateIfCode(_ index: Int) {
    if notebook.cells[index].isCode { bringUpToDate(index) }
  }

  // MARK: - Messages

  /// Takes the secrets out of a message before anybody sees it.
  private func receive(_ message: OutgoingMessage) {
    guard let secrets = options.secrets else {
      published(message)
      return
    }
    guard message.messageType == "stream", let content = NotebookValue(json: message.content),
      let text = content["text"]?.string
    else {
      releaseHeld()
      published(message.filtered(by: secrets))
      return
    }
    if let held, !held.message.isSameStream(as: message) { releaseHeld() }
    let (ready, rest) = secrets.split((held?.text ?? "") + text)
    held = rest.isEmpty ? nil : (message, rest)
    if !ready.isEmpty { published(message.stream(ready)) }
  }

  private func releaseHeld() {
    guard let (message, text) = held else { return }
    held = nil
    published(message.stream(options.secrets?.filter(text) ?? text))
  }

  private func published(_ message: OutgoingMessage) {
    let request = message.parent.messageID
    let index = requests[request] ?? current
    switch message.messageType {
    case "status":
      guard requests[request] != nil else { return }
      let state = JSONScanner.parse(message.content)?["execution_state"]?.string
      note(state == "busy" ? "iopub.status.busy" : "iopub.status.idle", index)
    case "execute_input":
      note("iopub.execute_input", index)
      notebook.cells[index].executionCount = JSONScanner.parse(message.content)?["execution_count"]?.integer
    default: output(message, of: index, request)
    }
  }

  private func replied(_ message: OutgoingMessage) {
    guard let index = requests[message.parent.messageID], message.messageType == "execute_reply" else {
      return
    }
    note("shell.execute_reply", index)
  }

  private func note(_ name: String, _ index: Int) {
    states[index].times.append((name, .now()))
  }

  private func output(_ message: OutgoingMessage, of index: Int, _ request: String) {
    guard notebook.cells.indices.contains(index), notebook.cells[index].isCode else { return }
    if message.messageType == "stream", let content = JSONScanner.parse(message.content),
      let text = content["text"]?.string
    {
      for observer in observers {
        observer.printed(content["name"]?.string ?? "stdout", text, by: index, of: self)
      }
    }
    let effect = recorder.record(
      message.messageType, content: message.content, buffers: message.buffers, of: index, request: request)
    for content in recorder.widgets.takeMessages() {
      frontEnd.deliver("comm_msg", id: frontEnd.newID(), content.line)
    }
    switch effect {
    case .nothing: break
    case .leftOut(let isFirst): overflow(message, of: index, isFirst: isFirst)
    case .changed(let cells):
      stale.formUnion(cells)
      for cell in cells {
        for observer in observers { observer.changed(cell, of: self) }
      }
    }
  }

  /// The whole of a cell's output is kept beside the notebook: what it has already, then whatever comes.
  private func overflow(_ message: OutgoingMessage, of index: Int, isFirst: Bool) {
    stale.insert(index)
    if isFirst {
      for output in recorder.kept(of: index) { keep(output, of: index) }
    }
    guard let content = NotebookValue(json: message.content),
      let output = OutputRecorder.output(message.messageType, content)
    else { return }
    keep(.object(output), of: index)
  }

  private func keep(_ output: NotebookValue, of index: Int) {
    if output["output_type"]?.string == "stream" {
      onOverflow(index, output["name"]?.string ?? "stdout", Array((output["text"]?.string ?? "").utf8))
    } else {
      onOverflow(index, "displays", output.line + [UInt8(ascii: "\n")])
    }
  }

  // MARK: - Stopping

  /// A signal asks for the end: the cell that runs is stopped, no further one starts.
  public func cancel(_ name: String) {
    if case .signal? = stopping {
      // Asked twice: no more patience.
      for _ in pressed..<3 { press() }
      frontEnd.giveUp()
      return
    }
    stop(.signal(name))
  }

  /// Interrupts what runs, harder each time, and gives it up in the end: all within two seconds for a signal, so
  /// that whoever has sent it sees the notebook saved before he loses patience.
  private func stop(_ why: Stop) {
    guard stopping == nil else { return }
    stopping = why
    press()
    let steps: [Duration]
    if case .signal = why {
      steps = [.milliseconds(800), .milliseconds(1200), .milliseconds(1600)]
    } else {
      steps = [.seconds(3), .seconds(4), .seconds(5)]
    }
    cancelTimers.append(scheduler.after(steps[0]) { [weak self] in self?.press() })
    cancelTimers.append(scheduler.after(steps[1]) { [weak self] in self?.press() })
    cancelTimers.append(scheduler.after(steps[2]) { [weak self] in self?.frontEnd.giveUp() })
  }

  private func press() {
    pressed += 1
    kernel.interrupt()
  }
}
