import Foundation
import JupyterProtocol
import KernelExecutor
import Logging
import ParleyTestSupport
import PosixSupport
import Testing
import ZeroMQ

@testable import JupyterTransport

/// The iopub socket against subscribers over real sockets.
@Suite("iopub", .serialized, .timeLimit(.minutes(5)))
@KernelActor
struct IOPubTests {
  /// A subscriber that reads when it is told to.
  @KernelActor
  private final class Client {
    private let socket: ZMQSocket
    private var driver: SocketDriver?
    private let codec: WireCodec
    private(set) var lines: [String] = []
    private(set) var textBytes = 0
    private var waiters: [(isDone: @KernelActor () -> Bool, continuation: CheckedContinuation<Void, Never>)] =
      []

    init(_ endpoint: String, topic: String = "", queue: Int = 0) throws {
      socket = try ZMQSocket(ZMQContext(), .sub)
      try socket.set(.linger, 0)
      try socket.set(.receiveHighWaterMark, queue)
      try socket.connect(endpoint)
      try socket.set(.subscribe, Array(text: topic))
      codec = WireCodec(signer: try MessageSigner(scheme: .sha256, key: "k"), session: "client")
    }

    func read() {
      driver = SocketDriver(loop: TestLoop.shared, descriptor: socket.wakeDescriptor) { [weak self] in
        self?.receive() ?? false
      }
      driver?.touched()
      // The loop may be waiting.
      TestLoop.shared.after(.zero) {}
    }

    func stop() {
      driver?.stop()
      driver = nil
    }

    private func receive() -> Bool {
      defer { tell() }
      for _ in 0..<64 {
        guard socket.isReadable, let frames = socket.receive() else { return false }
        guard let message = try? codec.decode(frames, from: .shell),
          let content = JSONScanner.parse(message.content)
        else {
          lines.append("unreadable")
          continue
        }
        switch message.header.messageType {
        case "iopub_welcome": lines.append("welcome '\(content["subscription"]?.string ?? "?")'")
        case "status": lines.append("status \(content["execution_state"]?.string ?? "?")")
        case "stream":
          let text = content["text"]?.string ?? ""
          lines.append(text.count > 200 ? "text" : "text \(text)")
          textBytes += text.utf8.count
        default: lines.append(message.header.messageType)
        }
      }
      return true
    }

    private func tell() {
      let done = waiters.filter { $0.isDone() }
      waiters.removeAll { $0.isDone() }
      for waiter in done { waiter.continuation.resume() }
    }

    func wait(until isDone: @escaping @KernelActor () -> Bool) async {
      // Asked in here: the way into it may take a turn, for a task of the test library.
      await withCheckedContinuation { continuation in
        if isDone() { continuation.resume() } else { waiters.append((isDone, continuation)) }
      }
    }

    func wait(for line: String) async { await wait { self.lines.last == line } }
  }

  /// The channel, bound in a folder of its own.
  @KernelActor
  private final class Server {
    let channel: IOPubChannel
    let endpoint: String
    private let folder: URL

    init(_ change: (inout IOPubChannel.Limits) -> Void = { _ in }) throws {
      var limits = IOPubChannel.Limits()
      change(&limits)
      folder = URL(fileURLWithPath: "/tmp/parley-\(UUID().uuidString.prefix(8))")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      endpoint = "ipc://\(folder.path)/io"
      let socket = try ZMQSocket(ZMQContext(), .xpub)
      try IOPubChannel.configure(socket, limits: limits)
      try socket.set(.linger, 0)
      try socket.bind(endpoint)
      channel = IOPubChannel(
        socket: socket, codec: WireCodec(signer: try MessageSigner(scheme: .sha256, key: "k"), session: "s"),
        loop: TestLoop.shared, log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        limits: limits)
      channel.start()
    }

    func stop() {
      channel.stop()
      try? FileManager.default.removeItem(at: folder)
    }

    func status(_ state: String) {
      channel.publish(
        OutgoingMessage("status", parent: .none, content: Array(text: "{\"execution_state\":\"\(state)\"}")))
    }

    func text(_ text: String) {
      let content = JSONValue.object([.init("name", "stdout"), .init("text", .string(text))])
      channel.publish(OutgoingMessage("stream", parent: .none, content: content.encoded))
    }
  }

  @Test("what was published before the first subscriber came waits for it, behind its welcome")
  func backlog() async throws {
    let server = try Server()
    server.status("starting")
    server.text("early")
    let client = try Client(server.endpoint)
    client.read()
    await client.wait(for: "text early")
    server.status("idle")
    await client.wait(for: "status idle")
    #expect(client.lines == ["welcome ''", "status starting", "text early", "status idle"])
    client.stop()
    server.stop()
  }

