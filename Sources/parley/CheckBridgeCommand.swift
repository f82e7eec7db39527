import ArgumentParser
import BridgeHost
import JupyterProtocol
import KernelCore
import KernelExecutor
import KernelSpecs
import Logging
import PosixSupport

/// `parley check-bridge DIR`: does a bridge do what the protocol asks?
struct CheckBridgeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check-bridge", abstract: "Examine a bridge and say what is missing.",
    discussion: """
      DIR holds bridge.json. The code for the checks is taken from check.json in the same folder; checks \
      without code are skipped. One line per check; exit code 1 when one has failed.
      """)

  @Argument(help: "The folder of the bridge.")
  var directory: String

  func run() throws {
    LoggingSystem.bootstrap { _ in SwiftLogNoOpLogHandler() }
    let manifest = try BridgeManifest.load(directory: directory)
    print("ok    manifest: \(manifest.language), \(manifest.displayName)")
    for key in manifest.unknownKeys { print("note  unknown key in bridge.json: \(key)") }
    let command = try InterpreterResolver().resolve(manifest)
    print("ok    program: \(command.argv[0])")
    var snippets = JSONValue.object([])
    let file = "\(manifest.directory)/check.json"
    if PrivateFile.exists(file) {
      guard let parsed = JSONScanner.parse(try PrivateFile.read(file)), parsed.members != nil else {
        throw ConfigurationError("\(file) is not a JSON object", remedy: "see docs/authors-guide.md")
      }
      snippets = parsed
    }
    let failures = try examine(manifest, snippets)
    guard failures == 0 else { throw ExitCode(ExitCodes.checkFailed) }
  }

  private func examine(_ manifest: BridgeManifest, _ snippets: JSONValue) throws -> Int {
    let loop = try EventLoop()
    loop.claimThread()
    KernelExecutor.install(loop)
    ProcessWatch.adoptOrphans()
    let tally = Tally()
    KernelActor.assumeIsolated {
      let frontEnd = RecordingFrontEnd(loop)
      let languages = BridgeLanguages(
        single: manifest, environment: ProcessEnvironment.all(), loop: loop,
        log: Logger(label: "check-bridge"))
      let kernel = Kernel(
        .init(
          identity: KernelIdentity(version: Parley.version), defaultLanguage: manifest.language,
          session: "check"),
        frontEnd: frontEnd, scheduler: LoopScheduler(loop), provider: languages, history: NoHistory(),
        system: UsageReporter(), log: Logger(label: "check-bridge"))
      frontEnd.kernel = kernel
      let examiner = BridgeExaminer(
        kernel: kernel, frontEnd: frontEnd, snippets: snippets,
        startLimit: .milliseconds(Int(max(20, manifest.startTimeout * 2) * 1000))
      ) { name, verdict in
        switch verdict {
        case .ok: print("ok    \(name)")
        case .skipped(let why): print("skip  \(name): \(why)")
        case .failed(let what):
          print("FAIL  \(name): \(what)")
          tally.failures += 1
        }
      }
      KernelActor.start {
        await examiner.run()
        await kernel.shutdown(within: .seconds(1))
        loop.stop()
      }
    }
    loop.run()
    ProcessWatch.killAllChildren()
    return KernelActor.assumeIsolated { tally.failures }
  }

  @KernelActor
  private final class Tally {
    var failures = 0
    nonisolated init() {}
  }
}
