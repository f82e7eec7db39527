#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where Jupyter keeps its data and its runtime files, as jupyter_core decides it.
///
/// Values only, save for ``makeRuntimeDirectory()``. Source: jupyter_core's paths module and
/// https://docs.jupyter.org/en/stable/use/jupyter-directories.html.
public struct JupyterPaths: Sendable {
  private let environment: SpecEnvironment

  public init(environment: SpecEnvironment = .current()) {
    self.environment = environment
  }

  /// The user's data folder: `JUPYTER_DATA_DIR`, else the platform's, else (without a home) one in a
  /// private temporary folder.
  public var userDataDirectory: String {
    if let chosen = environment["JUPYTER_DATA_DIR"] { return absolute(chosen) }
    guard let home = environment.home else { return PathText.join(privateDirectory, "jupyter") }
    #if os(macOS)
      if environment["JUPYTER_PLATFORM_DIRS"] == nil { return PathText.join(home, "Library/Jupyter") }
      return PathText.join(home, "Library/Application Support/Jupyter")
    #else
      let data = environment["XDG_DATA_HOME"].map(absolute) ?? PathText.join(home, ".local/share")
      return PathText.join(data, "jupyter")
    #endif
  }

  /// The data folder of an installation prefix.
  public static func dataDirectory(ofPrefix prefix: String) -> String {
    PathText.join(prefix, "share/jupyter")
  }

  /// The prefix of the environment the user has activated, if any.
  public var activePrefix: String? {
    (environment["VIRTUAL_ENV"] ?? environment["CONDA_PREFIX"]).map(absolute)
  }

  /// Every data folder, the first one to win first: `JUPYTER_PATH`, the user's, the environments',
  /// the system's. In an activated environment, or with `JUPYTER_PREFER_ENV_PATH`, the
  /// environments' go before the user's, as in jupyter_core.
  public var dataPath: [String] {
    var folders = PathText.list(environment["JUPYTER_PATH"]).map(absolute)
    let prefixes = [environment["VIRTUAL_ENV"], environment["CONDA_PREFIX"]].compactMap { $0 }
    let environments =
      prefixes.map { Self.dataDirectory(ofPrefix: absolute($0)) }
      + executablePrefixes.map(Self.dataDirectory(ofPrefix:))
    folders += prefersEnvironment ? environments + [userDataDirectory] : [userDataDirectory] + environments
    folders += ["/usr/local/share/jupyter", "/usr/share/jupyter"]
    return Self.unique(folders)
  }

  /// Where connection files live: `JUPYTER_RUNTIME_DIR`, else `runtime` in the user's data folder.
  public var runtimeDirectory: String {
    environment["JUPYTER_RUNTIME_DIR"].map(absolute) ?? PathText.join(userDataDirectory, "runtime")
  }

  /// The runtime folder, made with mode 0700 where it is missing; a private temporary folder where
  /// the proper one cannot be made (a read-only home, or none).
  ///
  /// - Throws: ``SpecError`` `.cannotCreate` when the temporary folder is not to be had either.
  public func makeRuntimeDirectory() throws(SpecError) -> String {
    let proper = runtimeDirectory
    if FileWriting.makeDirectories(proper, mode: 0o700) == 0, access(proper, W_OK | X_OK) == 0 {
      return proper
    }
    let fallback = PathText.join(privateDirectory, "jupyter/runtime")
    let code = FileWriting.makeDirectories(fallback, mode: 0o700)
    guard code == 0, FileWriting.isPrivate(privateDirectory) else {
      throw SpecError(
        .cannotCreate, "no runtime folder: neither \(proper) nor \(fallback) is writable and private",
        remedy: "set JUPYTER_RUNTIME_DIR to a folder of your own")
    }
    return fallback
  }

  /// Prefixes the running executable may belong to: that of the path it was called by, and that of
  /// the file itself when the path is a link.
  var executablePrefixes: [String] {
    var prefixes: [String] = []
    if let called = environment.findProgram(environment.invokedAs) { prefixes.append(prefix(of: called)) }
    if let file = environment.executable { prefixes.append(prefix(of: file)) }
    return Self.unique(prefixes)
  }

  private func prefix(of executable: String) -> String {
    PathText.parent(PathText.parent(executable))
  }

  private var prefersEnvironment: Bool {
    if let wish = environment["JUPYTER_PREFER_ENV_PATH"]?.lowercased() {
      return !["no", "n", "false", "off", "0", "0.0"].contains(wish)
    }
    if environment["VIRTUAL_ENV"] != nil { return true }
    return environment["CONDA_PREFIX"] != nil && environment["CONDA_DEFAULT_ENV"] != "base"
  }

  /// A folder for one user where nothing else is to be had; its owner and mode are checked before use.
  private var privateDirectory: String {
    PathText.join(absolute(environment["TMPDIR"] ?? "/tmp"), "parley-\(getuid())")
  }

  private func absolute(_ path: String) -> String {
    PathText.absolute(environment.expandingTilde(path), in: environment.currentDirectory)
  }

  static func unique(_ folders: [String]) -> [String] {
    var seen: Set<String> = []
    return folders.filter { seen.insert($0).inserted }
  }
}
