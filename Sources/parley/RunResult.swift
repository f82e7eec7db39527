import KernelExecutor
import Notebook
import NotebookRunner

/// How a run ended, for programs: docs/run.md, "The result".
@KernelActor
enum RunResult {
  static func make(_ run: NotebookRun, exitCode: Int32) -> NotebookValue {
    make(
      run.record.reason ?? .platformError, run.record.message, exitCode: exitCode, of: run,
      input: run.record.inputPath, output: run.record.outputPath)
  }

  static func make(
    _ reason: RunReason, _ message: String?, exitCode: Int32, of run: NotebookRun?, input: String,
    output: String?
  ) -> NotebookValue {
    var result = NotebookObject([
      .init("reason", .string(reason.rawValue)), .init("exit_code", .integer(Int(exitCode))),
    ])
    if let message { result.append("message", .string(message)) }
    result.append("input", .string(input))
    result.append("output", .string(output ?? "-"))
    guard let run else { return .object(result) }
    result.append("run_id", .string(run.record.runID))
    result.append("kernel", .string(run.record.kernel))
    result.append("start_time", run.record.start.map { .string($0.utc) } ?? .null)
    result.append("end_time", run.record.end.map { .string($0.utc) } ?? .null)
    if let failed = failedCell(run) { result.append("failed_cell", failed) }
    if let scraps = RunScraps.collect(run.snapshot()) { result.append("scraps", scraps) }
    result.append("cells", .array(run.notebook.cells.indices.map { cell(run, $0) }))
    return .object(result)
  }

  private static func cell(_ run: NotebookRun, _ index: Int) -> NotebookValue {
    [
      "id": .string(run.notebook.cells[index].id), "cell_type": .string(run.notebook.cells[index].type),
      "status": .string(run.status(of: index).rawValue),
      "duration": run.duration(of: index).map(NotebookValue.double) ?? .null,
    ]
  }

  private static func failedCell(_ run: NotebookRun) -> NotebookValue? {
    guard let id = run.record.failedCell,
      let index = run.notebook.cells.firstIndex(where: { $0.id == id })
    else { return nil }
    var cell = NotebookObject([
      .init("index", .integer(index)), .init("id", .string(id)),
      .init("execution_count", run.notebook.cells[index].executionCount.map(NotebookValue.integer) ?? .null),
    ])
    if let error = run.error {
      cell.append("ename", .string(error.name))
      cell.append("evalue", .string(error.value))
      cell.append("traceback", .array(error.traceback.map(NotebookValue.string)))
    }
    return .object(cell)
  }
}
