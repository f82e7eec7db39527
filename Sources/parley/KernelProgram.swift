import BridgeHost
import Glibc
import JupyterProtocol
import KernelCore
import KernelExecutor
import KernelHistory
import KernelSpecs
import Logging
import PosixSupport

/// The kernel as a process: reads the connection file, binds, serves until it is told to end.
@KernelActor
final class KernelProgram {
  struct Options: Sendable {
    var connectionFile: String?
    var language: String
    var logLevel: Logger.Level

    init(connectionFile: String?, language: String, logLevel: Logger.Level) {
      self.connectionFile = connectionFile
      self.language = language
      self.logLevel = logLevel
    }

    /// Reads `parley kernel [--language NAME] -f FILE`, in any order; nil for any other command line.
    init?(kernelspecForm arguments: [String]) {
      guard arguments.count.isMultiple(of: 2), arguments.count > 3, arguments[1] == "kernel" else {
        return nil
      }
      self.init(connectionFile: nil, language: "python", logLevel: .warning)
      for index in stride(from: 2, to: arguments.count, by: 2) {
        let value = arguments[index + 1]
        guard !value.hasPrefix("-") else { return nil }
        switch arguments[index] {
        case "-f", "--connection-file": connectionFile = value
        case "--language": language = value.lowercased()
        default: return nil
        }
      }
    }
  }

  /// What ends have for ending their languages; all of a shutdown takes less than a second.
  private static let shutdownLimit = Duration.milliseconds(600)

  private let options: Options
  private let loop: EventLoop
  private let log: Logger
  private let sockets: KernelSockets
  private let kernel: Kernel
  private let languages: InstalledLanguages
  private var isEnding = false

  /// Runs the kernel on the calling thread; returns when it has ended.
  /// - Throws: ``ConfigurationError`` for what the operator has to mend.
  nonisolated static func run(_ options: Options) throws {
    ProcessMemory.limitArenas()
    try allowDescriptors()
    let signals = try SignalSource([SIGINT, SIGTERM, SIGHUP])
    ProcessWatch.adoptOrphans()
    let loop = try EventLoop()
    loop.claimThread()
    KernelExecutor.install(loop)
    try KernelActor.assumeIsolated {
      let program = try KernelProgram(options, loop: loop, signals: signals)
      try program.start(signals)
      loop.keepAlive(program)
    }
    loop.run()
    // Closes the sockets, which lets the last replies leave.
    KernelActor.assumeIsolated { loop.releaseAll() }
    // Whatever a language has left behind, in whatever session, has become our child by now.
    ProcessWatch.killAllChildren()
  }

  /// The sockets, a client and one language take about forty; without them the kernel would start and then hang.
  private nonisolated static func allowDescriptors() throws(ConfigurationError) {
    let (least, wanted) = (64, 1024)
    let limit = ProcessLimits.allowDescriptors(wanted)
    guard limit < least else { return }
    throw ConfigurationError(
      "only \(limit) files may be open at a time, and a kernel needs \(least)",
      remedy: "raise the limit, `ulimit -n \(wanted)`", kind: .unavailable)
  }

  private init(_ options: Options, loop: EventLoop, signals: SignalSource) throws {
    self.options = options
    self.loop = loop
    var log = Logger(label: "parley")
    log.logLevel = options.logLevel
    self.log = log
    let session = UniqueID.make()
    languages = InstalledLanguages(environment: ProcessEnvironment.all(), loop: loop, log: log)
    let connector = try Connector(options.connectionFile)
    // Before anything is bound or written: a wrong command line must leave nothing behind.
    guard languages.language(named: options.language) != nil else {
      throw SpecError(
        .usage, "there is no language called \"\(options.language)\"", remedy: "`parley languages` lists them"
      )
    }
    sockets = try KernelSockets(
      connector, session: session, cancellation: signals.descriptor, loop: loop, log: log)
    let reporter = log
    kernel = Kernel(
      .init(
        identity: KernelIdentity(version: Parley.version), defaultLanguage: options.language,
        session: session),
      frontEnd: sockets.frontEnd, scheduler: LoopScheduler(loop), provider: languages,
      history: HistoryDatabase(path: StatePaths().historyFile) {
        reporter.warning("history", metadata: ["problem": "\($0)"])
      },
      system: UsageReporter(), log: log)
  }

  private func start(_ signals: SignalSource) throws {
    signals.watch(on: loop) { [weak self] in self?.received(signal: $0) }
    kernel.onShutdown = { [weak self] _ in self?.end() }
    sockets.serve(kernel) { [weak languages] in languages?.setPaused($0) }
    kernel.start()
    watchParent()
  }

  /// The process that started us says so in a variable; when it ends without a word, so do we.
  private func watchParent() {
    guard let text = getenv("JPY_PARENT_PID").map({ String(cString: $0) }), let parent = Int32(text),
      parent > 1
    else { return }
    // An inherited variable may name anybody, in a container above all. A wrapper may stand between us and the
    // launcher, so an ancestor will do.
    guard ProcessTable.isAncestor(parent) else {
      log.debug("JPY_PARENT_PID names no ancestor", metadata: ["pid": "\(parent)"])
      return
    }
    let isWatched = ProcessWatch.watch(parent, on: loop) { [weak self] in
      self?.log.notice("the launcher has ended", metadata: ["pid": "\(parent)"])
      self?.end()
    }
    if !isWatched { log.debug("JPY_PARENT_PID names no process", metadata: ["pid": "\(parent)"]) }
  }

  private func received(signal: Int32) {
    if signal == SIGINT {
      kernel.interrupt()
    } else {
      end()
    }
  }

  private func end() {
    guard !isEnding else { return }
    isEnding = true
    // Whatever hangs, the process ends.
    loop.after(.seconds(3)) { [loop] in loop.stop() }
    KernelActor.start { [self] in
      let start = ContinuousClock.now
      await kernel.shutdown(within: Self.shutdownLimit)
      await sockets.close(since: start)
      loop.stop()
    }
  }
}
