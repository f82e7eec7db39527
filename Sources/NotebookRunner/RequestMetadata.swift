import JupyterProtocol
import Notebook

/// The metadata of an execute request: what other notebooks programs write into a cell to name its language.
enum RequestMetadata {
  private static let names = ["polyglot_notebook", "dotnet_interactive", "kernel", "vscode"]

  static func make(_ cell: NotebookCell, _ notebook: Notebook) -> [UInt8] {
    var metadata = NotebookObject([.init("cellId", .string(cell.id))])
    let own = ownLanguages(notebook)
    for name in names {
      guard let value = cell.metadata[name] else { continue }
      // A cell that names the notebook's own language is no cell of another one, whatever kernel runs that language.
      let language = value["kernelName"] ?? value["language"] ?? value["languageId"] ?? value
      if let text = language.string?.lowercased(), own.contains(text) { continue }
      metadata.append(name, value)
    }
    return NotebookValue.object(metadata).line
  }

  private static func ownLanguages(_ notebook: Notebook) -> Set<String> {
    let kernelspec = notebook.metadata["kernelspec"]
    let names = [
      kernelspec?["name"], kernelspec?["language"], kernelspec?["display_name"],
      notebook.metadata["language_info"]?["name"],
    ]
    return Set(names.compactMap { $0?.string?.lowercased() })
  }
}
