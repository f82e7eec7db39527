import ParleyTestSupport
import Testing

@testable import JupyterProtocol

@Suite("the JSON scanner", .timeLimit(.minutes(5)))
struct JSONScannerTests {
  // MARK: - What is JSON

  @Test(
    "good texts",
    arguments: [
      "null", "true", "false", "0", "-0", "1", "-1", "10", "1.5", "-0.0", "1e5", "1E+5", "1e-5", "1.25e10",
      "123456789012345678901234567890", "\"\"", "\"a\"", #""\" \\ \/ \b \f \n \r \t""#,
      #""\u0041\u00e9\u4E2D""#,
      #""\ud83d\ude00""#, #""\ud800""#, #""\udc00\ud800""#, "\"é中😀\"", "\"\u{7f}\"", "[]", "[ ]", "[1]",
      "[1,2]",
      "[[[]]]", "{}", "{ }", #"{"a":1}"#, #"{"a":1,"a":2}"#, #"{"":{}}"#, " \t\r\n{} \t\r\n",
      #"{ "a" : [ 1 , 2 ] }"#,
      #"{"a\u0062":[{"c":"}]"}]}"#,
    ])
  func good(text: String) {
    #expect(JSONScanner.parse(Array(text: text)) != nil)
    // As a member's value the text is skipped instead of parsed: both ways must agree.
    #expect(JSONScanner.isObject(Array(text: "{\"v\":\(text)}")))
  }

  @Test(
    "bad texts",
    arguments: [
      "", " ", "nul", "nulll", "True", "NaN", "Infinity", "-Infinity", "-", "+1", "01", "-01", "1.", ".5",
      "1.e5", "1e",
      "1e+", "0x10", "1 2", "\"", "\"a", "'a'", "\"\n\"", "\"\t\"", "\"\u{0}\"", #""\x41""#, #""\u12""#,
      #""\u12g4""#,
      #""\u+123""#, #""\""#, "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{", "}", #"{"a"}"#, #"{"a":}"#,
      #"{"a":1,}"#, #"{a:1}"#, #"{1:2}"#, #"{"a":1 "b":2}"#, #"{"a":[}]"#, "{}{}", "{},", "\u{feff}{}",
      "// c\n{}", "\u{a0}{}", "\u{b}1",
    ])
  func bad(text: String) {
    #expect(JSONScanner.parse(Array(text: text)) == nil)
    // What is bad alone is bad as a value, unless the object around it lends it its end.
    #expect(!JSONScanner.isObject(Array(text: "{\"v\":\(text)")))
    #expect(!JSONScanner.isObject(Array(text: "{\"v\":[\(text)")))
  }

  @Test(
    "an object and nothing else counts as one",
    arguments: ["[]", "1", "\"{}\"", "null", "[{}]", "{}1", "", "1{}", "{}}"])
  func notAnObject(text: String) {
    #expect(!JSONScanner.isObject(Array(text: text)))
    #expect(JSONScanner.members(of: Array(text: text)) == nil)
  }

  @Test(
    "bytes that are no UTF-8 are refused, wherever they stand",
    arguments: [
      [0xFF], [0xC3], [0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xE2, 0x82], [0xF5, 0x80, 0x80, 0x80],
      [0xF0, 0x80, 0x80, 0x80],
    ] as [[UInt8]])
  func invalidUTF8(bytes: [UInt8]) {
    for padding in 0...9 {
      let inside =
        [UInt8](repeating: 0x61, count: padding) + bytes + [UInt8](repeating: 0x62, count: 9 - padding)
      let asValue = Array(text: "{\"k\":\"") + inside + Array(text: "\"}")
      let asName = Array(text: "{\"") + inside + Array(text: "\":1}")
      let deep = Array(text: "{\"k\":[{\"") + inside + Array(text: "\":1}]}")
      for text in [asValue, asName, deep] {
        #expect(!JSONScanner.isObject(text))
        #expect(JSONScanner.parse(text) == nil)
      }
    }
  }

