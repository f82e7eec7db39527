import JupyterProtocol
import KernelExecutor

/// Answers the shell requests that change nothing: completion, inspection, completeness, history, comms.
///
/// Positions are code points, as the specification has it since 5.2; null and too large ones are clamped.
@KernelActor
final class QueryService {
  private let languages: LanguageTable
  private let cells: CellService
  private let comms: CommTable
  private let history: any HistoryStore

  init(languages: LanguageTable, cells: CellService, comms: CommTable, history: any HistoryStore) {
    self.languages = languages
    self.cells = cells
    self.comms = comms
    self.history = history
  }

  // MARK: - Asking a language

  func complete(_ content: JSONValue) async throws(RequestFailure) -> [UInt8] {
    let (code, cursor) = try Self.codeAndCursor(content, "complete_request")
    if let prefix = cells.router.markerPrefix(of: code, at: cursor) {
      return completeMarker(prefix, cursor: cursor)
    }
    let reply = await ask(
      "complete_request", code: code, cursor: cursor,
      extra: [.init("cursor_pos", .integer(cursor))])
    return reply
      ?? Self.object { writer in
        writer.member("status", "ok")
        writer.member("matches", [])
        writer.member("cursor_start", cursor)
        writer.member("cursor_end", cursor)
        writer.member("metadata", raw: JSONText.emptyObject)
      }
  }

  func inspect(_ content: JSONValue) async throws(RequestFailure) -> [UInt8] {
    let (code, cursor) = try Self.codeAndCursor(content, "inspect_request")
    var extra: [JSONValue.Member] = [
      .init("cursor_pos", .integer(cursor)),
      .init("detail_level", .integer(content["detail_level"]?.integer ?? 0)),
    ]
    if let omitted = content["omit_sections"] { extra.append(.init("omit_sections", omitted)) }
    let reply = await ask("inspect_request", code: code, cursor: cursor, extra: extra)
    return reply
      ?? Self.object { writer in
        writer.member("status", "ok")
        writer.member("found", false)
        writer.member("data", raw: JSONText.emptyObject)
        writer.member("metadata", raw: JSONText.emptyObject)
      }
  }

  func isComplete(_ content: JSONValue) async throws(RequestFailure) -> [UInt8] {
    guard let code = content["code"]?.string else {
      throw RequestFailure(.invalidRequest("is_complete_request", "\"code\" is missing or not a string"))
    }
    let end = code.unicodeScalars.count
    // A console sends the line when Enter is pressed: the cell below its marker is still to be written.
    if !code.contains("\n"),
      case .language(_, _, marker: "")? = cells.router.segment(of: code, at: end)?.target
    {
      return Self.object {
        $0.member("status", "incomplete")
        $0.member("indent", "")
      }
    }
    let reply = await ask("is_complete_request", code: code, cursor: end, extra: [])
    return reply ?? Self.object { $0.member("status", "unknown") }
  }

  /// Sends a query to the language of the segment at the cursor; nil when it has no answer.
  private func ask(
    _ messageType: String, code: String, cursor: Int, extra: [JSONValue.Member]
  ) async -> [UInt8]? {
    guard let segment = cells.router.segment(of: code, at: cursor) else { return nil }
    let backend: (any LanguageBackend)?
    var extra = extra
    switch segment.target {
    case .standard: backend = try? languages.backend(languages.defaultName)
    case .language(let name, let instance, let marker):
      backend = try? languages.backend(name, instance: instance)
      if backend?.description.takesMarker == true, !marker.isEmpty {
        extra.append(.init("marker", .string(marker)))
      }
    case .command, .unknown: return nil
    }
    guard let backend else { return nil }
    let request = JSONValue.object([.init("code", .string(segment.code))] + extra)
    guard let reply = await backend.query(messageType, content: request.encoded),
      JSONScanner.isObject(reply)
    else { return nil }
    return reply
  }

  /// Completion behind `#!`: languages, their aliases, and what the server handles.
  private func completeMarker(_ prefix: String, cursor: Int) -> [UInt8] {
    var names: [(text: String, type: String)] = []
    for language in languages.provider.allLanguages() {
      names.append((language.name, "language"))
      names.append(contentsOf: language.aliases.map { ($0, "language") })
    }
    names.append(contentsOf: CellRouter.commands.map { ($0.name, "command") })
    let start = cursor - prefix.unicodeScalars.count
    let matches = names.map { (text: "#!" + $0.text, type: $0.type) }.filter { $0.text.hasPrefix(prefix) }
    let types = matches.map { match in
      JSONValue.object([
        .init("start", .integer(start)), .init("end", .integer(cursor)), .init("text", .string(match.text)),
        .init("type", .string(match.type)), .init("signature", ""),
      ])
    }
    return Self.object { writer in
      writer.member("status", "ok")
      writer.member("matches", .array(matches.map { .string($0.text) }))
      writer.member("cursor_start", start)
      writer.member("cursor_end", cursor)
      writer.member("metadata", ["_jupyter_types_experimental": .array(types)])
    }
  }

  // MARK: - From memory

  func commInfo(_ content: JSONValue) -> [UInt8] {
    comms.info(target: content["target_name"]?.string)
  }

  func history(_ content: JSONValue) async throws(RequestFailure) -> [UInt8] {
    let output = content["output"]?.bool ?? false
    let raw = content["raw"]?.bool ?? true
    let count = content["n"]?.integer
    let entries: [HistoryEntry]
    switch content["hist_access_type"]?.string {
    case "tail":
      entries = await history.tail(n: count ?? 10, output: output, raw: raw)
    case "range":
      entries = await history.range(
        session: content["session"]?.integer ?? 0, start: content["start"]?.integer ?? 0,
        stop: content["stop"]?.integer, output: output, raw: raw)
    case "search":
      entries = await history.search(
        pattern: content["pattern"]?.string ?? "*", n: count, unique: content["unique"]?.bool ?? false,
        output: output, raw: raw)
    case let other:
      throw RequestFailure(
        .invalidRequest(
          "history_request", "\"hist_access_type\" is \(other ?? "missing"); use range, tail or search"))
    }
    return Self.object { writer in
      writer.member("status", "ok")
      writer.member("history", .array(entries.map { Self.row($0, output: output) }))
    }
  }

  private static func row(_ entry: HistoryEntry, output: Bool) -> JSONValue {
    let input: JSONValue = .string(entry.input)
    let last: JSONValue = output ? .array([input, entry.output.map(JSONValue.string) ?? .null]) : input
    return .array([.integer(entry.session), .integer(entry.line), last])
  }

  // MARK: - Parts

  private static func codeAndCursor(
    _ content: JSONValue, _ messageType: String
  ) throws(RequestFailure) -> (String, Int) {
    guard let code = content["code"]?.string else {
      throw RequestFailure(.invalidRequest(messageType, "\"code\" is missing or not a string"))
    }
    let length = code.unicodeScalars.count
    return (code, min(max(content["cursor_pos"]?.integer ?? length, 0), length))
  }

  private static func object(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter()
    writer.object(body)
    return writer.bytes
  }
}
