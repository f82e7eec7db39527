import ArgumentParser
import Glibc
import NotebookRunner

/// `parley run`: executes a notebook without a front end.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Execute a notebook and save what it puts out.",
    discussion: """
      IN and OUT are files, or addresses with http://, https:// or s3://; `-` is standard input or output. The notebook names the kernel: one of Parley's \
      languages, or any installed kernel. OUT is saved while the notebook runs, never a part of it, and says how \
      every cell and the run ended. The exit code tells the same: docs/run.md.
      """)

  @Argument(help: .init("The notebook, or - for standard input.", valueName: "IN"))
  var input = "-"

  @Argument(
    help: .init("Where the executed notebook goes; standard output when that is a pipe.", valueName: "OUT"))
  var output: String?

  @OptionGroup(title: "Parameters") var parameters: ParameterOptions
  @OptionGroup(title: "Kernel") var kernel: KernelOptions
  @OptionGroup(title: "Limits") var limits: LimitOptions
  @OptionGroup(title: "Reports") var reports: ReportOptions
  @OptionGroup(title: "Compatibility") var papermill: PapermillOptions

  var isPapermill: Bool { papermill.compat == .papermill }

  struct KernelOptions: ParsableArguments {
    @Option(
      name: .shortAndLong,
      help: .init(
        "The kernel, in place of the one the notebook names; parley is Parley.", valueName: "name"))
    var kernel: String?

    @Option(
      name: .shortAndLong, help: .init("The language of cells without a marker.", valueName: "name"))
    var language: String?

    @Option(help: .init("The folder to run in; the present one otherwise.", valueName: "folder"))
    var cwd: String?

    @Option(
      help: .init(
        "The cell to begin with: its place from 1, its id, or a tag; those before it are left as they are.",
        valueName: "N|ID|TAG"))
    var fromCell: String?
  }

  struct LimitOptions: ParsableArguments {
    @Option(
      help: .init(
        "The most a cell may take: seconds, or 90s, 5m, 2h. A cell's tag timeout=30 goes before it.",
        valueName: "time"))
    var executionTimeout: TimeText?

    @Option(help: .init("The most the whole run may take.", valueName: "time"))
    var runTimeout: TimeText?

    @Option(
      name: [.customLong("start-timeout"), .customLong("start_timeout")],
      help: .init("The most the kernel may take to start.", valueName: "time"))
    var startTimeout = TimeText(.seconds(60))

    @Option(
      help: .init(
        "After a failed cell keep the languages so long for a console to attach; 0 is until interrupted.",
        valueName: "time"))
    var keepAliveOnFailure: TimeText?

    @Option(
      help: .init(
        "MiB of output a cell may put into the notebook; the whole of more goes beside it.", valueName: "MiB")
    )
    var outputLimit = 16
  }

  struct ReportOptions: ParsableArguments {
    @Flag(
      inversion: .prefixedNo, help: "Show progress on standard error: a bar on a terminal, lines elsewhere.")
    var progressBar: Bool?

    @Flag(inversion: .prefixedNo, help: "Write what cells print to standard output and error as it comes.")
    var logOutput = false

    @Option(help: .init("Write what cells print to standard output into this file.", valueName: "file"))
    var stdoutFile: String?

    @Option(help: .init("Write what cells print to standard error into this file.", valueName: "file"))
    var stderrFile: String?

    @Option(help: .init("Write how the run ended as JSON: a file, or fd:N.", valueName: "file"))
    var result: String?

    @Option(
      help: .init("Write a line of JSON for everything that happens: a file, or fd:N.", valueName: "file"))
    var events: String?

    @Option(
      help: .init("Write the executed notebook as a page of HTML too, by nbconvert.", valueName: "file"))
    var report: String?

    @Option(
      help: .init(
        "The run's name in records. The output is then written once: the same run again does nothing.",
        valueName: "id"))
    var runID: String?

    @Flag(help: "Write OUT although it belongs to a run with another id.")
    var overwrite = false
  }

  func validate() throws {
    if input == "-", isatty(STDIN_FILENO) == 1 {
      throw ValidationError("IN is missing: name the notebook")
    }
    if output == nil, !parameters.inspect, isatty(STDOUT_FILENO) == 1 {
      throw ValidationError(
        "OUT is missing: name the file for the executed notebook, or - for standard output")
    }
    if reports.report == "-", (output ?? "-") == "-" {
      throw ValidationError("OUT and --report cannot both be standard output")
    }
    guard (1...1 << 20).contains(limits.outputLimit) else {
      throw ValidationError("--output-limit must be from 1 to \(1 << 20)")
    }
  }

  func run() throws {
    var options = self
    if isPapermill {
      (options.input, options.output) = RunPapermill.places(input, output)
    }
    let code = try RunProgram.run(options)
    Glibc.exit(isPapermill ? RunPapermill.exitCode(code) : code)
  }
}

/// A limit of time on the command line.
struct TimeText: ExpressibleByArgument {
  let limit: Duration

  init(_ limit: Duration) { self.limit = limit }

  init?(argument: String) {
    guard let limit = TimeLimit.parse(argument) else { return nil }
    self.limit = limit
  }

  var defaultValueDescription: String { "\(limit.components.seconds)" }
}
