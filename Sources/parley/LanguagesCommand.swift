import ArgumentParser
import KernelSpecs

/// `parley languages`: what there is, and what is missing.
struct LanguagesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "languages",
    abstract: "List the languages, their interpreters and what is missing.")

  @Flag(name: .long, help: "One JSON array for programs.")
  var json = false

  func run() throws {
    let environment = SpecEnvironment.current()
    let languages = LanguageStatus.all(environment)
    if json {
      print(SpecJSON.array(languages.map(\.json)).pretty)
      return
    }
    guard !languages.isEmpty else {
      throw SpecError(
        .inputMissing, "no language found beside the program or on the Jupyter data path",
        remedy: "install again, or name a folder of languages with PARLEY_LANGUAGES")
    }
    let rows = languages.map { language in
      [
        language.entry.name, language.entry.aliases.joined(separator: ", "), language.entry.displayName,
        language.entry.kind.rawValue, language.text(environment),
      ]
    }
    for line in TextTable(head: ["NAME", "ALIASES", "DISPLAY NAME", "KIND", "STATUS"], rows: rows).lines {
      print(line)
    }
  }
}

/// Columns of text, each as wide as its widest cell; the last one is not padded.
struct TextTable {
  let head: [String]
  let rows: [[String]]

  var lines: [String] {
    let all = [head] + rows
    let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      row.enumerated().map { column, cell in
        column == head.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
      }.joined(separator: "  ")
    }
  }
}
