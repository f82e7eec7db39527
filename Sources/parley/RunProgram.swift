import Glibc
import JupyterProtocol
import KernelExecutor
import KernelSpecs
import Logging
import Notebook
import NotebookRunner
import Parameters
import PosixSupport
import Storage

/// One run as a process: reads, runs, saves, reports, and knows the exit code.
@KernelActor
final class RunProgram {
  /// What the languages have for ending.
  private static let shutdownLimit = Duration.milliseconds(600)
  private static let signalNames = [SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP"]

  private var options: RunCommand
  private let loop: EventLoop
  /// Becomes readable when a signal has come.
  private let cancellation: Int32
  private let log: Logger
  private let storage = WorkerThread(name: "storage")
  private let files: LocalStore
  private let remotes: RemoteStores
  private let reports: RunReports
  private let converter: HTMLConverter
  private let runID: String
  private var run: NotebookRun?
  private var saver: RunSaver?
  private var languages: RunLanguages?
  private var keptRun: KeptRun?
  private var signal: Int32?
  private var exitCode: Int32 = 0

  /// Runs on the calling thread; returns the exit code.
  nonisolated static func run(_ options: RunCommand) throws -> Int32 {
    LoggingSystem.bootstrap { ErrorLog(label: $0) }
    ProcessMemory.limitArenas()
    let signals = try SignalSource([SIGINT, SIGTERM, SIGHUP])
    // A limit on the size of files is an error of the write, which is told, not the end of us.
    Glibc.signal(SIGXFSZ, SIG_IGN)
    ProcessWatch.adoptOrphans()
    let loop = try EventLoop()
    loop.claimThread()
    KernelExecutor.install(loop)
    let program = try KernelActor.assumeIsolated {
      let program = try RunProgram(options, loop: loop, cancellation: signals.descriptor)
      signals.watch(on: loop) { program.received(signal: $0) }
      KernelActor.start {
        await program.execute()
        loop.stop()
      }
      return program
    }
    loop.run()
    ProcessWatch.killAllChildren()
    return KernelActor.assumeIsolated {
      program.reports.flush()
      return program.exitCode
    }
  }

  private init(_ options: RunCommand, loop: EventLoop, cancellation: Int32) throws {
    self.cancellation = cancellation
    self.options = options
    runID = options.reports.runID ?? UniqueID.make()
    self.loop = loop
    var log = Logger(label: "parley")
    log.logLevel = .error
    self.log = log
    reports = try RunReports(options, loop: loop)
    converter = HTMLConverter(loop: loop)
    files = LocalStore(worker: storage)
    remotes = RemoteStores(version: Parley.version, environment: ProcessEnvironment.values())
  }

  private var output: String { options.output ?? "-" }

  // MARK: - The run

  private func execute() async {
    var target: RunPlace?
    var page: RunPlace?
    do {
      let parameters = try await RunParameters.gather(options, files: files, remotes: remotes)
      try fillPaths(parameters)
      let source = try RunPlace.find(options.input, files: files, remotes: remotes)
      let place = try RunPlace.find(output, files: files, remotes: remotes)
      target = place
      page = try options.reports.report.map { try RunPlace.find($0, files: files, remotes: remotes) }
      if !options.parameters.inspect, let finished = try await RunOnce.finished(options, at: place) {
        repeated(finished)
        return
      }
      let bytes = try await source.store.read(source.uri)
      if options.parameters.inspect || options.parameters.prepareOnly {
        try await write(without: bytes, parameters, place)
        return
      }
      let run = try prepare(bytes, parameters, place)
      self.run = run
      try await begin(run, place)
      if signal != nil { run.cancel(name(of: signal)) }
      await run.run()
      keep(run)
      if keptRun == nil { await run.shutdown(within: Self.shutdownLimit) }
      let reason = run.record.reason ?? .platformError
      if options.isPapermill, reason != .ok {
        run.presentation = { [id = run.record.failedCell] in RunPapermill.withErrorCells($0, failed: id) }
      }
      try await saver?.finish()
      exitCode = signal.flatMap { reason == .cancelled ? 128 + $0 : nil } ?? reason.exitCode
      reports.finish(run, exitCode: exitCode)
    } catch let error as NotebookError {
      fail(.badInput, "\(RemoteStores.label(of: options.input)): \(error)")
    } catch let error as ParameterError {
      fail(.badInput, "\(error)")
    } catch let error as StorageError {
      if keptRun == nil { await run?.shutdown(within: Self.shutdownLimit) }
      let isInputMissing = error.kind == .missing && run == nil
      let message = await kept(run, target, error)
      fail(
        isInputMissing ? .badInput : .storageError, message,
        exitCode: isInputMissing ? ExitCodes.inputMissing : nil)
    } catch let error as SpecError {
      fail(
        error.kind == .missing ? .startFailed : .badInput, "\(error)",
        exitCode: ExitCodes.code(of: error.kind))
    } catch {
      fail(.platformError, "\(error)")
    }
    if let page { await writePage(to: page) }
    await hold()
  }

  /// Everything between reading and running. Nothing is started and nothing written when this fails.
  private func prepare(
    _ bytes: [UInt8], _ parameters: RunParameters, _ target: RunPlace
  ) throws -> NotebookRun {
    var notebook = try Notebook(reading: bytes)
    let kernel = try RunKernel.choose(
      for: notebook, kernel: options.kernel.kernel, language: options.kernel.language)
    if let notice = kernel.notice { Parley.note(notice) }
    if let spec = kernel.kernelSpec { notebook.metadata["kernelspec"] = spec }
    for variable in kernel.variables { setenv(variable.name, variable.value, 1) }
    let begin = try options.kernel.fromCell.map { try RunBeginning($0, in: notebook) }
    RunPapermill.withoutErrorCells(&notebook)
    let hasParameters = try parameters.apply(to: &notebook, language: kernel.parameterLanguage)
    let skipped = begin?.skipped(in: notebook, hasParameters: hasParameters) ?? []
    if options.reports.runID != nil { markOnce(&notebook) }
    reports.expect(notebook, without: skipped)
    var run = NotebookRun.Options(language: kernel.language)
    run.isForeign = kernel.foreign != nil
    run.skipped = skipped
    try addSecrets(to: &run, kernel)
    run.cellTimeout = options.limits.executionTimeout?.limit
    run.runTimeout = options.limits.runTimeout?.limit
    run.startTimeout = options.limits.startTimeout.limit
    let overflow = OverflowFiles(output: target.isFile ? target.uri : nil)
    run.outputLimit = OutputLimit(bytes: options.limits.outputLimit << 20, place: overflow.place)
    let record = RunRecord(
      version: Parley.version, runID: runID, kernel: kernel.name,
      inputPath: RemoteStores.label(of: options.input), outputPath: RemoteStores.label(of: output))
    try enter(options.kernel.cwd)
    let languages = RunLanguages(kernel, environment: ProcessEnvironment.all(), loop: loop, log: log)
    let result = try NotebookRun(
      notebook, record: record, options: run, provider: languages, scheduler: LoopScheduler(loop), log: log)
    result.onOverflow = { [weak result] cell, name, bytes in
      guard let result else { return }
      overflow.keep(bytes, name: name, cell: result.notebook.cells[cell].id)
    }
    reports.onBacklog = { languages.setPaused($0) }
    self.languages = languages
    reports.observers.forEach(result.add)
    return result
  }

  private func fillPaths(_ parameters: RunParameters) throws {
    let template = PathTemplate(parameters.values, runID: runID, isStrict: options.isPapermill)
    options.input = try template.fill(options.input)
    options.output = try options.output.map { try template.fill($0) }
  }

  private func markOnce(_ notebook: inout Notebook) {
    var own = notebook.metadata["parley"]?.object ?? NotebookObject()
    own[RunOnce.mark] = true
    notebook.metadata["parley"] = .object(own)
  }

  private func addSecrets(to run: inout NotebookRun.Options, _ kernel: RunKernel) throws {
    let secrets = try options.parameters.secret.map { try $0.load() }
    guard !secrets.isEmpty else { return }
    run.secrets = SecretFilter(secrets)
    run.hiddenCode = try ParameterCells.code(
      NotebookObject(secrets.map { .init($0.name, .string($0.text)) }), language: kernel.parameterLanguage)
  }

  /// `--inspect` and `--prepare-only`: nothing is run, and no kernel need be installed.
  private func write(without bytes: [UInt8], _ parameters: RunParameters, _ target: RunPlace) async throws {
    var notebook = try Notebook(reading: bytes)
    if options.parameters.inspect {
      let listing = RunParameters.listing(of: notebook, options)
      exitCode = options.isPapermill && ParameterCells.isMissing(in: notebook) ? 1 : 0
      reports.print(listing)
      return
    }
    RunPapermill.withoutErrorCells(&notebook)
    try parameters.apply(to: &notebook, language: RunParameters.language(of: notebook, options))
    RunRecord.prepare(
      &notebook, inputPath: RemoteStores.label(of: options.input), outputPath: RemoteStores.label(of: output))
    _ = try await target.store.write(notebook.encoded, to: target.uri, .none)
  }

  /// The run of this id has ended before: its end is told again.
  private func repeated(_ finished: RunOnce.Finished) {
    Parley.note("the run \(runID) has ended before: \(finished.message ?? finished.reason.rawValue)")
    exitCode = finished.reason.exitCode
    reports.repeated(finished, runID: runID, exitCode: exitCode, options)
  }

  /// Starts the language, and writes the notebook while it starts.
  private func begin(_ run: NotebookRun, _ target: RunPlace) async throws {
    run.prepare()
    let saver = RunSaver(
      target.store, uri: target.uri, policy: try await target.boundPolicy(), scheduler: LoopScheduler(loop),
      worker: storage)
    saver.onProblem = { Parley.note("not saved for now, the run goes on: \($0)") }
    self.saver = saver
    run.add(saver)
    try await saver.begin(run, isLocal: target.isFile)
  }

  private func enter(_ folder: String?) throws {
    guard let folder, chdir(folder) != 0 else { return }
    throw SpecError(
      .inputMissing, "cannot run in \(folder): \(SystemError.text(of: errno).lowercased())",
      remedy: "name a folder with --cwd")
  }

  // MARK: - Ends

  /// Keeps a run's notebook here when its place elsewhere does not take it; what to tell of it all.
  private func kept(_ run: NotebookRun?, _ target: RunPlace?, _ error: StorageError) async -> String {
    // Files have a journal beside them; and what has run no cell is no loss.
    guard let run, run.record.reason != nil, let target, target.remote != nil else { return "\(error)" }
    run.cannotBeSaved("\(error)")
    do {
      let path = try await KeptNotebook.write(run, of: target.uri, files: files)
      return "\(error); the notebook is kept in \(path)"
    } catch {
      return "\(error); nor could the notebook be kept here: \(error)"
    }
  }

  /// The report of a run that has ended, saved or not. Without it the run is what it was.
  private func writePage(to place: RunPlace) async {
    guard let run, run.record.reason != nil else { return }
    do {
      let name = RemoteStores.label(of: output == "-" ? options.input : output).split(separator: "/").last
      let page = try await converter.page(of: run.snapshot(), title: name.map(String.init) ?? "")
      _ = try await place.store.write(page, to: place.uri, .none)
    } catch {
      reports.note("no report: \(error)")
    }
  }

  /// Opens a failed run to clients, where that was asked for. Nothing goes into its notebook from then on.
  private func keep(_ run: NotebookRun) {
    guard options.limits.keepAliveOnFailure != nil, KeptRun.isWorthIt(run) else { return }
    do {
      keptRun = try KeptRun(run, cancellation: cancellation, loop: loop, log: log) { [languages] in
        languages?.setPaused($0)
      }
    } catch {
      reports.note("the failed run cannot be kept: \(error)")
    }
  }

  /// Waits as long as the failed run is kept; it is saved and told by now.
  private func hold() async {
    guard let keptRun, let limit = options.limits.keepAliveOnFailure?.limit else { return }
    let end = limit == .zero ? "" : " or after \(limit.components.seconds) s"
    reports.note("the failed run is kept: jupyter console --existing \(keptRun.connectionFile)")
    reports.note("it ends when the kernel is shut down, by Ctrl-C\(end)")
    await keptRun.wait(limit)
    await keptRun.close(within: Self.shutdownLimit)
  }

  private func received(signal number: Int32) {
    converter.cancel()
    if let keptRun {
      keptRun.end()
      remotes.hurry()
      return
    }
    let isFirst = signal == nil
    signal = signal ?? number
    guard let run else {
      // Nothing has begun: there is nothing to save.
      fail(.cancelled, "\(name(of: number)) asked for the end", exitCode: 128 + number)
      loop.stop()
      return
    }
    run.cancel(name(of: number))
    remotes.hurry()
    if isFirst { saver?.saveSoon() }
  }

  private func name(of signal: Int32?) -> String { signal.flatMap { Self.signalNames[$0] } ?? "a signal" }

  /// The end of a run that has no notebook to tell it.
  private func fail(
    _ reason: RunReason, _ message: String, exitCode: Int32? = nil
  ) {
    self.exitCode = exitCode ?? reason.exitCode
    reports.fail(reason, message, exitCode: self.exitCode, of: run, options)
  }
}
