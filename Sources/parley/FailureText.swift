import Glibc
import KernelExecutor
import NotebookRunner

/// What a person needs to know of a run that failed: the reason, the cell, its source, the traceback.
@KernelActor
enum FailureText {
  private static let shownLines = 30

  nonisolated static var wantsColours: Bool { isatty(STDERR_FILENO) == 1 && getenv("NO_COLOR") == nil }

  static func make(_ run: NotebookRun, colours: Bool) -> String {
    let reason = run.record.reason?.rawValue ?? "unknown"
    let message = run.record.message.map { ": \($0)" } ?? ""
    guard let id = run.record.failedCell,
      let index = run.notebook.cells.firstIndex(where: { $0.id == id })
    else { return "parley: \(reason)\(oneLine(message))\n" }
    let cell = run.notebook.cells[index]
    let count = cell.executionCount.map { ", In [\($0)]" } ?? ""
    var text = "parley: \(reason) in cell \(index + 1) (\(id)\(count))\(oneLine(message))\n"
    let lines = cell.source.split(separator: "\n", omittingEmptySubsequences: false)
    for (number, line) in lines.prefix(shownLines).enumerated() { text += "  \(number + 1)| \(line)\n" }
    if lines.count > shownLines { text += "  ... \(lines.count - shownLines) more lines\n" }
    guard let error = run.error, !error.traceback.isEmpty else { return text }
    return text
      + (colours
        ? error.traceback.joined(separator: "\n") + "\u{1B}[0m"
        : error.traceback.map(plain).joined(separator: "\n")) + "\n"
  }

  private static func oneLine(_ text: String) -> String {
    plain(text).split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
  }

  /// Without the escape sequences that colour text on a terminal.
  nonisolated static func plain(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var isEscape = false
    for scalar in text.unicodeScalars {
      if scalar == "\u{1B}" {
        isEscape = true
      } else if isEscape {
        // `ESC [ parameters letter`
        isEscape = scalar == "[" || !(0x40...0x7E).contains(scalar.value)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }
}
