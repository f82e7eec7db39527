import Testing

@testable import Notebook

@Suite("the text of a notebook")
struct NotebookTextTests {
  @Test(
    "floats are written as Python's repr writes them",
    arguments: [
      ("0.1", "0.1"), ("1e16", "1e+16"), ("1E15", "1000000000000000.0"), ("0.0001", "0.0001"),
      ("0.00001", "1e-05"), ("1.5e300", "1.5e+300"), ("-0.0", "-0.0"), ("5e-324", "5e-324"),
      ("1e400", "Infinity"),
      ("12345678901234567.0", "1.2345678901234568e+16"), ("100.0", "100.0"), ("2.50", "2.5"), ("0e5", "0.0"),
      ("9007199254740993.0", "9007199254740992.0"), ("NaN", "NaN"), ("-Infinity", "-Infinity"),
    ])
  func floats(written: String, expected: String) throws {
    let value = try NotebookParser.parse(Array(written.utf8))
    #expect(value == .number(expected))
  }

  @Test(
    "integers of any size keep their digits",
    arguments: ["0", "-1", "9223372036854775808", "1" + String(repeating: "0", count: 60)])
  func integers(text: String) throws {
    #expect(try NotebookParser.parse(Array(text.utf8)) == .number(text))
  }

  @Test("names are sorted by code points, the last of equal ones stays")
  func names() throws {
    let value = try NotebookParser.parse(Array(#"{"é":1,"z":2,"A":3,"𝄞":4,"\uffff":5,"z":6}"#.utf8))
    #expect(
      String(decoding: NotebookWriter.text(of: value), as: UTF8.self)
        == "{\n \"A\": 3,\n \"z\": 6,\n \"é\": 1,\n \"\u{FFFF}\": 5,\n \"𝄞\": 4\n}")
  }

  @Test(
    "errors say where",
    arguments: [
      ("{\n \"a\": tru}", 2, 7), ("[1,\n2,,]", 2, 3), ("\"a\nb\"", 1, 3), ("", 1, 1), ("{} x", 1, 4),
    ])
  func errors(text: String, line: Int, column: Int) {
    do {
      let value = try NotebookParser.parse(Array(text.utf8))
      Issue.record("read as \(value)")
    } catch {
      #expect(error.line == line && error.column == column, "\(error)")
    }
  }

  @Test(
    "surrogates and escapes",
    arguments: [
      (#""\ud834\udd1e""#, "𝄞"), (#""\ud834""#, "\u{FFFD}"), (#""\ud834\u0041""#, "\u{FFFD}A"),
      (#""\u00e9\/\b\f""#, "é/\u{8}\u{C}"),
    ])
  func strings(text: String, expected: String) throws {
    #expect(try NotebookParser.parse(Array(text.utf8)).string == expected)
  }

  @Test("lines end where Python's splitlines ends them")
  func lines() {
    let lines = TextLines.split("a\nb\r\nc\rd\u{B}e\u{C}f\u{1C}g\u{85}h\u{2028}i\u{2029}\nj").map {
      $0.string ?? ""
    }
    #expect(
      lines == [
        "a\n", "b\r\n", "c\r", "d\u{B}", "e\u{C}", "f\u{1C}", "g\u{85}", "h\u{2028}", "i\u{2029}", "\n", "j",
      ])
    #expect(TextLines.split("").isEmpty)
  }

  @Test(
    "base64", arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")])
  func base64(text: String, expected: String) {
    #expect(Base64.text(of: Array(text.utf8)) == expected)
  }
}
