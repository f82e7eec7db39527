import JupyterProtocol
import ParleyTestSupport
import Testing

@testable import BridgeHost

/// What a bridge writes on descriptor 4, cut as reads cut it.
@Suite("frames", .timeLimit(.minutes(5)))
struct FrameTests {
  private static let stream =
    Array(text: "{\"msg_type\":\"a\",\"id\":1}\n{}\n")
    + Array(text: "{\"msg_type\":\"b\",\"buffers\":[3,0,2],\"metadata\":{\"k\":1}}\n{\"x\":\"é\"}\n") + [
      10, 0, 255, 10, 7,
    ]
    + Array(
      text:
        "{\"msg_type\":\"c\",\"buffers\":[0]}\n{}\n{\"msg_type\":\"d\",\"ack\":true,\"seq\":9}\n{\"y\":2}\n")
    + Array(text: "{\"msg_type\":\"e\",\"buffers\":[]}\n\n")

  private static let expected = [
    "a 1 {} [] -", #"b - {"x":"é"} [[10, 0, 255], [], [10, 7]] -"#, "c - {} [[]] -", #"d - {"y":2} [] 9"#,
    "e -  [] -",
  ]

  private static func text(_ frame: BridgeFrame) -> String {
    let id = frame.id.map(String.init) ?? "-"
    let acknowledgement = frame.acknowledgement.map(String.init) ?? "-"
    return "\(frame.messageType) \(id) \(frame.content.text) \(frame.buffers) \(acknowledgement)"
  }

  private static func read(_ pieces: [ArraySlice<UInt8>]) throws -> (frames: [String], reader: FrameReader) {
    var reader = FrameReader()
    var frames: [String] = []
    for piece in pieces {
      frames += try Array(piece).withUnsafeBytes { try reader.take($0) }.map(text)
    }
    return (frames, reader)
  }

  @Test("all at once")
  func whole() throws {
    let (frames, reader) = try Self.read([Self.stream[...]])
    #expect(frames == Self.expected)
    #expect(!reader.isInsideFrame)
  }

  @Test("byte by byte: a frame is there with its last byte, not before")
  func byteByByte() throws {
    var reader = FrameReader()
    var ends: [Int] = []
    for (index, byte) in Self.stream.enumerated() {
      let frames = try [byte].withUnsafeBytes { try reader.take($0) }
      for _ in frames { ends.append(index + 1) }
      #expect(reader.isInsideFrame == frames.isEmpty, "after byte \(index)")
    }
    #expect(ends.count == 5 && ends.last == Self.stream.count)
    #expect(ends.first == 27)
  }

  @Test(
    "the announced size is a hint, whatever it says",
    arguments: ["2", "0", "-5", "1000000", "9223372036854775807", "\"2\"", "1e300", "null"])
  func announcedSize(size: String) throws {
    let stream = Array(text: "{\"msg_type\":\"a\",\"size\":\(size)}\n{\"x\":1}\n{\"msg_type\":\"b\"}\n{}\n")
    let (frames, reader) = try Self.read([stream[...]])
    #expect(frames == [#"a - {"x":1} [] -"#, "b - {} [] -"])
    #expect(!reader.isInsideFrame)
  }

  @Test("any two cuts", arguments: [41, 42] as [UInt64])
  func anyCuts(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<2_000 {
      var cuts = (0..<Int.random(in: 0...6, using: &random)).map { _ in
        Int.random(in: 0...Self.stream.count, using: &random)
      }
      cuts = [0] + cuts.sorted() + [Self.stream.count]
      let pieces = zip(cuts, cuts.dropFirst()).map { Self.stream[$0..<$1] }
      #expect(try Self.read(pieces).frames == Self.expected, "cuts at \(cuts)")
    }
  }

