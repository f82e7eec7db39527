/// Where kernelspecs go: a Jupyter data folder, and the prefix it belongs to.
public struct InstallTarget: Equatable, Sendable {
  /// What the command line says about the place.
  public enum Scope: Equatable, Sendable {
    /// The user's own Jupyter data folder.
    case user
    /// `share/jupyter` of a prefix.
    case prefix(String)
    /// The prefix of the active Python environment.
    case sysPrefix
  }

  /// The Jupyter data folder; `kernels` is in it.
  public let dataDirectory: String
  /// The prefix, nil for the user's folder.
  public let prefix: String?

  public var kernelsDirectory: String { PathText.join(dataDirectory, "kernels") }
  /// Where copies of the language folders go.
  public var languagesDirectory: String { ShippedLanguages.copies(beside: dataDirectory) }

  /// - Parameters:
  ///   - scope: what the user asked for.
  ///   - askPython: gets the path of a Python interpreter and returns its `sys.prefix`; only called for
  ///     `.sysPrefix` outside an activated environment. A path alone does not tell: `python3` may be a
  ///     shim of a version manager.
  /// - Throws: ``SpecError`` when the prefix does not exist or no Python is there to ask.
  public init(
    _ scope: Scope, environment: SpecEnvironment = .current(), askPython: (String) -> String?
  ) throws(SpecError) {
    let paths = JupyterPaths(environment: environment)
    switch scope {
    case .user:
      prefix = nil
      dataDirectory = paths.userDataDirectory
      return
    case .prefix(let text):
      prefix = StableExecutable.withoutParentParts(
        PathText.absolute(environment.expandingTilde(text), in: environment.currentDirectory))
    case .sysPrefix:
      if let active = paths.activePrefix {
        prefix = active
      } else if let python = environment.findProgram("python3") ?? environment.findProgram("python") {
        prefix = askPython(python) ?? PathText.parent(PathText.parent(python))
      } else {
        throw SpecError(
          .missing,
          "no Python environment for --sys-prefix: neither VIRTUAL_ENV nor CONDA_PREFIX is set, "
            + "and python3 is not on PATH", remedy: "activate one, or use --user or --prefix")
      }
    }
    let folder = prefix ?? "/"
    // A new prefix is made as other installers make it; a whole missing path is a slip of the pen.
    guard Files.isDirectory(folder) || Files.isDirectory(PathText.parent(folder)) else {
      throw SpecError(
        .inputMissing, "no folder \(folder) to install into",
        remedy: "make it first, or choose another prefix")
    }
    dataDirectory = JupyterPaths.dataDirectory(ofPrefix: folder)
  }
}
