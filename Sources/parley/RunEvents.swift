import KernelExecutor
import Notebook
import NotebookRunner

/// The stream of events of a run, a line of JSON each: docs/run.md, "Events".
@KernelActor
final class RunEvents: RunObserver {
  private let sink: ReportSink

  init(_ sink: ReportSink) {
    self.sink = sink
  }

  func runStarted(_ run: NotebookRun) {
    send(
      "run_started",
      [
        .init("run_id", .string(run.record.runID)), .init("kernel", .string(run.record.kernel)),
        .init("input", .string(run.record.inputPath)), .init("output", .string(run.record.outputPath)),
        .init("cells", .integer(run.notebook.cells.count)),
      ])
  }

  func cellStarted(_ cell: Int, of run: NotebookRun) {
    send("cell_started", place(cell, run))
  }

  func printed(_ name: String, _ text: String, by cell: Int, of run: NotebookRun) {
    send("output", place(cell, run) + [.init("name", .string(name)), .init("text", .string(text))])
  }

  func cellEnded(_ cell: Int, of run: NotebookRun) {
    var members = place(cell, run)
    members.append(.init("status", .string(run.status(of: cell).rawValue)))
    if let duration = run.duration(of: cell) { members.append(.init("duration", .double(duration))) }
    send("cell_ended", members)
  }

  func runEnded(_ run: NotebookRun) {
    var members: [NotebookObject.Member] = [.init("reason", .string(run.record.reason?.rawValue ?? ""))]
    if let message = run.record.message { members.append(.init("message", .string(message))) }
    send("run_ended", members)
  }

  /// The run has come to nothing, or could not be saved.
  func failed(_ reason: RunReason, _ message: String) {
    send("run_failed", [.init("reason", .string(reason.rawValue)), .init("message", .string(message))])
  }

  private func place(_ cell: Int, _ run: NotebookRun) -> [NotebookObject.Member] {
    [.init("cell", .integer(cell)), .init("id", .string(run.notebook.cells[cell].id))]
  }

  private func send(_ event: String, _ members: [NotebookObject.Member]) {
    let head: [NotebookObject.Member] = [
      .init("event", .string(event)), .init("time", .string(Moment.now().utc)),
    ]
    sink.write(NotebookValue.object(NotebookObject(head + members)).line + [UInt8(ascii: "\n")])
  }
}
