/// Ids for cells that have none: made from what the cell is, so that the same notebook always gets the same ids and
/// two runs of it can be compared.
enum CellIDs {
  static func completed(_ cells: [NotebookCell]) -> [NotebookCell] {
    var cells = cells
    var taken: Set<String> = []
    for cell in cells where isValid(cell.id) { taken.insert(cell.id) }
    var seen: Set<String> = []
    for index in cells.indices {
      let id = cells[index].id
      if isValid(id), seen.insert(id).inserted { continue }
      var attempt = 0
      var made = make(cells[index], index, attempt)
      while taken.contains(made) {
        attempt += 1
        made = make(cells[index], index, attempt)
      }
      taken.insert(made)
      seen.insert(made)
      cells[index].members["id"] = .string(made)
    }
    return cells
  }

  /// 1 to 64 letters, digits, hyphens and underscores. Source: nbformat 4.5 schema, `cell_id`.
  static func isValid(_ id: String) -> Bool {
    (1...64).contains(id.utf8.count)
      && id.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }

  /// FNV-1a over the place, the type and the text.
  private static func make(_ cell: NotebookCell, _ index: Int, _ attempt: Int) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in "\(index)\u{0}\(attempt)\u{0}\(cell.type)\u{0}\(cell.source)".utf8 {
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
    }
    let digits = String(hash, radix: 16)
    return String((String(repeating: "0", count: 16 - digits.count) + digits).suffix(12))
  }
}
