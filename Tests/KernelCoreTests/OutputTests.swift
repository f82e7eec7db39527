import JupyterProtocol
import KernelExecutor
import ParleyTestSupport
import Testing

@testable import KernelCore

/// Order and portions of printed text.
@Suite("publisher", .timeLimit(.minutes(5)))
@KernelActor
struct PublisherTests {
  private let frontEnd = RecordingFrontEnd()
  private let clock = ManualScheduler()
  private let publisher: Publisher

  init() {
    publisher = Publisher(frontEnd: frontEnd, scheduler: clock)
  }

  private func say(_ name: String, _ text: String, _ parent: String = "1") {
    publisher.stream(name, Array(text: text), parent: Self.parent(parent))
  }

  private static func parent(_ id: String) -> Parent {
    Parent(
      IncomingMessage(
        channel: .shell, identities: [],
        header: Header(messageID: id, session: "c", messageType: "t", date: "d"),
        parentHeader: [], metadata: [], content: [], buffers: []))
  }

  @Test("the first text goes out at once, what follows soon after is collected")
  func collects() {
    say("stdout", "a")
    #expect(frontEnd.transcript == ["1: stdout a"])
    for _ in 0..<1_000 { say("stdout", "b") }
    #expect(frontEnd.sent.count == 1)
    clock.advance(milliseconds: 25)
    #expect(frontEnd.transcript.last == "1: stdout " + String(repeating: "b", count: 1_000))
    #expect(frontEnd.sent.count == 2)
  }

  @Test("after a quiet moment text goes out at once again, and no timer is left")
  func quiet() {
    say("stdout", "a")
    clock.advance(milliseconds: 100)
    #expect(clock.pending == 0)
    say("stdout", "b")
    #expect(frontEnd.transcript == ["1: stdout a", "1: stdout b"])
  }

  @Test("another stream, another parent and any other message send the collected text first")
  func order() {
    say("stdout", "a")
    say("stdout", "b")
    say("stderr", "c")
    say("stderr", "d")
    say("stderr", "e", "2")
    publisher.status("idle", parent: Self.parent("1"))
    say("stderr", "f", "2")
    publisher.flush()
    publisher.flush()
    #expect(
      frontEnd.transcript == [
        "1: stdout a", "1: stdout b", "1: stderr cd", "2: stderr e", "1: idle", "2: stderr f",
      ])
  }

  @Test("a large portion does not wait for the clock")
  func portion() {
    say("stdout", "a")
    let half = String(repeating: "x", count: 130 << 10)
    say("stdout", half)
    #expect(frontEnd.sent.count == 1)
    say("stdout", half)
    #expect(frontEnd.sent.count == 2)
  }

  @Test("no text is no message")
  func empty() {
    say("stdout", "")
    #expect(frontEnd.sent.isEmpty && clock.pending == 0)
  }

  @Test("nothing is lost or reordered, whatever is said", arguments: [31, 32] as [UInt64])
  func nothingLost(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var said: [String: String] = [:]
    for number in 0..<2_000 {
      let name = Bool.random(using: &random) ? "stdout" : "stderr"
      let parent = String(Int.random(in: 1...2, using: &random))
      switch Int.random(in: 0...9, using: &random) {
      case 0: clock.advance(milliseconds: Int.random(in: 1...30, using: &random))
      case 1: publisher.status("busy", parent: Self.parent(parent))
      default:
        say(name, "\(number),", parent)
        said["\(parent) \(name)", default: ""] += "\(number),"
      }
    }
    publisher.flush()
    var heard: [String: String] = [:]
    for entry in frontEnd.sent where entry.message.messageType == "stream" {
      let content = JSONScanner.parse(entry.message.content)
      heard["\(entry.message.parent.messageID) \(content?["name"]?.string ?? "")", default: ""] +=
        content?["text"]?.string ?? ""
    }
    #expect(heard == said)
  }
}

