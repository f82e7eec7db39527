import JupyterProtocol
import ParleyTestSupport
import Testing

@testable import KernelCore

/// The rules of docs/user-guide.md, "Which language runs a cell".
@Suite("which language runs a cell")
struct CellRouterTests {
  private let router = CellRouter(
    isLanguage: { ["python", "bash", "c++"].contains($0) }, defaultOwnsCellMagics: false)

  /// Segments as `target|code`, with line breaks shown as ⏎ and blanked columns as dots.
  private func segments(_ code: String, metadata: JSONValue? = nil, ownsMagics: Bool = false) -> [String] {
    let router = CellRouter(isLanguage: router.isLanguage, defaultOwnsCellMagics: ownsMagics)
    return router.segments(of: code, metadata: metadata).map { segment in
      let text = segment.code.unicodeScalars.map { $0 == "\n" ? "⏎" : $0 == " " ? "." : String($0) }.joined()
      switch segment.target {
      case .standard: return "-|\(text)"
      case .language(let name, let instance, let marker):
        let place = instance.isEmpty ? name : "\(name):\(instance)"
        return (marker.isEmpty ? place : "\(place),\(marker)") + "|\(text)"
      case .command(let name, let arguments):
        return (["!\(name)"] + arguments).joined(separator: ",") + "|\(text)"
      case .unknown(let name): return "?\(name)|\(text)"
      }
    }
  }

  @Test(
    "the first line",
    arguments: [
      ("x", ["-|x"]), ("", ["-|"]), ("\n", ["-|⏎"]), ("#!bash\nls", ["bash|......⏎ls"]),
      ("#!bash", ["bash|......"]),
      ("#!bash:gpu\nls", ["bash:gpu|..........⏎ls"]), ("#!BASH\nls", ["bash|......⏎ls"]),
      ("#!c++\nx", ["c++|.....⏎x"]),
      ("#!bash in=df  out=b\tc\nx", ["bash,in=df  out=b\tc|.....................⏎x"]),
      // A shebang, comments and other people's markers are none.
      ("#!/bin/sh\nx", ["-|#!/bin/sh⏎x"]), ("#!/usr/bin/env bash\nx", ["-|#!/usr/bin/env.bash⏎x"]),
      ("#! bash\nx", ["-|#!.bash⏎x"]), ("#!\nx", ["-|#!⏎x"]), (" #!bash\nx", ["-|.#!bash⏎x"]),
      ("#bash\nx", ["-|#bash⏎x"]),
      ("#!what?\nx", ["-|#!what?⏎x"]), ("#!(a)\nx", ["-|#!(a)⏎x"]),
      // A shell command that was commented out.
      ("#!pip install x\nx", ["-|#!pip.install.x⏎x"]), ("#!pip\nx", ["?pip|.....⏎x"]),
      // A name that nobody has.
      ("#!klingon\nx", ["?klingon|.........⏎x"]), ("#!bash2 a\nx", ["?bash2|.........⏎x"]),
      ("#!c#\n", ["?c#|....⏎"]),
    ])
  func firstLine(code: String, expected: [String]) {
    #expect(segments(code) == expected)
  }

  @Test(
    "later lines start a new segment at column 0, and only for names that are known",
    arguments: [
      ("a\n#!bash\nb", ["-|a", "bash|.⏎......⏎b"]),
      (
        "#!bash\na\n#!python\nb\n#!bash x\nc",
        [
          "bash|......⏎a", "python|......⏎.⏎........⏎b", "bash,x|......⏎.⏎........⏎.⏎........⏎c",
        ]
      ),
      ("a\n#!klingon\nb", ["-|a⏎#!klingon⏎b"]), ("a\n  #!bash\nb", ["-|a⏎..#!bash⏎b"]),
      ("a\n#!/bin/sh", ["-|a⏎#!/bin/sh"]),
      ("a\n%%bash\nb", ["-|a⏎%%bash⏎b"]), ("a\n>bash\nb", ["-|a⏎>bash⏎b"]), ("a\n# #!bash", ["-|a⏎#.#!bash"]),
      ("\n#!bash\nb", ["-|", "bash|⏎......⏎b"]),
    ])
  func laterLines(code: String, expected: [String]) {
    #expect(segments(code) == expected)
  }

  @Test("%%name, unless the default language has cell magics; >name always")
  func otherForms() {
    #expect(segments("%%bash\nls") == ["bash|......⏎ls"])
    #expect(segments("%%bash --out x\nls") == ["bash,--out x|..............⏎ls"])
    #expect(segments("%%bash\nls", ownsMagics: true) == ["-|%%bash⏎ls"])
    #expect(segments("%%time\nx") == ["-|%%time⏎x"])
    #expect(segments(">bash\nls") == ["bash|.....⏎ls"])
    #expect(segments(">bash\nls", ownsMagics: true) == ["bash|.....⏎ls"])
    #expect(segments("> bash\nls") == ["-|>.bash⏎ls"])
    #expect(segments(">klingon\nls") == ["-|>klingon⏎ls"])
    #expect(segments("#!bash\nls", ownsMagics: true) == ["bash|......⏎ls"])
  }

