import ParleyTestSupport
import Testing

@testable import JupyterProtocol

@Suite("headers")
struct HeaderTests {
  @Test("a header of our own, byte for byte")
  func golden() {
    let header = Header(
      messageID: "s_1", session: "s", messageType: "status", date: "2026-11-23T01:02:03.000004Z",
      subshellID: "sub")
    #expect(
      header.bytes.text
        == #"{"msg_id":"s_1","session":"s","username":"parley","date":"2026-11-23T01:02:03.000004Z","#
        + #""msg_type":"status","version":"5.6","subshell_id":"sub"}"#)
    let plain = Header(messageID: "m", session: "s", messageType: "t", date: "d")
    #expect(plain.bytes.text.hasSuffix(#""version":"5.6"}"#))
  }

  @Test("what is written is read back")
  func roundTrip() throws {
    let own = Header(messageID: "s_1", session: "s\"é", messageType: "stream", date: "d", subshellID: "x")
    let read = try #require(Header(bytes: own.bytes))
    #expect(
      read.messageID == "s_1" && read.session == "s\"é" && read.messageType == "stream"
        && read.subshellID == "x")
    #expect(read.bytes == own.bytes)
  }

  @Test("the received bytes are kept as they came: unknown fields, spaces and order")
  func unknownFields() throws {
    let text =
      #" {"version": "9", "msg_id": "a", "extra": {"k": [1]}, "msg_type": "x_request", "session": "s"} "#
    let header = try #require(Header(bytes: Array(text: text)))
    #expect(header.bytes.text == text)
    #expect(header.messageID == "a" && header.messageType == "x_request" && header.session == "s")
  }

  @Test(
    "date, user name, version, session and subshell may be missing, null or odd",
    arguments: [
      #"{"msg_id":"a","msg_type":"t"}"#,
      #"{"msg_id":"a","msg_type":"t","date":null,"session":null,"subshell_id":null}"#,
      #"{"msg_id":"a","msg_type":"t","date":5,"version":[],"username":{},"session":7,"subshell_id":9}"#,
    ])
  func lenient(text: String) throws {
    let header = try #require(Header(bytes: Array(text: text)))
    #expect(header.messageID == "a" && header.session.isEmpty && header.subshellID == nil)
  }

  @Test(
    "without an id or a type it is no header",
    arguments: [
      "", "{}", "[]", "null", #"{"msg_id":"a"}"#, #"{"msg_type":"t"}"#, #"{"msg_id":1,"msg_type":"t"}"#,
      #"{"msg_id":"a","msg_type":"t""#, #"{"msg_id":"a","msg_type":null}"#,
    ])
  func refused(text: String) {
    #expect(Header(bytes: Array(text: text)) == nil)
  }

  @Test("a parent repeats the header's bytes; without one it is an empty object")
  func parent() throws {
    let header = try #require(
      Header(bytes: Array(text: #"{"msg_id":"a","msg_type":"t","subshell_id":"z","u":1}"#)))
    let message = IncomingMessage(
      channel: .shell, identities: [[1], []], header: header, parentHeader: [], metadata: [], content: [],
      buffers: [])
    let parent = Parent(message)
    #expect(parent.headerBytes == header.bytes && parent.messageID == "a" && parent.subshellID == "z")
    #expect(parent.identities == [[1], []])
    #expect(Parent.none.headerBytes.text == "{}" && Parent.none.identities.isEmpty)
  }
}

@Suite("dates and identifiers")
struct TimestampTests {
  @Test(
    "known dates",
    arguments: [
      (0, 0, "1970-01-01T00:00:00.000000Z"), (951_782_399, 999_999, "2000-02-28T23:59:59.999999Z"),
      (951_782_400, 0, "2000-02-29T00:00:00.000000Z"), (951_868_800, 1, "2000-03-01T00:00:00.000001Z"),
      (68_169_599, 0, "1972-02-28T23:59:59.000000Z"), (68_169_600, 0, "1972-02-29T00:00:00.000000Z"),
      (1_709_164_800, 123_456, "2024-02-29T00:00:00.123456Z"),
      (1_735_689_599, 5, "2024-12-31T23:59:59.000005Z"),
      (2_147_483_647, 0, "2038-01-19T03:14:07.000000Z"), (2_147_483_648, 0, "2038-01-19T03:14:08.000000Z"),
      (4_107_542_399, 0, "2100-02-28T23:59:59.000000Z"), (4_107_542_400, 0, "2100-03-01T00:00:00.000000Z"),
      (13_574_563_200, 0, "2400-02-29T00:00:00.000000Z"),
    ])
  func known(seconds: Int, microseconds: Int, text: String) {
    #expect(Timestamp.text(seconds: seconds, microseconds: microseconds) == text)
  }

  @Test("every day of 400 years follows the one before")
  func calendar() {
    var (year, month, day) = (1970, 1, 1)
    for number in 0..<146_097 {
      let found = Timestamp.civilDate(daysSince1970: number)
      #expect(found == (year, month, day))
      guard found == (year, month, day) else { return }
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      day += 1
      if day > days[month - 1] { (month, day) = (month + 1, 1) }
      if month > 12 { (year, month) = (year + 1, 1) }
    }
    #expect((year, month, day) == (2370, 1, 1))
  }

  @Test("now has the form, and does not go back")
  func now() {
    let first = Timestamp.now()
    #expect(first.wholeMatch(of: /20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\.\d{6}Z/) != nil)
    #expect(first <= Timestamp.now())
  }

  @Test("identifiers are version 4 UUIDs in lower case, each of its own")
  func uniqueID() {
    let made = (0..<1_000).map { _ in UniqueID.make() }
    #expect(Set(made).count == made.count)
    for text in made {
      #expect(
        text.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
    }
  }
}
