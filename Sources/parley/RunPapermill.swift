import Glibc
import Notebook
import NotebookRunner

/// What `--compat papermill` changes.
enum RunPapermill {
  private static let tag = "papermill-error-cell-tag"
  private static let style =
    #"style="color:red; font-family:Helvetica Neue, Helvetica, Arial, sans-serif; font-size:2em;""#

  /// The words behind `papermill`, as `parley run` takes them; nil when the program was called by another name.
  static func arguments(_ arguments: [String]) -> [String]? {
    guard let name = arguments.first?.split(separator: "/").last, name == "papermill" else { return nil }
    return ["run", "--compat", "papermill"] + arguments.dropFirst()
  }

  /// Whether a command line that may be wrong is one of papermill's.
  static func isMeant(by arguments: [String]) -> Bool {
    guard arguments.first == "run" else { return false }
    return arguments.contains("--compat=papermill")
      || zip(arguments, arguments.dropFirst()).contains { $0 == "--compat" && $1 == "papermill" }
  }

  static func exitCode(_ code: Int32) -> Int32 {
    switch code {
    case 0, 138: code
    case RunReason.outOfMemory.exitCode: 138
    // Ended by a signal.
    case 129, 130, 143: code
    case ExitCodes.usage: 2
    default: 1
    }
  }

  /// papermill takes a single name for the output when a notebook comes through a pipe.
  static func places(_ input: String, _ output: String?) -> (input: String, output: String?) {
    let output = output?.isEmpty == true ? nil : output
    var status = stat()
    guard fstat(STDIN_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFIFO, output == nil, input != "-"
    else { return (input, output) }
    return ("-", input)
  }

  static func withoutErrorCells(_ notebook: inout Notebook) {
    notebook.cells.removeAll { $0.tags.contains(tag) }
  }

  /// A banner at the top, and an anchor before the cell that failed.
  static func withErrorCells(_ notebook: Notebook, failed id: String?) -> Notebook {
    guard let index = notebook.cells.firstIndex(where: { $0.id == id }) else { return notebook }
    let count = notebook.cells[index].executionCount.map(String.init) ?? "None"
    var result = notebook
    result.cells.insert(
      cell(
        "anchor",
        #"<span id="papermill-error-cell" \#(style)>Execution using papermill encountered an exception here "#
          + "and stopped:</span>"), at: index)
    result.cells.insert(
      cell(
        "banner",
        ##"<span \##(style)>An Exception was encountered at '<a href="#papermill-error-cell">In [\##(count)]</a>'."##
          + "</span>"), at: 0)
    return result
  }

  private static func cell(_ name: String, _ source: String) -> NotebookCell {
    NotebookCell(
      members: NotebookObject([
        .init("cell_type", "markdown"), .init("id", .string("papermill-error-\(name)")),
        .init("metadata", ["tags": [.string(tag)]]), .init("source", .string(source)),
      ]))
  }
}
