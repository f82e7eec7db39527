import Testing

@testable import KernelSpecs

@Suite("the catalogue of languages")
struct LanguageCatalogTests {
  private let share = "home/.local/share"

  @Test("the first place that answers wins: configuration, Jupyter, shipped, other kernelspecs")
  func order() throws {
    let scratch = try Scratch()
    let executable = try scratch.write("app/bin/parley", executable: true)
    let environment = scratch.environment(
      ["PARLEY_LANGUAGES": scratch.path + "/mine"], executable: executable)
    func directory(_ name: String) -> String? {
      LanguageCatalog(environment: environment).entry(named: name)?.directory
        .replacing(scratch.path + "/", with: "")
    }
    try scratch.write(
      "\(share)/jupyter/kernels/py/kernel.json", #"{"argv": ["x"], "display_name": "P", "language": "Py"}"#)
    #expect(directory("py") == "\(share)/jupyter/kernels/py")
    try scratch.bridge("\(share)/parley/languages/py", language: "py")
    #expect(directory("py") == "\(share)/parley/languages/py")
    try scratch.bridge("app/share/parley/languages/py", language: "py")
    #expect(directory("py") == "app/share/parley/languages/py")
    try scratch.bridge("\(share)/jupyter/kernels/parley-py", language: "py")
    #expect(directory("py") == "\(share)/jupyter/kernels/parley-py")
    try scratch.bridge("home/.config/parley/languages/py", language: "py")
    #expect(directory("py") == "home/.config/parley/languages/py")
    try scratch.bridge("mine/other", language: "other", aliases: ["py"])
    #expect(directory("py") == "mine/other")
    #expect(directory("PY") == "mine/other")
    #expect(directory("nothing") == nil)
  }

  @Test("an environment's folders, JUPYTER_PATH and a single language's folder are places too")
  func more() throws {
    let scratch = try Scratch()
    try scratch.bridge("env/share/parley/languages/a", language: "a")
    try scratch.bridge("jp/kernels/b", language: "b")
    try scratch.bridge("one", language: "c")
    try scratch.bridge("res/d", language: "d")
    let catalog = LanguageCatalog(
      environment: scratch.environment([
        "VIRTUAL_ENV": scratch.path + "/env", "JUPYTER_PATH": scratch.path + "/jp",
        "PARLEY_LANGUAGES": "/none:one", "PARLEY_RESOURCES": scratch.path + "/res",
      ]))
    #expect(catalog.all().filter { $0.kind == .bridge }.map(\.name) == ["c", "b", "d", "a"])
    #expect(catalog.entry(named: "a")?.origin == .shipped)
    #expect(catalog.entry(named: "b")?.origin == .jupyter)
    #expect(catalog.entry(named: "c")?.origin == .configuration)
  }

  @Test("the source tree around the executable is found by walking up")
  func sourceTree() throws {
    let scratch = try Scratch()
    try scratch.write("tree/Package.swift")
    try scratch.bridge("tree/kernelspecs/x", language: "x")
    let executable = try scratch.write("tree/.build/arch/debug/parley", executable: true)
    let catalog = LanguageCatalog(environment: scratch.environment(executable: executable))
    #expect(catalog.entry(named: "x")?.directory == scratch.path + "/tree/kernelspecs/x")
  }

  @Test("a broken manifest is kept with its error, shows under its name and stops no other")
  func broken() throws {
    let scratch = try Scratch()
    try scratch.bridge("mine/good", language: "good")
    try scratch.write("mine/bad/bridge.json", "{")
    try scratch.write("mine/odd/bridge.json", #"{"bridge_protocol": 1, "language": "named"}"#)
    try scratch.write("mine/empty/readme")
    let catalog = LanguageCatalog(
      environment: scratch.environment(["PARLEY_LANGUAGES": scratch.path + "/mine"]))
    #expect(catalog.all().filter { $0.kind == .bridge }.map(\.name) == ["bad", "good", "named"])
    #expect(catalog.entry(named: "bad")?.problem?.description.contains("line 1, column 2") == true)
    #expect(catalog.entry(named: "named")?.problem?.description.contains("'argv' is missing") == true)
    #expect(catalog.entry(named: "good")?.problem == nil)
  }

  @Test("aliases find their language; a taken alias is not shown twice; a new folder needs refresh")
  func aliases() throws {
    let scratch = try Scratch()
    try scratch.bridge("mine/js", language: "js", aliases: ["javascript", "node"])
    try scratch.bridge("mine/deno", language: "deno", aliases: ["node", "ts"])
    let catalog = LanguageCatalog(
      environment: scratch.environment(["PARLEY_LANGUAGES": scratch.path + "/mine"]))
    #expect(catalog.entry(named: "javascript")?.name == "js")
    #expect(catalog.entry(named: "node")?.name == "deno")
    let bridges = catalog.all().filter { $0.kind == .bridge }
    #expect(bridges.map(\.aliases) == [["node", "ts"], ["javascript"]])
    try scratch.bridge("mine/new", language: "new", aliases: ["brandnew"])
    #expect(catalog.entry(named: "brandnew") == nil)
    catalog.refresh()
    #expect(catalog.entry(named: "brandnew")?.name == "new")
  }

  @Test("other kernels are listed as such, by folder and by language; Parley's own kernelspecs are not")
  func kernelSpecs() throws {
    let scratch = try Scratch()
    let kernels = "\(share)/jupyter/kernels"
    try scratch.write(
      "\(kernels)/ir/kernel.json", #"{"argv": ["R"], "display_name": "R 4", "language": "R"}"#)
    try scratch.write("\(kernels)/bad/kernel.json", #"{"argv": []}"#)
    try scratch.write(
      "\(kernels)/parley/kernel.json",
      #"{"argv": ["{prefix}/bin/parley", "kernel", "-f"], "display_name": "Parley", "language": "python"}"#)
    let catalog = LanguageCatalog(environment: scratch.environment())
    let entry = try #require(catalog.entry(named: "r"))
    #expect(entry.name == "ir" && entry.kind == .kernelspec && entry.displayName == "R 4")
    let mine = catalog.all().filter { $0.directory.hasPrefix(scratch.path) }
    #expect(mine.map(\.name) == ["bad", "ir"])
    #expect(mine.first?.problem?.description.contains("'argv' must be an array") == true)
  }

  @Test("a look-up of a language takes well under a millisecond")
  func quick() throws {
    let scratch = try Scratch()
    for name in ["bash", "echo", "js", "python", "sql"] {
      try scratch.bridge("tree/\(name)", language: name, more: #""language_info": {"name": "\#(name)"},"#)
    }
    let environment = scratch.environment(["PARLEY_RESOURCES": scratch.path + "/tree"])
    let clock = ContinuousClock()
    let best = (0..<20).map { _ in
      clock.measure { _ = LanguageCatalog(environment: environment).entry(named: "python") }
    }.min()
    // Ten times the promise, for debug builds on busy machines.
    #expect(try #require(best) < .milliseconds(10))
  }
}
