import JupyterProtocol

/// A result as the MIME types that front ends show: text, HTML, and a table for programs.
struct ResultRendering {
  let table: ResultTable
  /// How long the statement took, in seconds.
  let elapsed: Double

  /// What is longer is shown cut off; only the table for programs has all of it.
  private static let longestShown = 500

  /// The MIME bundle, JSON text of an object.
  var bundle: [UInt8] {
    var writer = JSONWriter(reserving: 4096)
    writer.object { writer in
      writer.member("text/plain", plain)
      writer.member("text/html", html)
      writer.member("application/vnd.dataresource+json", dataResource)
    }
    return writer.bytes
  }

  // MARK: - The note below

  /// `3 rows`, or how many of how many.
  private var count: String {
    let shown = table.rows.count
    if !table.isCut { return "\(Self.grouped(shown)) \(shown == 1 ? "row" : "rows")" }
    guard let total = table.total else {
      return "the first \(Self.grouped(shown)) rows; there are more, limit=N on the marker line shows N"
    }
    return
      "the first \(Self.grouped(shown)) of \(Self.grouped(total)) rows; limit=N on the marker line shows N"
  }

  /// A duration for people; empty when it is too short to be of interest, so that outputs stay comparable.
  static func noticeable(_ seconds: Double) -> String {
    seconds < 1 ? "" : duration(seconds)
  }