  @Test("quotes, backslashes and control characters are found at every offset in a word of eight")
  func everyOffset() {
    for length in 0...24 {
      for at in 0..<max(length, 1) where length > 0 {
        func text(_ special: String) -> [UInt8] {
          Array(
            text: "{\"k\":\"" + String(repeating: "x", count: at) + special
              + String(repeating: "é", count: length - at - 1) + "\"}")
        }
        #expect(JSONScanner.isObject(text("y")))
        #expect(JSONScanner.isObject(text("\u{7f}")))
        #expect(JSONScanner.isObject(text("\\n")))
        #expect(!JSONScanner.isObject(text("\n")))
        #expect(!JSONScanner.isObject(text("\u{1f}")))
        #expect(!JSONScanner.isObject(text("\\q")))
        #expect(!JSONScanner.isObject(text("\"")))
      }
    }
  }

  @Test("nesting is followed to a depth, not beyond, and never to the end of the stack")
  func depth() {
    func nested(_ depth: Int) -> [UInt8] {
      Array(text: String(repeating: "[", count: depth) + String(repeating: "]", count: depth))
    }
    #expect(JSONScanner.parse(nested(JSONScanner.maximumDepth)) != nil)
    #expect(JSONScanner.parse(nested(JSONScanner.maximumDepth + 1)) == nil)
    #expect(JSONScanner.parse(Array(text: String(repeating: "{\"a\":", count: 1_000_000))) == nil)
    let inObject = JSONScanner.maximumDepth - 1
    #expect(JSONScanner.isObject(Array(text: "{\"a\":") + nested(inObject) + Array(text: "}")))
    #expect(!JSONScanner.isObject(Array(text: "{\"a\":") + nested(inObject + 1) + Array(text: "}")))
    #expect(!JSONScanner.isObject(Array(text: "{\"a\":" + String(repeating: "[", count: 1_000_000))))
  }

  @Test("what is too deep is told from what is wrong otherwise")
  func tooDeep() {
    let most = JSONScanner.maximumDepth
    func text(_ inside: String) -> [UInt8] { Array(text: "{\"a\":\(inside)}") }
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(!JSONScanner.isTooDeep(text(nested(most - 1))) && JSONScanner.isTooDeep(text(nested(most))))
    #expect(!JSONScanner.isTooDeep(text(Array(repeating: "[]", count: 2 * most).joined(separator: ","))))
    #expect(!JSONScanner.isTooDeep(text("\"\\\"" + nested(2 * most) + "\"")))
    #expect(JSONScanner.isTooDeep(text("\"\\\\\"," + nested(2 * most))))
  }

