import Notebook

/// Gathers parameters from the command line, weakest first as papermill does it: `-b`, `-f`, `-y`, `-p`, `-r`.
public struct ParameterSources: Sendable {
  public private(set) var values = NotebookObject()

  public init() {}

  /// `-b`: YAML in base64.
  public mutating func add(base64 text: String) throws(ParameterError) {
    guard let bytes = Base64Text.decode(text) else {
      throw ParameterError("-b is not valid base64", remedy: "check what has encoded it")
    }
    try add(yaml: bytes, from: "-b")
  }

  /// `-f`, `-y`: YAML or JSON, which must be a mapping.
  public mutating func add(yaml bytes: [UInt8], from name: String) throws(ParameterError) {
    let value = try YAMLReader.read(bytes, from: name)
    if value == .null { return }
    guard let object = value.object else {
      throw ParameterError("\(name) does not hold names and values", remedy: "write name: value")
    }
    for member in object.members { values[member.name] = member.value }
  }

  /// `-p`: a number, True, False or None where it looks like one.
  public mutating func add(_ name: String, typed text: String) {
    values[name] = CommandLineValue.value(of: text)
  }

  /// `-r`: text as it is.
  public mutating func add(_ name: String, text: String) {
    values[name] = .string(text)
  }

  public mutating func add(_ name: String, _ value: NotebookValue) {
    values[name] = value
  }
}
