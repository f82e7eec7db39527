/// One language that Parley knows, runnable or not.
public struct LanguageEntry: Equatable, Sendable {
  /// What stands behind a language.
  public enum Kind: String, Equatable, Sendable {
    /// A bridge of its own, described by a `bridge.json`.
    case bridge
    /// An installed kernelspec of another kernel.
    case kernelspec
  }

  /// Where an entry was found; earlier cases win over later ones.
  public enum Origin: String, Equatable, Sendable {
    /// `PARLEY_LANGUAGES` or the user's configuration folder.
    case configuration
    /// A folder on the Jupyter data path.
    case jupyter
    /// Shipped with Parley or copied by `parley install`.
    case shipped
  }

  /// The name after `#!`.
  public let name: String
  public let aliases: [String]
  public let displayName: String
  public let kind: Kind
  public let origin: Origin
  /// The language's folder.
  public let directory: String
  /// The checked manifest of a bridge; nil for a kernelspec and for a broken manifest.
  public let manifest: BridgeManifest?
  /// The kernelspec of a proxied kernel; nil for a bridge and for a broken one.
  public let kernelSpec: KernelSpecFile?
  /// Why the entry cannot be used: the text of the error in its manifest, one line.
  public let problem: SpecError?

  /// Whether the name after `#!` means this entry.
  public func answers(to name: String) -> Bool { self.name == name || aliases.contains(name) }

  public init(manifest: BridgeManifest, origin: Origin) {
    name = manifest.language
    aliases = manifest.aliases
    displayName = manifest.displayName
    kind = .bridge
    self.origin = origin
    directory = manifest.directory
    self.manifest = manifest
    kernelSpec = nil
    problem = nil
  }

  /// An entry for what is in `directory` but cannot be read.
  init(broken name: String, kind: Kind, origin: Origin, directory: String, problem: SpecError) {
    self.name = name
    aliases = []
    displayName = name
    self.kind = kind
    self.origin = origin
    self.directory = directory
    manifest = nil
    kernelSpec = nil
    self.problem = problem
  }

  /// A kernel of somebody else; its language is an alias, so that `#!r` finds the kernelspec `ir`.
  init(kernelSpec: KernelSpecFile, name: String, directory: String) {
    self.name = name
    let language = kernelSpec.language.lowercased()
    aliases = language != name && BridgeManifest.isName(language) ? [language] : []
    displayName = kernelSpec.displayName
    kind = .kernelspec
    origin = .jupyter
    self.directory = directory
    manifest = nil
    self.kernelSpec = kernelSpec
    problem = nil
  }
}

extension LanguageEntry {
  private init(copying entry: LanguageEntry, aliases: [String]) {
    name = entry.name
    self.aliases = aliases
    displayName = entry.displayName
    kind = entry.kind
    origin = entry.origin
    directory = entry.directory
    manifest = entry.manifest
    kernelSpec = entry.kernelSpec
    problem = entry.problem
  }

  func keepingAliases(_ keeps: (String) -> Bool) -> LanguageEntry {
    LanguageEntry(copying: self, aliases: aliases.filter(keeps))
  }
}
