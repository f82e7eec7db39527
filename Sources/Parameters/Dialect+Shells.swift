import Notebook

// Bash, Tcl and SQL: everything is text, and quoting is everything.

extension Dialect {
  static let bash = Dialect(
    comment: "#",
    assign: { (name, value) throws(ParameterError) in
      switch value {
      case .array(let values):
        var words: [String] = []
        for value in values { words.append(try bashWord(value)) }
        return "\(name)=(\(words.joined(separator: " ")))"
      case .object(let object):
        var words: [String] = []
        for member in object.members {
          guard !member.name.isEmpty else {
            throw ParameterError("Bash has no empty keys", remedy: "name the key")
          }
          words.append("[\(try bashQuoted(member.name))]=\(try bashWord(member.value))")
        }
        return "unset \(name); declare -gA \(name)=(\(words.joined(separator: " ")))"
      default: return "\(name)=\(try bashWord(value))"
      }
    },
    declarators: ["declare", "export", "local", "readonly"], isName: isPlainIdentifier)

  /// One word. What is nested in a list or a mapping, which Bash cannot hold, is its JSON text.
  private static func bashWord(_ value: NotebookValue) throws(ParameterError) -> String {
    switch value {
    case .null: return "''"
    case .bool(let value): return value ? "true" : "false"
    case .number(let text):
      switch Number(text) {
      case .integer(let digits), .float(let digits): return digits
      case .notANumber: return "nan"
      case .infinity: return "inf"
      case .minusInfinity: return "-inf"
      }
    case .string(let text): return try bashQuoted(text)
    case .array, .object: return try bashQuoted(String(decoding: value.line, as: UTF8.self))
    }
  }

  private static func bashQuoted(_ text: String) throws(ParameterError) -> String {
    if text.unicodeScalars.contains("\0") { throw Quoted.noNull(in: "Bash") }
    if !text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
      return try Quoted.text(text, quote: "'", escapes: ["'": "'\\''"], control: Quoted.asItIs)
    }
    // A line of its own could look like the marker of another language.
    let escapes: [Unicode.Scalar: String] = [
      "\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t",
    ]
    return try "$"
      + Quoted.text(text, quote: "'", escapes: escapes) {
        let octal = String($0, radix: 8)
        return $0 < 128
          ? "\\" + String(repeating: "0", count: 3 - octal.count) + octal : Quoted.asItIs($0)
      }
  }

  static let tcl = Dialect(
    comment: "#", assign: { (name, value) throws(ParameterError) in "set \(name) \(try tclWord(value))" },
    declarators: ["set"], needsDeclarator: true, assignments: [" "], isName: isPlainIdentifier)

  @Sendable private static func tclWord(_ value: NotebookValue) throws(ParameterError) -> String {
    switch value {
    case .null: return "{}"
    case .bool(let value): return value ? "true" : "false"
    case .number(let text):
      switch Number(text) {
      case .integer(let digits), .float(let digits): return digits
      case .notANumber: return "NaN"
      case .infinity: return "Inf"
      case .minusInfinity: return "-Inf"
      }
    case .string(let text): return try tclText(text)
    case .array(let values):
      var words = ["list"]
      for value in values { words.append(try tclWord(value)) }
      return "[\(words.joined(separator: " "))]"
    case .object(let object):
      var words = ["dict create"]
      for member in object.members { words += [try tclText(member.name), try tclWord(member.value)] }
      return "[\(words.joined(separator: " "))]"
    }
  }

  private static func tclText(_ text: String) throws(ParameterError) -> String {
    let escapes = Quoted.cEscapes.merging(["$": "\\$", "[": "\\[", "]": "\\]", "{": "\\{", "}": "\\}"]) { $1 }
    return try Quoted.text(text, escapes: escapes) { "\\u\(Quoted.hex($0, digits: 4))" }
  }

  /// Values for `:name`, which the database binds.
  static let sql = Dialect(
    comment: "--",
    assign: { (name, value) throws(ParameterError) in
      switch value {
      case .null: return "\\set \(name) null"
      case .bool(let value): return "\\set \(name) \(value)"
      case .number(let text):
        guard case .integer(let digits) = Number(text) else {
          if case .float(let digits) = Number(text) { return "\\set \(name) \(digits)" }
          throw ParameterError(
            "SQL has no literal for \(text)", remedy: "give it as text with -r and cast it")
        }
        return "\\set \(name) \(digits)"
      case .string(let text):
        if text.unicodeScalars.contains(where: { $0 == "\n" || $0 == "\r" || $0 == "\0" }) {
          throw ParameterError("a value for SQL is one line of text", remedy: "leave the line breaks out")
        }
        let literal = try Quoted.text(text, quote: "'", escapes: ["'": "''"], control: Quoted.asItIs)
        return "\\set \(name) \(literal)"
      case .array, .object:
        throw ParameterError("SQL takes no lists or mappings", remedy: "give it as JSON text with -r")
      }
    },
    declarators: ["\\set"], needsDeclarator: true, assignments: [" "], isName: isPlainIdentifier)
}