/// What the kernel makes of the contents that languages send.
@Suite("output", .timeLimit(.minutes(5)))
@KernelActor
struct OutputTests {
  private let bench = Bench()

  /// The content that is published for a content that is sent.
  private func published(_ type: String, _ content: String) async throws -> String {
    let id = bench.start("publish \(type) \(content)")
    await bench.finished(id)
    let entry = try #require(bench.frontEnd.sent.last { $0.message.messageType == type })
    return entry.message.content.text
  }

  @Test(
    "what a bridge may leave out is filled in",
    arguments: [
      ("display_data", #"{"data":{"a":"b"}}"#, #"{"data":{"a":"b"},"metadata":{},"transient":{}}"#),
      (
        "display_data", #"{"data":{},"metadata":null,"transient":null}"#,
        #"{"data":{},"metadata":{},"transient":{}}"#
      ),
      ("display_data", "{}", #"{"data":{},"metadata":{},"transient":{}}"#),
      (
        "update_display_data", #"{"transient":{"display_id":"x"},"data":{}}"#,
        #"{"data":{},"metadata":{},"transient":{"display_id":"x"}}"#
      ),
      (
        "execute_result", #"{"data":{"a":1}}"#,
        #"{"data":{"a":1},"metadata":{},"transient":{},"execution_count":1}"#
      ),
      (
        "execute_result", #"{"data":{},"metadata":{},"execution_count":9}"#,
        #"{"data":{},"metadata":{},"transient":{},"execution_count":9}"#
      ),
      (
        "display_data", #"{"data":{},"source":"x","metadata":{}}"#,
        #"{"data":{},"metadata":{},"transient":{},"source":"x"}"#
      ),
    ])
  func completed(type: String, content: String, expected: String) async throws {
    #expect(try await published(type, content) == expected)
  }

  @Test(
    "complete contents and other types are forwarded byte for byte",
    arguments: [
      ("display_data", #"{ "transient":{}, "data":{"x" :1.50}, "metadata":{} }"#),
      ("execute_result", #"{"execution_count":1,"data":{},"metadata":{},"transient":{}}"#),
      ("clear_output", #"{"wait": true}"#),
      ("debug_event", #"{"type":"event"}"#), ("stream_like", #"{"any":[1 , 2]}"#),
    ])
  func untouched(type: String, content: String) async throws {
    #expect(try await published(type, content) == content)
  }

  @Test(
    "what is no JSON object is not published, and the language is told",
    arguments: ["[]", "{", #"{"a":nan}"#, "{}{}"])
  func refused(content: String) async {
    #expect(
      await bench.execute("publish display_data \(content)").contains("stderr refused"))
    #expect(!bench.transcript.contains { $0.contains(": display_data") })
  }

  @Test("metadata and buffers go with the message")
  func metadataAndBuffers() async throws {
    _ = await bench.execute("print a")
    let alpha = try bench.alpha
    let execution = try #require(alpha.executions.first)
    let frontEnd = bench.frontEnd
    let publisher = Publisher(frontEnd: frontEnd, scheduler: bench.clock)
    let hub = OutputHub(
      publisher: publisher, broker: StdinBroker(frontEnd: frontEnd, publisher: publisher), comms: CommTable(),
      history: bench.history)
    func publish(_ metadata: String?) -> Bool {
      hub.publish(
        "comm_msg", content: Array(text: "{}"), metadata: metadata.map { Array(text: $0) },
        buffers: [[1, 2], []],
        of: execution, from: alpha)
    }
    #expect(publish(#"{"version":"2.1.0"}"#))
    let entry = try #require(frontEnd.sent.last)
    #expect(entry.message.metadata.text == #"{"version":"2.1.0"}"# && entry.message.buffers == [[1, 2], []])
    #expect(publish(nil))
    #expect(frontEnd.sent.last?.message.metadata.text == "{}")
    #expect(!publish("[]"))
  }
}
