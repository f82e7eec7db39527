import Foundation
import Testing

@testable import KernelSpecs

@Suite("install and uninstall")
struct InstallerTests {
  /// A source tree with two languages and the polyglot kernel, and an executable built in it.
  private func tree() throws -> (Scratch, SpecEnvironment) {
    let scratch = try Scratch()
    try scratch.write("tree/Package.swift")
    let executable = try scratch.write("tree/.build/debug/parley", executable: true)
    for name in ["python", "bash"] {
      try scratch.bridge("tree/kernelspecs/\(name)", language: name, aliases: [name + "3"])
      try scratch.write("tree/kernelspecs/\(name)/logo-svg.svg", "<svg/>")
      try scratch.write("tree/kernelspecs/\(name)/run", "#!", executable: true)
      try scratch.write("tree/kernelspecs/\(name)/__pycache__/x.pyc")
    }
    try scratch.write("tree/kernelspecs/parley/logo-svg.svg", "<svg id='p'/>")
    try scratch.write(
      "tree/kernelspecs/parley/kernel.json",
      """
      {"argv": ["parley", "kernel", "-f", "{connection_file}"], "display_name": "Parley",
       "language": "python", "interrupt_mode": "message", "metadata": {"supported_encryption": ["curve"]}}
      """)
    return (scratch, scratch.environment(invokedAs: executable, executable: executable))
  }

  private func target(_ scope: InstallTarget.Scope, _ environment: SpecEnvironment) throws -> InstallTarget {
    try InstallTarget(scope, environment: environment, askPython: { _ in nil })
  }

  private func files(_ scratch: Scratch, _ folder: String) -> [String] {
    (FileManager.default.enumerator(atPath: scratch.path + "/" + folder)?.allObjects ?? [])
      .compactMap { $0 as? String }
      .filter { Files.isFile(scratch.path + "/" + folder + "/" + $0) }.sorted()
  }

