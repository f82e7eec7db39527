import Notebook

// Python, Ruby, Perl, JavaScript, Lua, Julia: lists and mappings nest, text is text.

extension Dialect {
  static let python = Dialect(
    comment: "#", assign: { (name, value) throws(ParameterError) in "\(name) = \(try pythonLiteral(value))" },
    hasAnnotations: true)

  @Sendable private static func pythonLiteral(_ value: NotebookValue) throws(ParameterError) -> String {
    switch value {
    case .null: return "None"
    case .bool(let value): return value ? "True" : "False"
    case .number(let text):
      switch Number(text) {
      case .integer(let digits), .float(let digits): return digits
      case .notANumber: return "float('nan')"
      case .infinity: return "float('inf')"
      case .minusInfinity: return "float('-inf')"
      }
    case .string(let text):
      return try Quoted.text(text, escapes: Quoted.cEscapes) { "\\x\(Quoted.hex($0, digits: 2))" }
    case .array(let values): return "[\(try joined(values, pythonLiteral))]"
    case .object(let object): return "{\(try joined(object, ": ", pythonLiteral))}"
    }
  }

  static let ruby = Dialect(
    comment: "#", assign: { (name, value) throws(ParameterError) in "\(name) = \(try rubyLiteral(value))" },
    sigils: ["$", "@"])

  @Sendable private static func rubyLiteral(_ value: NotebookValue) throws(ParameterError) -> String {
    switch value {
    case .null: return "nil"
    case .bool(let value): return value ? "true" : "false"
    case .number(let text):
      switch Number(text) {
      case .integer(let digits), .float(let digits): return digits
      case .notANumber: return "Float::NAN"
      case .infinity: return "Float::INFINITY"
      case .minusInfinity: return "-Float::INFINITY"
      }
    case .string(let text):
      // `#{...}` would run.
      let escapes = Quoted.cEscapes.merging(["#": "\\#"]) { $1 }
      return try Quoted.text(text, escapes: escapes) { "\\u{\(String($0, radix: 16))}" }
    case .array(let values): return "[\(try joined(values, rubyLiteral))]"
    case .object(let object): return "{\(try joined(object, " => ", rubyLiteral))}"
    }
  }

  static let perl = Dialect(
    comment: "#",
    assign: { (name, value) throws(ParameterError) in "our $\(name) = \(try perlLiteral(value));" },
    declarators: ["my", "our"], sigils: ["$", "@", "%"])

  @Sendable private static func perlLiteral(_ value: NotebookValue) throws(ParameterError) -> String {
    switch value {
    case .null: return "undef"
    case .bool(let value): return value ? "1" : "0"
    case .number(let text):
      switch Number(text) {
      case .integer(let digits):
        // Perl makes a double of what does not fit; text keeps its digits, and is a number where one is needed.
        let fits = digits.hasPrefix("-") ? Int64(digits) != nil : UInt64(digits) != nil
        return fits ? digits : "\"\(digits)\""
      case .float(let digits): return digits
      case .notANumber: return "(9**9**9 / 9**9**9)"
      case .infinity: return "9**9**9"
      case .minusInfinity: return "-9**9**9"
      }
    case .string(let text):
      let escapes = Quoted.cEscapes.merging(["$": "\\$", "@": "\\@"]) { $1 }
      return try Quoted.text(text, escapes: escapes) { "\\x{\(String($0, radix: 16))}" }
    case .array(let values): return "[\(try joined(values, perlLiteral))]"
    case .object(let object): return "{\(try joined(object, " => ", perlLiteral))}"
    }
  }

  static let javascript = Dialect(
    comment: "//",
    assign: { (name, value) throws(ParameterError) in "var \(name) = \(try javascriptLiteral(value));" },
    declarators: ["var", "let", "const"], hasAnnotations: true)

