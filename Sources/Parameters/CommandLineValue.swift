import Notebook

/// The value of a text that follows `-p`: typed as papermill types it, that is as Python's `int` and `float` read.
enum CommandLineValue {
  static func value(of text: String) -> NotebookValue {
    switch text {
    case "True": return true
    case "False": return false
    case "None": return .null
    default: return integer(text).map(NotebookValue.number) ?? float(text) ?? .string(text)
    }
  }

  /// `int(text)`: blanks around it, a sign, leading zeros and single underscores between digits are fine.
  private static func integer(_ text: String) -> String? {
    let trimmed = Self.trimmed(text)
    let (sign, digits) = signed(trimmed)
    guard let bare = withoutUnderscores(digits) else { return nil }
    let significant = bare.drop { $0 == "0" }
    if significant.isEmpty { return "0" }
    return (sign == "-" ? "-" : "") + significant
  }

  private static func float(_ text: String) -> NotebookValue? {
    let trimmed = Self.trimmed(text)
    let (sign, rest) = signed(trimmed)
    switch rest.lowercased() {
    case "nan": return .number("NaN")
    case "inf", "infinity": return .number(sign == "-" ? "-Infinity" : "Infinity")
    default: break
    }
    let parts = rest.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
    let mantissa = parts[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let pieces = mantissa.map { $0.isEmpty ? "" : withoutUnderscores($0) }
    guard pieces.allSatisfy({ $0 != nil }), pieces.contains(where: { $0 != "" }) else { return nil }
    var exponent = ""
    if parts.count > 1 {
      let (sign, digits) = signed(parts[1])
      guard let bare = withoutUnderscores(digits) else { return nil }
      exponent = "e\(sign)\(bare)"
    }
    let whole = (pieces[0] ?? "").isEmpty ? "0" : pieces[0] ?? "0"
    let fraction = pieces.count > 1 && pieces[1]?.isEmpty == false ? pieces[1] ?? "0" : "0"
    return Double("\(sign)\(whole).\(fraction)\(exponent)").map(NotebookValue.double)
  }

  private static func trimmed(_ text: String) -> Substring {
    let start = text.drop(while: \.isWhitespace)
    guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return start[...end]
  }

  private static func signed(_ text: Substring) -> (sign: String, rest: Substring) {
    guard let first = text.first, first == "-" || first == "+" else { return ("", text) }
    return (first == "-" ? "-" : "", text.dropFirst())
  }

  /// The digits; nil when there is anything else, or an underscore that is not between two digits.
  private static func withoutUnderscores(_ text: some StringProtocol) -> String? {
    let groups = text.split(separator: "_", omittingEmptySubsequences: false)
    guard groups.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }) else {
      return nil
    }
    return groups.joined()
  }
}
