import FoundationEssentials
import Glibc
import Synchronization

/// Answers completion and inspection, from the main thread or, while a cell runs, from the second lane.
final class Completer: Sendable {
  private struct State {
    var session = Session()
    var compiler: Compiler
    var kit: SourceKit
  }

  /// The code with the declarations of the session before it, as sourcekitd sees it.
  private struct Document {
    var path: String
    var text: String
    var offset: Int
    var arguments: [String]
  }

  private let state: Mutex<State>

  init(compiler: Compiler) {
    let kit = SourceKit(toolchain: compiler.toolchain, cache: compiler.cache)
    state = Mutex(State(compiler: compiler, kit: kit))
  }

  func update(_ session: Session) {
    state.withLock { $0.session = session }
  }

  // MARK: - Completion

  private struct Completions: Decodable {
    struct Item: Decodable {
      var kind: String
      var name: String
      var description: String?
      var typename: String?
      enum CodingKeys: String, CodingKey {
        case kind = "key.kind"
        case name = "key.name"
        case description = "key.description"
        case typename = "key.typename"
      }
    }
    var results: [Item]
    enum CodingKeys: String, CodingKey { case results = "key.results" }
  }

  private struct Match: Encodable {
    var start: Int
    var end: Int
    var text: String
    var type: String
    var signature: String
  }

  private struct CompleteReply: Encodable {
    struct Metadata: Encodable {
      var types: [Match]
      enum CodingKeys: String, CodingKey { case types = "_jupyter_types_experimental" }
    }
    var status = "ok"
    var matches: [String]
    var start: Int
    var end: Int
    var metadata: Metadata
    enum CodingKeys: String, CodingKey {
      case status, matches, metadata
      case start = "cursor_start"
      case end = "cursor_end"
    }
  }

  /// - Parameter cursor: in code points.
  func complete(_ code: String, at cursor: Int) -> String {
    let scalars = Array(code.unicodeScalars)
    let cursor = min(max(cursor, 0), scalars.count)
    var start = cursor
    while start > 0, Self.isWord(scalars[start - 1]) { start -= 1 }
    let typed = String(String.UnicodeScalarView(scalars[start..<cursor]))
    let found = state.withLock { state -> Completions? in
      let document = Self.document(code, scalars[..<start], state)
      let request = "key.request: source.request.codecomplete, key.offset: \(document.offset)"
      return state.kit.ask(
        Completions.self, request, file: document.path, text: document.text, arguments: document.arguments)
    }
    var seen: Set<String> = []
    var matches: [Match] = []
    for item in found?.results ?? [] {
      let name = String(item.name.prefix { $0 != "(" })
      guard name.hasPrefix(typed), !name.isEmpty, !name.hasPrefix("_") || typed.hasPrefix("_"),
        seen.insert(name).inserted
      else { continue }
      let signature = [item.description ?? item.name, item.typename ?? ""].filter { !$0.isEmpty }
      matches.append(
        Match(
          start: start, end: cursor, text: name, type: Self.type(of: item.kind),
          signature: signature.joined(separator: " -> ")))
    }
    matches.sort { $0.text < $1.text }
    return json(
      CompleteReply(
        matches: matches.map(\.text), start: start, end: cursor,
        metadata: .init(types: matches)))
  }

  /// `source.lang.swift.decl.function.method.instance` is a function to a front end.
  private static func type(of kind: String) -> String {
    for (word, type) in [
      ("function", "function"), ("var.parameter", "param"), ("var", "instance"), ("class", "class"),
      ("struct", "class"), ("enumelement", "property"), ("enum", "class"), ("protocol", "class"),
      ("module", "module"), ("keyword", "keyword"), ("typealias", "class"),
    ] where kind.range(of: word) != nil { return type }
    return "text"
  }

  // MARK: - Inspection

  private struct CursorInfo: Decodable {
    var declaration: String?
    var documentation: String?
    var module: String?
    var file: String?
    enum CodingKeys: String, CodingKey {
      case declaration = "key.annotated_decl"
      case documentation = "key.doc.full_as_xml"
      case module = "key.modulename"
      case file = "key.filepath"
    }
  }

  func inspect(_ code: String, at cursor: Int) -> String {
    let nothing = "{\"status\":\"ok\",\"found\":false,\"data\":{},\"metadata\":{}}"
    let scalars = Array(code.unicodeScalars)
    var start = min(max(cursor, 0), scalars.count)
    // A name, or the name before the parenthesis that has just been opened.
    if start == scalars.count || !Self.isWord(scalars[start]) {
      while start > 0, !Self.isWord(scalars[start - 1]),
        scalars[start - 1] == "(" || scalars[start - 1] == " "
      {
        start -= 1
      }
    }
    while start > 0, Self.isWord(scalars[start - 1]) { start -= 1 }
    guard start < scalars.count, Self.isWord(scalars[start]) else { return nothing }
    let info = state.withLock { state -> CursorInfo? in
      let document = Self.document(code, scalars[..<start], state)
      try? state.compiler.write(document.text, to: document.path)
      let request = "key.request: source.request.cursorinfo, key.offset: \(document.offset)"
      return state.kit.ask(
        CursorInfo.self, request, file: document.path, text: document.text, arguments: document.arguments)
    }
    guard let declaration = info?.declaration.map(Markup.plain), !declaration.isEmpty else { return nothing }
    let documentation = info?.documentation.map(Markup.paragraphs) ?? ""
    let module = info?.module.map { $0.hasPrefix("Cell") ? "" : "\n\nModule \($0)" } ?? ""
    struct Reply: Encodable {
      var status = "ok"
      var found = true
      var data: [String: String]
      var metadata: [String: String] = [:]
    }
    let text = declaration + (documentation.isEmpty ? "" : "\n\n" + documentation) + module
    let markdown = "```swift\n\(declaration)\n```\n\n\(documentation)\(module)"
    return json(Reply(data: ["text/plain": text, "text/markdown": markdown]))
  }

  // MARK: - The document

  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || scalar == "$" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
      || scalar.properties.generalCategory == .otherSymbol
  }

  private static func document(_ code: String, _ before: ArraySlice<Unicode.Scalar>, _ state: State)
    -> Document
  {
    let parsed = ParsedCell(code)
    let imports = state.session.importLines(for: parsed)
    let head = "import Parley\nimport func Parley.readLine\n" + imports.joined(separator: "\n") + "\n"
    let path = state.compiler.folder + "/main.swift"
    return Document(
      path: path, text: head + code, offset: head.utf8.count + before.reduce(0) { $0 + UTF8.width($1) },
      arguments: [path] + state.compiler.toolArguments(flags: parsed.flags))
  }
}
