import Notebook

/// How one language writes values down, so that its interpreter reads the very same value again.
///
/// Each language is a value of this type in a file of its family. A closure throws when the language has no way to
/// say a value; it never writes another one in its place.
struct Dialect: Sendable {
  typealias Literal = @Sendable (NotebookValue) throws(ParameterError) -> String

  /// What begins a comment.
  var comment: String
  /// Statements that give `name` the value.
  var assign: @Sendable (_ name: String, _ value: NotebookValue) throws(ParameterError) -> String
  /// Words that may stand before a name where it is declared: `let`, `my`, `int`.
  var declarators: Set<String> = []
  /// Whether a line without such a word declares nothing.
  var needsDeclarator = false
  /// Characters that may stand before a name: `$`, `@`.
  var sigils: Set<Character> = []
  /// What stands between the name and its value where it is declared.
  var assignments = ["="]
  /// Whether a name may be followed by `: type`.
  var hasAnnotations = false
  /// Whether a name can be a variable of the language.
  var isName: @Sendable (String) -> Bool = Dialect.isIdentifier

  /// Letters, digits and underscores, no digit first: a variable everywhere.
  @Sendable static func isIdentifier(_ name: String) -> Bool {
    guard let first = name.unicodeScalars.first, first == "_" || first.properties.isXIDStart else {
      return false
    }
    return name.unicodeScalars.allSatisfy { $0 == "_" || $0.properties.isXIDContinue }
  }

  @Sendable static func isPlainIdentifier(_ name: String) -> Bool {
    isIdentifier(name) && name.utf8.allSatisfy { $0 < 128 }
  }

  /// The language's dialect, by its name or that of a kernel; nil when parameters cannot be given to it.
  static func named(_ name: String) -> Dialect? {
    switch name.lowercased() {
    case "python", "python3", "py", "ipython", "pysparkkernel", "xpython": python
    case "bash", "sh", "zsh": bash
    case "javascript", "js", "node", "typescript", "deno": javascript
    case "r", "ir", "sparkrkernel": r
    case "ruby", "rb": ruby
    case "perl", "pl": perl
    case "lua": lua
    case "tcl": tcl
    case "java", "jshell": java
    case "octave", "matlab": octave
    case "swift": swift
    case "sql", "sqlite", "postgresql", "duckdb": sql
    case "julia", "julia-1.10", "julia-1.11": julia
    default: nil
    }
  }

  /// The names under which ``named(_:)`` knows the languages.
  static let known = [
    "bash", "java", "javascript", "julia", "lua", "octave", "perl", "python", "r", "ruby", "sql", "swift",
    "tcl",
    "typescript",
  ]

  /// A cell that gives all of them their values, under a comment.
  func cell(_ parameters: NotebookObject, comment text: String) throws(ParameterError) -> String {
    var lines = ["\(comment) \(text)"]
    for parameter in parameters.members {
      guard isName(parameter.name) else {
        throw ParameterError(
          "\"\(parameter.name)\" cannot be the name of a variable in this language",
          remedy: "choose another name")
      }
      do {
        lines.append(try assign(parameter.name, parameter.value))
      } catch {
        throw ParameterError("the parameter \"\(parameter.name)\": \(error)")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

/// Text between quotes, by code points: a quote with an accent on it still ends a string.
enum Quoted {
  /// - Parameters:
  ///   - escapes: what stands for a character that cannot stand for itself.
  ///   - control: what stands for any other control character; it throws where there is no way.
  static func text(
    _ text: String, quote: String = "\"", escapes: [Unicode.Scalar: String],
    control: (UInt32) throws(ParameterError) -> String
  ) throws(ParameterError) -> String {
    var result = quote
    for scalar in text.unicodeScalars {
      if let escape = escapes[scalar] {
        result += escape
      } else if scalar.value < 32 || scalar.value == 127 || (0x80...0x9F).contains(scalar.value) {
        result += try control(scalar.value)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result + quote
  }

  static let cEscapes: [Unicode.Scalar: String] = [
    "\\": "\\\\", "\"": "\\\"", "\n": "\\n", "\r": "\\r", "\t": "\\t",
  ]

  /// For languages that take a control character for itself.
  @Sendable static func asItIs(_ value: UInt32) -> String { Unicode.Scalar(value).map { String($0) } ?? "" }

  static func hex(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  static func noNull(in language: String) -> ParameterError {
    ParameterError("\(language) has no text with a NUL character")
  }
}

/// Numbers by kind.
enum Number {
  case integer(String)
  /// Digits with a point or an exponent.
  case float(String)
  case notANumber
  case infinity
  case minusInfinity

  init(_ text: String) {
    switch text {
    case "NaN": self = .notANumber
    case "Infinity": self = .infinity
    case "-Infinity": self = .minusInfinity
    default:
      let isFloat = text.utf8.contains {
        $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E")
      }
      self = isFloat ? .float(text) : .integer(text)
    }
  }

  /// For languages whose numbers are doubles: the same digits if a double holds exactly that number.
  static func exactDouble(_ digits: String, in language: String) throws(ParameterError) -> String {
    if digits.count < 16 { return digits }
    guard let value = Double(digits), value.isFinite, ExactInteger.digits(of: value) == digits else {
      throw ParameterError(
        "\(language) cannot hold the whole number \(digits) exactly", remedy: "give it as text with -r")
    }
    return digits
  }
}

/// The decimal digits of whole doubles.
enum ExactInteger {
  static func digits(of value: Double) -> String? {
    guard value == value.rounded(.towardZero) else { return nil }
    if let small = Int(exactly: value) { return String(small) }
    let exponent = value.exponent
    guard exponent < 1024 else { return nil }
    // The significand as a whole number, times a power of two, written in base 16 so that it becomes decimal exactly.
    let shift = Int(exponent) - 52
    let significand = UInt64(value.significandBitPattern) | (1 << 52)
    let hex = String(significand << UInt64(shift % 4), radix: 16) + String(repeating: "0", count: shift / 4)
    return BigDigits.decimal(of: hex, base: 16).map { (value < 0 ? "-" : "") + $0 }
  }
}
