import Testing

@testable import KernelSpecs

@Suite("interpreters")
struct InterpreterResolverTests {
  private func resolve(
    _ scratch: Scratch, _ variables: [String: String] = [:], override: String? = nil
  ) throws -> ResolvedCommand {
    let manifest = try BridgeManifest.load(directory: scratch.path + "/x")
    return try InterpreterResolver(environment: scratch.environment(variables))
      .resolve(manifest, override: override)
  }

  @Test("the order: option, variable, prefix, PATH; names in their order")
  func order() throws {
    let scratch = try Scratch()
    try scratch.bridge("x", language: "x", more: #""environment": {"LIB": "{resource_dir}/l"},"#)
    let onPath = try scratch.write("bin/xlang", executable: true)
    let first = try resolve(scratch)
    #expect(first.argv == [onPath, scratch.path + "/x/bridge.x"])
    #expect(first.foundBy == "PATH" && first.interpreter == onPath)
    #expect(first.environment == [.init(name: "LIB", value: scratch.path + "/x/l")])

    let better = try scratch.write("bin/xlang3", executable: true)
    #expect(try resolve(scratch).argv[0] == better)

    // A prefix without the program is passed over.
    let venv = ["VIRTUAL_ENV": scratch.path + "/venv"]
    #expect(try resolve(scratch, venv).argv[0] == better)
    let inVenv = try scratch.write("venv/bin/xlang", executable: true)
    #expect(try resolve(scratch, venv).argv[0] == inVenv)
    #expect(try resolve(scratch, venv).foundBy == "VIRTUAL_ENV")

    let named = venv.merging(["PARLEY_X": "xlang"]) { $1 }
    #expect(try resolve(scratch, named).argv[0] == onPath)
    #expect(try resolve(scratch, named, override: inVenv).argv[0] == inVenv)
    // Empty is unset.
    #expect(try resolve(scratch, ["PARLEY_X": ""]).argv[0] == better)
  }

  @Test("a bridge that is a command of the server names it as {parley}")
  func ownProgram() throws {
    let scratch = try Scratch()
    try scratch.write(
      "x/bridge.json",
      #"{"bridge_protocol": 1, "language": "x", "argv": ["{parley}", "bridge-x", "{resource_dir}"]}"#)
    let parley = try scratch.write("bin/parley", executable: true)
    let manifest = try BridgeManifest.load(directory: scratch.path + "/x")
    let environment = SpecEnvironment(
      variables: { _ in nil }, home: nil, invokedAs: "parley", executable: parley, currentDirectory: "/")
    let command = try InterpreterResolver(environment: environment).resolve(manifest)
    #expect(command.argv == [parley, "bridge-x", scratch.path + "/x"])
  }

  @Test("a missing interpreter gives the install line, a wrong choice is never passed over")
  func missing() throws {
    let scratch = try Scratch()
    try scratch.bridge("x", language: "x")
    #expect(
      failure { _ = try resolve(scratch) }
        == "no interpreter for x: xlang3, xlang not found in PATH; "
        + "install it: apt-get install xlang, or set PARLEY_X")
    try scratch.write("bin/xlang", executable: true)
    #expect(
      failure { _ = try resolve(scratch, ["PARLEY_X": "/no/xlang"]) }
        == "no interpreter for x: PARLEY_X says '/no/xlang', which is no program; correct or unset PARLEY_X")
    try scratch.write("bin/notexec")
    #expect(failure { _ = try resolve(scratch, override: "notexec") }.contains("the option says 'notexec'"))
  }

  @Test("argv without {interpreter} is checked; a folder's own program and a tilde are paths")
  func plain() throws {
    let scratch = try Scratch()
    func write(_ argv: String, more: String = "") throws {
      try scratch.write(
        "x/bridge.json",
        #"{"bridge_protocol": 1, "language": "x", "argv": \#(argv), "install": "make x" \#(more)}"#)
    }
    try write(#"["xsh", "-x"]"#)
    #expect(failure { _ = try resolve(scratch) }.hasSuffix("xsh not found in PATH; install it: make x"))
    let shell = try scratch.write("bin/xsh", executable: true)
    #expect(try resolve(scratch).argv == [shell, "-x"])
    try write(#"["{resource_dir}/run"]"#)
    let own = try scratch.write("x/run", executable: true)
    #expect(try resolve(scratch).argv == [own])
    #expect(try resolve(scratch).foundBy == "manifest")
    try write(#"["~/run", "~/a", "a~b"]"#)
    let home = try scratch.write("home/run", executable: true)
    #expect(try resolve(scratch).argv == [home, scratch.path + "/home/a", "a~b"])
    try write(#"["far", "x"]"#, more: #", "launcher": ["xsh", "-c"]"#)
    #expect(try resolve(scratch).argv == [shell, "-c", "far", "x"])
  }
}
