/// The text that the compiler gets for a cell: the user's, with a little put in that the user never sees.
struct CellSource {
  private struct Insertion {
    var offset: Int
    var text: String
  }

  let code: String
  let file: String
  private var insertions: [Insertion] = []

  /// What is put in beyond what every cell gets, as the compiler asked for it.
  struct Edits: Equatable {
    /// The last expression is handed to the notebook.
    var echoes = true
    /// Names, by their places, that mean what an earlier module declares.
    var qualified: [Int: String] = [:]
    /// Places of members that must be public, as the type that they extend is an earlier cell's.
    var published: Set<Int> = []
    /// Import lines that turned out to name nothing.
    var refusedImports: Set<String> = []
  }

  init(_ code: String, parsed: ParsedCell, file: String, edits: Edits) {
    self.code = code
    self.file = file
    for (step, end) in parsed.steps.enumerated() {
      insertions.append(Insertion(offset: end, text: ";_parleyStep(\(step))"))
    }
    for offset in parsed.variables {
      insertions.append(Insertion(offset: offset, text: "nonisolated(unsafe) "))
    }
    for (offset, module) in edits.qualified {
      insertions.append(Insertion(offset: offset, text: module + "."))
    }
    for offset in edits.published { insertions.append(Insertion(offset: offset, text: "public ")) }
    if edits.echoes, let echo = parsed.echo {
      insertions.append(Insertion(offset: echo.lowerBound, text: "_parleyEcho("))
      insertions.append(Insertion(offset: echo.upperBound, text: ")"))
    }
    insertions.sort { $0.offset < $1.offset }
  }

  /// The module's whole text.
  func text(imports: [String]) -> String {
    var body: [UInt8] = []
    var at = 0
    let bytes = Array(code.utf8)
    for insertion in insertions {
      body += bytes[at..<insertion.offset]
      body += Array(insertion.text.utf8)
      at = insertion.offset
    }
    body += bytes[at...]
    return """
      import Parley
      import func Parley.readLine
      \(imports.joined(separator: "\n"))
      _parleyBegin()
      #sourceLocation(file: "\(file)", line: 1)
      \(String(decoding: body, as: UTF8.self))
      #sourceLocation(file: "parley", line: 1)
      _parleyEnd()

      """
  }

  /// The place in the user's text, in bytes, of a line and column in the compiler's.
  func offset(line: Int, column: Int) -> Int {
    lineStart(line) + self.column(column, onLine: line) - 1
  }

  private func lineStart(_ line: Int) -> Int {
    var start = 0
    for _ in 1..<max(line, 1) {
      guard let newline = code.utf8.dropFirst(start).firstIndex(of: UInt8(ascii: "\n")) else { break }
      start = code.utf8.distance(from: code.utf8.startIndex, to: newline) + 1
    }
    return start
  }

  /// The column in the user's text, counted in bytes from 1, of one in the compiler's.
  func column(_ column: Int, onLine line: Int) -> Int {
    let start = lineStart(line)
    let bytes = Array(code.utf8)
    var result = column
    for insertion in insertions where insertion.offset >= start {
      guard !bytes[start..<insertion.offset].contains(UInt8(ascii: "\n")) else { break }
      let place = insertion.offset - start + 1
      guard place < result else { break }
      result = max(place, result - insertion.text.utf8.count)
    }
    return result
  }
}
