/// Turns the bytes of a `bridge.json` into a checked ``BridgeManifest``.
struct BridgeManifestReader {
  private let path: String
  private let members: [SpecJSON.Member]

  private static let knownKeys: Set<String> = [
    "bridge_protocol", "language", "display_name", "aliases", "argv", "interpreter", "environment",
    "concurrent", "requests", "language_info", "banner", "capabilities", "cell_magics",
    "marker_options",
    "start_timeout", "interrupt_grace", "interrupt_repeat", "install", "launcher",
  ]

  /// - Throws: ``SpecError`` when the bytes are not one JSON object.
  init(path: String, bytes: [UInt8]) throws(SpecError) {
    self.path = path
    do {
      guard case .object(let members) = try SpecJSONParser.parse(bytes) else {
        throw SpecError(
          .configuration, "wrong manifest \(path): not a JSON object",
          remedy: "write one object, see docs/bridge-protocol.md")
      }
      self.members = members
    } catch let error as SpecJSONParser.Failure {
      throw SpecError(
        .configuration,
        "wrong manifest \(path): line \(error.line), column \(error.column): \(error.reason)",
        remedy: "correct the JSON there")
    } catch let error as SpecError {
      throw error
    } catch {
      throw SpecError(.configuration, "wrong manifest \(path): \(error)")
    }
  }

  /// The name the manifest gives, readable or not in its other parts; for listing a broken one.
  var claimedName: String? {
    guard let name = value("language")?.stringValue, BridgeManifest.isName(name) else { return nil }
    return name
  }

  func manifest(in directory: String) throws(SpecError) -> BridgeManifest {
    try checkVersion()
    let language = try name("language", of: required("language"))
    let argv = try strings("argv", of: required("argv"))
    guard argv.first.map({ !$0.isEmpty }) ?? false else {
      throw wrong("argv", "names no program", "give the command that starts the bridge")
    }
    let interpreter = try self.interpreter()
    if interpreter == nil, argv.contains(where: { $0.contains("{interpreter}") }) {
      throw wrong("interpreter", "is missing although 'argv' uses {interpreter}", "say where to look for it")
    }
    let info = try languageInfo(for: language)
    return BridgeManifest(
      directory: directory, language: language,
      displayName: try string("display_name") ?? language,
      aliases: try aliases(of: language), argv: argv, interpreter: interpreter,
      environment: try environment(), concurrent: try flag("concurrent"), requests: try requests(),
      languageInfo: Array(info.compact.utf8),
      languageInfoName: try text("name", in: info) ?? language,
      fileExtension: try text("file_extension", in: info) ?? ".txt",
      mimetype: try text("mimetype", in: info) ?? "text/plain", banner: try string("banner") ?? "",
      capabilities: try strings("capabilities") ?? [], cellMagics: try flag("cell_magics"),
      markerOptions: try flag("marker_options"),
      startTimeout: try seconds("start_timeout", default: 30),
      interruptGrace: try seconds("interrupt_grace", default: 5),
      interruptRepeat: try seconds("interrupt_repeat", default: 0), install: try string("install"),
      launcher: try launcher(), unknownKeys: members.map(\.key).filter { !Self.knownKeys.contains($0) })
  }

  // MARK: - Keys

  private func checkVersion() throws(SpecError) {
    guard case .number(let text) = try required("bridge_protocol"), let version = Int(text), version > 0
    else {
      throw wrong("bridge_protocol", "must be a whole number", "write 1")
    }
    guard version == BridgeManifest.protocolVersion else {
      throw wrong(
        "bridge_protocol", "is \(version), this parley speaks \(BridgeManifest.protocolVersion)",
        version > BridgeManifest.protocolVersion ? "update parley" : "update the bridge")
    }
  }

  private func aliases(of language: String) throws(SpecError) -> [String] {
    var names: [String] = []
    for text in try strings("aliases") ?? [] {
      let alias = try name("aliases", of: .string(text))
      if alias != language, !names.contains(alias) { names.append(alias) }
    }
    return names
  }

  private func interpreter() throws(SpecError) -> BridgeManifest.Interpreter? {
    guard let object = value("interpreter") else { return nil }
    guard case .object(let members) = object else { throw wrongType("interpreter", "an object", object) }
    var result = BridgeManifest.Interpreter()
    for member in members {
      let key = "interpreter.\(member.key)"
      switch member.key {
      case "env": result.variables = try strings(key, of: member.value)
      case "prefixes": result.prefixes = try strings(key, of: member.value)
      case "names": result.names = try strings(key, of: member.value)
      default: throw wrong(key, "is unknown", "use env, prefixes and names")
      }
    }
    guard !result.variables.isEmpty || !result.names.isEmpty else {
      throw wrong("interpreter", "says neither 'env' nor 'names'", "give a program name to look for")
    }
    if let name = result.names.first(where: { $0.isEmpty || $0.contains("/") }) {
      throw wrong(
        "interpreter.names", "has '\(name)'", "give names without a slash; a path belongs in 'argv'")
    }
    return result
  }

