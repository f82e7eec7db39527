/// The XML in which sourcekitd describes declarations and their documentation, as text.
enum Markup {
  /// The text between the tags.
  static func plain(_ xml: String) -> String {
    var result = ""
    var isTag = false
    for character in xml {
      switch character {
      case "<": isTag = true
      case ">" where isTag: isTag = false
      default: if !isTag { result.append(character) }
      }
    }
    return unescaped(result)
  }

  /// Documentation, a paragraph for each element that holds text.
  static func paragraphs(_ xml: String) -> String {
    var text = xml
    // What comes before is the declaration once more.
    if let end = text.range(of: "</Declaration>") { text = String(text[end.upperBound...]) }
    for (tag, replacement) in [
      ("<codeVoice>", "`"), ("</codeVoice>", "`"), ("<Para>", "\n\n"), ("<Item>", "\n- "), ("<Name>", "\n\n"),
      ("</Name>", ": "), ("<CodeListing language=\"swift\">", "\n\n```swift\n"),
      ("</CodeListing>", "```\n\n"),
      ("<zCodeLineNumbered>", ""), ("</zCodeLineNumbered>", "\n"), ("<![CDATA[", ""), ("]]>", ""),
      ("<emphasis>", "*"), ("</emphasis>", "*"), ("<bold>", "**"), ("</bold>", "**"),
      ("<Discussion isVisible=\"1\">", ""), ("<ResultDiscussion>", "\n\nReturns: "),
      ("<ThrowsDiscussion>", "\n\nThrows: "),
    ] { text = text.replacing(tag, with: replacement) }
    var lines: [Substring] = []
    for line in plain(text).split(separator: "\n", omittingEmptySubsequences: false) {
      if line.isEmpty, lines.last?.isEmpty ?? true { continue }
      lines.append(line)
    }
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines.joined(separator: "\n").replacing("Returns: \n\n", with: "Returns: ")
      .replacing("Throws: \n\n", with: "Throws: ").replacing(": \n\n", with: ": ")
  }

  private static func unescaped(_ text: String) -> String {
    text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
      .replacing("&apos;", with: "'").replacing("&amp;", with: "&")
  }
}
