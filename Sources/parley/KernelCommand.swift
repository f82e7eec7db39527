import ArgumentParser
import Glibc
import JupyterProtocol
import Logging
import PosixSupport

/// `parley kernel`: what a kernelspec starts.
struct KernelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernel", abstract: "Run the kernel for a front end.",
    discussion: """
      A front end starts this through a kernelspec. Started by hand without a connection file, it chooses \
      free ports and writes a connection file into Jupyter's runtime folder; attach with \
      `jupyter console --existing`.
      """)

  @Option(
    name: [.customShort("f"), .customLong("connection-file")],
    help: "The connection file, or a registration file. Written when it does not exist.")
  var connectionFile: String?

  @Option(help: "The language of cells without a marker.")
  var language = "python"

  @Option(help: "What is logged to stderr: trace, debug, info, notice, warning, error or critical.")
  var logLevel = "warning"

  func validate() throws {
    guard Logger.Level(rawValue: logLevel) != nil else {
      throw ValidationError("'\(logLevel)' is no log level; use one of \(Self.levels)")
    }
  }

  private static var levels: String { Logger.Level.allCases.map(\.rawValue).joined(separator: ", ") }

  func run() throws {
    try Self.run(
      .init(
        connectionFile: connectionFile, language: language.lowercased(),
        logLevel: Logger.Level(rawValue: logLevel) ?? .warning))
  }

  /// Runs the kernel and ends the process, for the form that kernelspecs use.
  static func runToEnd(_ options: KernelProgram.Options) -> Never {
    do {
      try run(options)
      Glibc.exit(0)
    } catch {
      Parley.end(with: error)
    }
  }

  private static func run(_ options: KernelProgram.Options) throws {
    LoggingSystem.bootstrap { ErrorLog(label: $0) }
    do {
      try KernelProgram.run(options)
    } catch let error as SystemError {
      throw ConfigurationError("\(error)", remedy: "check the system's limits", kind: .unavailable)
    }
  }
}
