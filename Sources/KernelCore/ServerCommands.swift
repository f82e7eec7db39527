import JupyterProtocol
import KernelExecutor

/// The `#!` lines that the server itself handles, in any language's cell.
@KernelActor
final class ServerCommands {
  private let languages: LanguageTable
  private let publisher: Publisher
  /// Interrupts what another cell runs; set by the kernel.
  var interrupt: @KernelActor (_ language: String?) -> Void = { _ in }

  init(languages: LanguageTable, publisher: Publisher) {
    self.languages = languages
    self.publisher = publisher
  }

  func run(_ name: String, arguments: [String], of execution: Execution) async throws -> ExecuteOutcome {
    switch name {
    case "languages": showLanguages(execution)
    case "restart": try await restart(arguments, execution)
    case "interrupt": interrupt(arguments.first?.lowercased())
    default: showHelp(execution)
    }
    return .ok(userExpressions: nil, payload: nil)
  }

  private func restart(_ names: [String], _ execution: Execution) async throws {
    for name in names.isEmpty ? [languages.defaultName] : names {
      guard languages.isLanguage(name.lowercased()) else { throw RequestFailure(languages.unknown(name)) }
      let backend = languages.existing(name.lowercased())
      let wasRunning = backend?.isRunning ?? false
      // Also one that has ended: who asks for a new one need not be told that the old one is gone.
      await backend?.restart()
      if let backend, wasRunning {
        say("\(backend.description.name) was restarted; what it had in memory is gone.\n", execution)
      } else {
        say("\(name) is not running; its next cell starts it.\n", execution)
      }
    }
  }

  private func say(_ text: String, _ execution: Execution) {
    guard !execution.request.silent else { return }
    publisher.stream("stdout", Array(text.utf8), parent: execution.parent)
  }

  // MARK: - Tables

  private func showLanguages(_ execution: Execution) {
    let all = languages.provider.allLanguages()
    var rows: [[String]] = [["name", "also", "language", "state", "from"]]
    for language in all {
      rows.append([
        language.name, language.aliases.joined(separator: ", "), language.displayName, state(of: language),
        language.origin,
      ])
    }
    display(rows, execution)
  }

  private func state(of language: LanguageDescription) -> String {
    if case .missing(let reason, let install) = language.availability {
      return install.map { "\(reason): \($0)" } ?? reason
    }
    let isDefault = language.name == languages.defaultDescription?.name
    let isRunning = languages.existing(language.name)?.isRunning ?? false
    return (isRunning ? "running" : "installed") + (isDefault ? ", default" : "")
  }

  private func showHelp(_ execution: Execution) {
    var rows = [["line", "what it does"]]
    rows.append(["#!NAME", "the rest of the cell is in the language NAME"])
    rows.append(["#!NAME:INSTANCE", "the same, in a process of its own called INSTANCE"])
    for command in CellRouter.commands { rows.append(["#!\(command.name)", command.help]) }
    display(rows, execution)
  }

  /// A table as text and as HTML; the first row is the head.
  private func display(_ rows: [[String]], _ execution: Execution) {
    guard !execution.request.silent else { return }
    let columns = rows[0].count
    let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
    let text = rows.map { row in
      row.enumerated().map { column, cell in
        column == columns - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
      }.joined(separator: "  ")
    }.joined(separator: "\n")
    let html = rows.enumerated().map { index, row in
      let tag = index == 0 ? "th" : "td"
      let cells = row.map { "<\(tag) style=\"text-align:left\">\(Self.escape($0))</\(tag)>" }
      return "<tr>\(cells.joined())</tr>"
    }.joined()
    var content = JSONWriter()
    content.object { writer in
      writer.member("data", ["text/plain": .string(text), "text/html": .string("<table>\(html)</table>")])
      writer.member("metadata", raw: JSONText.emptyObject)
      writer.member("transient", raw: JSONText.emptyObject)
    }
    publisher.publish(
      OutgoingMessage("display_data", parent: execution.parent, content: content.bytes))
  }

  private static func escape(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
