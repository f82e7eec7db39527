import Notebook

/// What is known of one cell of a run besides its outputs, and how its metadata says it.
struct CellState {
  /// The names that Parley writes into `metadata.parley` of a cell; the others there are the user's.
  private static let ownNames = ["status", "message", "cpu_seconds", "peak_memory"]

  var status = CellStatus.pending
  var start: Moment?
  var end: Moment?
  /// The four times of `metadata.execution`, as nbclient has them.
  var times: [(name: String, value: Moment)] = []
  /// Processor seconds of all languages while it ran.
  var processorSeconds: Double?
  /// The most memory its languages have held since they started, in bytes.
  var peakMemory: Int?
  /// What went wrong, when it was not the cell's own error.
  var message: String?

  /// papermill knows four states only; where it says `completed` of what did not complete, this does not.
  private var papermillStatus: String {
    switch status {
    case .pending, .notReached: "pending"
    case .running: "running"
    case .ok, .skipped: "completed"
    case .failed, .interrupted, .timedOut, .died: "failed"
    }
  }

  /// Whether papermill's `exception` is true, false, or not decided.
  private var exception: NotebookValue {
    switch status {
    case .pending, .notReached: .null
    case .running, .ok, .skipped: false
    case .failed, .interrupted, .timedOut, .died: true
    }
  }

  func write(to cell: inout NotebookCell) {
    var metadata = cell.metadata
    // papermill gives every cell a list of tags; programs that read its outputs rely on it.
    if metadata["tags"] == nil { metadata["tags"] = [] }
    metadata["papermill"] = [
      "exception": exception, "status": .string(papermillStatus),
      "start_time": start.map { .string($0.iso) } ?? .null, "end_time": end.map { .string($0.iso) } ?? .null,
      "duration": duration,
    ]
    if cell.isCode {
      metadata["execution"] =
        times.isEmpty
        ? nil : .object(NotebookObject(times.map { .init($0.name, .string($0.value.utc)) }))
      metadata["parley"] = .object(parley(metadata["parley"]?.object ?? NotebookObject()))
    }
    cell.metadata = metadata
  }

  private var duration: NotebookValue {
    guard let start, let end else { return .null }
    return .double(end.since(start))
  }

  private func parley(_ present: NotebookObject) -> NotebookObject {
    var object = present
    for name in Self.ownNames { object[name] = nil }
    object.append("status", .string(status.rawValue))
    if let message { object.append("message", .string(message)) }
    if let processorSeconds { object.append("cpu_seconds", .double(processorSeconds)) }
    if let peakMemory { object.append("peak_memory", .integer(peakMemory)) }
    return object
  }
}
