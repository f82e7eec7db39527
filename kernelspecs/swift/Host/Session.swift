/// What earlier cells have declared, and how the next cell gets to see it.
struct Session {
  struct Cell {
    var number: Int
    var module: String
    var source: String
    var declarations: [Declaration]
    /// It did not run to its end: some of its variables have no value.
    var isPartial: Bool
  }

  private(set) var cells: [Cell] = []
  private(set) var sources: [String: String] = [:]
  private(set) var imports: [String] = []
  private(set) var modules: Set<String> = []

  /// The module of the cell with that number; a number may come again, as that of a silent cell.
  mutating func newModule(_ number: Int) -> String {
    var name = "Cell\(number)"
    var again = 1
    while modules.contains(name) {
      again += 1
      name = "Cell\(number)_\(again)"
    }
    modules.insert(name)
    return name
  }

  mutating func add(imports new: [String]) {
    for line in new where !imports.contains(line) { imports.append(line) }
  }

  mutating func add(_ cell: Cell) {
    sources["cell \(cell.number)"] = cell.source
    if !cell.declarations.isEmpty { cells.append(cell) }
  }

  /// The module where a variable of that name lives now.
  func owner(of name: String) -> String? {
    cells.last { $0.declarations.contains { $0.name == name && $0.kind != .other } }?.module
  }

  /// The import lines for a cell: whole modules bring extensions and operators, scoped imports make the newest of each
  /// name the one that is meant, also against libraries.
  func importLines(for cell: ParsedCell) -> [String] {
    // What the cell extends anew must not meet what it replaces; of its own names Swift takes care.
    var taken = Set(cell.declarations.filter { $0.kind == .other }.map(\.key))
    var owners: Set<String> = []
    var lines: [String] = []
    for cell in cells.reversed() {
      let live = cell.declarations.filter { !taken.contains($0.key) && !isShadowed($0, in: owners) }
      let named = live.filter { $0.kind != .other }
      for name in Set(named.map(\.name)).sorted() {
        let kind = named.first { $0.name == name }!.kind
        lines.append("@testable import \(kind.rawValue) \(cell.module).\(Self.escaped(name))")
      }
      let isWhole = live.count == cell.declarations.count && !cell.isPartial
      if isWhole || live.contains(where: { $0.kind == .other }) {
        lines.append("@testable import \(cell.module)")
      }
      taken.formUnion(cell.declarations.map(\.key))
      owners.formUnion(named.map { $0.kind == .function ? "func " + $0.name : $0.name })
    }
    return imports.filter { !cell.imports.contains($0) } + lines.reversed()
  }

  /// A newer variable or type hides all of an older name; a newer function only its own overload.
  private func isShadowed(_ declaration: Declaration, in owners: Set<String>) -> Bool {
    guard declaration.kind != .other else { return false }
    return owners.contains(declaration.name)
      || declaration.kind != .function && owners.contains("func " + declaration.name)
  }

  private static func escaped(_ name: String) -> String {
    let keywords: Set = [
      "class", "struct", "enum", "func", "var", "let", "if", "else", "for", "in", "while", "repeat", "switch",
      "case",
      "default", "do", "catch", "throw", "try", "return", "break", "continue", "guard", "import", "init",
      "deinit",
      "extension", "protocol", "public", "private", "internal", "static", "self", "Self", "super", "true",
      "false",
      "nil", "is", "as", "where", "operator", "typealias", "associatedtype", "subscript", "defer", "inout",
      "any",
    ]
    return keywords.contains(name) ? "`\(name)`" : name
  }
}
