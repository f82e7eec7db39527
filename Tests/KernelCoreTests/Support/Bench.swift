import JupyterProtocol
import KernelCore
import KernelExecutor
import Logging
import ParleyTestSupport
import Synchronization
import Testing

/// A kernel on the test's bench: scripted languages, a recording front end, a clock turned by hand.
@KernelActor
final class Bench {
  let frontEnd = RecordingFrontEnd()
  let clock = ManualScheduler()
  let languages = ScriptedLanguages()
  let history = RememberedHistory()
  let kernel: Kernel
  private var lastID = 0

  init(defaultLanguage: String = "alpha") {
    kernel = Kernel(
      .init(identity: KernelIdentity(version: "1.2.3"), defaultLanguage: defaultLanguage, session: "s"),
      frontEnd: frontEnd, scheduler: clock, provider: languages, history: history, system: FixedSystem(),
      log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  /// The default language's backend; it is there after its first use.
  var alpha: ScriptedLanguage {
    get throws { try #require(languages["alpha"]) }
  }

  var transcript: [String] { frontEnd.transcript }

  func transcript(of id: String) -> [String] { frontEnd.transcript(of: id) }

  // MARK: - Sending

  /// Sends a request without waiting; returns its id: `1`, `2`, ... unless one is given.
  @discardableResult
  func send(
    _ type: String, _ content: JSONValue = [:], on channel: Channel = .shell, id: String? = nil,
    subshell: String? = nil,
    metadata: JSONValue = [:], buffers: [[UInt8]] = []
  ) -> String {
    send(
      type, raw: content.encoded.text, on: channel, id: id, subshell: subshell, metadata: metadata,
      buffers: buffers)
  }

  @discardableResult
  func send(
    _ type: String, raw content: String, on channel: Channel = .shell, id: String? = nil,
    subshell: String? = nil,
    metadata: JSONValue = [:], buffers: [[UInt8]] = [], parentHeader: String = "{}",
    identity: String = "client"
  ) -> String {
    lastID += 1
    let id = id ?? String(lastID)
    kernel.receive(
      IncomingMessage(
        channel: channel, identities: [Array(text: identity)],
        header: Header(messageID: id, session: "c", messageType: type, date: "d", subshellID: subshell),
        parentHeader: Array(text: parentHeader), metadata: metadata.encoded, content: Array(text: content),
        buffers: buffers))
    return id
  }

  /// Sends an execute request without waiting.
  @discardableResult
  func start(
    _ code: String, _ options: [JSONValue.Member] = [], id: String? = nil, subshell: String? = nil,
    metadata: JSONValue = [:]
  ) -> String {
    send(
      "execute_request", .object([.init("code", .string(code))] + options), id: id, subshell: subshell,
      metadata: metadata)
  }

  /// Sends a request and waits for its idle; returns what it made the kernel say.
  func run(_ type: String, _ content: JSONValue = [:], on channel: Channel = .shell, subshell: String? = nil)
    async -> [String]
  {
    let id = send(type, content, on: channel, subshell: subshell)
    await finished(id, on: channel)
    return transcript(of: id)
  }

  /// Runs a cell to its idle; returns what it made the kernel say.
  func execute(_ code: String, _ options: [JSONValue.Member] = [], metadata: JSONValue = [:]) async
    -> [String]
  {
    let id = start(code, options, metadata: metadata)
    await finished(id)
    return transcript(of: id)
  }

  /// The content of the reply to a request that has one.
  func ask(_ type: String, _ content: JSONValue = [:], on channel: Channel = .shell) async throws -> JSONValue
  {
    let id = send(type, content, on: channel)
    await frontEnd.wait { self.frontEnd.reply(to: id) != nil }
    return try #require(frontEnd.reply(to: id))
  }

  func finished(_ id: String, on channel: Channel = .shell) async {
    await frontEnd.wait {
      self.frontEnd.sent.contains { entry in
        guard entry.message.parent.messageID == id else { return false }
        return channel == .control
          ? entry.channel == .control
          : entry.message.messageType == "status" && entry.message.content.text.contains("\"idle\"")
      }
    }
    await settle()
  }

  /// Lets everything run that can run without another message or the clock. All of it happens on this one executor,
  /// first come, first served, and no chain of resumptions here is as long as this.
  func settle() async {
    for _ in 0..<100 { await Task.yield() }
  }
}

/// History in memory.
final class RememberedHistory: HistoryStore {
  private let kept = Mutex<[String]>([])
  let entries = Mutex<[HistoryEntry]>([])

  /// The calls in order.
  var calls: [String] { kept.withLock { $0 } }

  private func note(_ text: String) { kept.withLock { $0.append(text) } }

  func appendInput(line: Int, source: String, language: String) {
    note("input \(line) \(language): \(source)")
  }
  func appendOutput(line: Int, text: String) { note("output \(line): \(text)") }

  func tail(n: Int, output: Bool, raw: Bool) async -> [HistoryEntry] {
    note("tail \(n) output=\(output) raw=\(raw)")
    return entries.withLock { $0 }
  }

  func range(session: Int, start: Int, stop: Int?, output: Bool, raw: Bool) async -> [HistoryEntry] {
    note("range \(session) \(start)..<\(stop.map(String.init) ?? "end") output=\(output)")
    return entries.withLock { $0 }
  }

  func search(pattern: String, n: Int?, unique: Bool, output: Bool, raw: Bool) async -> [HistoryEntry] {
    note("search \(pattern) n=\(n.map(String.init) ?? "all") unique=\(unique)")
    return entries.withLock { $0 }
  }

  func close() async { note("close") }
}

struct FixedSystem: SystemInformation {
  func usage(ofTree roots: [Int32]) async -> ResourceUsage {
    ResourceUsage(
      hostname: "host", processID: 7, kernelCPU: 1.5, kernelMemory: 1000 + roots.count, processorCount: 2,
      hostCPU: 50,
      memoryTotal: 200, memoryAvailable: 150)
  }
}