  @Test(
    "metadata of other notebooks, for unmarked cells",
    arguments: [
      (#"{"polyglot_notebook":{"kernelName":"bash"}}"#, "bash"),
      (#"{"dotnet_interactive":{"language":"bash"}}"#, "bash"),
      (#"{"kernel":"Bash"}"#, "bash"), (#"{"vscode":{"languageId":"shellscript"}}"#, "bash"),
      (#"{"vscode":{"languageId":"python"}}"#, "python"), (#"{"kernel":"klingon"}"#, "-"),
      (#"{"kernel":5}"#, "-"), ("{}", "-"),
      (#"{"kernel":"klingon","vscode":{"languageId":"python"}}"#, "python"), ("[]", "-"),
    ])
  func metadata(text: String, language: String) throws {
    let metadata = try #require(JSONScanner.parse(Array(text: text)))
    #expect(segments("x", metadata: metadata) == ["\(language)|x"])
    #expect(segments("#!c++\nx", metadata: metadata) == ["c++|.....⏎x"], "a marker goes before metadata")
    #expect(segments("x\n#!c++\ny", metadata: metadata) == ["\(language)|x", "c++|.⏎.....⏎y"])
  }

  @Test(
    "lines for the server stand alone; the code behind them goes on in the language from before",
    arguments: [
      ("#!languages", ["!languages|..........."]),
      ("#!restart bash python", ["!restart,bash,python|....................."]),
      ("#!restart bash\n\n  ", ["!restart,bash|.............."]),
      ("#!help\nx", ["!help|......", "-|......⏎x"]),
      (
        "#!bash\na\n#!languages\nb",
        [
          "bash|......⏎a", "!languages|......⏎.⏎...........", "bash|......⏎.⏎...........⏎b",
        ]
      ),
      ("a\n#!interrupt\n#!bash\nb", ["-|a", "!interrupt|.⏎...........", "bash|.⏎...........⏎......⏎b"]),
    ])
  func commands(code: String, expected: [String]) {
    #expect(segments(code) == expected)
  }

  @Test("line breaks of Windows end lines too")
  func carriageReturns() {
    #expect(segments("#!bash\r\nls\r\n") == ["bash|.......⏎ls\r⏎"])
    #expect(segments("a\r\n#!bash\r\nls") == ["-|a\r", "bash|..⏎.......⏎ls"])
    #expect(segments("#!restart bash\r\n") == ["!restart,bash|..............."])
    #expect(segments("%%bash\r\nls") == ["bash|.......⏎ls"])
  }

  @Test("every segment ends where its text ends in the cell, counted in code points")
  func positions() {
    let cell = "é😀 e\u{301} 中\n#!bash 👩‍👩‍👧 é\necho 😀\r\n#!python\nprint('é')\n"
    let scalars = Array(cell.unicodeScalars)
    for segment in router.segments(of: cell) {
      let code = Array(segment.code.unicodeScalars)
      #expect(code.count <= scalars.count)
      for (index, scalar) in code.enumerated() where scalar != " " { #expect(scalar == scalars[index]) }
      #expect(code.filter { $0 == "\n" }.count == scalars.prefix(code.count).filter { $0 == "\n" }.count)
    }
    #expect(router.segments(of: cell).last?.code.unicodeScalars.count == scalars.count)
  }

  @Test("positions and line breaks are kept whatever the cell", arguments: [21, 22] as [UInt64])
  func anyCell(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let pieces = [
      "#!bash", "#!python:x", "#!help", "#!", "%%bash", ">bash", "\n", "\r\n", "\n\n", " ", "é", "😀",
      "e\u{301}", "a b", "\u{2028}", "\t", "#!no",
    ]
    for _ in 0..<1_000 {
      let cell = (0..<Int.random(in: 0...9, using: &random)).map { _ in
        pieces.randomElement(using: &random) ?? ""
      }.joined()
      let scalars = Array(cell.unicodeScalars)
      let found = router.segments(of: cell)
      #expect(!found.isEmpty)
      for segment in found {
        let code = Array(segment.code.unicodeScalars)
        #expect(code.count <= scalars.count, "\(cell.debugDescription)")
        for (index, scalar) in code.enumerated() where scalar != scalars[index] {
          #expect(scalar == " " && scalars[index] != "\n", "\(cell.debugDescription) at \(index)")
        }
      }
      for cursor in 0...scalars.count { #expect(router.segment(of: cell, at: cursor) != nil) }
    }
  }

  @Test("the segment at the cursor")
  func cursor() {
    let cell = "ab\n#!bash\ncd"
    let targets = (0...12).map { router.segment(of: cell, at: $0)?.target == .standard }
    #expect(targets == [true, true, true] + [Bool](repeating: false, count: 10))
    #expect(router.segment(of: cell, at: 99)?.target == .language(name: "bash", instance: "", marker: ""))
  }

  @Test("the prefix on a marker line, for completion")
  func prefix() {
    #expect(router.markerPrefix(of: "#!ba\nx", at: 4) == "#!ba")
    #expect(router.markerPrefix(of: "#!ba\nx", at: 2) == "#!")
    #expect(router.markerPrefix(of: "é😀\n#!ba", at: 6) == "#!b")
    #expect(router.markerPrefix(of: "a\r\n#!ba", at: 7) == "#!ba")
    #expect(router.markerPrefix(of: "#!ba\nx", at: 1) == nil)
    #expect(router.markerPrefix(of: "#!ba\nx", at: 6) == nil)
    #expect(router.markerPrefix(of: "#!/bin", at: 6) == nil)
    #expect(router.markerPrefix(of: "#!bash in=", at: 10) == nil)
    #expect(router.markerPrefix(of: "", at: 0) == nil)
  }
}
