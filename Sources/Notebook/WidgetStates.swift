/// The state of Jupyter widgets, learnt from the comm messages of a run, and what output widgets capture.
///
/// Source: nbclient, `handle_comm_msg`, `set_widgets_metadata` and output_widget.py; the schema of @jupyter-widgets.
public struct WidgetStates: Sendable {
  private struct Widget: Sendable {
    var state = NotebookObject()
    /// By their paths, in the order they came in.
    var buffers: [(path: NotebookValue, value: NotebookValue)] = []
    /// The request whose outputs it captures now.
    var captures: String?
    var clearsLater = false
  }

  private var widgets: [String: Widget] = [:]
  /// In the order they were opened.
  private var order: [String] = []
  /// Widgets whose captured outputs the language must be told of, with the new list.
  private var outbox: [(comm: String, outputs: NotebookValue)] = []

  public init() {}

  mutating func record(_ messageType: String, _ content: NotebookValue, buffers: [[UInt8]]) {
    guard let id = content["comm_id"]?.string, messageType != "comm_close",
      let state = content["data"]?["state"]?.object
    else { return }
    if widgets[id] == nil {
      widgets[id] = Widget()
      order.append(id)
    }
    for member in state.members { widgets[id]?.state[member.name] = member.value }
    let paths = content["data"]?["buffer_paths"]?.array ?? []
    for (path, buffer) in zip(paths, buffers) {
      let value: NotebookValue = [
        "data": .string(Base64.text(of: buffer)), "encoding": "base64", "path": path,
      ]
      widgets[id]?.buffers.removeAll { $0.path == path }
      widgets[id]?.buffers.append((path, value))
    }
    if widgets[id]?.state["_model_name"] == "OutputModel", let request = state["msg_id"]?.string {
      widgets[id]?.captures = request.isEmpty ? nil : request
    }
  }

  // MARK: - Output widgets

  /// The widget that captures a request's outputs; of several the one that began last.
  private func capturer(of request: String) -> String? {
    guard !request.isEmpty else { return nil }
    return order.last { widgets[$0]?.captures == request }
  }

  /// Whether an output widget has taken the output.
  mutating func capture(_ output: NotebookObject, of request: String) -> Bool {
    guard let id = capturer(of: request), var widget = widgets[id] else { return false }
    var outputs = widget.clearsLater ? [] : widget.state["outputs"]?.array ?? []
    widget.clearsLater = false
    if output["output_type"] == "stream", var last = outputs.last?.object, last["output_type"] == "stream",
      last["name"] == output["name"]
    {
      var text = StreamText()
      text.append((last["text"]?.string ?? "").utf8)
      text.append((output["text"]?.string ?? "").utf8)
      last["text"] = .string(String(decoding: text.bytes, as: UTF8.self))
      outputs[outputs.count - 1] = .object(last)
    } else {
      outputs.append(.object(output))
    }
    widget.state["outputs"] = .array(outputs)
    widgets[id] = widget
    outbox.append((id, .array(outputs)))
    return true
  }

  /// Whether an output widget has taken the clearing.
  mutating func clear(capturing request: String, wait: Bool) -> Bool {
    guard let id = capturer(of: request) else { return false }
    if wait {
      widgets[id]?.clearsLater = true
    } else {
      widgets[id]?.state["outputs"] = []
      outbox.append((id, []))
    }
    return true
  }

  /// The contents of the `comm_msg` that tell the language what its output widgets hold now.
  public mutating func takeMessages() -> [NotebookValue] {
    defer { outbox = [] }
    return outbox.map { entry in
      [
        "comm_id": .string(entry.comm),
        "data": ["method": "update", "state": ["outputs": entry.outputs], "buffer_paths": []],
      ]
    }
  }

  // MARK: - Metadata

  /// What belongs into the notebook's `metadata.widgets`; nil when there was no widget.
  public var metadata: NotebookValue? {
    let models = order.filter { widgets[$0]?.state["_model_name"] != nil }
    guard !models.isEmpty else { return nil }
    var state = NotebookObject()
    for id in models {
      guard let widget = widgets[id] else { continue }
      var model = NotebookObject()
      model.append("model_name", widget.state["_model_name"] ?? .null)
      model.append("model_module", widget.state["_model_module"] ?? .null)
      model.append("model_module_version", widget.state["_model_module_version"] ?? .null)
      model.append("state", .object(widget.state))
      if !widget.buffers.isEmpty { model.append("buffers", .array(widget.buffers.map(\.value))) }
      state.append(id, .object(model))
    }
    return [
      "application/vnd.jupyter.widget-state+json": [
        "state": .object(state), "version_major": 2, "version_minor": 0,
      ]
    ]
  }
}
