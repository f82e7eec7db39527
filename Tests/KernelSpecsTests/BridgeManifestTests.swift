import Testing

@testable import KernelSpecs

@Suite("bridge.json")
struct BridgeManifestTests {
  @Test("every key arrives, language_info keeps its order and its text")
  func everyKey() throws {
    let scratch = try Scratch()
    try scratch.write(
      "x/bridge.json",
      """
      {
        "bridge_protocol": 1, "language": "c++", "display_name": "C++ \\u00e9\\ud83d\\ude00",
        "aliases": ["cpp", "cpp", "c++"], "argv": ["{interpreter}", "-u"],
        "interpreter": {"env": ["A"], "prefixes": ["B"], "names": ["clang"]},
        "environment": {"Z": "{resource_dir}/lib", "A": "1"}, "concurrent": true, "requests": "nul",
        "language_info": {"version": "1.50", "name": "C++", "codemirror_mode": {"name": "x", "n": 1e2},
          "mimetype": "text/x-c++src", "file_extension": ".cpp"},
        "banner": "hi", "capabilities": ["complete"], "cell_magics": true, "marker_options": true,
        "start_timeout": 2.5, "interrupt_grace": 1, "install": "apt", "launcher": ["nice", "-n5"],
        "lannguage": 1
      }
      """)
    let manifest = try BridgeManifest.load(directory: scratch.path + "/x")
    #expect(manifest.language == "c++")
    #expect(manifest.displayName == "C++ é😀")
    #expect(manifest.aliases == ["cpp"])
    #expect(manifest.argv == ["{interpreter}", "-u"])
    #expect(manifest.interpreter == .init(variables: ["A"], prefixes: ["B"], names: ["clang"]))
    #expect(manifest.environment.map(\.name) == ["Z", "A"])
    #expect(manifest.concurrent && manifest.cellMagics && manifest.markerOptions && manifest.requests == .nul)
    #expect(
      String(decoding: manifest.languageInfo, as: UTF8.self)
        == #"{"version":"1.50","name":"C++","codemirror_mode":{"name":"x","n":1e2},"#
        + #""mimetype":"text/x-c++src","file_extension":".cpp"}"#)
    #expect(manifest.fileExtension == ".cpp" && manifest.mimetype == "text/x-c++src")
    #expect(manifest.startTimeout == 2.5 && manifest.interruptGrace == 1)
    #expect(manifest.launcher == ["nice", "-n5"])
    #expect(manifest.unknownKeys == ["lannguage"])
  }

  @Test("the smallest manifest has the documented defaults")
  func defaults() throws {
    let scratch = try Scratch()
    try scratch.write("x/bridge.json", #"{"bridge_protocol": 1, "language": "x", "argv": ["x"]}"#)
    let manifest = try BridgeManifest.load(directory: scratch.path + "/x")
    #expect(manifest.displayName == "x" && manifest.requests == .json && !manifest.concurrent)
    #expect(manifest.startTimeout == 30 && manifest.interruptGrace == 5)
    #expect(
      String(decoding: manifest.languageInfo, as: UTF8.self)
        == #"{"name":"x","version":"","mimetype":"text/plain","file_extension":".txt"}"#)
    #expect(manifest.launcher == nil && manifest.interpreter == nil && manifest.unknownKeys.isEmpty)
  }

  @Test(
    "an error is one line that names the file, the key and what to do",
    arguments: [
      (#"[]"#, "not a JSON object; write one object"),
      ("{\n \"a\": }", "line 2, column 7: no JSON value; correct the JSON there"),
      (#"{"bridge_protocol": 1, "bridge_protocol": 1}"#, "the key 'bridge_protocol' twice"),
      (#"{"language": "x"}"#, "'bridge_protocol' is missing; add it"),
      (#"{"bridge_protocol": 2}"#, "'bridge_protocol' is 2, this parley speaks 1; update parley"),
      (#"{"bridge_protocol": 1}"#, "'language' is missing"),
      (#"{"bridge_protocol": 1, "language": "a b"}"#, "'language' has the name 'a b'; use lower-case"),
      (
        #"{"bridge_protocol": 1, "language": "x", "argv": "x"}"#,
        "'argv' must be an array of strings, not a string"
      ),
      (#"{"bridge_protocol": 1, "language": "x", "argv": []}"#, "'argv' names no program"),
      (#"{"bridge_protocol": 1, "language": "x", "argv": ["{interpreter}"]}"#, "'interpreter' is missing"),
      (
        #"{"bridge_protocol": 1, "language": "x", "argv": ["x"], "concurrent": 1}"#,
        "'concurrent' must be true or false, not a number"
      ),
      (#"{"bridge_protocol": 1, "language": "x", "argv": ["x"], "requests": "xml"}"#, "'requests' is 'xml'"),
      (
        #"{"bridge_protocol": 1, "language": "x", "argv": ["x"], "start_timeout": 0}"#,
        "'start_timeout' must be"
      ),
      (
        #"{"bridge_protocol": 1, "language": "x", "argv": ["x"], "environment": {"A": 1}}"#,
        "'environment.A' must be a string"
      ),
      (
        #"{"bridge_protocol": 1, "language": "x", "argv": ["x"], "interpreter": {"names": ["/bin/x"]}}"#,
        "'interpreter.names' has '/bin/x'"
      ),
    ])
  func errors(text: String, expected: String) throws {
    let scratch = try Scratch()
    let file = try scratch.write("x/bridge.json", text)
    let message = failure { _ = try BridgeManifest.load(directory: scratch.path + "/x") }
    #expect(message.hasPrefix("wrong manifest \(file): "))
    #expect(message.contains(expected), "\(message)")
    #expect(!message.contains("\n"))
  }

  @Test("a missing file and a folder in its place are said")
  func missing() throws {
    let scratch = try Scratch()
    #expect(failure { _ = try BridgeManifest.load(directory: scratch.path) }.hasPrefix("no file /"))
    try scratch.write("d/bridge.json/x")
    #expect(
      failure { _ = try BridgeManifest.load(directory: scratch.path + "/d") }.contains("not a regular file"))
  }

  @Test(
    "broken JSON is refused and never crashes",
    arguments: [
      "", " ", "{", "[1,", "\"a", "\"\\u12\"", "\"\\u+123\"", "01", "1.", "-", "1e", "tru", "{\"a\" 1}",
      "{a:1}",
      "[1 2]", "1 2", "\"\u{1}\"", "\"\\x\"", String(repeating: "[", count: 100_000),
    ])
  func brokenJSON(text: String) {
    #expect(throws: SpecJSONParser.Failure.self) { try SpecJSONParser.parse(Array(text.utf8)) }
  }

  @Test("JSON goes round")
  func roundTrip() throws {
    let text = #"{"a":[1,-2.5e+3,true,null,"q\"\\\n\u0001"],"b":{},"c":[]}"#
    let value = try SpecJSONParser.parse(Array(text.utf8))
    #expect(value.compact == text)
    #expect(try SpecJSONParser.parse(Array(value.pretty.utf8)) == value)
    #expect(try SpecJSONParser.parse(Array(#""\ud800x""#.utf8)) == .string("\u{FFFD}x"))
  }
}
