import JupyterProtocol
import ParleyTestSupport
import Testing
import ZeroMQ

@testable import JupyterTransport

@Suite("signing")
struct SigningTests {
  /// RFC 4231 and RFC 2202, test case 2.
  @Test(
    "known signatures of every scheme",
    arguments: [
      (SignatureScheme.sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
      (
        .sha384,
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"
      ),
      (
        .sha512,
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
      ), (.sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"), (.md5, "750c783e6ab0b503eaa86e310a5db738"),
    ])
  func known(scheme: SignatureScheme, expected: String) throws {
    let signer = try MessageSigner(scheme: scheme, key: "Jefe")
    // Twice, and in parts: the context is used again, and the parts are one text.
    for parts in [["what do ya want ", "for nothing?"], ["what do ya", "", " want for nothing", "?"]] {
      let bytes = parts.map { Array(text: $0) }
      #expect(signer.signature(of: bytes).text == expected)
      #expect(signer.verify(Array(text: expected), of: bytes))
    }
  }

  /// Keys shorter than, as long as and longer than the digest's block; computed with Python's hmac.
  @Test(
    "keys and messages of every length",
    arguments: [
      (1, 0, "8bb990c40a7d61cb97597a942125025be50ac8beb74436e3735b98893a7f6620"),
      (1, 64, "5025145616b124703b0750b9069f4dba2facdca2be088fcb16eaeb2e8755f964"),
      (1, 1000, "92d457d9a8d76963f55b1d3de85256741d02269dd690f1374d18cd509e240dda"),
      (55, 0, "02ce07369adf4939d0a3b49153a618691c571931902a2e877bbd25791fb3ac23"),
      (55, 64, "2ac118a86799be5ffb3bc5f7dcdb36e4dcb4a7de0a566b5efe44724013f0623e"),
      (55, 1000, "2cd918eccd420fc22fb1a34c09b6efdccc443038de5ce72a749668ed1cb08093"),
      (63, 0, "a73e4ae46b2a9f2402fff056e156c0a25551e3db5097f9367522239bfbc2d02e"),
      (63, 64, "cc4ba9c51317160c92f379417cc31581dce52e31bd74c82b2328871bf1e21f9e"),
      (63, 1000, "17713960c097bacd5194136956895c3595dc7d37fdb84125e7bb6538f2346ebe"),
      (64, 0, "83026a325aaee70e36cfe607536aa1054104ad1077c36134810d4ccded1ccd3b"),
      (64, 64, "6c5d941ffa5c767ab48ab913e070f40807115a8478907ad61bee6f2283c72966"),
      (64, 1000, "abd6769417c91090674a6ac63cf26c6785761c68547c54eca42e0c288aeade75"),
      (65, 0, "41f1c4cc3107cd5b8d92460f61032902bfdb06484eef17e861b83a5012d3b7f3"),
      (65, 64, "8b059b2d9407087766cb94a6a0bd72fcabcabf26190712bd17e1e24221b2b14a"),
      (65, 1000, "0255626951bd28a94d656798c97e3078d5a0c6a7ca1f01529b1a8d1987f9f68e"),
      (131, 0, "c68b7ace04e8bf0b01c1ed872ac04ac02cb9acb6a6d01fae07f52ff2d6c9bcee"),
      (131, 64, "bcce03ce3bc6850efe98e63a8cadbe5920c496778bb69c5ea95da3ed31a28e14"),
      (131, 1000, "972ee821dfca4404e932a80d22a4a87479ec37409895b84d7ffef9ae94c9ae7c"),
    ])
  func lengths(key: Int, message: Int, expected: String) throws {
    let signer = try MessageSigner(scheme: .sha256, key: String(repeating: "k", count: key))
    let bytes = [UInt8](repeating: 0x6d, count: message)
    #expect(signer.signature(of: [bytes]).text == expected)
    #expect(signer.signature(of: [Array(bytes.prefix(7)), Array(bytes.dropFirst(7))]).text == expected)
  }

  @Test("a signature that differs anywhere does not fit")
  func different() throws {
    let signer = try MessageSigner(scheme: .sha256, key: "k")
    let parts = [Array(text: "a"), Array(text: "b")]
    let good = signer.signature(of: parts)
    for index in good.indices {
      var bad = good
      bad[index] ^= 1
      #expect(!signer.verify(bad, of: parts))
    }
    #expect(
      !signer.verify([], of: parts) && !signer.verify(good + good, of: parts)
        && !signer.verify(Array(good.dropLast()), of: parts))
    #expect(!signer.verify(good, of: [Array(text: "a"), Array(text: "c")]))
    #expect(!signer.verify(Array(good.text.uppercased().utf8), of: parts))
    #expect(try !MessageSigner(scheme: .sha256, key: "other").verify(good, of: parts))
  }

  @Test("without a key nothing is signed and everything passes")
  func unsigned() throws {
    let signer = try MessageSigner(scheme: .sha256, key: "")
    #expect(!signer.isEnabled && signer.signature(of: [[1]]).isEmpty)
    #expect(signer.verify([], of: [[1]]) && signer.verify([9, 9], of: [[1]]))
  }

  @Test("a signature is admitted once, until 65,536 others have come")
  func replay() {
    func signature(_ number: Int) -> [UInt8] {
      let digits = String(number, radix: 16)
      let zeros = String(repeating: "0", count: 16 - digits.count)
      return Array(text: zeros + digits + String(repeating: "a", count: 48))
    }
    var memory = ReplayGuard()
    let admitted = (0..<65_536).count { memory.admit(signature($0)) }
    #expect(admitted == 65_536)
    let again = [0, 65_535, 65_536, 0, 2].map { memory.admit(signature($0)) }
    #expect(again == [false, false, true, true, false], "the oldest is forgotten, the others are not")
  }

  @Test("signatures that differ in either half are different")
  func marks() {
    var memory = ReplayGuard()
    var texts = [[UInt8](repeating: UInt8(ascii: "0"), count: 64)]
    for index in 0..<32 {
      var other = texts[0]
      other[index] = UInt8(ascii: "f")
      texts.append(other)
    }
    let first = texts.map { memory.admit($0) }
    let second = texts.map { memory.admit($0) }
    #expect(first.allSatisfy { $0 } && !second.contains(true))
  }
}

@Suite("the wire", .timeLimit(.minutes(5)))
struct WireCodecTests {
  private static let header = Array(text: #"{"msg_id":"m1","msg_type":"execute_request","session":"c"}"#)
  private static let object = Array(text: "{}")

  private func codec(_ key: String = "k") throws -> WireCodec {
    WireCodec(signer: try MessageSigner(scheme: .sha256, key: key), session: "s")
  }

  /// A message as frames, signed with the key.
  private func frames(
    _ parts: [[UInt8]] = [header, object, object, object], key: String = "k",
    identities: [[UInt8]] = [[1, 2]],
    buffers: [[UInt8]] = []
  ) throws -> [[UInt8]] {
    let signature = try MessageSigner(scheme: .sha256, key: key).signature(of: parts)
    return identities + [WireCodec.delimiter, signature] + parts + buffers
  }

  private func refusal(_ codec: WireCodec, _ frames: [[UInt8]]) -> String {
    do throws(WireError) {
      _ = try codec.decode(frames, from: .shell)
      return "accepted"
    } catch {
      return "\(error)"
    }
  }

  @Test("a good message: every part, the identities and the buffers")
  func good() throws {
    let parts = [
      Self.header, Array(text: #"{"p":1}"#), Array(text: #"{"m":2}"#), Array(text: #"{"code":"x"}"#),
    ]
    let message = try codec().decode(
      frames(parts, identities: [[0, 255], [], Array(text: "x")], buffers: [[], [7]]), from: .control)
    #expect(
      message.channel == .control && message.header.messageID == "m1" && message.header.bytes == Self.header)
    #expect(message.identities == [[0, 255], [], Array(text: "x")] && message.buffers == [[], [7]])
    #expect(message.parentHeader.text == #"{"p":1}"# && message.metadata.text == #"{"m":2}"#)
    #expect(message.content.text == #"{"code":"x"}"#)
  }

  @Test("no identity at all, and a delimiter among the buffers")
  func oddShapes() throws {
    #expect(try codec().decode(frames(identities: []), from: .shell).identities.isEmpty)
    let message = try codec().decode(frames(buffers: [WireCodec.delimiter, [1]]), from: .shell)
    #expect(message.buffers == [WireCodec.delimiter, [1]])
  }

  @Test("an empty parent header and empty metadata, as old clients send them, are empty objects")
  func emptyParts() throws {
    let message = try codec().decode(frames([Self.header, [], [], Self.object]), from: .shell)
    #expect(message.parentHeader.text == "{}" && message.metadata.text == "{}")
  }

  @Test("what is wrong with a message is told by part and length, never by content")
  func ladder() throws {
    let good = try frames()
    let codec = try codec()
    #expect(refusal(codec, []) == "none of its 0 frames is the delimiter")
    #expect(refusal(codec, [[1], [2]]) == "none of its 2 frames is the delimiter")
    for count in 0..<5 {
      #expect(refusal(codec, Array(good[..<(2 + count)])) == "only \(count) of 5 frames follow the delimiter")
    }
    #expect(refusal(codec, try frames(key: "other")) == "the signature (64 bytes) does not fit")
    var tampered = good
    tampered[6] = Array(text: #"{"code":"rm"}"#)
    #expect(refusal(codec, tampered) == "the signature (64 bytes) does not fit")
    var unsigned = good
    unsigned[2] = []
    #expect(refusal(codec, unsigned) == "the signature (0 bytes) does not fit")
    #expect(refusal(codec, good) == "accepted")
    #expect(refusal(codec, good) == "its signature was seen before")
    for (index, part) in ["header", "parent header", "metadata"].enumerated() {
      for text in ["[]", "{", "{\"a\":\u{1}}"] {
        var parts = [Self.header, Self.object, Self.object, Self.object]
        parts[index] = Array(text: text)
        #expect(
          refusal(codec, try frames(parts)) == "the \(part) (\(text.utf8.count) bytes) is no JSON object")
      }
    }
    #expect(
      refusal(codec, try frames([Self.object, Self.object, Self.object, Self.object])).hasPrefix(
        "the header (2 bytes)"))
  }

