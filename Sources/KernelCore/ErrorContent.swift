import JupyterProtocol

/// An error as the front end shows it: the content of `error` and of a failed reply.
///
/// Source: messaging specification, "Execution errors".
public struct ErrorContent: Error, Sendable, Equatable {
  public var name: String
  public var value: String
  public var traceback: [String]

  public init(name: String, value: String, traceback: [String]? = nil) {
    self.name = name
    self.value = value
    self.traceback = traceback ?? ["\(name): \(value)"]
  }

  /// Reads `ename`, `evalue` and `traceback`; nil when there is no `ename`.
  public init?(_ content: JSONValue) {
    guard let name = content["ename"]?.string else { return nil }
    self.init(
      name: name, value: content["evalue"]?.string ?? "",
      traceback: content["traceback"]?.array?.compactMap(\.string))
  }

  /// The content of an iopub `error`.
  public var content: [UInt8] {
    var writer = JSONWriter()
    writer.object { writeMembers(to: &$0) }
    return writer.bytes
  }

  public func writeMembers(to writer: inout JSONWriter) {
    writer.member("ename", name)
    writer.member("evalue", value)
    writer.member("traceback", .array(traceback.map(JSONValue.string)))
  }

  /// The content of a reply that has failed.
  public var replyContent: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("status", "error")
      writeMembers(to: &writer)
    }
    return writer.bytes
  }
}

extension ErrorContent {
  static func invalidRequest(_ type: String, _ problem: String) -> ErrorContent {
    ErrorContent(name: "InvalidRequest", value: "\(type): \(problem)")
  }
}
