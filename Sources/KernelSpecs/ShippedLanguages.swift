/// Finds the language folders that belong to this copy of Parley.
public struct ShippedLanguages: Sendable {
  private let environment: SpecEnvironment

  public init(environment: SpecEnvironment = .current()) {
    self.environment = environment
  }

  /// The folders to search, the first one to win first: `PARLEY_RESOURCES`, beside the executable,
  /// the source tree the executable was built in, and the copies made by `parley install`.
  ///
  /// What belongs to the executable goes before the copies, so that an old copy in the user's data
  /// folder never takes the place of the bridges this version was built with.
  public var folders: [String] {
    let given = PathText.list(environment["PARLEY_RESOURCES"]).map {
      PathText.absolute(environment.expandingTilde($0), in: environment.currentDirectory)
    }
    let paths = JupyterPaths(environment: environment)
    let beside = paths.executablePrefixes.map { PathText.join($0, "share/parley/languages") }
    let copies = paths.dataPath.map(Self.copies(beside:))
    return JupyterPaths.unique(given + beside + (sourceTree.map { [$0] } ?? []) + copies)
  }

  /// The folder for copies that belongs to a Jupyter data folder: `share/parley/languages` for
  /// `share/jupyter`.
  public static func copies(beside dataDirectory: String) -> String {
    PathText.join(PathText.parent(dataDirectory), "parley/languages")
  }

  /// `kernelspecs` of the source tree that holds the executable, for development.
  public var sourceTree: String? {
    guard let executable = environment.executable else { return nil }
    var folder = PathText.parent(executable)
    while folder != "/" && folder != "." {
      let candidate = PathText.join(folder, "kernelspecs")
      if Files.isFile(PathText.join(folder, "Package.swift")), Files.isDirectory(candidate) {
        return candidate
      }
      folder = PathText.parent(folder)
    }
    return nil
  }
}
