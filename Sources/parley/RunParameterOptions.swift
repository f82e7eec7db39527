import ArgumentParser

extension RunCommand {
  struct ParameterOptions: ParsableArguments {
    @Option(
      name: [.customShort("p"), .customLong("parameters")], parsing: .unconditionalSingleValue,
      help: .init(
        "A parameter: a number, True, False or None where it looks like one.", valueName: "name value"))
    var typed: [NameAndText] = []

    @Option(
      name: [.customShort("r"), .customLong("parameters_raw")], parsing: .unconditionalSingleValue,
      help: .init("A parameter that is text, whatever it looks like.", valueName: "name value"))
    var raw: [NameAndText] = []

    @Option(
      name: [.customShort("f"), .customLong("parameters_file")], parsing: .unconditionalSingleValue,
      help: .init("A file of YAML or JSON with parameters.", valueName: "file"))
    var file: [String] = []

    @Option(
      name: [.customShort("y"), .customLong("parameters_yaml")], parsing: .unconditionalSingleValue,
      help: .init("YAML or JSON with parameters.", valueName: "text"))
    var yaml: [String] = []

    @Option(
      name: [.customShort("b"), .customLong("parameters_base64")], parsing: .unconditionalSingleValue,
      help: .init("The same in base64.", valueName: "text"))
    var base64: [String] = []

    @Flag(help: "Give IN's path as the parameter PAPERMILL_INPUT_PATH.")
    var injectInputPath = false

    @Flag(help: "Give OUT's path as the parameter PAPERMILL_OUTPUT_PATH.")
    var injectOutputPath = false

    @Flag(help: "Give both.")
    var injectPaths = false

    @Flag(help: "Take parameters that the notebook does not declare.")
    var allowUnknown = false

    @Option(
      help: .init(
        "A value that no record holds: from a variable, a file or a descriptor.",
        valueName: "name=env:X|file:Y|fd:N"))
    var secret: [SecretSource] = []

    @Flag(
      name: [.customLong("inspect"), .customLong("help-notebook")],
      help: "List the parameters that IN takes, and run nothing.")
    var inspect = false

    @Flag(help: "List them as JSON.")
    var json = false

    @Flag(
      name: .customLong("prepare-only"), help: "Write the notebook with its parameters, and run nothing.")
    var prepareOnly = false

    @Flag(inversion: .prefixedNo, help: "Hide the cells' sources in the output.")
    var reportMode = false
  }

  /// Options of papermill that change nothing here: how it saves is its own affair, and what it logs.
  struct PapermillOptions: ParsableArguments {
    @Option(help: .init("papermill: its command line and exit codes.", valueName: "program"))
    var compat: Compatibility?

    @Option(help: .hidden) var engine: String?
    @Option(help: .hidden) var logLevel: String?
    @Option(help: .hidden) var autosaveCellEvery: Int?
    @Flag(inversion: .prefixedNo, help: .hidden) var requestSaveOnCellExecute = true
    @Flag(name: .customLong("prepare-execute"), help: .hidden) var prepareExecute = false
  }

  enum Compatibility: String, ExpressibleByArgument {
    case papermill
  }
}

/// What `-p` and `-r` take: two words. The parser knows options with one only, so ``join(_:)`` makes one of them,
/// by a character that no argument of a process can hold.
struct NameAndText: ExpressibleByArgument {
  private static let options = ["-p": "--parameters", "-r": "--parameters_raw"]
  private static let separator: Character = "\0"

  let name: String
  let text: String

  init?(argument: String) {
    let parts = argument.split(separator: Self.separator, maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    name = String(parts[0])
    text = String(parts[1])
  }

  /// - Parameter arguments: of the program, without its own name.
  /// - Throws: `ValidationError` when a name or a value is missing.
  static func join(_ arguments: [String]) throws -> [String] {
    guard arguments.first == "run" else { return arguments }
    var result: [String] = []
    var rest = arguments[...]
    while let word = rest.popFirst() {
      if word == "--" { return result + [word] + rest }
      guard let long = options[word] ?? options.values.first(where: { $0 == word }) else {
        result.append(word)
        if takesText.contains(word), let text = rest.popFirst() { result.append(text) }
        continue
      }
      guard let name = rest.popFirst(), let text = rest.popFirst() else {
        throw ValidationError("\(word) needs a name and a value")
      }
      result.append("\(long)=\(name)\(separator)\(text)")
    }
    return result
  }

  /// Options whose text may look like one of ours.
  private static let takesText: Set<String> = [
    "-f", "-y", "-b", "--parameters_file", "--parameters_yaml", "--parameters_base64",
  ]
}
