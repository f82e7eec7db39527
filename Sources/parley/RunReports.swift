import Glibc
import KernelExecutor
import Notebook
import NotebookRunner
import PosixSupport
import Storage

/// Everything a run tells while it goes and at its end: progress, output, events, the result.
@KernelActor
final class RunReports {
  private(set) var observers: [any RunObserver] = []
  /// Told when whoever reads our reports falls behind, and when he has caught up.
  var onBacklog: @KernelActor (Bool) -> Void = { _ in }

  private let worker = WorkerThread(name: "reports")
  private let errors: ReportSink
  private let progress: RunProgress?
  private let events: RunEvents?
  private let result: ReportSink?

  init(_ options: RunCommand, loop: EventLoop) throws {
    let reports = options.reports
    errors = ReportSink(descriptor: STDERR_FILENO, worker: worker)
    result = try reports.result.map { [worker] in try ReportSink(target: $0, worker: worker) }
    events = try reports.events.map { [worker] in RunEvents(try ReportSink(target: $0, worker: worker)) }
    progress =
      reports.progressBar ?? !reports.logOutput ? RunProgress(errors, loop: loop) : nil
    var files: [(name: String, sink: ReportSink)] = []
    if let file = reports.stdoutFile {
      files.append(("stdout", try ReportSink(target: file, worker: worker)))
    }
    if let file = reports.stderrFile {
      files.append(("stderr", try ReportSink(target: file, worker: worker)))
    }
    if reports.logOutput {
      // Standard output may be the notebook's.
      let isTaken = (options.output ?? "-") == "-"
      files.append(
        ("stdout", isTaken ? errors : ReportSink(descriptor: STDOUT_FILENO, worker: worker)))
      files.append(("stderr", errors))
    }
    if let progress { observers.append(progress) }
    if let events { observers.append(events) }
    if !files.isEmpty { observers.append(OutputCopies(files)) }
    for sink in files.map(\.sink) + [errors] {
      sink.onBacklog = { [weak self] in self?.onBacklog($0) }
    }
  }

  /// The notebook as it came, with what earlier runs have left in it.
  /// - Parameter skipped: places of cells that are left out.
  func expect(_ notebook: Notebook, without skipped: Set<Int>) {
    progress?.expect(notebook, without: skipped)
  }

  /// A line for the user, in its place among what else goes to standard error.
  func note(_ text: String) {
    errors.write("parley: \(text.split(whereSeparator: \.isNewline).joined(separator: " "))\n")
  }

  /// The run has ended and is saved.
  func finish(_ run: NotebookRun, exitCode: Int32) {
    if run.record.reason != .ok {
      errors.write(FailureText.make(run, colours: FailureText.wantsColours))
    }
    result?.write(line(RunResult.make(run, exitCode: exitCode)))
  }

  /// Something that is the whole point of the command.
  func print(_ bytes: [UInt8]) { ReportSink(descriptor: STDOUT_FILENO, worker: worker).write(bytes) }

  /// The run had ended before.
  func repeated(_ finished: RunOnce.Finished, runID: String, exitCode: Int32, _ options: RunCommand) {
    var value =
      RunResult.make(
        finished.reason, finished.message, exitCode: exitCode, of: nil, input: options.input,
        output: options.output
      ).object ?? NotebookObject()
    value.append("run_id", .string(runID))
    value.append("repeated", true)
    result?.write(line(.object(value)))
  }

  /// The run came to nothing, or could not be saved.
  func fail(
    _ reason: RunReason, _ message: String, exitCode: Int32, of run: NotebookRun?, _ options: RunCommand
  ) {
    Parley.note(message)
    // What cannot be read in the output must be read here.
    if let run, let reason = run.record.reason, reason != .ok, reason != .storageError {
      errors.write(FailureText.make(run, colours: FailureText.wantsColours))
    }
    result?.write(
      line(
        RunResult.make(
          reason, message, exitCode: exitCode, of: run, input: RemoteStores.label(of: options.input),
          output: options.output.map(RemoteStores.label))))
    events?.failed(reason, message)
  }

  private func line(_ value: NotebookValue) -> [UInt8] { value.line + [UInt8(ascii: "\n")] }

  /// Gives what is still to be written a little time; nobody may read it any more.
  func flush() {
    progress?.end()
    worker.stop(within: .seconds(2))
  }
}

/// Text of cells written on as it comes, byte for byte.
@KernelActor
private final class OutputCopies: RunObserver {
  private let files: [(name: String, sink: ReportSink)]

  init(_ files: [(name: String, sink: ReportSink)]) {
    self.files = files
  }

  func printed(_ name: String, _ text: String, by cell: Int, of run: NotebookRun) {
    for file in files where file.name == name { file.sink.write(Array(text.utf8)) }
  }
}
