import Notebook

/// What an unquoted word of YAML 1.1 means.
enum YAMLScalar {
  private static let words: [String: NotebookValue] = [
    "": .null, "~": .null, "null": .null, "Null": .null, "NULL": .null,
    "yes": true, "Yes": true, "YES": true, "no": false, "No": false, "NO": false,
    "true": true, "True": true, "TRUE": true, "false": false, "False": false, "FALSE": false,
    "on": true, "On": true, "ON": true, "off": false, "Off": false, "OFF": false,
    ".nan": .number("NaN"), ".NaN": .number("NaN"), ".NAN": .number("NaN"),
    ".inf": .number("Infinity"), ".Inf": .number("Infinity"), ".INF": .number("Infinity"),
    "+.inf": .number("Infinity"), "+.Inf": .number("Infinity"), "+.INF": .number("Infinity"),
    "-.inf": .number("-Infinity"), "-.Inf": .number("-Infinity"), "-.INF": .number("-Infinity"),
  ]

  static func value(of text: String) -> NotebookValue {
    words[text] ?? integer(text).map(NotebookValue.number) ?? float(text) ?? .string(text)
  }

  /// The value under an explicit tag (`!!str 1`); nil for tags that say nothing new.
  static func value(of text: String, tag: String) -> NotebookValue? {
    switch tag {
    case "tag:yaml.org,2002:str", "!": .string(text)
    case "tag:yaml.org,2002:int": integer(text).map(NotebookValue.number)
    case "tag:yaml.org,2002:float":
      float(text) ?? integer(text).flatMap(Double.init).map(NotebookValue.double)
    default: nil
    }
  }

  /// The decimal digits: `[-+]?` and then 0b1, 017, 0xF, 1_000 or 1:30 (sixty seconds a minute).
  private static func integer(_ text: String) -> String? {
    var digits = Substring(text)
    let sign = digits.first.flatMap { $0 == "-" || $0 == "+" ? $0 : nil }
    if sign != nil { digits = digits.dropFirst() }
    guard let first = digits.first, first.isASCII, first.isNumber else { return nil }
    let bare = digits.filter { $0 != "_" }
    let minus = sign == "-" ? "-" : ""
    func inBase(_ base: Int, _ text: some StringProtocol) -> String? {
      BigDigits.decimal(of: text, base: base).map { $0 == "0" ? $0 : minus + $0 }
    }
    if bare == "0" { return "0" }
    if bare.hasPrefix("0b") { return inBase(2, bare.dropFirst(2)) }
    if bare.hasPrefix("0x") { return inBase(16, bare.dropFirst(2)) }
    if bare.hasPrefix("0") { return inBase(8, bare.dropFirst()) }
    if bare.contains(":") { return sexagesimal(bare).map { minus + String($0) } }
    return bare.utf8.allSatisfy { (48...57).contains($0) } ? minus + bare : nil
  }

  private static func sexagesimal(_ text: some StringProtocol) -> Int? {
    var total = 0
    for (index, part) in text.split(separator: ":", omittingEmptySubsequences: false).enumerated() {
      guard let number = Int(part), number >= 0, index == 0 || number < 60, part.count <= (index == 0 ? 9 : 2)
      else { return nil }
      total = total * 60 + number
    }
    return total
  }

  /// PyYAML asks for a point: 1e5 is text, 1.0e+5 a number.
  private static func float(_ text: String) -> NotebookValue? {
    let bare = text.filter { $0 != "_" }
    var rest = Substring(bare)
    if rest.hasPrefix("-") || rest.hasPrefix("+") { rest = rest.dropFirst() }
    let parts = rest.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    let fraction = parts[1].prefix { $0.isASCII && $0.isNumber }
    guard !parts[0].isEmpty || !fraction.isEmpty else { return nil }
    let exponent = parts[1].dropFirst(fraction.count)
    if !exponent.isEmpty {
      guard exponent.first == "e" || exponent.first == "E",
        let sign = exponent.dropFirst().first, sign == "+" || sign == "-",
        !exponent.dropFirst(2).isEmpty, exponent.dropFirst(2).utf8.allSatisfy({ (48...57).contains($0) })
      else { return nil }
    }
    let sign = bare.hasPrefix("-") ? "-" : ""
    let whole = parts[0].isEmpty ? "0" : String(parts[0])
    return Double("\(sign)\(whole).\(fraction.isEmpty ? "0" : String(fraction))\(exponent)").map(
      NotebookValue.double)
  }
}

/// Whole numbers of any size, as text.
enum BigDigits {
  /// The decimal digits of a number in another base; nil when a digit does not belong to it, or there is none.
  static func decimal(of text: some StringProtocol, base: Int) -> String? {
    guard !text.isEmpty else { return nil }
    var digits = [0]  // least significant first
    for character in text {
      guard let value = character.hexDigitValue, value < base else { return nil }
      var carry = value
      for index in digits.indices {
        let sum = digits[index] * base + carry
        digits[index] = sum % 10
        carry = sum / 10
      }
      while carry > 0 {
        digits.append(carry % 10)
        carry /= 10
      }
    }
    return digits.reversed().map(String.init).joined()
  }
}
