/// Finds the variables that a cell declares, by how its lines look; no interpreter is asked.
///
/// A declaration is a line at the margin: `name = value`, with what the language puts before and between
/// (`let name: Int = 1;`, `my $name = 1;`, `name <- 1`, `set name 1`). A value may go on over several lines while a
/// bracket or a triple quote is open. Whatever looks different is passed over.
struct ParameterScanner {
  let dialect: Dialect

  func parameters(in source: String) -> [DeclaredParameter] {
    var found: [DeclaredParameter] = []
    for line in logicalLines(source) {
      guard let parameter = declaration(line) else { continue }
      // The last assignment is the one that counts.
      found.removeAll { $0.name == parameter.name }
      found.append(parameter)
    }
    return found
  }

  // MARK: - Lines

  /// Lines joined while a bracket or a long string is open.
  private func logicalLines(_ source: String) -> [String] {
    var lines: [String] = []
    var current = ""
    for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
      current += current.isEmpty ? String(line) : "\n" + line
      if isOpen(current) { continue }
      lines.append(current)
      current = ""
    }
    if !current.isEmpty { lines.append(current) }
    return lines
  }

  private func isOpen(_ text: String) -> Bool {
    var scan = Scan(text[...], dialect)
    while scan.next() != nil {}
    return scan.depth > 0 || scan.isInLongString
  }

  // MARK: - Declarations

  private func declaration(_ line: String) -> DeclaredParameter? {
    var rest = line[...]
    guard let first = rest.first, !first.isWhitespace else { return nil }
    while let word = leadingWord(rest), dialect.declarators.contains(word) {
      rest = rest.dropFirst(word.count).drop { $0 == " " || $0 == "\t" }
    }
    if dialect.needsDeclarator, rest.startIndex == line.startIndex { return nil }
    if let sigil = rest.first, dialect.sigils.contains(sigil) { rest = rest.dropFirst() }
    if rest.first == "`", let end = rest.dropFirst().firstIndex(of: "`") {
      let name = rest[rest.index(after: rest.startIndex)..<end]
      return declaration(named: String(name), rest[rest.index(after: end)...])
    }
    let name = rest.prefix { $0 == "_" || $0.isLetter || $0.isNumber || $0 == "." }
    guard dialect.isName(String(name)) || name.contains(".") else { return nil }
    // `a.b = 1` sets a member, but in R a point is part of a name.
    if name.contains("."), !dialect.assignments.contains("<-") { return nil }
    return declaration(named: String(name), rest.dropFirst(name.count))
  }

  private func leadingWord(_ text: Substring) -> String? {
    let word = text.prefix { !$0.isWhitespace }
    return word.isEmpty || word.count == text.count ? nil : String(word)
  }

  private func declaration(named name: String, _ text: Substring) -> DeclaredParameter? {
    var rest = text
    var annotation: String?
    if dialect.hasAnnotations, rest.drop(while: \.isWhitespace).first == ":" {
      rest = rest.drop(while: \.isWhitespace).dropFirst()
      var scan = Scan(rest, dialect)
      var end = rest.endIndex
      while let (index, character) = scan.next() {
        if scan.depth == 0, character == "=" || scan.isComment(at: index) {
          end = index
          break
        }
      }
      annotation = rest[..<end].trimmingBlanks
      rest = rest[end...]
    }
    guard let operatorText = operatorText(rest) else {
      let comment = comment(in: rest)
      guard let annotation, !annotation.isEmpty,
        comment != nil || rest.allSatisfy({ $0.isWhitespace || $0 == ";" })
      else { return nil }
      return DeclaredParameter(name: name, annotation: annotation, defaultText: nil, help: comment ?? "")
    }
    rest = rest.drop(while: { $0 == " " || $0 == "\t" }).dropFirst(
      operatorText == " " ? 0 : operatorText.count)
    var scan = Scan(rest, dialect)
    var end = rest.endIndex
    while let (index, _) = scan.next() {
      if scan.depth == 0, !scan.isInString, scan.isComment(at: index) {
        end = index
        break
      }
    }
    var help = comment(in: rest[end...]) ?? ""
    if help.hasPrefix("type:") {
      let words = help.dropFirst(5).drop(while: \.isWhitespace)
      let type = words.prefix { !$0.isWhitespace }
      annotation = annotation ?? String(type)
      help = words.dropFirst(type.count).trimmingBlanks
    }
    var value = rest[..<end].trimmingBlanks
    if value.hasSuffix(";") { value = value.dropLast().trimmingBlanks }
    guard !value.isEmpty else { return nil }
    return DeclaredParameter(name: name, annotation: annotation, defaultText: value, help: help)
  }

  /// The assignment that comes next, blanks passed over.
  private func operatorText(_ text: Substring) -> String? {
    let rest = text.drop { $0 == " " || $0 == "\t" }
    for candidate in dialect.assignments {
      if candidate == " " {
        if rest.count < text.count, !rest.isEmpty { return " " }
      } else if rest.hasPrefix(candidate), !rest.dropFirst(candidate.count).hasPrefix("=") {
        return candidate
      }
    }
    return nil
  }

  private func comment(in text: Substring) -> String? {
    let rest = text.drop(while: { $0.isWhitespace || $0 == ";" })
    guard rest.hasPrefix(dialect.comment) else { return nil }
    return rest.dropFirst(dialect.comment.count).trimmingBlanks
  }
}

/// Walks over text and knows what is in quotes and how deep in brackets it is.
private struct Scan {
  private let text: Substring
  private let comment: String
  private var index: Substring.Index
  private var quote: Substring?
  private(set) var depth = 0
  var isInString: Bool { quote != nil }
  /// A string that may go on in the next line.
  var isInLongString: Bool { quote?.count == 3 || quote == "`" }

  init(_ text: Substring, _ dialect: Dialect) {
    self.text = text
    comment = dialect.comment
    index = text.startIndex
  }

  func isComment(at index: Substring.Index) -> Bool { !isInString && text[index...].hasPrefix(comment) }

  /// The next character, after which the state is that before it has been read; nil at the end.
  mutating func next() -> (Substring.Index, Character)? {
    guard index < text.endIndex else { return nil }
    let start = index
    let character = text[start]
    defer { if index == start { index = text.index(after: start) } }
    if let quote {
      if character == "\\" {
        index = text.index(start, offsetBy: 2, limitedBy: text.endIndex) ?? text.endIndex
      } else if text[start...].hasPrefix(quote) {
        index = text.index(start, offsetBy: quote.count)
        self.quote = nil
      }
      return (start, character)
    }
    if isComment(at: start) {
      // Nothing behind it opens or closes anything; the caller decides whether to go on.
      index = text[start...].firstIndex(of: "\n") ?? text.endIndex
      return (start, character)
    }
    switch character {
    case "\"", "'", "`":
      let long = text[start...].prefix(3)
      quote = long == String(repeating: character, count: 3) ? long : text[start...].prefix(1)
      index = text.index(start, offsetBy: quote?.count ?? 1)
    case "(", "[", "{": depth += 1
    case ")", "]", "}": depth = max(0, depth - 1)
    default: break
    }
    return (start, character)
  }
}