  static func duration(_ seconds: Double) -> String {
    if seconds < 1 { return "\(Int(seconds * 1000)) ms" }
    let hundredths = Int(seconds * 100)
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) s"
  }

  private static func grouped(_ number: Int) -> String {
    var digits = Array(String(number))
    var place = digits.count - 3
    while place > 0 {
      digits.insert(",", at: place)
      place -= 3
    }
    return String(digits)
  }

  // MARK: - Text

  var plain: String {
    let names = table.columns.map { Self.oneLine($0.name) }
    let cells = table.rows.map { row in row.map { $0.text.map(Self.oneLine) ?? "NULL" } }
    let right = table.columns.indices.map(isRight)
    let widths = names.indices.map { column in
      max(Self.width(names[column]), cells.lazy.map { Self.width($0[column]) }.max() ?? 0)
    }
    func line(_ texts: [String], alignsRight: (Int) -> Bool) -> String {
      var line = ""
      for (column, text) in texts.enumerated() {
        let space = String(repeating: " ", count: widths[column] - Self.width(text))
        line += column == 0 ? " " : "│ "
        if alignsRight(column) { line += space }
        line += text
        // Nothing is left at the end of a line that nobody sees.
        if column < texts.count - 1 { line += alignsRight(column) ? " " : space + " " }
      }
      while line.utf8.last == UInt8(ascii: " ") { line.removeLast() }
      return line
    }
    var lines: [String] = []
    if !names.isEmpty {
      lines.append(line(names) { right[$0] })
      lines.append(widths.map { String(repeating: "─", count: $0 + 2) }.joined(separator: "┼"))
      lines += cells.map { line($0) { right[$0] } }
    }
    let time = Self.noticeable(elapsed)
    lines.append("(\(count)\(time.isEmpty ? "" : ", \(time)"))")
    return lines.joined(separator: "\n")
  }

  private func isRight(_ column: Int) -> Bool {
    switch table.columns[column].kind {
    case .integer, .number, .decimal: true
    case .any: table.rows.allSatisfy { $0[column] == .null || $0[column].isNumeric }
    default: false
    }
  }

  /// A value on one line: a table has no room for line breaks.
  private static func oneLine(_ text: String) -> String {
    // Most values are short and plain; going through scalars would take most of the time of a result.
    if text.utf8.count <= longestShown, text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
    var result = String.UnicodeScalarView()
    for (number, scalar) in text.unicodeScalars.enumerated() {
      guard number < longestShown else {
        result.append("…")
        break
      }
      switch scalar {
      case "\n": result.append("↵")
      case "\t": result.append("⇥")
      case "\r": break
      case _ where scalar.value < 0x20 || scalar.value == 0x7F: result.append("\u{FFFD}")
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// The columns a text takes on a screen: East Asian wide characters two, combining ones none.
  private static func width(_ text: String) -> Int {
    text.utf8.allSatisfy { $0 < 0x80 } ? text.utf8.count : text.reduce(0) { $0 + width($1) }
  }

  private static func width(_ character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
      0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
      return 2
    default: return scalar.properties.generalCategory == .nonspacingMark ? 0 : 1
    }
  }

  // MARK: - HTML

  var html: String {
    var html = "<table>\n<thead><tr>"
    for column in table.columns.indices {
      html += "<th\(style(column))>\(Self.escaped(table.columns[column].name))</th>"
    }
    html += "</tr></thead>\n<tbody>\n"
    let styles = table.columns.indices.map(style)
    for row in table.rows {
      html += "<tr>"
      for (column, value) in row.enumerated() {
        html += "<td\(styles[column])>\(value.text.map(Self.cell) ?? "<i style=\"opacity:.5\">NULL</i>")</td>"
      }
      html += "</tr>\n"
    }
    return html + "</tbody>\n</table>\n<div style=\"opacity:.6;font-size:smaller\">"
      + "\(count), \(Self.duration(elapsed))</div>"
  }

  private func style(_ column: Int) -> String {
    " style=\"text-align:\(isRight(column) ? "right" : "left")\""
  }

  private static func cell(_ text: String) -> String {
    if text.utf8.count <= longestShown * 4 { return escaped(text) }
    let shown = text.unicodeScalars.prefix(longestShown * 4)
    let isWhole = shown.endIndex == text.unicodeScalars.endIndex
    return escaped(String(shown)) + (isWhole ? "" : "…")
  }

  static func escaped(_ text: String) -> String {
    guard text.utf8.contains(where: { "&<>\"\n".utf8.contains($0) }) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n": result += "<br>"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  // MARK: - Table for programs

  /// Numbers beyond this are not exact in programs that read JSON numbers as doubles.
  private static let exact = Int64(1) << 53

  /// A Tabular Data Resource. A column whose values would lose digits as JSON numbers has them as strings, and says so
  /// with `"representation": "string"` beside its type.
  var dataResource: JSONValue {
    let names = uniqueNames
    let asStrings = table.columns.indices.map(needsStrings)
    let fields = table.columns.indices.map { column in
      var field: [JSONValue.Member] = [.init("name", .string(names[column]))]
      let kind = table.columns[column].kind ?? .any
      switch kind {
      case .decimal: field.append(.init("type", "number"))
      case .binary: field += [.init("type", "string"), .init("format", "binary")]
      default: field.append(.init("type", .string(kind.rawValue)))
      }
      if asStrings[column] { field.append(.init("representation", "string")) }
      if names[column] != table.columns[column].name {
        field.append(.init("title", .string(table.columns[column].name)))
      }
      return JSONValue.object(field)
    }
    let data = table.rows.map { row in
      JSONValue.object(
        row.enumerated().map { column, value in
          .init(names[column], Self.json(value, asString: asStrings[column]))
        })
    }
    return .object([
      .init("profile", "tabular-data-resource"), .init("schema", .object([.init("fields", .array(fields))])),
      .init("data", .array(data)),
    ])
  }

  /// Columns may share a name; members of a JSON object may not.
  private var uniqueNames: [String] {
    var used: Set<String> = []
    return table.columns.map { column in
      var name = column.name
      var number = 2
      while !used.insert(name).inserted {
        name = "\(column.name)_\(number)"
        number += 1
      }
      return name
    }
  }

  private func needsStrings(_ column: Int) -> Bool {
    table.columns[column].kind == .decimal
      || table.rows.contains { row in
        switch row[column] {
        case .integer(let number): number.magnitude > Self.exact
        case .real(let number): !number.isFinite
        case .number: true
        default: false
        }
      }
  }

  private static func json(_ value: SQLValue, asString: Bool) -> JSONValue {
    switch value {
    case .null: .null
    case .bool(let flag): .bool(flag)
    case .integer(let number) where !asString: .integer(Int(number))
    case .real(let number) where !asString: .double(number)
    default: value.text.map(JSONValue.string) ?? .null
    }
  }
}
