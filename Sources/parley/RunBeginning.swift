import Notebook
import Parameters

/// Where a run begins that does not begin with the first cell: what `--from-cell` names.
struct RunBeginning {
  /// The ids of that cell and of those behind it. The injected parameters may move or replace any of them.
  private let rest: [String]

  /// - Parameter text: a place from 1, else a cell's id, else the tag of the first cell that has it.
  /// - Throws: ``NotebookError`` when it names no cell.
  init(_ text: String, in notebook: Notebook) throws(NotebookError) {
    let cells = notebook.cells
    // An id may be made of digits alone.
    let place = Int(text).map { $0 - 1 }.flatMap { cells.indices.contains($0) ? $0 : nil }
    guard
      let first = place ?? cells.firstIndex(where: { $0.id == text })
        ?? cells.firstIndex(where: { $0.tags.contains(text) })
    else {
      throw NotebookError(
        "--from-cell \(text) names no cell",
        remedy: "give a number from 1 to \(cells.count), a cell's id, or a tag")
    }
    rest = cells[first...].map(\.id)
  }

  /// The places of the cells that are left out.
  /// - Parameter hasParameters: whether a cell was injected now, which runs wherever it stands.
  func skipped(in notebook: Notebook, hasParameters: Bool) -> Set<Int> {
    let rest = Set(rest)
    let first = notebook.cells.firstIndex { rest.contains($0.id) } ?? notebook.cells.count
    var skipped = Set(0..<first)
    if hasParameters,
      let parameters = notebook.cells.firstIndex(where: {
        $0.isCode && $0.tags.contains(ParameterCells.injected)
      })
    {
      skipped.remove(parameters)
    }
    return skipped
  }
}
