import JupyterProtocol

/// A part of a cell that one language runs.
struct CellSegment: Equatable {
  enum Target: Equatable {
    /// The notebook's default language.
    case standard
    /// The marker is what follows the name on its line, without white space around it.
    case language(name: String, instance: String, marker: String)
    /// A line that the server itself handles: the command and its arguments.
    case command(String, arguments: [String])
    /// A marker on the first line that names nothing known.
    case unknown(String)
  }

  var target: Target
  /// The cell's text up to the segment's end, with every line that is not the segment's blanked, so that
  /// line numbers and cursor positions need no mapping.
  var code: String
}

/// Finds out which language gets a cell: the rules of docs/user-guide.md, "Which language runs a cell".
///
/// Pure text work; it knows the names there are by asking.
struct CellRouter {
  /// The lines that the server handles, with what they do.
  static let commands: [(name: String, help: String)] = [
    ("languages", "list the languages and what is missing"),
    ("restart", "restart the given languages, or the default one"),
    ("interrupt", "interrupt the given language, or everything"),
    ("help", "show this help"),
  ]

  private static let shellCommands: Set<String> = [
    "apt", "apt-get", "brew", "cat", "cd", "chmod", "conda", "cp", "curl", "git", "ls", "mamba", "mkdir",
    "mv", "npm", "pip", "pip3", "poetry", "rm", "sudo", "tar", "unzip", "uv", "wget",
  ]

  /// Whether a name or alias is a language.
  let isLanguage: (String) -> Bool
  /// Whether `%%name` belongs to the default language.
  let defaultOwnsCellMagics: Bool

  /// The cell in segments, at least one.
  /// - Parameter metadata: the request's metadata, which may name a language for an unmarked cell.
  func segments(of code: String, metadata: JSONValue? = nil) -> [CellSegment] {
    // By bytes: "\r\n" is one Character, and would not be split. And a cell may have millions of lines, so only those
    // are looked at that may be markers.
    let text = Array(code.utf8)
    var markers: [(line: Range<Int>, target: CellSegment.Target)] = []
    for line in Self.candidates(in: text) {
      let words = Substring(decoding: text[line], as: UTF8.self)
      if let target = target(ofLine: words, isFirst: line.lowerBound == 0) { markers.append((line, target)) }
    }
    var segments: [CellSegment] = []
    var current = CellSegment.Target.standard
    if markers.first?.line.lowerBound != 0 {
      current = metadataTarget(metadata)
      let end = markers.first.map { $0.line.lowerBound - 1 } ?? text.count
      segments.append(CellSegment(target: current, code: String(decoding: text[..<end], as: UTF8.self)))
    }
    // The lines so far, all blanked; it grows with the cell, so that many markers cost no more than few.
    var blanks: [UInt8] = []
    var blanked = 0
    for (index, marker) in markers.enumerated() {
      Self.blank(text[blanked..<marker.line.upperBound], into: &blanks)
      blanked = marker.line.upperBound
      let next = index + 1 < markers.count ? markers[index + 1].line.lowerBound : nil
      // From the line break on; nothing where another marker follows at once, or the end.
      let own = text[marker.line.upperBound..<(next.map { $0 - 1 } ?? text.count)]
      if case .command = marker.target {
        // A command is one line; what follows goes on in the language from before.
        segments.append(CellSegment(target: marker.target, code: String(decoding: blanks, as: UTF8.self)))
        guard !String(decoding: own, as: UTF8.self).allSatisfy(\.isWhitespace) else { continue }
      } else {
        current = marker.target
      }
      segments.append(CellSegment(target: current, code: String(decoding: blanks + own, as: UTF8.self)))
    }
    return segments
  }

  /// The lines that may be markers, without their line breaks: the first, and those that begin with `#!`.
  private static func candidates(in text: [UInt8]) -> [Range<Int>] {
    let lineBreak = UInt8(ascii: "\n")
    func line(from start: Int) -> Range<Int> {
      start..<(text[start...].firstIndex(of: lineBreak) ?? text.count)
    }
    var found = [line(from: 0)]
    var position = 0
    while let end = text[position...].firstIndex(of: lineBreak) {
      position = end + 1
      let isCandidate =
        position + 1 < text.count && text[position] == UInt8(ascii: "#")
        && text[position + 1] == UInt8(ascii: "!")
      if isCandidate { found.append(line(from: position)) }
    }
    return found
  }

