/// The outputs of one cell while they come.
struct CellOutputs: Sendable {
  enum Entry: Sendable {
    case stream(name: String, StreamText)
    /// Any other output as it is stored, with its display id, which is not stored.
    case other(NotebookObject, displayID: String?)
  }

  private(set) var entries: [Entry] = []
  /// `clear_output` with wait: the next output clears.
  private var clearsLater = false
  /// Bytes so far, and those that were left out.
  private(set) var size = 0
  private var elided = 0

  /// What of an output did not fit.
  enum Fit {
    case whole
    /// It was left out; the first time says that the whole of what came before is to be kept elsewhere as well.
    case none(isFirst: Bool)
  }

  mutating func append(stream name: String, _ text: [UInt8], limit: Int) -> Fit {
    clearIfDue()
    guard size < limit else { return leaveOut(text.count) }
    size += text.count
    if case .stream(name, var last)? = entries.last {
      // Out of the list before it is changed, or all of the text would be copied.
      entries.removeLast()
      last.append(text)
      entries.append(.stream(name: name, last))
    } else {
      var new = StreamText()
      new.append(text)
      entries.append(.stream(name: name, new))
    }
    return .whole
  }

  mutating func append(_ output: NotebookObject, displayID: String?, size bytes: Int, limit: Int) -> Fit {
    clearIfDue()
    guard size < limit, bytes <= limit || output["output_type"] == "error" else { return leaveOut(bytes) }
    size += bytes
    entries.append(.other(output, displayID: displayID))
    return .whole
  }

  private mutating func leaveOut(_ bytes: Int) -> Fit {
    defer { elided += bytes }
    return .none(isFirst: elided == 0)
  }

  mutating func clear(wait: Bool) {
    clearsLater = wait
    if !wait { removeAll() }
  }

  private mutating func clearIfDue() {
    if clearsLater { removeAll() }
  }

  private mutating func removeAll() {
    entries = []
    clearsLater = false
    size = 0
    elided = 0
  }

  /// Gives every display of that id its new content; whether there was one.
  mutating func update(_ id: String, data: NotebookValue, metadata: NotebookValue) -> Bool {
    var found = false
    for index in entries.indices {
      guard case .other(var output, id) = entries[index] else { continue }
      output["data"] = data
      output["metadata"] = metadata
      entries[index] = .other(output, displayID: id)
      found = true
    }
    return found
  }

  /// As nbformat has them.
  var values: [NotebookValue] {
    entries.map { entry -> NotebookValue in
      switch entry {
      case .stream(let name, let text):
        return [
          "output_type": "stream", "name": .string(name),
          "text": .string(String(decoding: text.bytes, as: UTF8.self)),
        ]
      case .other(let output, _): return .object(output)
      }
    }
  }

  /// What the user reads in the place of what was left out.
  func marker(_ limit: OutputLimit) -> [NotebookValue] {
    guard elided > 0 else { return [] }
    return [["output_type": "stream", "name": "stderr", "text": .string(limit.marker(elided))]]
  }
}
