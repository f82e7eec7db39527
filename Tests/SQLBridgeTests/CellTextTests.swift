import Testing

@testable import SQLBridge

@Suite("a cell of SQL is cut into statements and commands")
struct CellTextTests {
  private func items(_ code: String, _ dialect: Dialect = .sqlite) -> [String] {
    let cell = CellText(code, dialect)
    return cell.items.map { item in
      switch item {
      case .command(let range): cell.text(range)
      case .statement(let statement):
        cell.text(statement.range) + statement.parameters.map { " <\($0.name)>" }.joined()
          + (statement.copyData.map { " <<" + cell.text($0) } ?? "")
      }
    }
  }

  @Test(
    "what ends a statement in every dialect",
    arguments: [
      ("", []), (" ;; ", []), ("-- x; y", []), ("a; b", ["a", "b"]), ("a -- ;\n+ 1;", ["a -- ;\n+ 1"]),
      ("'a;''b' ; c", ["'a;''b'", "c"]), ("\"a;b\"", ["\"a;b\""]), ("/* ; */ a", ["a"]), ("a /* ;", ["a"]),
      ("\\d t\na; \\d", ["\\d t", "a", "\\d"]), ("a\n\\d", ["a\n\\d"]),
      (
        "create trigger t begin a; case when b then c end; end; d",
        [
          "create trigger t begin a; case when b then c end; end", "d",
        ]
      ),
      ("begin; end; a", ["begin", "end", "a"]),
    ] as [(String, [String])])
  func ends(code: String, expected: [String]) {
    for dialect in [Dialect.sqlite, .postgresql, .duckdb] {
      #expect(items(code, dialect) == expected, "\(dialect)")
    }
  }

  @Test("what only some dialects know")
  func dialects() {
    #expect(items("[a;b] `c;d`; e") == ["[a;b] `c;d`", "e"])
    #expect(items("$$a;b$$; $x$ $$; $x$; $1; c", .postgresql) == ["$$a;b$$", "$x$ $$; $x$", "$1", "c"])
    #expect(items("E'\\';'; b", .postgresql) == ["E'\\';'", "b"])
    #expect(items("/* /* ; */ ; */ a", .postgresql) == ["a"])
    #expect(items("create rule r do (a; b); c", .postgresql) == ["create rule r do (a; b)", "c"])
    #expect(
      items("COPY t FROM STDIN;\na;b\n\\.\nc", .postgresql) == ["COPY t FROM STDIN <<a;b\n", "c"])
  }

  @Test(
    "parameters are where a value may stand, and nowhere else",
    arguments: [
      ("a = :n", ["n"]), (":a+:b_2", ["a", "b_2"]), ("a::int", []), ("':n' \":n\" -- :n", []),
      ("/* :n */ :m", ["m"]),
      ("a := 1", []), ("'12':30", []), ("$$ :n $$", []), (":é", ["é"]),
    ] as [(String, [String])])
  func parameters(code: String, names: [String]) {
    guard case .statement(let statement)? = CellText(code, .postgresql).items.first else {
      Issue.record("no statement in \(code)")
      return
    }
    #expect(statement.parameters.map(\.name) == names)
  }

  @Test("a slice may look like a parameter, and is marked as one that need not be")
  func slices() {
    guard case .statement(let statement)? = CellText("a[1:n] + :m", .postgresql).items.first else { return }
    #expect(statement.parameters.map(\.mayBeSlice) == [true, false])
  }

  @Test("places are lines and columns in code points")
  func places() {
    let cell = CellText("é😀x\n y", .sqlite)
    #expect(cell.place(of: 0) == (1, 1) && cell.place(of: 6) == (1, 3) && cell.place(of: 9) == (2, 2))
  }

  @Test("a rewritten statement finds its places again")
  func rewriting() {
    var query = Query("a = :name AND b = :n AND c")
    query.parameters = [("name", 4..<9, .null), ("n", 18..<20, .null)]
    let (text, original) = query.rewritten { $0 == "n" ? "$2" : "$1" }
    #expect(String(decoding: text, as: UTF8.self) == "a = $1 AND b = $2 AND c")
    #expect(original(0) == 0 && original(7) == 10 && original(22) == 25)
  }
}
