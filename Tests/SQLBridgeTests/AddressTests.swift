import Testing

@testable import SQLBridge

@Suite("addresses and marker lines")
struct AddressTests {
  private func address(_ text: String) throws -> Address {
    try Address(text) { ["PW": "p@ss/w:rd", "URL": "postgresql://u:hidden@h/d", "F": "/a b.db"][$0] }
  }

  @Test(
    "paths as SQLAlchemy has them",
    arguments: [
      ("sqlite:///a/b.db", "a/b.db"), ("sqlite:////a/b.db", "/a/b.db"), ("sqlite::memory:", ":memory:"),
      ("sqlite://", ":memory:"), ("sqlite:", ":memory:"), ("SQLite:///A.db", "A.db"),
      ("sqlite:///${F}", "/a b.db"),
    ])
  func paths(uri: String, path: String) throws {
    #expect(try address(uri).place == .sqlite(path))
  }

  @Test(
    "no password is shown, wherever it stands",
    arguments: [
      ("postgresql://u:hidden@h/d", "postgresql://u:***@h/d"),
      ("postgres://u:hid/den@h/d", "postgres://u:***@h/d"),
      (
        "postgresql://u@h/d?password=hidden&sslpassword=x1", "postgresql://u@h/d?password=***&sslpassword=***"
      ),
      ("postgresql://u:${PW}@h/d", "postgresql://u:${PW}@h/d"), ("${URL}", "${URL}"),
      ("postgresql://u@h/d", "postgresql://u@h/d"),
    ])
  func shown(uri: String, shown: String) throws {
    #expect(try address(uri).shown == shown)
  }

  @Test("what a library says of it is masked too, encoded or not")
  func masked() throws {
    let found = try address("postgresql://u:${PW}@h/d")
    #expect(found.place == .postgresql("postgresql://u:p%40ss%2Fw%3Ard@h/d"))
    #expect(found.masked("no p@ss/w:rd, no p%40ss%2Fw%3Ard") == "no ***, no ***")
    #expect(try address("postgresql://u:a%40b@h/d").masked("a@b a%40b") == "*** ***")
  }

  @Test(
    "what is no address says what one looks like",
    arguments: ["x", "mysql://u:hidden@h/d", "sqlite:x.db", "${NO}"])
  func wrong(text: String) {
    #expect(throws: SQLFailure.self) { try address(text) }
    do { _ = try address(text) } catch {
      #expect(!"\(error)".contains("hidden") && (error as? SQLFailure)?.name == "ConnectionError")
    }
  }

  @Test("the forms of a marker line")
  func markers() throws {
    #expect(try Marker("") == Marker())
    var expected = Marker()
    expected.address = "sqlite:///x.db"
    #expect(try Marker("sqlite:///x.db") == expected)
    expected.name = "shop"
    expected.limit = 5
    expected.parameters = [("a", .integer(5)), ("b", .text("it's = 5")), ("c", .null)]
    #expect(try Marker("shop=sqlite:///x.db limit=5 :a=5 :b='it''s = 5' :c=NULL") == expected)
    #expect(try Marker("shop").name == "shop" && Marker("shop").address == nil)
    #expect(try Marker("postgresql://h/d?a=b").address == "postgresql://h/d?a=b")
    #expect(try Marker("limit=all").limit == .max)
    for wrong in ["a b", "limit=x", ":a", "a!"] { #expect(throws: SQLFailure.self) { try Marker(wrong) } }
  }

  @Test("the values of parameters")
  func values() {
    let given = ["1", "-1.5", "'1'", "\"a b\"", "null", "True", "x", "1e3", "12345678901234567890", ""]
    #expect(
      given.map(Marker.value) == [
        .integer(1), .real(-1.5), .text("1"), .text("a b"), .null, .bool(true), .text("x"), .real(1000),
        .number("12345678901234567890"), .text(""),
      ])
  }
}
