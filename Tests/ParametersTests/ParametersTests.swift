import Notebook
import Testing

@testable import Parameters

@Suite("parameters")
struct ParametersTests {
  /// Values of papermill 2.7.0 on Python 3.11.
  @Test(
    "-p is typed as papermill types it",
    arguments: [
      ("1", "1"), ("007", "7"), ("1_000", "1000"), ("-5", "-5"), ("+5", "5"), (" 5 ", "5"), ("-0", "0"),
      ("9223372036854775808", "9223372036854775808"), ("1.5", "1.5"), (".5", "0.5"), ("5.", "5.0"),
      ("1e5", "100000.0"),
      ("1_0.5_0", "10.5"), ("nan", "NaN"), ("-inf", "-Infinity"), ("Infinity", "Infinity"), ("True", "true"),
      ("False", "false"),
      ("None", "null"), ("true", "\"true\""), ("null", "\"null\""), ("1__0", "\"1__0\""), ("_1", "\"_1\""),
      ("1e", "\"1e\""),
      ("0x10", "\"0x10\""), ("", "\"\""), ("2024-01-02", "\"2024-01-02\""), (".", "\".\""),
      ("1.2.3", "\"1.2.3\""),
    ])
  func typed(text: String, json: String) {
    #expect(CommandLineValue.value(of: text) == NotebookValue(json: Array(json.utf8)))
  }

