import ParleyTestSupport
import Testing

@testable import JupyterProtocol

@Suite("the JSON writer", .timeLimit(.minutes(5)))
struct JSONWriterTests {
  private func written(_ body: (inout JSONWriter) -> Void) -> String {
    var writer = JSONWriter()
    writer.object(body)
    return writer.bytes.text
  }

  @Test("members of every kind, byte for byte")
  func golden() {
    let text = written { writer in
      writer.member("string", "a\"b")
      writer.member("integer", -7)
      writer.member("yes", true)
      writer.member("no", false)
      writer.member("raw", raw: Array(text: "{ \"as\": \"it is\" }"))
      writer.member("utf8", utf8: Array(text: "é\n"))
      writer.member("value", ["a": [1, .null, .double(0.5)], "b": [:], "c": []])
      writer.name("nested")
      writer.object { $0.member("x", 1) }
      writer.member("last", .null)
    }
    #expect(
      text == #"{"string":"a\"b","integer":-7,"yes":true,"no":false,"raw":{ "as": "it is" },"utf8":"é\n","#
        + #""value":{"a":[1,null,0.5],"b":{},"c":[]},"nested":{"x":1},"last":null}"#)
  }

  @Test("an empty object, and one after another")
  func objects() {
    #expect(written { _ in } == "{}")
    let text = written { writer in
      writer.name("a")
      writer.object { _ in }
      writer.name("b")
      writer.object { $0.member("c", 1) }
    }
    #expect(text == #"{"a":{},"b":{"c":1}}"#)
  }

  @Test(
    "what JSON forbids in a string is escaped, everything else is left alone",
    arguments: [
      ("", #""""#), ("plain", #""plain""#), ("\"\\", #""\"\\""#), ("\n\r\t", #""\n\r\t""#),
      ("\u{0}\u{1f}", #""\u0000\u001f""#),
      ("\u{8}\u{c}\u{1b}[0m", #""\u0008\u000c\u001b[0m""#), ("/\u{7f}é中😀\u{2028}", "\"/\u{7f}é中😀\u{2028}\""),
      ("a\nb\nc", #""a\nb\nc""#),
    ])
  func escapes(text: String, json: String) {
    #expect(JSONValue.string(text).encoded.text == json)
    #expect(written { $0.member("k", text) } == "{\"k\":\(json)}")
    #expect(written { $0.member("k", utf8: Array(text: text)) } == "{\"k\":\(json)}")
    #expect(written { $0.member(text, 1) } == "{\(json):1}")
  }

  @Test(
    "numbers; what JSON cannot say becomes null",
    arguments: [
      (.double(0.1), "0.1"), (.double(-0.0), "-0.0"), (.double(1e300), "1e+300"), (.double(5e-324), "5e-324"),
      (.double(.nan), "null"), (.double(.infinity), "null"), (.double(-.infinity), "null"),
      (.integer(.min), "-9223372036854775808"),
    ] as [(JSONValue, String)])
  func numbers(value: JSONValue, json: String) {
    #expect(value.encoded.text == json)
  }

  @Test("what is written is read back the same", arguments: [11, 13] as [UInt64])
  func roundTrip(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<2_000 {
      let value = Self.randomValue(depth: 4, &random)
      #expect(JSONScanner.parse(value.encoded) == value)
    }
  }

  private static func randomValue(depth: Int, _ random: inout SeededGenerator) -> JSONValue {
    func text() -> String {
      String(decoding: random.bytes(Int.random(in: 0...12, using: &random)), as: UTF8.self)
    }
    switch Int.random(in: 0...(depth > 0 ? 6 : 4), using: &random) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &random))
    case 2: return .integer(Int.random(in: .min ... .max, using: &random))
    case 3: return .double(Double.random(in: -1e6...1e6, using: &random) + 0.000_1)
    case 4: return .string(text())
    case 5:
      return .array(
        (0..<Int.random(in: 0...3, using: &random)).map { _ in randomValue(depth: depth - 1, &random) })
    default:
      return .object(
        (0..<Int.random(in: 0...3, using: &random)).map { _ in
          .init(text(), randomValue(depth: depth - 1, &random))
        })
    }
  }
}
