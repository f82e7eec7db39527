#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the surroundings of the process say: variables, home, the executable, the current folder.
///
/// A value, so that a test can describe any surroundings without touching its own.
/// An empty variable counts as unset, as in the XDG base directory specification.
public struct SpecEnvironment: Sendable {
  private let lookUp: @Sendable (String) -> String?
  /// The user's home folder; nil when neither HOME nor the password database names an existing one.
  public let home: String?
  /// `argv[0]` as the process was called.
  public let invokedAs: String
  /// The executable's file as the system has it, links resolved; nil when unknown.
  public let executable: String?
  /// The folder that relative paths are relative to.
  public let currentDirectory: String

  public init(
    variables: @escaping @Sendable (String) -> String?, home: String?, invokedAs: String,
    executable: String?, currentDirectory: String
  ) {
    self.lookUp = variables
    self.home = home
    self.invokedAs = invokedAs
    self.executable = executable
    self.currentDirectory = currentDirectory
  }

  /// The surroundings of this process. Variables are read when they are asked for, so that a start
  /// does not copy an environment of hundreds.
  public static func current() -> SpecEnvironment {
    let variable: @Sendable (String) -> String? = { name in
      getenv(name).map { String(cString: $0) }
    }
    let directory = Files.currentDirectory() ?? "/"
    return SpecEnvironment(
      variables: variable, home: homeDirectory(variable("HOME")),
      invokedAs: CommandLine.arguments.first ?? "parley",
      executable: Files.realPath("/proc/self/exe"), currentDirectory: directory)
  }

  public subscript(name: String) -> String? {
    guard let value = lookUp(name), !value.isEmpty else { return nil }
    return value
  }

  /// The folders of PATH, or the system's usual ones when a launcher gave us none.
  public var searchPath: [String] {
    let folders = PathText.list(self["PATH"])
    return folders.isEmpty ? ["/usr/local/bin", "/usr/bin", "/bin"] : folders
  }

  /// The first executable file of that name on PATH, unresolved; a name with a slash is a path.
  public func findProgram(_ name: String) -> String? {
    if name.contains("/") {
      let path = PathText.absolute(expandingTilde(name), in: currentDirectory)
      return Files.isExecutable(path) ? path : nil
    }
    for folder in searchPath {
      let path = PathText.join(PathText.absolute(folder, in: currentDirectory), name)
      if Files.isExecutable(path) { return path }
    }
    return nil
  }

  /// `~` and `~/...` with the home folder in place of the tilde; any other text as it is.
  public func expandingTilde(_ path: String) -> String {
    guard let home, path == "~" || path.hasPrefix("~/") else { return path }
    return home + path.dropFirst()
  }

  /// HOME, or what the password database says where a launcher passed no HOME.
  private static func homeDirectory(_ variable: String?) -> String? {
    if let variable, variable.hasPrefix("/") { return variable }
    var buffer = [CChar](repeating: 0, count: 4096)
    let path = buffer.withUnsafeMutableBufferPointer { space -> String? in
      guard let base = space.baseAddress else { return nil }
      var record = passwd()
      var found: UnsafeMutablePointer<passwd>?
      guard getpwuid_r(getuid(), &record, base, space.count, &found) == 0, found != nil else { return nil }
      return record.pw_dir.map { String(cString: $0) }
    }
    guard let path, Files.isDirectory(path) else { return nil }
    return path
  }
}