  @Test("parsing and skipping agree on everything a seeded generator makes of good texts")
  func agreement() {
    var random = SeededGenerator(seed: 1)
    let seed = Array(text: #"{"a":[1,-2.5e3,{"b":"\u00e9\n"}],"c":{"d":null,"e":true},"f":"é"}"#)
    var accepted = 0
    for _ in 0..<20_000 {
      let text = random.mutation(of: seed, alphabet: Array(text: "{}[]\",:\\0123456789eE+-. \ntrufalsn"))
      let isParsed = JSONScanner.parse(text)?.members != nil
      #expect(JSONScanner.isObject(text) == isParsed, "\(text.text)")
      if isParsed { accepted += 1 }
    }
    // The generator must make both kinds, or the agreement says nothing.
    #expect(accepted > 500 && accepted < 19_500, "\(accepted) of 20000 were JSON")
  }

  // MARK: - What is in it

  @Test("members come in order with the ranges of their values")
  func members() throws {
    let text = Array(text: #" { "a" : 1.50 , "b":{"c":[1, 2]},"a":"x\"}", "\u0064" : null } "#)
    let members = try #require(JSONScanner.members(of: text))
    #expect(members.map(\.name) == ["a", "b", "a", "d"])
    #expect(members.map { Array(text[$0.value]).text } == ["1.50", #"{"c":[1, 2]}"#, #""x\"}""#, "null"])
    #expect(JSONScanner.members(of: Array(text: "{}"))?.isEmpty == true)
  }

  @Test("collections without contiguous storage are read too")
  func notContiguous() {
    let text = Array(text: #"{"a":1}"#)
    #expect(JSONScanner.parse(text.lazy.map { $0 }) == ["a": 1])
    #expect(JSONScanner.members(of: text.lazy.map { $0 })?.count == 1)
    #expect(JSONScanner.parse(text.lazy.map { $0 &+ 1 }) == nil)
    #expect(JSONScanner.isObject(text[0...]))
    #expect(!JSONScanner.isObject(text[1...]))
    #expect(JSONScanner.parse([UInt8]()) == nil)
  }

  @Test(
    "strings are decoded; half a surrogate pair becomes U+FFFD",
    arguments: [
      (#""a\"\\\/\b\f\n\r\tz""#, "a\"\\/\u{8}\u{c}\n\r\tz"), (#""\u0041\u00e9\u4e2d""#, "Aé中"),
      (#""\ud83d\ude00!""#, "😀!"), (#""\uD83D\uDE00""#, "😀"), (#""\ud83d""#, "\u{fffd}"),
      (#""\ud83dx""#, "\u{fffd}x"),
      (#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"), (#""\ud83d\u0041""#, "\u{fffd}A"),
      (#""\ud83d\n""#, "\u{fffd}\n"),
      (#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"), (#""\u0000""#, "\u{0}"), ("\"é中😀\"", "é中😀"), ("\"\"", ""),
    ])
  func strings(text: String, value: String) {
    #expect(JSONScanner.parse(Array(text: text)) == .string(value))
  }

  @Test(
    "numbers: whole ones stay whole while they fit",
    arguments: [
      ("0", .integer(0)), ("-1", .integer(-1)), ("9223372036854775807", .integer(.max)),
      ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .double(9_223_372_036_854_775_808)),
      ("3.0", .double(3)), ("-2.5e-3", .double(-0.0025)), ("1E2", .double(100)),
      ("0.1", .double(0.1)),
    ] as [(String, JSONValue)])
  func numbers(text: String, value: JSONValue) {
    #expect(JSONScanner.parse(Array(text: text)) == value)
  }

  @Test("a number too large for a double is read and written as null, never as something that is no JSON")
  func hugeNumber() throws {
    let value = try #require(JSONScanner.parse(Array(text: "[1e999]")))
    #expect(value.encoded.text == "[null]")
    #expect(value.array?.first?.integer == nil)
  }

  @Test("of members with the same name the last one counts; other values have no members")
  func subscripts() throws {
    let value = try #require(JSONScanner.parse(Array(text: #"{"a":1,"b":[{"c":3.0}],"a":2}"#)))
    #expect(value["a"]?.integer == 2)
    #expect(value["b"]?.array?.first?["c"]?.integer == 3)
    #expect(value["x"] == nil)
    #expect(JSONValue.string("a")["a"] == nil)
    #expect(JSONValue.double(1.5).integer == nil)
    #expect(JSONValue.double(1e300).integer == nil)
    #expect(JSONValue.null.isNull && !JSONValue.bool(false).isNull)
  }

  @Test("sixteen MiB in one string, plain and with a fault at its very end")
  func large() {
    let body = [UInt8](repeating: UInt8(ascii: "A"), count: 16 << 20)
    let good = Array(text: #"{"data":{"image/png":""#) + body + Array(text: #""},"metadata":{}}"#)
    #expect(JSONScanner.members(of: good)?.map(\.name) == ["data", "metadata"])
    #expect(!JSONScanner.isObject(good.dropLast()))
    #expect(!JSONScanner.isObject(Array(text: #"{"a":""#) + body + [0xFF] + Array(text: "\"}")))
  }

  // MARK: - No bytes trap

  @Test("no byte sequence traps", arguments: [2, 3, 5, 7] as [UInt64])
  func randomBytes(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let good = Array(text: #"{"k":["\ud83d\ude00\u00e9",1e-9,{"":[]}]}"#)
    for _ in 0..<25_000 {
      let length = Int.random(in: 0...40, using: &random)
      let noise = random.bytes(length)
      _ = JSONScanner.parse(noise)
      _ = JSONScanner.members(of: [UInt8(ascii: "{"), UInt8(ascii: "\"")] + noise)
      let mutated = random.mutation(of: good, alphabet: Array(text: "{}[]\",:\\u0dD8f\u{1}é"))
      guard let members = JSONScanner.members(of: mutated) else { continue }
      for member in members { #expect(JSONScanner.parse(mutated[member.value]) != nil) }
    }
  }
}