  /// Values of PyYAML 6 with papermill's NoDatesSafeLoader.
  @Test(
    "YAML is read as papermill reads it",
    arguments: [
      ("a: 1\nb: [x, 2.5, ~]", #"{"a": 1, "b": ["x", 2.5, null]}"#),
      ("a: yes\nb: 'yes'\nc: off", #"{"a": true, "b": "yes", "c": false}"#),
      ("a: 2024-01-02\nb: 2024-01-02T03:04:05Z", #"{"a": "2024-01-02", "b": "2024-01-02T03:04:05Z"}"#),
      (
        "a: 0x1F\nb: 017\nc: 0b11\nd: 1:30\ne: 1_000\nf: 0o17",
        #"{"a": 31, "b": 15, "c": 3, "d": 90, "e": 1000, "f": "0o17"}"#
      ),
      ("a: 1e5\nb: 1.0e+5\nc: .inf\nd: -.5", #"{"a": "1e5", "b": 100000.0, "c": Infinity, "d": -0.5}"#),
      ("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}", #"{"a": {"p": 1, "q": 2}, "b": {"q": 3, "p": 1}}"#),
      ("a: |\n  one\n  two\nb: >\n  one\n  two\n", #"{"a": "one\ntwo\n", "b": "one two\n"}"#),
      (#"{"j": {"k": [true, null, "\u00e9"]}}"#, #"{"j": {"k": [true, null, "é"]}}"#),
      (#"{"j": "\ud83d\ude00", "k": 1e5}"#, #"{"j": "\ud83d\ude00", "k": 1e5}"#),
      ("1: one\ntrue: two", #"{"1": "one", "true": "two"}"#),
      ("a: !!str 1\nb: !!float 1", #"{"a": "1", "b": 1.0}"#),
      ("", "null"), ("a: 09", #"{"a": "09"}"#), ("a: 9223372036854775808", #"{"a": 9223372036854775808}"#),
    ])
  func yaml(text: String, json: String) throws {
    #expect(try YAMLReader.read(Array(text.utf8), from: "x") == NotebookValue(json: Array(json.utf8)))
  }

  @Test(
    "what is no YAML, or too much of it, is told",
    arguments: [
      ("a: [1", "line"), ("a: *x", "anchor"), ("a: 1\n--- \nb: 2", "more than one document"),
      ("? [1]\n: 2", "key"),
      (
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
          + "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
          + "g: [*f,*f,*f,*f,*f,*f,*f,*f,*f]", "values"
      ),
    ])
  func wrongYAML(text: String, word: String) {
    let error = #expect(throws: ParameterError.self) {
      try YAMLReader.read(Array(text.utf8), from: "file.yaml")
    }
    #expect(error?.description.contains(word) == true && error?.description.contains("file.yaml") == true)
  }

  @Test("declarations in the languages")
  func declarations() {
    func found(_ language: String, _ source: String) -> [String] {
      guard let dialect = Dialect.named(language) else { return [] }
      return ParameterScanner(dialect: dialect).parameters(in: source).map {
        "\($0.name): \($0.annotation ?? $0.kind?.rawValue ?? "?") = \($0.defaultText ?? "-")"
          + ($0.help.isEmpty ? "" : " (\($0.help))")
      }
    }
    #expect(
      found(
        "python",
        """
        # Parameters
        a = 1  # how many
        b: float = 2
        c = "x # y"  # type: str a name
        d = [1,
             2]  # list
        e: int
        f = {'k': 1}
        if a == 1: pass
        x.y = 3
        g == 4
        h = '''long
        text'''
        """)
        == [
          "a: int = 1 (how many)", "b: float = 2", "c: str = \"x # y\" (a name)",
          "d: list = [1,\n     2] (list)",
          "e: int = -", "f: dict = {'k': 1}", "h: ? = '''long\ntext'''",
        ].map { $0.replacing("h: ? =", with: "h: str =") })
    #expect(
      found("javascript", "const n = 5; // count\nlet s: string = 'a';\nvar o = {a: 1}\nif (n == 5) {}")
        == ["n: int = 5 (count)", "s: string = 'a'", "o: dict = {a: 1}"])
    #expect(
      found("r", "a <- 5L # five\nb.c = 'x'\n`d e` <- TRUE") == [
        "a: int = 5L (five)", "b.c: str = 'x'", "d e: bool = TRUE",
      ])
    #expect(found("perl", "my $n = 3; # three\nour @l = (1);") == ["n: int = 3 (three)", "l: ? = (1)"])
    #expect(found("tcl", "set n 5\nset s {a b}\nputs $n") == ["n: int = 5", "s: ? = {a b}"])
    #expect(
      found("swift", "let n: Int = 5 // five\nvar s = \"a\"") == ["n: Int = 5 (five)", "s: str = \"a\""])
    #expect(found("bash", "n=5 # five\nexport s='a b'") == ["n: int = 5 (five)", "s: str = 'a b'"])
    #expect(found("sql", "\\set least 100\nselect 1") == ["least: int = 100"])
  }

  private func notebook(_ cells: String, metadata: String = "{}") throws -> Notebook {
    try Notebook(
      reading: Array(
        #"{"nbformat": 4, "nbformat_minor": 5, "metadata": \#(metadata), "cells": [\#(cells)]}"#.utf8))
  }

  private func code(_ source: String, tags: String = "", id: String) -> String {
    #"{"cell_type": "code", "id": "\#(id)", "metadata": {"tags": [\#(tags)]}, "outputs": [], "execution_count": null, "source": "\#(source)"}"#
  }

  @Test("the injected cell goes where papermill puts it")
  func places() throws {
    let values = NotebookObject([.init("a", 5)])
    var first = try notebook(code("x", id: "x"))
    #expect(try !ParameterCells.inject(values, into: &first, language: "python"))
    #expect(first.cells.map(\.source) == ["# Parameters\na = 5\n", "x"])
    var second = try notebook(
      code("x", id: "x") + "," + code("a = 1", tags: #""parameters""#, id: "p") + "," + code("a", id: "u"))
    #expect(try ParameterCells.inject(values, into: &second, language: "python"))
    #expect(second.cells.map(\.id) == ["x", "p", "injected-parameters", "u"])
    try ParameterCells.inject(
      NotebookObject([.init("a", 6)]), into: &second, language: "python", hidesSource: true)
    #expect(second.cells.map(\.source) == ["x", "a = 1", "# Parameters\na = 6\n", "a"])
    #expect(second.cells[2].metadata["jupyter"]?["source_hidden"] == true)
    var third = try notebook(code(#"#!bash\nn=1"#, tags: #""parameters""#, id: "p"))
    try ParameterCells.inject(NotebookObject([.init("n", 2)]), into: &third, language: "python")
    #expect(third.cells[1].source == "#!bash\n# Parameters\nn=2\n")
  }

  @Test("values are held against the declarations before anything runs")
  func checks() throws {
    let declaring = try notebook(
      code(#"count = 1\nname = 'x'\nrate: float = 1\nmust: int"#, tags: #""parameters""#, id: "p"))
    let schema = ParameterSchema(of: declaring, language: "python")
    func problem(_ members: [NotebookObject.Member], allowUnknown: Bool = false) -> String? {
      do {
        try schema.check(NotebookObject(members), allowUnknown: allowUnknown)
        return nil
      } catch { return error.description }
    }
    let must = NotebookObject.Member("must", 1)
    #expect(problem([must, .init("count", 5), .init("rate", 2), .init("name", .null)]) == nil)
    #expect(problem([must, .init("cuont", 5)])?.contains("did you mean count?") == true)
    #expect(
      problem([must, .init("zzzzzz", 5)])?.contains("the notebook has count, name, rate, must") == true)
    #expect(problem([must, .init("zzzzzz", 5)], allowUnknown: true) == nil)
    #expect(
      problem([must, .init("name", 5)])?.contains("name must be str, not int (-r gives it as text)") == true)
    #expect(problem([.init("count", 5)])?.contains("must is missing") == true)
    #expect(problem([must, .init("count", .number("1.5"))])?.contains("count must be int") == true)
  }

  @Test("a schema in the metadata says more")
  func metadataSchema() throws {
    let metadata = """
      {"parley": {"parameters": {"type": "object", "required": ["day"], "additionalProperties": false, "properties": {
      "day": {"type": "string", "description": "the day"}, "level": {"enum": ["low", "high"], "default": "low"},
      "n": {"type": "integer", "minimum": 1, "maximum": 9}, "l": {"type": "array", "items": {"type": "number"}}}}}}
      """
    let schema = ParameterSchema(of: try notebook("", metadata: metadata), language: "python")
    func problem(_ members: [NotebookObject.Member]) -> String {
      do {
        try schema.check(NotebookObject(members), allowUnknown: false)
        return ""
      } catch { return error.description }
    }
    let day = NotebookObject.Member("day", "monday")
    #expect(problem([day, .init("n", 9), .init("l", [1, 2])]).isEmpty)
    #expect(problem([]).contains("day is missing"))
    #expect(problem([day, .init("n", 10)]).contains("at most 9"))
    #expect(problem([day, .init("n", "1")]).contains("must be integer, not str"))
    #expect(problem([day, .init("level", "mid")]).contains(#"one of "low", "high""#))
    #expect(problem([day, .init("l", [1, "x"])]).contains("[1] must be number"))
    #expect(problem([day, .init("other", 1)]).contains("other is unknown"))
    #expect(schema.schemaDefaults.members.map(\.name) == ["level"])
  }

  @Test(
    "what a language cannot say is refused by name",
    arguments: [
      ("bash", #"{"a": "x\u0000y"}"#, "NUL"), ("r", #"{"n": 9007199254740993}"#, "9007199254740993"),
      ("lua", #"{"l": [1, null]}"#, "nil"), ("sql", #"{"s": [1]}"#, "lists"),
      ("sql", #"{"s": "a\nb"}"#, "one line"),
      ("python", #"{"a b": 1}"#, "a b"), ("octave", #"{"n": 9223372036854775809}"#, "exactly"),
    ])
  func refused(language: String, json: String, word: String) throws {
    let values = try #require(NotebookValue(json: Array(json.utf8))?.object)
    let dialect = try #require(Dialect.named(language))
    let error = #expect(throws: ParameterError.self) { try dialect.cell(values, comment: "Parameters") }
    #expect(error?.description.contains(word) == true)
  }

  @Test("whole doubles by their digits")
  func exactIntegers() {
    #expect(ExactInteger.digits(of: 9_223_372_036_854_775_808.0) == "9223372036854775808")
    #expect(ExactInteger.digits(of: 1e22) == "10000000000000000000000")
    #expect(ExactInteger.digits(of: -0x1p100) == "-1267650600228229401496703205376")
    #expect(ExactInteger.digits(of: 0.5) == nil)
  }
}
