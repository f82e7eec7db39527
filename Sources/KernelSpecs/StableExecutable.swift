/// Chooses the text for `argv[0]` of a kernelspec, so that it outlives an upgrade of the program.
///
/// Package managers keep each version in a folder of its own and a link in a stable place. A
/// kernelspec that names the version's folder breaks with the next upgrade, so a path is written as
/// the user calls the program and links are never resolved.
struct StableExecutable {
  let environment: SpecEnvironment

  /// `{prefix}/bin/parley` when a Python environment has its own copy (the front end fills in the
  /// environment's folder, which may have moved), else an absolute path.
  ///
  /// For a prefix such as /usr it would be wrong: a front end in an environment sees the kernelspecs
  /// there too, and fills in its own folder.
  func argument(prefix: String?) -> String {
    if let prefix, Files.isExecutable(PathText.join(prefix, "bin/parley")) {
      let isEnvironment =
        Files.isFile(PathText.join(prefix, "pyvenv.cfg"))
        || Files.isDirectory(PathText.join(prefix, "conda-meta"))
      return isEnvironment ? "{prefix}/bin/parley" : PathText.join(prefix, "bin/parley")
    }
    return path
  }

  /// The absolute, unresolved path of this program.
  var path: String {
    let called = environment.findProgram(environment.invokedAs).map(Self.withoutParentParts)
    let file = called.flatMap(Files.realPath) ?? environment.executable
    // Called by a path, perhaps a versioned one: a link to the same file on PATH is the stable name.
    if let onPath = environment.findProgram("parley"), let file, Files.realPath(onPath) == file {
      return Self.withoutParentParts(onPath)
    }
    return called ?? environment.executable ?? "parley"
  }

  /// The path with everything up to the last `..` resolved, where alone links must be followed.
  static func withoutParentParts(_ path: String) -> String {
    let parts = path.split(separator: "/", omittingEmptySubsequences: true)
    guard let last = parts.lastIndex(of: "..") else { return path }
    guard let head = Files.realPath("/" + parts[...last].joined(separator: "/")) else { return path }
    return parts[(last + 1)...].reduce(head) { PathText.join($0, String($1)) }
  }
}
