import ArgumentParser
import Glibc
import JupyterProtocol
import KernelSpecs

/// The root of the command line.
struct Parley: ParsableCommand {
  /// The version of the program, for `--version` and kernel_info.
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "parley",
    abstract: "A Jupyter kernel in which every language has a place.",
    discussion: "`parley install` registers the kernel with Jupyter; front ends then start `parley kernel`.",
    version: version,
    subcommands: [
      KernelCommand.self, InstallCommand.self, UninstallCommand.self, LanguagesCommand.self,
      NewLanguageCommand.self, CheckBridgeCommand.self, DoctorCommand.self, RunCommand.self,
      RecoverCommand.self,
    ])

  /// Parses and runs a command line, then ends the process.
  ///
  /// Whatever goes wrong is one line on standard error, `parley: what failed, on what; what to do`, and
  /// an exit code of ``ExitCodes``.
  static func start(_ arguments: [String]) -> Never {
    do {
      var command = try parseAsRoot(try NameAndText.join(arguments))
      try command.run()
      Glibc.exit(0)
    } catch {
      end(
        with: error, usage: RunPapermill.isMeant(by: arguments) ? 2 : ExitCodes.usage,
        command: arguments.first.map { [$0] } ?? [])
    }
  }

  /// Ends the process as an error asks for; help and version are such "errors" too.
  /// - Parameters:
  ///   - usage: the exit code of a wrong command line.
  ///   - command: the words that name the command; what is none of ours counts as nothing.
  static func end(
    with error: any Error, usage: Int32 = ExitCodes.usage, command: [String] = []
  ) -> Never {
    switch error {
    case let error as SpecError:
      fail(error.description, code: error.kind == .usage ? usage : ExitCodes.code(of: error.kind))
    case let error as ConfigurationError: fail(error.description, code: ExitCodes.code(of: error.kind))
    default: break
    }
    let code = exitCode(for: error).rawValue
    if code == 0 {
      print(fullMessage(for: error))
      Glibc.exit(0)
    }
    // The parser's own message; its usage text would make many lines of one.
    let text = message(for: error)
    if text.isEmpty { Glibc.exit(code) }
    let names = configuration.subcommands.map { $0.configuration.commandName ?? "" }
    let help = (["parley"] + command.filter(names.contains) + ["--help"]).joined(separator: " ")
    fail(
      code == ExitCodes.usage ? "\(text); see `\(help)`" : text,
      code: code == ExitCodes.usage ? usage : code)
  }

  /// Writes the one line and ends the process.
  static func fail(_ text: String, code: Int32) -> Never {
    note(text)
    Glibc.exit(code)
  }

  /// A line for the user that is no result: to standard error.
  static func note(_ text: String) {
    let line = "parley: " + text.split(whereSeparator: \.isNewline).joined(separator: " ") + "\n"
    // Nobody is left to tell when standard error is gone.
    _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  }
}