  @Test("large contents and buffers")
  func large() throws {
    let body = [UInt8](repeating: UInt8(ascii: "x"), count: 4 << 20)
    let bytes =
      Array(text: "{\"msg_type\":\"a\",\"buffers\":[\(body.count)]}\n{\"k\":\"") + body + Array(text: "\"}\n")
      + body
    var reader = FrameReader()
    var frames: [BridgeFrame] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      frames += try Array(rest.prefix(256 << 10)).withUnsafeBytes { try reader.take($0) }
      rest = rest.dropFirst(256 << 10)
    }
    #expect(
      frames.count == 1 && frames.first?.content.count == body.count + 8 && frames.first?.buffers == [body])
  }

  @Test(
    "what is no head is a violation that shows its beginning",
    arguments: [
      "hello\n", "\n", "[]\n", "{}\n", "{\"msg_type\":5}\n", "{\"msg_type\":\"a\"\n",
      "{\"msg_type\":\"a\",\"buffers\":[-1]}\n", "{\"msg_type\":\"a\",\"buffers\":[\"x\"]}\n",
      "{\"msg_type\":\"a\",\"buffers\":3}\n",
      "Traceback (most recent call last):\n",
    ])
  func violation(line: String) {
    let violation = #expect(throws: FrameReader.Violation.self) { try Self.read([Array(text: line)[...]]) }
    #expect(violation?.text.hasSuffix(String(line.dropLast())) == true)
  }

  @Test("a head without an end is a violation before it fills the memory, and its text stays short")
  func endlessHead() {
    var reader = FrameReader()
    let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 64 << 10)
    let violation = #expect(throws: FrameReader.Violation.self) {
      for _ in 0..<32 { _ = try chunk.withUnsafeBytes { try reader.take($0) } }
    }
    #expect((violation?.text.count ?? 1_000) < 200)
  }

  @Test("no byte sequence traps", arguments: [43, 44, 45, 46] as [UInt64])
  func randomBytes(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let alphabet = Array(text: "{}[]\",:\n0123456789-.eé")
    var accepted = 0
    for _ in 0..<10_000 {
      var reader = FrameReader()
      let bytes = random.mutation(of: Self.stream, alphabet: alphabet)
      let cut = Int.random(in: 0...bytes.count, using: &random)
      if let read = try? Self.read([bytes[..<cut], bytes[cut...]]) {
        accepted += 1
        reader = read.reader
      }
      _ = reader.isInsideFrame
    }
    #expect(accepted > 0 && accepted < 10_000)
  }

  // MARK: - Writing

  @Test("a request as JSON: two lines, whatever line breaks its parts have, then the buffers")
  func asJSON() {
    var frame = BridgeFrame("comm_msg", id: 7, content: Array(text: "{\"a\":\n1}"))
    frame.metadata = Array(text: "{\"m\":\n2}")
    frame.buffers = [[1, 10], []]
    #expect(
      frame.encodedAsJSON == Array(
        text: "{\"msg_type\":\"comm_msg\",\"id\":7,\"metadata\":{\"m\": 2},\"buffers\":[2,0]}\n{\"a\": 1}\n")
        + [1, 10])
    #expect(BridgeFrame("x").encodedAsJSON.text == "{\"msg_type\":\"x\"}\n{}\n")
    var ack = BridgeFrame("ack")
    ack.acknowledgement = 3
    #expect(ack.encodedAsJSON.text == "{\"msg_type\":\"ack\",\"seq\":3}\n{}\n")
  }

  @Test("a request as fields: type, id, members, an empty field")
  func asFields() {
    let content = #"{"code":"echo \"hi\"\n\u0000end","silent":false,"n":-1.5,"e":{"a":[1]},"z":null,"t":""}"#
    let frame = BridgeFrame("execute_request", id: 7, content: Array(text: content))
    #expect(
      frame.encodedAsFields().text == "execute_request\0" + "7\0" + "code=echo \"hi\"\nend\0"
        + "silent=false\0"
        + "n=-1.5\0"
        + "e={\"a\":[1]}\0" + "z=null\0" + "t=\0" + "\0")
    var ack = BridgeFrame("ack")
    ack.acknowledgement = 3
    #expect(ack.encodedAsFields().text == "ack\0\0seq=3\0\0")
  }

  @Test("a long value is told with its length, for a bridge that wants that")
  func asSizedFields() {
    let frame = BridgeFrame(
      "execute_request", id: 7, content: Array(text: #"{"short":"abc","code":"é\u0000\n!=","e":[10]}"#))
    #expect(
      frame.encodedAsFields(sizedFrom: 4).text
        == "execute_request\0" + "7\0" + "short=abc\0" + "code:5\0" + "é\n!=\0" + "e:4\0" + "[10]\0" + "\0")
  }

  @Test("line breaks between the members of a content do not break its line")
  func contentOfSeveralLines() {
    let frame = BridgeFrame("x", content: Array(text: "{\n\"a\":\n1\n}"))
    #expect(frame.encodedAsJSON.text == "{\"msg_type\":\"x\"}\n{ \"a\": 1 }\n")
  }

  @Test("what is written as JSON is read back the same")
  func roundTrip() throws {
    var frame = BridgeFrame("a", id: 5, content: Array(text: #"{"x":[1,"é"]}"#))
    frame.buffers = [[0, 10, 255], [], [1]]
    #expect(try Self.read([frame.encodedAsJSON[...]]).frames == [Self.text(frame)])
  }
}

/// Printed bytes become text, whatever the borders of reads.
@Suite("printed text", .timeLimit(.minutes(5)))
struct TextCarryTests {
  private static func carried(_ pieces: [ArraySlice<UInt8>]) -> (texts: [[UInt8]], all: [UInt8]) {
    var carry = TextCarry()
    var texts = pieces.map { piece in Array(piece).withUnsafeBytes { carry.take($0) } }
    texts.append(carry.finish())
    return (texts, texts.flatMap { $0 })
  }

  private static let samples: [[UInt8]] = [
    Array(text: "plain"), Array(text: "é中😀e\u{301}👩‍👩‍👧\u{10FFFF}"), [0xFF], [0x80, 0x80], [0xC3], [0xC3, 0x28],
    [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x98, 0x80, 0xF0, 0x9F],
    [0xED, 0xA0, 0x80],
    [0xC0, 0xAF], [0xF5, 0x80, 0x80, 0x80], [0xF0, 0x80, 0x80, 0x80], [0x61, 0xC3, 0xC3, 0xA9, 0x62],
    [0xE0, 0x80, 0x80],
    [0xF4, 0x90, 0x80, 0x80], [0xC3, 0xA9, 0xA9, 0x0A], [],
  ]

  @Test("every pair of cuts gives the text that the whole gives", arguments: samples)
  func cuts(bytes: [UInt8]) {
    let whole = Array(String(decoding: bytes, as: UTF8.self).utf8)
    for first in 0...bytes.count {
      for second in first...bytes.count {
        let (texts, all) = Self.carried([bytes[..<first], bytes[first..<second], bytes[second...]])
        #expect(all == whole, "cuts at \(first) and \(second)")
        for text in texts { #expect(String(validating: text, as: UTF8.self) != nil) }
      }
    }
  }

  @Test("random bytes, random cuts", arguments: [51, 52] as [UInt64])
  func random(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<5_000 {
      var bytes = random.mutation(
        of: Array(text: "aé中😀\n"), alphabet: [0x80, 0xBF, 0xC3, 0xE2, 0xF0, 0xFF, 0x61])
      bytes += random.mutation(of: Array(text: "😀é"), alphabet: [0x9F, 0xF0, 0xED])
      let cut = Int.random(in: 0...bytes.count, using: &random)
      let (texts, all) = Self.carried([bytes[..<cut], bytes[cut...]])
      #expect(all == Array(String(decoding: bytes, as: UTF8.self).utf8), "\(bytes) cut at \(cut)")
      for text in texts { #expect(String(validating: text, as: UTF8.self) != nil) }
    }
  }

  @Test("nothing that is complete is held back; never more than three bytes are")
  func holdsBack() {
    #expect(Self.carried([Array(text: "aé😀")[...]]).texts == [Array(text: "aé😀"), []])
    let (texts, _) = Self.carried([([0x61] + [0xF0, 0x9F, 0x98])[...], [0x80]])
    #expect(texts == [[0x61], Array(text: "😀"), []])
    #expect(Self.carried([[0x80, 0x80, 0x80, 0x80]]).texts.first?.count == 12)
  }
}
