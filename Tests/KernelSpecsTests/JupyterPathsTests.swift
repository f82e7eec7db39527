import Testing

@testable import KernelSpecs

@Suite("Jupyter's folders")
struct JupyterPathsTests {
  @Test("the data path in jupyter_core's order")
  func order() throws {
    let scratch = try Scratch()
    let executable = try scratch.write("app/bin/parley", executable: true)
    let home = scratch.path + "/home/.local/share/jupyter"
    let app = scratch.path + "/app/share/jupyter"
    let system = ["/usr/local/share/jupyter", "/usr/share/jupyter"]
    func path(_ variables: [String: String]) -> [String] {
      JupyterPaths(
        environment: scratch.environment(variables, invokedAs: executable, executable: executable)
      ).dataPath
    }
    #expect(path([:]) == [home, app] + system)
    #expect(path(["JUPYTER_PATH": "/a::b"]) == ["/a", scratch.path + "/b", home, app] + system)
    #expect(path(["XDG_DATA_HOME": "/data"]) == ["/data/jupyter", app] + system)
    #expect(path(["JUPYTER_DATA_DIR": "/d"]) == ["/d", app] + system)
    #expect(path(["VIRTUAL_ENV": "/v"]) == ["/v/share/jupyter", app, home] + system)
    #expect(
      path(["VIRTUAL_ENV": "/v", "JUPYTER_PREFER_ENV_PATH": "0"]) == [home, "/v/share/jupyter", app] + system)
    #expect(path(["JUPYTER_PREFER_ENV_PATH": "1"]) == [app, home] + system)
    #expect(
      path(["CONDA_PREFIX": "/c", "CONDA_DEFAULT_ENV": "base"]) == [home, "/c/share/jupyter", app] + system)
  }

  @Test("the runtime folder is made private; without a writable home it is a temporary one")
  func runtime() throws {
    let scratch = try Scratch()
    let proper = try JupyterPaths(environment: scratch.environment()).makeRuntimeDirectory()
    #expect(proper == scratch.path + "/home/.local/share/jupyter/runtime")
    #expect(FileWriting.isPrivate(proper))
    let chosen = scratch.environment(["JUPYTER_RUNTIME_DIR": scratch.path + "/run"])
    #expect(JupyterPaths(environment: chosen).runtimeDirectory == scratch.path + "/run")
    let file = try scratch.write("file")
    let fallback = try JupyterPaths(environment: scratch.environment(["JUPYTER_RUNTIME_DIR": file + "/x"]))
      .makeRuntimeDirectory()
    #expect(fallback.hasPrefix(scratch.path + "/tmp/parley-"))
    let homeless = SpecEnvironment(
      variables: { $0 == "TMPDIR" ? scratch.path + "/t2" : nil }, home: nil, invokedAs: "parley",
      executable: nil, currentDirectory: "/")
    #expect(
      try JupyterPaths(environment: homeless).makeRuntimeDirectory().hasPrefix(scratch.path + "/t2/parley-"))
  }

  @Test("this process's own surroundings can be read")
  func current() {
    let environment = SpecEnvironment.current()
    #expect(environment.executable?.hasPrefix("/") == true)
    #expect(environment.findProgram("sh")?.hasSuffix("/sh") == true)
    #expect(environment.findProgram("no-such-program") == nil)
  }
}
