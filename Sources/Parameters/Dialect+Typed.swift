import Notebook

// Java, Swift, R, Octave: values have types, and lists of mixed ones need saying so.

extension Dialect {
  static let r = Dialect(
    comment: "#",
    assign: { (name, value) throws(ParameterError) in
      let isPlain = isPlainIdentifier(name) && !name.hasPrefix("_")
      return "\(isPlain ? name : "`\(name)`") <- \(try rLiteral(value))"
    }, assignments: ["<-", "="])

  @Sendable private static func rLiteral(_ value: NotebookValue) throws(ParameterError) -> String {
    switch value {
    case .null: return "NULL"
    case .bool(let value): return value ? "TRUE" : "FALSE"
    case .number(let text):
      switch Number(text) {
      case .integer(let digits):
        // -2^31 is R's missing value.
        let isSmall = Int32(digits).map { $0 != .min } ?? false
        return isSmall ? digits + "L" : try Number.exactDouble(digits, in: "R")
      case .float(let digits): return digits
      case .notANumber: return "NaN"
      case .infinity: return "Inf"
      case .minusInfinity: return "-Inf"
      }
    case .string(let text):
      if text.unicodeScalars.contains("\0") { throw Quoted.noNull(in: "R") }
      return try Quoted.text(text, escapes: Quoted.cEscapes) { "\\u\(Quoted.hex($0, digits: 4))" }
    case .array(let values): return "list(\(try joined(values, rLiteral)))"
    case .object(let object):
      let names = try joined(object.members.map { .string($0.name) }, rLiteral)
      let list = "list(\(try joined(object.members.map(\.value), rLiteral)))"
      return "setNames(\(list), c(\(object.isEmpty ? "character()" : names)))"
    }
  }

  static let octave = Dialect(
    comment: "%",
    assign: { (name, value) throws(ParameterError) in "\(name) = \(try octaveLiteral(value));" },
    isName: isPlainIdentifier)

  @Sendable private static func octaveLiteral(_ value: NotebookValue) throws(ParameterError) -> String {
    switch value {
    case .null: return "[]"
    case .bool(let value): return value ? "true" : "false"
    case .number(let text):
      switch Number(text) {
      case .integer(let digits): return try Number.exactDouble(digits, in: "Octave")
      case .float(let digits): return digits
      case .notANumber: return "NaN"
      case .infinity: return "Inf"
      case .minusInfinity: return "-Inf"
      }
    case .string(let text):
      // Octal, since hexadecimal escapes take as many digits as they find.
      return try Quoted.text(text, escapes: Quoted.cEscapes) {
        let octal = String($0, radix: 8)
        return $0 < 128
          ? "\\" + String(repeating: "0", count: 3 - octal.count) + octal : Quoted.asItIs($0)
      }
    case .array(let values): return "{\(try joined(values, octaveLiteral))}"
    case .object(let object):
      if object.isEmpty { return "containers.Map()" }
      let keys = try joined(object.members.map { .string($0.name) }, octaveLiteral)
      let values = try joined(object.members.map(\.value), octaveLiteral)
      return "containers.Map({\(keys)}, {\(values)}, \"UniformValues\", false)"
    }
  }

  static let java = Dialect(
    comment: "//",
    assign: { (name, value) throws(ParameterError) in
      "\(value == .null ? "Object" : "var") \(name) = \(try javaLiteral(value));"
    },
    declarators: ["var", "final", "int", "long", "double", "float", "boolean", "String", "Object"])