  @Test("the polyglot kernel for the user: kernel.json, logos, copies of the bridges; repeatable")
  func polyglot() throws {
    let (scratch, environment) = try tree()
    let place = try target(.user, environment)
    for _ in 1...2 {
      let outcome = try KernelSpecInstaller(environment: environment).install(.init(target: place))
      #expect(outcome.kernels.map(\.name) == ["parley"])
      #expect(outcome.languagesDirectory == scratch.path + "/home/.local/share/parley/languages")
      #expect(
        files(scratch, "home") == [
          ".local/share/jupyter/kernels/parley/kernel.json",
          ".local/share/jupyter/kernels/parley/logo-svg.svg",
          ".local/share/parley/languages/.copied-by-parley",
          ".local/share/parley/languages/bash/bridge.json", ".local/share/parley/languages/bash/logo-svg.svg",
          ".local/share/parley/languages/bash/run",
          ".local/share/parley/languages/parley/kernel.json",
          ".local/share/parley/languages/parley/logo-svg.svg",
          ".local/share/parley/languages/python/bridge.json",
          ".local/share/parley/languages/python/logo-svg.svg",
          ".local/share/parley/languages/python/run",
        ])
    }
    let spec = try KernelSpecFile.load(directory: scratch.path + "/home/.local/share/jupyter/kernels/parley")
    #expect(spec.argv == [scratch.path + "/tree/.build/debug/parley", "kernel", "-f", "{connection_file}"])
    #expect(spec.kernelProtocolVersion == "5.6.0" && spec.interruptMode == .message)
    #expect(spec.metadata["supported_encryption"] == .array([.string("curve")]))
    #expect(Files.isExecutable(scratch.path + "/home/.local/share/parley/languages/bash/run"))
    // A program elsewhere finds the copies.
    let elsewhere = LanguageCatalog(environment: scratch.environment())
    #expect(
      elsewhere.entry(named: "bash3")?.directory == scratch.path + "/home/.local/share/parley/languages/bash")
  }

  @Test("languages get a kernelspec each beside the polyglot one, or alone")
  func languages() throws {
    let (scratch, environment) = try tree()
    let place = try target(.prefix("new"), environment)
    let installer = KernelSpecInstaller(environment: environment)
    let outcome = try installer.install(.init(target: place, languages: ["python3", "bash", "python"]))
    #expect(outcome.kernels.map(\.name) == ["parley", "parley-python", "parley-bash"])
    let spec = try KernelSpecFile.load(directory: scratch.path + "/new/share/jupyter/kernels/parley-bash")
    #expect(spec.argv.dropFirst() == ["kernel", "--language", "bash", "-f", "{connection_file}"])
    #expect(spec.displayName == "bash (Parley)" && spec.language == "bash")
    let only = try installer.install(.init(target: place, languages: ["bash"], onlyLanguages: true))
    #expect(only.kernels.map(\.name) == ["parley-bash"])
    let named = try installer.install(
      .init(target: place, languages: ["bash"], name: "Shell", displayName: "A shell"))
    #expect(named.kernels.map(\.name) == ["shell"])
    #expect(
      try KernelSpecFile.load(directory: scratch.path + "/new/share/jupyter/kernels/shell").displayName
        == "A shell")
    #expect(
      RegisteredKernel.all(in: place.dataDirectory).map(\.name) == [
        "parley", "parley-bash", "parley-python", "shell",
      ])
  }

  @Test("argv[0] survives an upgrade: a link on PATH, {prefix}, an unresolved path")
  func stable() throws {
    let scratch = try Scratch()
    let versioned = try scratch.write("Cellar/parley/1.2/bin/parley", executable: true)
    func path(_ invokedAs: String) -> String {
      StableExecutable(environment: scratch.environment(invokedAs: invokedAs, executable: versioned)).path
    }
    #expect(path(versioned) == versioned)
    #expect(path("./Cellar//parley/1.2/bin/parley") == versioned)
    try scratch.write("bin/.keep")
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path + "/bin/parley", withDestinationPath: versioned)
    let link = scratch.path + "/bin/parley"
    #expect(path("parley") == link)
    #expect(path(versioned) == link)
    #expect(path("bin/../bin/parley") == link)
    #expect(path("/gone/parley") == link)
    let environment = scratch.environment(invokedAs: versioned, executable: versioned)
    #expect(StableExecutable(environment: environment).argument(prefix: scratch.path) == link)
    try scratch.write("pyvenv.cfg")
    #expect(
      StableExecutable(environment: environment).argument(prefix: scratch.path) == "{prefix}/bin/parley")
    #expect(StableExecutable(environment: environment).argument(prefix: scratch.path + "/other") == link)
  }

  @Test("--sys-prefix: the active environment, else what python says")
  func sysPrefix() throws {
    let scratch = try Scratch()
    func prefix(_ variables: [String: String], says: String? = nil) throws -> String? {
      try InstallTarget(
        .sysPrefix, environment: scratch.environment(variables), askPython: { _ in says }
      ).prefix
    }
    try scratch.write("v/pyvenv.cfg")
    #expect(try prefix(["VIRTUAL_ENV": scratch.path + "/v"]) == scratch.path + "/v")
    #expect(failure { _ = try prefix([:]) }.contains("python3 is not on PATH; activate one"))
    try scratch.write("bin/python3", executable: true)
    #expect(try prefix([:]) == scratch.path)
    #expect(try prefix([:], says: scratch.path + "/v") == scratch.path + "/v")
  }

  @Test("a program that has its languages beside itself copies nothing")
  func beside() throws {
    let scratch = try Scratch()
    let executable = try scratch.write("app/bin/parley", executable: true)
    try scratch.bridge("app/share/parley/languages/x", language: "x")
    let environment = scratch.environment(invokedAs: executable, executable: executable)
    let outcome = try KernelSpecInstaller(environment: environment)
      .install(.init(target: target(.user, environment), languages: ["x"]))
    #expect(outcome.languagesDirectory == nil && outcome.kernels.count == 2)
  }

  @Test("a language of PARLEY_LANGUAGES is found by the kernel too")
  func configured() throws {
    let (scratch, base) = try tree()
    try scratch.bridge("mine/zig", language: "zig")
    let executable = base.executable
    let environment = scratch.environment(
      ["PARLEY_LANGUAGES": "mine"], invokedAs: base.invokedAs, executable: executable)
    _ = try KernelSpecInstaller(environment: environment)
      .install(.init(target: target(.user, environment), languages: ["zig"], onlyLanguages: true))
    let spec = try KernelSpecFile.load(
      directory: scratch.path + "/home/.local/share/jupyter/kernels/parley-zig")
    #expect(spec.env == [.init(name: "PARLEY_LANGUAGES", value: scratch.path + "/mine")])
  }

  @Test("errors are one line and nothing is left behind")
  func errors() throws {
    let (scratch, environment) = try tree()
    let installer = KernelSpecInstaller(environment: environment)
    let place = try target(.user, environment)
    #expect(
      failure { _ = try installer.install(.init(target: place, languages: ["cobol"])) }
        .hasPrefix("no language 'cobol'; known are bash, python; "))
    #expect(
      failure { _ = try installer.install(.init(target: place, languages: ["bash", "python"], name: "x")) }
        .contains("for 2 kernelspecs"))
    #expect(failure { _ = try installer.install(.init(target: place, name: "../x")) }.contains("'../x'"))
    #expect(failure { _ = try target(.prefix("/no/such/folder"), environment) }.contains("/no/such/folder"))
    #expect(!Files.isDirectory(scratch.path + "/home"))
    try scratch.write(
      "home/.local/share/jupyter/kernels/python3/kernel.json",
      #"{"argv": ["python"], "display_name": "Python 3", "language": "python"}"#)
    #expect(
      failure { _ = try installer.install(.init(target: place, name: "python3")) }
        .contains("belongs to another kernel, Python 3"))
    try scratch.write("block/share")
    #expect(
      failure { _ = try installer.install(.init(target: target(.prefix("block"), environment))) }
        .contains("a file stands where a folder is needed; move it away"))
  }

  @Test("uninstall removes what install wrote and nothing else")
  func uninstall() throws {
    let (scratch, environment) = try tree()
    let place = try target(.user, environment)
    _ = try KernelSpecInstaller(environment: environment).install(.init(target: place, languages: ["python"]))
    let foreign = "home/.local/share/jupyter/kernels/python3/kernel.json"
    try scratch.write(foreign, #"{"argv": ["python"], "display_name": "Python 3", "language": "python"}"#)
    try scratch.bridge("home/.local/share/parley/languages/own", language: "own")
    let uninstaller = KernelSpecUninstaller()
    #expect(failure { _ = try uninstaller.uninstall(["python3"], from: place) }.contains("is not Parley's"))
    #expect(failure { _ = try uninstaller.uninstall(["r"], from: place) }.hasPrefix("no kernelspec 'r'"))
    let first = try uninstaller.uninstall(["python"], from: place)
    #expect(first.kernels.map(PathText.lastComponent) == ["parley-python"] && first.languagesDirectory == nil)
    let rest = try uninstaller.uninstall([], from: place)
    #expect(rest.kernels.map(PathText.lastComponent) == ["parley"] && rest.languagesDirectory != nil)
    #expect(
      files(scratch, "home") == [
        ".local/share/jupyter/kernels/python3/kernel.json", ".local/share/parley/languages/own/bridge.json",
      ])
    #expect(
      failure { _ = try uninstaller.uninstall([], from: place) }.hasPrefix("no kernelspec of Parley in"))
  }

  @Test("argv[0] of a registered kernel is followed to its program")
  func registered() throws {
    let scratch = try Scratch()
    func register(_ argument: String) throws {
      let spec = KernelSpecFile(argv: [argument, "kernel"], displayName: "P", language: "x")
      try scratch.write(
        "p/share/jupyter/kernels/parley/kernel.json", String(decoding: spec.encoded, as: UTF8.self))
    }
    try register("{prefix}/bin/parley")
    let environment = scratch.environment(["VIRTUAL_ENV": scratch.path + "/p"])
    func program() -> String? {
      RegisteredKernel.all(environment: environment).first?.program(environment: environment)
    }
    #expect(program() == nil)
    let inPrefix = try scratch.write("p/bin/parley", executable: true)
    #expect(program() == inPrefix)
    try register("parley")
    #expect(program() == nil)
    let onPath = try scratch.write("bin/parley", executable: true)
    #expect(program() == onPath)
  }
}