  @Test("a wrong signature is found before anything is parsed, and does not use up the right one")
  func verifyFirst() throws {
    let codec = try codec()
    let junk = Array(text: "not json")
    #expect(refusal(codec, try frames([junk, junk, junk, junk], key: "other")).contains("signature"))
    let good = try frames()
    var bad = good
    bad[4] = Array(text: " {}")
    #expect(refusal(codec, bad).contains("signature"))
    #expect(refusal(codec, good) == "accepted")
  }

  @Test("without a key any signature passes, again and again")
  func unsigned() throws {
    let codec = try codec("")
    let message = try frames(key: "")
    #expect(refusal(codec, message) == "accepted")
    #expect(refusal(codec, message) == "accepted")
  }

  @Test("content is not looked into: its errors are the service's to answer")
  func content() throws {
    let content = Array(text: "no JSON")
    let message = try codec().decode(frames([Self.header, Self.object, Self.object, content]), from: .shell)
    #expect(message.content == content)
  }

  @Test("bytes that are not UTF-8 become U+FFFD in every part, behind the signature")
  func notUTF8() throws {
    var parts = [Self.header, Self.object, Array(text: #"{"m":""#), Array(text: #"{"code":"é"#)]
    parts[2] += [0xFF] + Array(text: "\"}")
    parts[3] += [0xED, 0xA0, 0x80] + Array(text: "\"}")
    let message = try codec().decode(frames(parts), from: .shell)
    #expect(message.header.bytes == Self.header)
    #expect(message.metadata.text == #"{"m":"\#u{FFFD}"}"#)
    #expect(message.content.text.hasPrefix(#"{"code":"é\#u{FFFD}"#) && JSONScanner.isObject(message.content))
  }

  @Test("what is encoded can be decoded with the same key, numbers its messages and repeats the parent")
  func roundTrip() throws {
    let codec = try codec()
    let request = try codec.decode(frames(), from: .shell)
    let parent = Parent(request)
    for number in 1...3 {
      let encoded = codec.encode(
        OutgoingMessage("status", parent: parent, content: Array(text: #"{"x":1}"#), buffers: [[1, 2]]))
      #expect(encoded.messageID == "s_\(number)")
      #expect(encoded.size == encoded.frames.reduce(0) { $0 + $1.bytes.count })
      let read = try self.codec().decode(encoded.frames.map(\.bytes), from: .shell)
      #expect(
        read.header.messageID == "s_\(number)" && read.header.messageType == "status"
          && read.header.session == "s")
      #expect(read.parentHeader == Self.header && read.metadata.text == "{}" && read.buffers == [[1, 2]])
    }
  }

  @Test("no frames trap", arguments: [61, 62] as [UInt64])
  func randomFrames(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let codec = try codec("")
    let pieces = [
      WireCodec.delimiter, Self.header, Self.object, [], Array(text: "{"), [0xFF, 0],
      Array(text: #"{"a":"\ud800"}"#),
    ]
    var accepted = 0
    for _ in 0..<25_000 {
      let frames = (0..<Int.random(in: 0...9, using: &random)).map { _ -> [UInt8] in
        let piece = pieces.randomElement(using: &random) ?? []
        return Int.random(in: 0...4, using: &random) == 0
          ? random.mutation(of: piece, alphabet: Array(text: "{}\":,<>IDSMG|")) : piece
      }
      if (try? codec.decode(frames, from: .shell)) != nil { accepted += 1 }
    }
    #expect(accepted > 10, "the generator must reach the end of the ladder, too")
  }
}

@Suite("a subscriber's queue")
struct SubscriberTests {
  private func output(_ size: Int) -> QueuedOutput {
    QueuedOutput(topic: [], frames: [], size: size, outputClass: OutputClass("status"), parent: .none)
  }

  @Test("first in, first out; the bytes are counted")
  func queue() {
    var subscriber = Subscriber(topic: [], connection: 5, number: 1, now: 5)
    #expect(subscriber.isEmpty && subscriber.lastProgress == 5)
    var sizes: [Int] = []
    for number in 1...5_000 {
      subscriber.append(output(number), now: 9)
      if number % 3 == 0 {
        sizes.append(subscriber.queue[subscriber.head].size)
        subscriber.removeFirst(now: 10)
      }
    }
    while !subscriber.isEmpty {
      sizes.append(subscriber.queue[subscriber.head].size)
      subscriber.removeFirst(now: 11)
    }
    #expect(sizes == Array(1...5_000))
    #expect(subscriber.queuedBytes == 0 && subscriber.lastProgress == 11 && subscriber.head == 0)
  }

  @Test("it begins to lag with its first message, not with its subscription")
  func lag() {
    var subscriber = Subscriber(topic: [], connection: 5, number: 1, now: 5)
    subscriber.append(output(1), now: 100)
    subscriber.append(output(1), now: 200)
    #expect(subscriber.lastProgress == 100 && subscriber.queuedBytes == 2)
  }

  @Test("topics are prefixes; the private one is the subscriber's own")
  func topics() {
    let all = Subscriber(topic: [], connection: 5, number: 1, now: 0)
    let streams = Subscriber(topic: Array(text: "kernel.stream"), connection: 5, number: 2, now: 0)
    let other = Subscriber(topic: Array(text: "kernel.stream"), connection: 5, number: 3, now: 0)
    #expect(all.wants(Array(text: "kernel.status")) && streams.wants(Array(text: "kernel.stream.stdout")))
    #expect(!streams.wants(Array(text: "kernel.status")) && !streams.wants(Array(text: "kernel.str")))
    #expect(streams.privateTopic.starts(with: streams.topic) && streams.privateTopic != other.privateTopic)
  }

  @Test("only printed text may be dropped")
  func classes() {
    #expect(OutputClass("stream") == .stream)
    for type in [
      "status", "execute_result", "error", "display_data", "comm_msg", "execute_input", "clear_output",
    ] {
      #expect(OutputClass(type) == .state)
    }
  }
}
