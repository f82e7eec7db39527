/// Turns the iopub messages of a run into the outputs of its cells.
///
/// It knows cells by their place in the notebook and does not care in which order messages come: what a thread of cell
/// 3 prints while cell 7 runs is an output of cell 3.
/// Source: messaging specification, "Messages on the PUB/SUB channel"; nbclient's `process_message`.
public struct OutputRecorder: Sendable {
  /// What became of a message.
  public enum Effect: Sendable, Equatable {
    /// No output of this cell has changed.
    case nothing
    /// The outputs of these cells have.
    case changed(Set<Int>)
    /// The cell's output is full; the message must be kept elsewhere. The first one says so.
    case leftOut(isFirst: Bool)
  }

  private var cells: [Int: CellOutputs] = [:]
  /// The cells that show a display id.
  private var displays: [String: Set<Int>] = [:]
  public var widgets = WidgetStates()
  /// The limit of each cell.
  public var limit = Int.max

  public init() {}

  /// A cell starts anew.
  public mutating func begin(_ cell: Int) {
    cells[cell] = CellOutputs()
  }

  /// As nbformat has them, with a marker for what was left out.
  public func outputs(of cell: Int, _ limit: OutputLimit) -> [NotebookValue] {
    guard let outputs = cells[cell] else { return [] }
    return outputs.values + outputs.marker(limit)
  }

  /// What is there of a cell's outputs, without a marker.
  public func kept(of cell: Int) -> [NotebookValue] { cells[cell]?.values ?? [] }

  /// Takes one message. `content` is its JSON text.
  /// - Parameter request: the id of the request it answers, by which output widgets capture.
  public mutating func record(
    _ messageType: String, content bytes: [UInt8], buffers: [[UInt8]] = [], of cell: Int, request: String
  ) -> Effect {
    guard let content = NotebookValue(json: bytes) else { return .nothing }
    switch messageType {
    case "stream", "display_data", "execute_result", "error", "update_display_data":
      return record(output: messageType, content, size: bytes.count, of: cell, request: request)
    case "clear_output":
      let wait = content["wait"]?.bool ?? false
      if widgets.clear(capturing: request, wait: wait) { return .nothing }
      cells[cell, default: CellOutputs()].clear(wait: wait)
      return wait ? .nothing : .changed([cell])
    case "comm_open", "comm_msg", "comm_close":
      widgets.record(messageType, content, buffers: buffers)
      return .nothing
    default: return .nothing
    }
  }

  private mutating func record(
    output type: String, _ content: NotebookValue, size: Int, of cell: Int, request: String
  ) -> Effect {
    var changed: Set<Int> = []
    let displayID = content["transient"]?["display_id"]?.string
    if let displayID {
      changed = update(displayID, content)
    }
    guard type != "update_display_data" else { return changed.isEmpty ? .nothing : .changed(changed) }
    guard let output = Self.output(type, content) else { return .nothing }
    if widgets.capture(output, of: request) { return .nothing }
    let fit: CellOutputs.Fit
    if type == "stream" {
      fit = cells[cell, default: CellOutputs()].append(
        stream: content["name"]?.string ?? "stdout", Array((content["text"]?.string ?? "").utf8), limit: limit
      )
    } else {
      fit = cells[cell, default: CellOutputs()].append(
        output, displayID: displayID, size: size, limit: limit)
    }
    if case .none(let isFirst) = fit { return .leftOut(isFirst: isFirst) }
    if let displayID { displays[displayID, default: []].insert(cell) }
    changed.insert(cell)
    return .changed(changed)
  }

  private mutating func update(_ id: String, _ content: NotebookValue) -> Set<Int> {
    var changed: Set<Int> = []
    for cell in displays[id] ?? [] {
      let found = cells[cell]?.update(
        id, data: content["data"] ?? .emptyObject, metadata: content["metadata"] ?? .emptyObject)
      if found == true { changed.insert(cell) }
    }
    return changed
  }

  /// What nbformat stores of a message.
  public static func output(_ type: String, _ content: NotebookValue) -> NotebookObject? {
    var output = NotebookObject([.init("output_type", .string(type))])
    switch type {
    case "stream":
      guard let text = content["text"]?.string, !text.isEmpty else { return nil }
      output.append("name", content["name"] ?? "stdout")
      output.append("text", .string(text))
    case "error":
      output.append("ename", .string(content["ename"]?.string ?? ""))
      output.append("evalue", .string(content["evalue"]?.string ?? ""))
      output.append("traceback", .array(content["traceback"]?.array ?? []))
    default:
      guard let data = content["data"]?.object else { return nil }
      output.append("data", .object(data))
      output.append("metadata", .object(content["metadata"]?.object ?? NotebookObject()))
      if type == "execute_result" { output.append("execution_count", content["execution_count"] ?? .null) }
    }
    return output
  }
}