  @Sendable private static func javaLiteral(_ value: NotebookValue) throws(ParameterError) -> String {
    switch value {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .number(let text):
      switch Number(text) {
      case .integer(let digits):
        if Int32(digits) != nil { return digits }
        return Int64(digits) != nil ? digits + "L" : "new java.math.BigInteger(\"\(digits)\")"
      case .float(let digits): return digits
      case .notANumber: return "Double.NaN"
      case .infinity: return "Double.POSITIVE_INFINITY"
      case .minusInfinity: return "Double.NEGATIVE_INFINITY"
      }
    case .string(let text):
      // Octal: Java reads \u escapes before it reads anything else.
      return try Quoted.text(text, escapes: Quoted.cEscapes) {
        let octal = String($0, radix: 8)
        return "\\" + String(repeating: "0", count: 3 - octal.count) + octal
      }
    case .array(let values):
      let items = try joined(values, javaLiteral)
      // A single null would be taken for the whole array of arguments.
      let arguments = values.count == 1 ? "(Object) \(items)" : items
      return "new java.util.ArrayList<Object>(java.util.Arrays.asList(\(values.isEmpty ? "" : arguments)))"
    case .object(let object):
      if object.isEmpty { return "new java.util.LinkedHashMap<String, Object>()" }
      var puts: [String] = []
      for member in object.members {
        puts.append("put(\(try javaLiteral(.string(member.name))), \(try javaLiteral(member.value)));")
      }
      return "new java.util.LinkedHashMap<String, Object>() {{ \(puts.joined(separator: " ")) }}"
    }
  }

  static let swift = Dialect(
    comment: "//",
    assign: { (name, value) throws(ParameterError) in
      "var \(name): \(swiftType(of: value)) = \(try swiftLiteral(value))"
    },
    declarators: ["var", "let"], hasAnnotations: true)

  private static func swiftType(of value: NotebookValue) -> String {
    switch value {
    case .null: return "Any?"
    case .bool: return "Bool"
    case .string: return "String"
    case .number(let text):
      guard case .integer(let digits) = Number(text) else { return "Double" }
      if Int64(digits) != nil { return "Int" }
      return UInt64(digits) != nil ? "UInt64" : "Double"
    case .array(let values): return "[\(commonSwiftType(of: values))]"
    case .object(let object): return "[String: \(commonSwiftType(of: object.members.map(\.value)))]"
    }
  }

  private static func commonSwiftType(of values: [NotebookValue]) -> String {
    let types = Set(values.map(swiftType))
    if types.count == 1, let type = types.first { return type }
    return types == ["Int", "Double"] ? "Double" : "Any?"
  }

  @Sendable private static func swiftLiteral(_ value: NotebookValue) throws(ParameterError) -> String {
    switch value {
    case .null: return "nil"
    case .bool(let value): return value ? "true" : "false"
    case .number(let text):
      switch Number(text) {
      case .integer(let digits):
        let fits = Int64(digits) != nil || UInt64(digits) != nil
        return fits ? digits : try Number.exactDouble(digits, in: "Swift")
      case .float(let digits): return digits
      case .notANumber: return "Double.nan"
      case .infinity: return "Double.infinity"
      case .minusInfinity: return "-Double.infinity"
      }
    case .string(let text):
      return try Quoted.text(text, escapes: Quoted.cEscapes) { "\\u{\(String($0, radix: 16))}" }
    case .array(let values):
      let isMixed = commonSwiftType(of: values) == "Any?"
      return "[\(try swiftItems(values, isMixed: isMixed))]"
    case .object(let object):
      if object.isEmpty { return "[:]" }
      let isMixed = commonSwiftType(of: object.members.map(\.value)) == "Any?"
      var members: [String] = []
      for member in object.members {
        members.append(
          "\(try swiftLiteral(.string(member.name))): \(try swiftItems([member.value], isMixed: isMixed))")
      }
      return "[\(members.joined(separator: ", "))]"
    }
  }

  /// In a list of mixed types what is itself a list says its own type.
  private static func swiftItems(_ values: [NotebookValue], isMixed: Bool) throws(ParameterError) -> String {
    var items: [String] = []
    for value in values {
      let literal = try swiftLiteral(value)
      let needsType =
        isMixed && value != .null
        && (value.array != nil || value.object != nil || swiftType(of: value) == "UInt64")
      items.append(needsType ? "\(literal) as \(swiftType(of: value))" : literal)
    }
    return items.joined(separator: ", ")
  }
}
