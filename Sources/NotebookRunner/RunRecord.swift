import Notebook

/// What is known of a run as a whole, and how the notebook's metadata says it.
public struct RunRecord: Sendable {
  /// The release of papermill whose record `metadata.papermill` follows; readers of that record look at it.
  static let papermillVersion = "2.7.0"
  private static let ownNames = [
    "version", "run_id", "kernel", "reason", "message", "failed_cell", "start_time", "end_time", "duration",
  ]

  public var version: String
  public var runID: String
  /// The kernel's name as it was chosen.
  public var kernel: String
  public var inputPath: String
  public var outputPath: String
  public internal(set) var start: Moment?
  public internal(set) var end: Moment?
  /// nil while it runs.
  public internal(set) var reason: RunReason?
  public internal(set) var message: String?
  /// The id of the cell that ended it.
  public internal(set) var failedCell: String?
  var hasException = false

  public init(version: String, runID: String, kernel: String, inputPath: String, outputPath: String) {
    self.version = version
    self.runID = runID
    self.kernel = kernel
    self.inputPath = inputPath
    self.outputPath = outputPath
  }

  /// The record of a notebook that is not run, as papermill prepares one.
  public static func prepare(_ notebook: inout Notebook, inputPath: String, outputPath: String) {
    var record = notebook.metadata["papermill"]?.object ?? emptyPapermill
    record["input_path"] = .string(inputPath)
    record["output_path"] = .string(outputPath)
    notebook.metadata["papermill"] = .object(record)
    for index in notebook.cells.indices {
      var metadata = notebook.cells[index].metadata
      if metadata["tags"] == nil { metadata["tags"] = [] }
      if metadata["papermill"] == nil { metadata["papermill"] = .emptyObject }
      notebook.cells[index].metadata = metadata
    }
  }

  func write(to notebook: inout Notebook) {
    var metadata = notebook.metadata
    metadata["papermill"] = .object(papermill(metadata["papermill"]?.object))
    var parley = metadata["parley"]?.object ?? NotebookObject()
    for name in Self.ownNames { parley[name] = nil }
    parley.append("version", .string(version))
    parley.append("run_id", .string(runID))
    parley.append("kernel", .string(kernel))
    parley.append("reason", .string(reason?.rawValue ?? "running"))
    if let message { parley.append("message", .string(message)) }
    if let failedCell { parley.append("failed_cell", .string(failedCell)) }
    if let start { parley.append("start_time", .string(start.utc)) }
    if let end { parley.append("end_time", .string(end.utc)) }
    if let start, let end { parley.append("duration", .double(end.since(start))) }
    metadata["parley"] = .object(parley)
    notebook.metadata = metadata
  }

  /// papermill's record before anything is known.
  public static let emptyPapermill = NotebookObject([
    .init("default_parameters", .emptyObject), .init("parameters", .emptyObject),
    .init("environment_variables", .emptyObject), .init("version", .string(papermillVersion)),
  ])

  /// A record that is there already keeps its parameters and version, as papermill keeps them.
  private func papermill(_ present: NotebookObject?) -> NotebookObject {
    var record =
      present ?? Self.emptyPapermill
    record["input_path"] = .string(inputPath)
    record["output_path"] = .string(outputPath)
    record["start_time"] = start.map { .string($0.iso) } ?? .null
    record["end_time"] = end.map { .string($0.iso) } ?? .null
    record["duration"] = .null
    if let start, let end { record["duration"] = .double(end.since(start)) }
    record["exception"] = hasException ? true : .null
    return record
  }
}
