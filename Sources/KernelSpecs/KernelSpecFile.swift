/// The value of a `kernel.json`: how a front end starts a kernel.
///
/// Source: https://jupyter-client.readthedocs.io/en/stable/kernels.html and the kernelspec schema of
/// Jupyter enhancement proposal 105.
public struct KernelSpecFile: Equatable, Sendable {
  /// The file's name in a kernelspec's folder.
  public static let fileName = "kernel.json"
  /// The message protocol that Parley's kernelspecs claim, in the three parts the schema asks for.
  public static let protocolVersion = "5.6.0"

  /// How a front end interrupts the kernel.
  public enum InterruptMode: String, Equatable, Sendable {
    case signal
    case message
  }

  public var argv: [String]
  public var displayName: String
  public var language: String
  /// Variables for the kernel; values may hold `${NAME}`, which the front end fills in.
  public var env: [BridgeManifest.Variable]
  public var interruptMode: InterruptMode
  /// A JSON object, `{}` when there is none.
  public var metadata: SpecJSON
  /// Absent in files of older kernels.
  public var kernelProtocolVersion: String?

  public init(
    argv: [String], displayName: String, language: String, env: [BridgeManifest.Variable] = [],
    interruptMode: InterruptMode = .signal, metadata: SpecJSON = .object([]),
    kernelProtocolVersion: String? = protocolVersion
  ) {
    self.argv = argv
    self.displayName = displayName
    self.language = language
    self.env = env
    self.interruptMode = interruptMode
    self.metadata = metadata
    self.kernelProtocolVersion = kernelProtocolVersion
  }

  /// Reads `directory/kernel.json`. Unknown keys are passed over, as every client does.
  ///
  /// - Throws: ``SpecError`` that names the file and the key.
  public static func load(directory: String) throws(SpecError) -> KernelSpecFile {
    let path = PathText.join(directory, fileName)
    return try decode(Files.read(path), path: path)
  }

  static func decode(_ bytes: [UInt8], path: String) throws(SpecError) -> KernelSpecFile {
    let json: SpecJSON
    do {
      json = try SpecJSONParser.parse(bytes)
    } catch {
      throw SpecError(
        .configuration,
        "wrong kernelspec \(path): line \(error.line), column \(error.column): \(error.reason)",
        remedy: "correct the JSON there")
    }
    func wrong(_ key: String, _ expected: String) -> SpecError {
      SpecError(
        .configuration, "wrong kernelspec \(path): '\(key)' must be \(expected)", remedy: "correct it")
    }
    guard case .object = json else {
      throw SpecError(.configuration, "wrong kernelspec \(path): not a JSON object", remedy: "correct it")
    }
    guard case .array(let words)? = json["argv"], !words.isEmpty else {
      throw wrong("argv", "an array of strings with at least one")
    }
    let argv = words.compactMap(\.stringValue)
    guard argv.count == words.count else { throw wrong("argv", "an array of strings") }
    guard let displayName = json["display_name"]?.stringValue else { throw wrong("display_name", "a string") }
    guard let language = json["language"]?.stringValue else { throw wrong("language", "a string") }
    var spec = KernelSpecFile(
      argv: argv, displayName: displayName, language: language,
      kernelProtocolVersion: json["kernel_protocol_version"]?.stringValue)
    if let mode = json["interrupt_mode"], mode != .null {
      guard let known = mode.stringValue.flatMap(InterruptMode.init(rawValue:)) else {
        throw wrong("interrupt_mode", "\"signal\" or \"message\"")
      }
      spec.interruptMode = known
    }
    if case .object(let members)? = json["env"] {
      for member in members {
        guard let value = member.value.stringValue else { throw wrong("env.\(member.key)", "a string") }
        spec.env.append(BridgeManifest.Variable(name: member.key, value: value))
      }
    }
    if let metadata = json["metadata"], metadata != .null {
      guard case .object = metadata else { throw wrong("metadata", "an object") }
      spec.metadata = metadata
    }
    return spec
  }

  /// The file's text, UTF-8, with what equals the default left out.
  public var encoded: [UInt8] {
    var members = [
      SpecJSON.Member("argv", .array(argv.map(SpecJSON.string))),
      SpecJSON.Member("display_name", .string(displayName)),
      SpecJSON.Member("language", .string(language)),
      SpecJSON.Member("interrupt_mode", .string(interruptMode.rawValue)),
    ]
    if let kernelProtocolVersion {
      members.append(SpecJSON.Member("kernel_protocol_version", .string(kernelProtocolVersion)))
    }
    if !env.isEmpty {
      members.append(
        SpecJSON.Member("env", .object(env.map { SpecJSON.Member($0.name, .string($0.value)) })))
    }
    if metadata != .object([]) { members.append(SpecJSON.Member("metadata", metadata)) }
    return Array((SpecJSON.object(members).pretty + "\n").utf8)
  }

  /// Whether this kernelspec starts Parley itself, which must never be proxied to itself.
  public var isParley: Bool {
    argv.count > 1 && PathText.lastComponent(argv[0]) == "parley" && argv[1] == "kernel"
  }
}
