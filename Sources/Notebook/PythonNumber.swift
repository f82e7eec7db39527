/// Numbers as Python's json module writes them: integers by their digits, floats by `repr`.
enum PythonNumber {
  /// The text for a number that was written as `text`, which is valid JSON or one of `NaN`, `Infinity`, `-Infinity`.
  static func normalised(_ text: String) -> String {
    let isFloat = text.utf8.contains { byte in
      byte == UInt8(ascii: ".") || byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E")
    }
    if isFloat { return value(of: text).map(self.text(of:)) ?? text }
    return text == "-0" ? "0" : text
  }

  static func value(of text: String) -> Double? {
    switch text {
    case "NaN": .nan
    case "Infinity": .infinity
    case "-Infinity": -.infinity
    default: Double(text)
    }
  }

  /// Both languages write the shortest digits that read back as the same number; they differ in when they use an
  /// exponent, and in its form. Source: CPython, `format_float_short` with 'r'.
  static func text(of value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    let sign = value.sign == .minus ? "-" : ""
    let (digits, exponent) = decimal(value.magnitude.description)
    if digits == "0" { return sign + "0.0" }
    guard exponent >= -4, exponent < 16 else {
      let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
      let size = String(exponent.magnitude)
      let padded = size.count < 2 ? "0" + size : size
      return "\(sign)\(digits.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")\(padded)"
    }
    if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits }
    let whole = digits.prefix(exponent + 1)
    let zeros = String(repeating: "0", count: max(0, exponent + 1 - digits.count))
    let fraction = digits.dropFirst(exponent + 1)
    return "\(sign)\(whole)\(zeros).\(fraction.isEmpty ? "0" : String(fraction))"
  }

  /// The significant digits of a Swift description and the exponent of the first: 120.5 is ("1205", 2).
  private static func decimal(_ description: String) -> (digits: String, exponent: Int) {
    let parts = description.split(separator: "e", maxSplits: 1)
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    var digits = mantissa.joined()
    var exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + mantissa[0].count - 1
    while digits.hasPrefix("0"), digits.count > 1 {
      digits.removeFirst()
      exponent -= 1
    }
    while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }
    return (digits, digits == "0" ? 0 : exponent)
  }
}