  @Test("every subscriber has its own welcome and its topics; a later one gets what comes then")
  func topics() async throws {
    let server = try Server()
    let first = try Client(server.endpoint)
    first.read()
    await first.wait(for: "welcome ''")
    server.status("busy")
    let streams = try Client(server.endpoint, topic: "kernel.stream")
    streams.read()
    await streams.wait(for: "welcome 'kernel.stream'")
    server.text("a")
    server.status("idle")
    server.text("b")
    await streams.wait(for: "text b")
    await first.wait(for: "text b")
    #expect(streams.lines == ["welcome 'kernel.stream'", "text a", "text b"])
    #expect(first.lines == ["welcome ''", "status busy", "text a", "status idle", "text b"])
    for client in [first, streams] { client.stop() }
    server.stop()
  }

  @Test("one that does not read holds nobody up, and finds everything in order when it does")
  func slow() async throws {
    let server = try Server { $0.messagesInLibrary = 2 }
    let fast = try Client(server.endpoint)
    fast.read()
    let slow = try Client(server.endpoint, topic: "kernel.s", queue: 1)
    await fast.wait(for: "welcome ''")
    // The slow one's welcome cannot be seen without reading; a third one that came later shows that it is there.
    slow.read()
    await slow.wait(for: "welcome 'kernel.s'")
    slow.stop()
    let portion = String(repeating: "x", count: 100_000)
    for number in 0..<200 {
      server.text(portion)
      server.status("\(number)")
    }
    await fast.wait(for: "status 199")
    #expect(fast.lines.filter { $0 == "text" }.count == 200)
    #expect(!server.channel.isFlushed, "20 MB must wait for the slow one")
    slow.read()
    await slow.wait(for: "status 199")
    #expect(slow.lines.dropFirst() == fast.lines.dropFirst())
    for client in [fast, slow] { client.stop() }
    server.stop()
  }

  @Test("text for one that is far behind is elided, visibly and counted; states never are")
  func elision() async throws {
    let server = try Server {
      $0.messagesInLibrary = 2
      $0.streamBytes = 1 << 20
    }
    let client = try Client(server.endpoint, queue: 1)
    client.read()
    await client.wait(for: "welcome ''")
    client.stop()
    let portion = String(repeating: "x", count: 100_000)
    for number in 0..<200 {
      server.text(portion)
      server.status("\(number)")
    }
    client.read()
    await client.wait(for: "status 199")
    #expect(client.lines.filter { $0.hasPrefix("status") } == (0..<200).map { "status \($0)" })
    let notes = client.lines.filter { $0.contains("bytes of output were elided") }
    let texts = client.lines.filter { $0 == "text" }.count
    #expect(!notes.isEmpty && texts < 200)
    // Each elided message is counted with its frames, a few hundred bytes more than its text.
    let elided = notes.compactMap { Int($0.drop { !$0.isNumber }.prefix { $0.isNumber }) }.reduce(0, +)
    #expect(elided > (200 - texts) * 100_000 && elided < (200 - texts) * 101_000)
    client.stop()
    server.stop()
  }

  @Test("one that stands still with a full queue of states is cut off")
  func cutOff() async throws {
    let server = try Server {
      $0.messagesInLibrary = 2
      $0.streamBytes = 1 << 20
      $0.totalBytes = 2 << 20
    }
    let client = try Client(server.endpoint, queue: 1)
    client.read()
    await client.wait(for: "welcome ''")
    client.stop()
    let state = String(repeating: "s", count: 100_000)
    for _ in 0..<100 { server.status(state) }
    #expect(server.channel.isFlushed, "nobody is left who waits")
    server.stop()
  }

  @Test(
    "bridges pause while the fastest subscriber is behind, and go on when it has caught up or stands still")
  func congestion() async throws {
    var changes: [Bool] = []
    let server = try Server {
      $0.messagesInLibrary = 2
      $0.congestionBytes = 1 << 20
    }
    server.channel.onCongestionChange = { changes.append($0) }
    let client = try Client(server.endpoint, queue: 1)
    client.read()
    await client.wait(for: "welcome ''")
    client.stop()
    let portion = String(repeating: "x", count: 100_000)
    for _ in 0..<100 { server.text(portion) }
    #expect(changes == [true] && server.channel.isCongested)
    server.status("last")
    client.read()
    await client.wait(for: "status last")
    #expect(changes.last == false && !server.channel.isCongested)
    client.stop()
    server.stop()
  }

  @Test("one that has left is forgotten; those with the same topic stay")
  func leaves() async throws {
    let server = try Server { $0.messagesInLibrary = 2 }
    let stays = try Client(server.endpoint)
    stays.read()
    await stays.wait(for: "welcome ''")
    do {
      let leaves = try Client(server.endpoint)
      leaves.read()
      await leaves.wait(for: "welcome ''")
      leaves.stop()
    }
    let portion = String(repeating: "x", count: 100_000)
    for number in 0..<50 {
      server.text(portion)
      server.status("\(number)")
      await stays.wait(for: "status \(number)")
    }
    #expect(stays.lines.filter { $0 == "text" }.count == 50)
    #expect(server.channel.isFlushed, "nothing waits for the one that has left")
    stays.stop()
    server.stop()
  }
}
