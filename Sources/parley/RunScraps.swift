import Notebook

/// The values that cells have left for whoever reads the notebook, in scrapbook's media type, whatever language they
/// are from.
///
/// Source: nteract/scrapbook, scrapbook/api.py and models.py.
enum RunScraps {
  private static let prefix = "application/scrapbook.scrap."

  /// By name, the last one of a name; nil when there are none.
  static func collect(_ notebook: Notebook) -> NotebookValue? {
    var scraps = NotebookObject()
    for output in notebook.cells.flatMap(\.outputs) {
      for member in output["data"]?.object?.members ?? [] where member.name.hasPrefix(prefix) {
        // A shell shows JSON as text.
        let payload = member.value.joinedText.flatMap { NotebookValue(json: Array($0.utf8)) } ?? member.value
        guard let name = payload["name"]?.string else { continue }
        var scrap = scraps[name]?.object ?? empty(name)
        scrap["data"] = payload["data"] ?? .null
        scrap["encoder"] = payload["encoder"] ?? .string(encoder(member.name))
        scraps[name] = .object(scrap)
      }
      guard let about = output["metadata"]?["scrapbook"], about["display"]?.bool == true,
        let name = about["name"]?.string
      else { continue }
      var scrap = scraps[name]?.object ?? empty(name)
      scrap["display"] = [
        "data": output["data"] ?? .emptyObject, "metadata": output["metadata"] ?? .emptyObject,
      ]
      scraps[name] = .object(scrap)
    }
    return scraps.isEmpty ? nil : .object(scraps)
  }

  private static func empty(_ name: String) -> NotebookObject {
    NotebookObject([
      .init("name", .string(name)), .init("data", .null), .init("encoder", .null), .init("display", .null),
    ])
  }

  private static func encoder(_ mimeType: String) -> String {
    String(mimeType.dropFirst(prefix.count).prefix { $0 != "+" })
  }
}
