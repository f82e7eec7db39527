/// One message of the compiler.
struct Diagnostic {
  enum Severity: String { case error, warning, note, remark }

  var file: String
  var line: Int
  var column: Int
  var severity: Severity
  var text: String

  /// `cell 3:1:14: error: cannot find 'x' in scope`
  init?(_ line: Substring) {
    for severity in [Severity.error, .warning, .note, .remark] {
      let mark = ": \(severity.rawValue): "
      guard let place = line.range(of: mark) else { continue }
      let parts = line[..<place.lowerBound].split(separator: ":", omittingEmptySubsequences: false)
      if parts.count >= 3, let row = Int(parts[parts.count - 2]), let column = Int(parts[parts.count - 1]) {
        self.file = parts.dropLast(2).joined(separator: ":")
        self.line = row
        self.column = column
      } else {
        (file, self.line, column) = (String(line[..<place.lowerBound]), 0, 0)
      }
      self.severity = severity
      text = String(line[place.upperBound...])
      return
    }
    return nil
  }

  static func parse(_ output: String) -> [Diagnostic] {
    output.split(separator: "\n").compactMap { Diagnostic($0) }
  }

  /// The message with its place, the line of the cell and a mark below the column.
  func text(source: String?) -> String {
    guard line > 0 else { return "\(severity.rawValue): \(text)" }
    let lines = source?.lines ?? []
    guard line <= lines.count else { return "\(file):\(line):\(column): \(severity.rawValue): \(text)" }
    let row = lines[line - 1]
    let before = String(decoding: row.utf8.prefix(column - 1), as: UTF8.self)
    let number = "\(line)"
    let margin = String(repeating: " ", count: number.count)
    let blank = String(before.map { $0 == "\t" ? "\t" : " " })
    return """
      \(file):\(line):\(before.count + 1): \(severity.rawValue): \(text)
      \(number) | \(row)
      \(margin) | \(blank)^
      """
  }
}

extension StringProtocol {
  /// The first place of a text in this one; the standard library has no such search without Foundation.
  func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while let first = self[start...].firstIndex(of: text.first!) {
      if self[first...].hasPrefix(text) { return first..<index(first, offsetBy: text.count) }
      start = index(after: first)
    }
    return nil
  }
}
