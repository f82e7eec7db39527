import ArgumentParser
import KernelSpecs

/// The options that say where kernelspecs go.
struct ScopeOptions: ParsableArguments {
  @Flag(name: .long, help: "The user's own Jupyter folder (the default).")
  var user = false

  @Option(name: .long, help: ArgumentHelp("A prefix: share/jupyter in it.", valueName: "folder"))
  var prefix: String?

  @Flag(name: .long, help: "The active Python environment, or else the one of python3 on PATH.")
  var sysPrefix = false

  func validate() throws {
    let given = [user, prefix != nil, sysPrefix].count { $0 }
    if given > 1 { throw ValidationError("--user, --prefix and --sys-prefix exclude each other") }
    if prefix?.isEmpty == true { throw ValidationError("--prefix needs a folder") }
  }

  func target(_ environment: SpecEnvironment) throws -> InstallTarget {
    let scope: InstallTarget.Scope = prefix.map { .prefix($0) } ?? (sysPrefix ? .sysPrefix : .user)
    return try InstallTarget(scope, environment: environment) { python in
      ProbeProcess.firstLine(of: [python, "-c", "import sys; print(sys.prefix)"])
    }
  }
}
