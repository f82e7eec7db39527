import JupyterProtocol
import KernelCore
import KernelExecutor
import KernelSpecs
import Logging
import PosixSupport

/// The languages of the catalogue, made into backends.
@KernelActor
public final class BridgeLanguages: LanguageProvider {
  private let find: @Sendable (String) -> LanguageEntry?
  private let list: @Sendable () -> [LanguageEntry]
  private let resolver: InterpreterResolver
  private let loop: EventLoop
  private let log: Logger
  private let environment: [String]
  private var backends: [BridgeBackend] = []
  private var known: [String: LanguageDescription] = [:]
  private var unknown: Set<String> = []

  /// - Parameter environment: `NAME=value` texts that every bridge inherits.
  public init(
    catalog: LanguageCatalog, environment: [String], loop: EventLoop, log: Logger
  ) {
    find = { catalog.entry(named: $0) }
    list = { catalog.all() }
    self.loop = loop
    self.log = log
    self.environment = Self.withTextEncoding(environment)
    resolver = InterpreterResolver()
  }

  /// One language alone, whatever is installed.
  public init(single manifest: BridgeManifest, environment: [String], loop: EventLoop, log: Logger) {
    let entry = LanguageEntry(manifest: manifest, origin: .configuration)
    find = { entry.answers(to: $0) ? entry : nil }
    list = { [entry] }
    self.loop = loop
    self.log = log
    self.environment = Self.withTextEncoding(environment)
    resolver = InterpreterResolver()
  }

  /// Asks the bridges to pause while the clients cannot keep up.
  public func setPaused(_ paused: Bool) {
    for backend in backends { backend.setPaused(paused) }
  }

  // MARK: - LanguageProvider

  public func language(named name: String) -> LanguageDescription? {
    if let description = known[name] { return description }
    // Every line of every cell that begins with `#!` asks; the folders are read once.
    if unknown.contains(name) { return nil }
    guard let entry = find(name), Self.isOffered(entry) else {
      unknown.insert(name)
      return nil
    }
    let description = describe(entry)
    // What is missing may be installed while the kernel runs.
    if case .installed = description.availability { known[name] = description }
    return description
  }

  public func allLanguages() -> [LanguageDescription] {
    list().filter(Self.isOffered).map { entry in
      var description = language(named: entry.name) ?? describe(entry)
      // An alias that means an earlier language is not shown with a later one.
      description.aliases = entry.aliases
      return description
    }
  }

  public func makeBackend(
    for language: LanguageDescription, instance: String, output: any BackendOutput
  ) throws(ErrorContent) -> any LanguageBackend {
    guard let manifest = find(language.name)?.manifest else {
      throw ErrorContent(name: "LanguageNotInstalled", value: "\(language.name): its manifest is gone")
    }
    let command: ResolvedCommand
    do {
      command = try resolver.resolve(manifest)
    } catch {
      // It was there when it was first looked for; the next look says what is missing.
      known[language.name] = nil
      throw ErrorContent(name: "LanguageNotInstalled", value: "\(language.name): \(error)")
    }
    var variables = command.environment.map { "\($0.name)=\($0.value)" }
    variables.append("PARLEY_LANGUAGE=\(manifest.language)")
    if !instance.isEmpty { variables.append("PARLEY_INSTANCE=\(instance)") }
    let backend = BridgeBackend(
      manifest: manifest, command: command, environment: ChildEnvironment.merge(environment, variables),
      description: language, output: output, loop: loop, log: log)
    backends.append(backend)
    return backend
  }

  // MARK: - Entries

  /// The kernelspecs that `parley install` makes for single languages are this program again.
  private static func isOffered(_ entry: LanguageEntry) -> Bool {
    guard let program = entry.kernelSpec?.argv.first else { return true }
    return program.split(separator: "/").last != "parley"
  }

  private func describe(_ entry: LanguageEntry) -> LanguageDescription {
    var description = LanguageDescription(
      name: entry.name, displayName: entry.displayName, aliases: entry.aliases,
      languageInfo: JSONText.emptyObject)
    if let problem = entry.problem {
      description.availability = .missing(reason: problem.description, install: nil)
      return description
    }
    guard let manifest = entry.manifest else {
      description.availability = .missing(
        reason: "another Jupyter kernel, which is only run by the kernel itself", install: nil)
      return description
    }
    description.languageInfo = manifest.languageInfo
    description.banner = manifest.banner
    description.capabilities = Set(manifest.capabilities)
    description.ownsCellMagics = manifest.cellMagics
    description.takesMarker = manifest.markerOptions
    do {
      let command = try resolver.resolve(manifest)
      description.origin = command.interpreter ?? command.argv[0]
    } catch {
      description.availability = .missing(reason: error.failure, install: manifest.install)
    }
    return description
  }

  // MARK: - Environment

  /// Text is UTF-8 even where the launcher gave us no locale at all.
  private static func withTextEncoding(_ environment: [String]) -> [String] {
    let isSet = environment.contains { variable in
      ["LC_ALL=", "LC_CTYPE=", "LANG="].contains { variable.hasPrefix($0) && variable != $0 }
    }
    return isSet ? environment : environment + ["LC_CTYPE=C.UTF-8"]
  }
}