  @Sendable private static func javascriptLiteral(_ value: NotebookValue) throws(ParameterError) -> String {
    switch value {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .number(let text):
      switch Number(text) {
      case .integer(let digits):
        // Beyond 2^53 numbers are rounded; a BigInt is exact.
        return Int(digits).map { $0.magnitude <= 1 << 53 } == true ? digits : digits + "n"
      case .float(let digits): return digits
      case .notANumber: return "NaN"
      case .infinity: return "Infinity"
      case .minusInfinity: return "-Infinity"
      }
    case .string(let text): return try javascriptText(text)
    case .array(let values): return "[\(try joined(values, javascriptLiteral))]"
    case .object(let object):
      var members: [String] = []
      for member in object.members {
        let key = try javascriptText(member.name)
        // Without brackets this one name would set the prototype.
        members.append(
          "\(member.name == "__proto__" ? "[\(key)]" : key): \(try javascriptLiteral(member.value))")
      }
      return "{\(members.joined(separator: ", "))}"
    }
  }

  private static func javascriptText(_ text: String) throws(ParameterError) -> String {
    let escapes = Quoted.cEscapes.merging(["\u{2028}": "\\u2028", "\u{2029}": "\\u2029"]) { $1 }
    return try Quoted.text(text, escapes: escapes) { "\\x\(Quoted.hex($0, digits: 2))" }
  }

  static let lua = Dialect(
    comment: "--", assign: { (name, value) throws(ParameterError) in "\(name) = \(try luaLiteral(value))" },
    declarators: ["local"], isName: isPlainIdentifier)

  @Sendable private static func luaLiteral(_ value: NotebookValue) throws(ParameterError) -> String {
    switch value {
    case .null: return "nil"
    case .bool(let value): return value ? "true" : "false"
    case .number(let text):
      switch Number(text) {
      case .integer(let digits):
        if digits == "-9223372036854775808" { return "math.mininteger" }
        return Int64(digits) != nil ? digits : try Number.exactDouble(digits, in: "Lua") + ".0"
      case .float(let digits): return digits
      case .notANumber: return "(0/0)"
      case .infinity: return "math.huge"
      case .minusInfinity: return "-math.huge"
      }
    case .string(let text): return try luaText(text)
    case .array(let values):
      if values.contains(.null) {
        throw ParameterError("Lua has no lists that hold nil", remedy: "leave the nulls out")
      }
      return "{\(try joined(values, luaLiteral))}"
    case .object(let object):
      var members: [String] = []
      for member in object.members {
        members.append("[\(try luaText(member.name))] = \(try luaLiteral(member.value))")
      }
      return "{\(members.joined(separator: ", "))}"
    }
  }

  private static func luaText(_ text: String) throws(ParameterError) -> String {
    try Quoted.text(text, escapes: Quoted.cEscapes) { "\\u{\(String($0, radix: 16))}" }
  }

  static let julia = Dialect(
    comment: "#", assign: { (name, value) throws(ParameterError) in "\(name) = \(try juliaLiteral(value))" },
    declarators: ["const", "global", "local"])

  @Sendable private static func juliaLiteral(_ value: NotebookValue) throws(ParameterError) -> String {
    switch value {
    case .null: return "nothing"
    case .bool(let value): return value ? "true" : "false"
    case .number(let text):
      switch Number(text) {
      case .integer(let digits): return Int64(digits) != nil ? digits : "big\"\(digits)\""
      case .float(let digits): return digits
      case .notANumber: return "NaN"
      case .infinity: return "Inf"
      case .minusInfinity: return "-Inf"
      }
    case .string(let text):
      // `$name` would be filled in.
      let escapes = Quoted.cEscapes.merging(["$": "\\$"]) { $1 }
      return try Quoted.text(text, escapes: escapes) { "\\u\(Quoted.hex($0, digits: 4))" }
    case .array(let values): return values.isEmpty ? "[]" : "[\(try joined(values, juliaLiteral))]"
    case .object(let object): return "Dict{String,Any}(\(try joined(object, " => ", juliaLiteral)))"
    }
  }

  // MARK: - Lists

  static func joined(
    _ values: [NotebookValue], _ literal: Literal
  ) throws(ParameterError) -> String {
    var parts: [String] = []
    for value in values { parts.append(try literal(value)) }
    return parts.joined(separator: ", ")
  }

  static func joined(
    _ object: NotebookObject, _ between: String, _ literal: Literal
  ) throws(ParameterError) -> String {
    var parts: [String] = []
    for member in object.members {
      parts.append("\(try literal(.string(member.name)))\(between)\(try literal(member.value))")
    }
    return parts.joined(separator: ", ")
  }
}
