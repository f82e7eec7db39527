/// The command of a bridge with every placeholder filled in.
public struct ResolvedCommand: Equatable, Sendable {
  /// The launcher prefix, the program as a path, its arguments.
  public var argv: [String]
  /// Variables to set in the bridge's environment besides the inherited ones.
  public var environment: [BridgeManifest.Variable]
  /// What `{interpreter}` became; nil when the command does not use it.
  public var interpreter: String?
  /// Where the program was found, for people: `PARLEY_PYTHON`, `VIRTUAL_ENV`, `PATH`, ...
  public var foundBy: String

  public init(
    argv: [String], environment: [BridgeManifest.Variable], interpreter: String?, foundBy: String
  ) {
    self.argv = argv
    self.environment = environment
    self.interpreter = interpreter
    self.foundBy = foundBy
  }
}

/// Finds the programs a manifest asks for and writes the command to run.
///
/// Looks at the file system only (a few `stat` calls on the calling thread); starts nothing.
public struct InterpreterResolver: Sendable {
  private let environment: SpecEnvironment

  public init(environment: SpecEnvironment = .current()) {
    self.environment = environment
  }

  /// The command of a bridge.
  ///
  /// - Parameters:
  ///   - manifest: a checked manifest.
  ///   - override: an interpreter the user chose by an option, a path or a name; goes before
  ///     everything the manifest says.
  /// - Throws: ``SpecError`` of kind `.missing` with the manifest's install line when a program is
  ///   not there, `.configuration` when a variable names one that is not there.
  public func resolve(
    _ manifest: BridgeManifest, override: String? = nil
  ) throws(SpecError) -> ResolvedCommand {
    let usesInterpreter = manifest.argv.contains { $0.contains("{interpreter}") }
    var found: (path: String, by: String)?
    if usesInterpreter {
      found = try interpreter(of: manifest, override: override)
    }
    var argv = manifest.argv.enumerated().map { position, word in
      let filled = fill(word, manifest: manifest, interpreter: found?.path)
      // A tilde means the home folder where a word is a path by itself, as in kernel.json.
      return position == 0 || filled.hasPrefix("~/") ? environment.expandingTilde(filled) : filled
    }
    var foundBy = found?.by ?? "PATH"
    if let launcher = manifest.launcher {
      // The command runs elsewhere: only the launcher itself can be checked here.
      argv = [try program(launcher[0], of: manifest)] + launcher.dropFirst() + argv
      if found == nil { foundBy = "launcher" }
    } else if found == nil || manifest.argv[0] != "{interpreter}" {
      argv[0] = try program(argv[0], of: manifest)
      if found == nil, argv[0].hasPrefix(manifest.directory + "/") { foundBy = "manifest" }
    }
    let variables = manifest.environment.map { variable in
      BridgeManifest.Variable(
        name: variable.name,
        value: fill(variable.value, manifest: manifest, interpreter: found?.path))
    }
    return ResolvedCommand(
      argv: argv, environment: variables, interpreter: found?.path, foundBy: foundBy)
  }

  // MARK: - Finding

  private func interpreter(
    of manifest: BridgeManifest, override: String?
  ) throws(SpecError) -> (path: String, by: String) {
    let places = manifest.interpreter ?? BridgeManifest.Interpreter()
    if let override {
      return (try chosen(override, by: "the option", manifest: manifest), "option")
    }
    for variable in places.variables {
      guard let value = environment[variable] else { continue }
      return (try chosen(value, by: variable, manifest: manifest), variable)
    }
    for variable in places.prefixes {
      guard let prefix = environment[variable] else { continue }
      let folder = PathText.join(
        PathText.absolute(environment.expandingTilde(prefix), in: environment.currentDirectory), "bin")
      for name in places.names {
        let path = PathText.join(folder, name)
        if Files.isExecutable(path) { return (path, variable) }
      }
    }
    if !places.prefixes.isEmpty, let found = inOwnEnvironment(places.names) { return found }
    for name in places.names {
      if let path = environment.findProgram(name) { return (path, "PATH") }
    }
    // Behind a launcher the interpreter is looked up where the command runs.
    if manifest.launcher != nil, let name = places.names.first { return (name, "launcher") }
    throw missing(places.names.first ?? "the interpreter", manifest, lookedFor: places)
  }

  /// The interpreter of the virtual or conda environment that parley itself is installed in, also when that is not
  /// activated: what a user of ipykernel in the same place would get.
  private func inOwnEnvironment(_ names: [String]) -> (path: String, by: String)? {
    for prefix in JupyterPaths(environment: environment).executablePrefixes {
      let isEnvironment =
        Files.isFile(PathText.join(prefix, "pyvenv.cfg"))
        || Files.isDirectory(PathText.join(prefix, "conda-meta"))
      guard isEnvironment else { continue }
      for name in names {
        let path = PathText.join(prefix, "bin/\(name)")
        if Files.isExecutable(path) { return (path, "parley's environment") }
      }
    }
    return nil
  }

  /// An interpreter the user named. A wrong name is an error and never passed over: the user would
  /// get another interpreter than the one asked for.
  private func chosen(_ name: String, by source: String, manifest: BridgeManifest) throws(SpecError) -> String
  {
    if let path = environment.findProgram(name) { return path }
    if manifest.launcher != nil { return name }
    throw SpecError(
      .configuration,
      "no interpreter for \(manifest.language): \(source) says '\(name)', which is no program",
      remedy: "correct or unset \(source)")
  }

  private func program(_ name: String, of manifest: BridgeManifest) throws(SpecError) -> String {
    guard let path = environment.findProgram(name) else {
      throw missing(name, manifest, lookedFor: nil)
    }
    return path
  }

  private func missing(
    _ name: String, _ manifest: BridgeManifest, lookedFor places: BridgeManifest.Interpreter?
  ) -> SpecError {
    var looked: [String] = []
    for variable in places?.prefixes ?? [] where environment[variable] != nil {
      looked.append("$\(variable)/bin")
    }
    let named = places.map { $0.names.joined(separator: ", ") } ?? name
    if !name.contains("/") { looked.append("PATH") }
    let place = looked.isEmpty ? "" : " in " + looked.joined(separator: " or ")
    var remedy = manifest.install.map { "install it: \($0)" } ?? "install it"
    if let variable = places?.variables.first { remedy += ", or set \(variable)" }
    return SpecError(
      .missing, "no interpreter for \(manifest.language): \(named.isEmpty ? name : named) not found\(place)",
      remedy: remedy)
  }

  private func fill(_ text: String, manifest: BridgeManifest, interpreter: String?) -> String {
    var filled = Self.replacing("{resource_dir}", in: text, with: manifest.directory)
    if let interpreter { filled = Self.replacing("{interpreter}", in: filled, with: interpreter) }
    if let executable = environment.executable {
      filled = Self.replacing("{parley}", in: filled, with: executable)
    }
    return filled
  }

  private static func replacing(_ placeholder: String, in text: String, with value: String) -> String {
    guard text.contains(placeholder) else { return text }
    return text.split(separator: placeholder, omittingEmptySubsequences: false).joined(separator: value)
  }
}