  /// A space for each code point, so that positions stay what they were.
  private static func blank(_ text: ArraySlice<UInt8>, into blanks: inout [UInt8]) {
    for byte in text where byte & 0xC0 != 0x80 {
      blanks.append(byte == UInt8(ascii: "\n") ? byte : UInt8(ascii: " "))
    }
  }

  /// The segment that holds the cursor. Commands and unknown markers have no language to ask.
  /// - Parameter cursor: in code points from the start of the cell.
  func segment(of code: String, at cursor: Int) -> CellSegment? {
    let found = segments(of: code)
    return found.first { $0.code.unicodeScalars.count >= cursor } ?? found.last
  }

  /// The marker line that the cursor is on, from its start to the cursor; nil when it is on none.
  func markerPrefix(of code: String, at cursor: Int) -> String? {
    let before = String(String.UnicodeScalarView(code.unicodeScalars.prefix(cursor)))
    let lines = before.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let line = lines.last.map(Substring.init) ?? ""
    guard line.hasPrefix("#!"), !line.hasPrefix("#!/"), !line.contains(" ") else { return nil }
    return String(line)
  }

  // MARK: - Lines

  private func target(ofLine line: Substring, isFirst: Bool) -> CellSegment.Target? {
    let text = line.utf8.last == UInt8(ascii: "\r") ? Substring(line.utf8.dropLast()) : line
    if text.hasPrefix("#!") { return marker(text.dropFirst(2), isFirst: isFirst) }
    guard isFirst else { return nil }
    if text.hasPrefix("%%"), !defaultOwnsCellMagics { return knownLanguage(text.dropFirst(2)) }
    if text.hasPrefix(">") { return knownLanguage(text.dropFirst(1)) }
    return nil
  }

  private func marker(_ text: Substring, isFirst: Bool) -> CellSegment.Target? {
    let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
    // `#!/bin/sh` is a shebang and `#! text` a comment.
    guard let head = words.first, let initial = text.first, initial != "/", initial != " " else { return nil }
    let arguments = Array(words.dropFirst())
    if Self.commands.contains(where: { $0.name == head }) { return .command(head, arguments: arguments) }
    if let language = language(head, marker: Self.remainder(of: text, after: head)) { return language }
    // Further down a line that names nothing is a comment of the language.
    guard isFirst, Self.isName(head) else { return nil }
    // `#!pip install x` is what remains of IPython's `!pip install x` when somebody has commented it out.
    if !arguments.isEmpty, Self.shellCommands.contains(head) { return nil }
    return .unknown(head)
  }

  private func knownLanguage(_ text: Substring) -> CellSegment.Target? {
    let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
    guard let head = words.first, text.first != " " else { return nil }
    return language(head, marker: Self.remainder(of: text, after: head))
  }

  /// The text behind the first word of a marker line, spaces inside it kept.
  private static func remainder(of text: Substring, after head: String) -> String {
    let rest = text.dropFirst(head.count).drop(while: \.isWhitespace)
    return String(rest.reversed().drop(while: \.isWhitespace).reversed())
  }

  private func language(_ word: String, marker: String) -> CellSegment.Target? {
    let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard Self.isName(parts[0]), isLanguage(parts[0].lowercased()) else { return nil }
    return .language(
      name: parts[0].lowercased(), instance: parts.count > 1 ? parts[1] : "", marker: marker)
  }

  private static func isName(_ word: String) -> Bool {
    !word.isEmpty
      && word.unicodeScalars.allSatisfy { scalar in
        scalar.properties.isAlphabetic || scalar.properties.numericType != nil
          || "-_+:.#".unicodeScalars.contains(scalar)
      }
  }

  // MARK: - Metadata

  /// What Polyglot Notebooks, SoS and VS Code write into a cell's metadata, where a client sends it along.
  private func metadataTarget(_ metadata: JSONValue?) -> CellSegment.Target {
    let candidates = [
      metadata?["polyglot_notebook"]?["kernelName"]?.string,
      metadata?["dotnet_interactive"]?["language"]?.string,
      metadata?["kernel"]?.string,
      metadata?["vscode"]?["languageId"]?.string.map { Self.editorNames[$0] ?? $0 },
    ]
    for case let name? in candidates where isLanguage(name.lowercased()) {
      return .language(name: name.lowercased(), instance: "", marker: "")
    }
    return .standard
  }

  /// Editors' language ids that differ from the languages' names.
  private static let editorNames = ["shellscript": "bash", "pwsh": "powershell"]
}