  private func environment() throws(SpecError) -> [BridgeManifest.Variable] {
    guard let object = value("environment") else { return [] }
    guard case .object(let members) = object else { throw wrongType("environment", "an object", object) }
    var variables: [BridgeManifest.Variable] = []
    for member in members {
      guard !member.key.isEmpty, !member.key.contains("="), !member.key.utf8.contains(0) else {
        throw wrong("environment", "has the impossible variable name '\(member.key)'", "rename it")
      }
      guard let text = member.value.stringValue else {
        throw wrongType("environment.\(member.key)", "a string", member.value)
      }
      variables.append(BridgeManifest.Variable(name: member.key, value: text))
    }
    return variables
  }

  private func requests() throws(SpecError) -> BridgeManifest.RequestFormat {
    guard let text = try string("requests") else { return .json }
    guard let format = BridgeManifest.RequestFormat(rawValue: text) else {
      throw wrong("requests", "is '\(text)'", "write \"json\", \"nul\" or \"nul-sized\"")
    }
    return format
  }

  /// The object as given, with the members front ends rely on filled in where they are missing.
  private func languageInfo(for language: String) throws(SpecError) -> SpecJSON {
    let given = value("language_info") ?? .object([])
    guard case .object(var members) = given else { throw wrongType("language_info", "an object", given) }
    let needed = [
      ("name", language), ("version", ""), ("mimetype", "text/plain"), ("file_extension", ".txt"),
    ]
    for (key, text) in needed where given[key] == nil {
      members.append(SpecJSON.Member(key, .string(text)))
    }
    return .object(members)
  }

  private func launcher() throws(SpecError) -> [String]? {
    guard let words = try strings("launcher") else { return nil }
    guard let first = words.first else { return nil }
    guard !first.isEmpty else { throw wrong("launcher", "names no program", "remove it or name one") }
    return words
  }

  private func seconds(_ key: String, default standard: Double) throws(SpecError) -> Double {
    guard let value = value(key) else { return standard }
    guard case .number(let text) = value, let seconds = Double(text), seconds > 0, seconds <= 86_400 else {
      throw wrong(key, "must be a number of seconds above 0", "write for example \(Int(standard))")
    }
    return seconds
  }

  // MARK: - Types

  private func value(_ key: String) -> SpecJSON? {
    let found = members.first { $0.key == key }?.value
    return found == .null ? nil : found
  }

  private func required(_ key: String) throws(SpecError) -> SpecJSON {
    guard let value = value(key) else { throw wrong(key, "is missing", "add it") }
    return value
  }

  private func string(_ key: String) throws(SpecError) -> String? {
    guard let value = value(key) else { return nil }
    guard let text = value.stringValue else { throw wrongType(key, "a string", value) }
    return text
  }

  private func text(_ key: String, in info: SpecJSON) throws(SpecError) -> String? {
    guard let value = info[key] else { return nil }
    guard let text = value.stringValue else { throw wrongType("language_info.\(key)", "a string", value) }
    return text
  }

  private func flag(_ key: String) throws(SpecError) -> Bool {
    guard let value = value(key) else { return false }
    guard case .bool(let flag) = value else { throw wrongType(key, "true or false", value) }
    return flag
  }

  private func strings(_ key: String) throws(SpecError) -> [String]? {
    guard let value = value(key) else { return nil }
    return try strings(key, of: value)
  }

  private func strings(_ key: String, of value: SpecJSON) throws(SpecError) -> [String] {
    guard case .array(let items) = value else { throw wrongType(key, "an array of strings", value) }
    var texts: [String] = []
    for item in items {
      guard let text = item.stringValue else { throw wrongType(key, "an array of strings only", item) }
      // A command or a variable with a NUL would be cut off by the system without a word.
      guard !text.utf8.contains(0) else { throw wrong(key, "holds a NUL character", "remove it") }
      texts.append(text)
    }
    return texts
  }

  private func name(_ key: String, of value: SpecJSON) throws(SpecError) -> String {
    guard let text = value.stringValue else { throw wrongType(key, "a string", value) }
    guard BridgeManifest.isName(text) else {
      throw wrong(key, "has the name '\(text)'", "use lower-case letters, digits, '-', '_' and '+' only")
    }
    return text
  }

  private func wrong(_ key: String, _ problem: String, _ remedy: String) -> SpecError {
    SpecError(.configuration, "wrong manifest \(path): '\(key)' \(problem)", remedy: remedy)
  }

  private func wrongType(_ key: String, _ expected: String, _ found: SpecJSON) -> SpecError {
    wrong(key, "must be \(expected), not \(found.typeName)", "correct it, see docs/bridge-protocol.md")
  }
}
