import JupyterProtocol
import KernelExecutor
import ParleyTestSupport
import Testing

@testable import KernelCore

/// Comm messages find the language that owns the comm.
@Suite("comms", .timeLimit(.minutes(5)))
@KernelActor
struct CommTests {
  private let bench = Bench()

  private func comm(_ type: String, _ id: String, target: String? = nil, buffers: [[UInt8]] = []) async
    -> [String]
  {
    var content: [JSONValue.Member] = [.init("comm_id", .string(id)), .init("data", [:])]
    if let target { content.append(.init("target_name", .string(target))) }
    let request = bench.send(type, .object(content), buffers: buffers)
    await bench.finished(request)
    return bench.transcript(of: request)
  }

  private func info(_ content: JSONValue = [:]) async throws -> JSONValue {
    try await bench.ask("comm_info_request", content)["comms"] ?? .null
  }

  @Test("a target that a language has registered; messages with buffers; close")
  func life() async throws {
    _ = await bench.execute("#!beta\ntarget jupyter.widget")
    #expect(await comm("comm_open", "c1", target: "jupyter.widget") == ["busy", "idle"])
    #expect(await comm("comm_msg", "c1", buffers: [[1], [2]]) == ["busy", "idle"])
    #expect(try await info() == ["c1": ["target_name": "jupyter.widget"]])
    #expect(try await info(["target_name": "other"]) == [:])
    #expect(try await info(["target_name": "jupyter.widget"]) == ["c1": ["target_name": "jupyter.widget"]])
    #expect(await comm("comm_close", "c1") == ["busy", "idle"])
    #expect(try await info() == [:])
    #expect(
      bench.languages["beta"]?.log == [
        #"comm_open {"comm_id":"c1","data":{},"target_name":"jupyter.widget"} +0"#,
        #"comm_msg {"comm_id":"c1","data":{}} +2"#, #"comm_close {"comm_id":"c1","data":{}} +0"#,
      ])
    #expect(bench.languages["alpha"] == nil, "nobody else is started for it")
  }

  @Test("a comm that a language opens is its own, until it closes it")
  func openedByLanguage() async throws {
    _ = await bench.execute(#"publish comm_open {"comm_id":"c","target_name":"t","data":{}}"#)
    #expect(try await info() == ["c": ["target_name": "t"]])
    _ = await comm("comm_msg", "c")
    #expect(try bench.alpha.log.count == 1)
    _ = await bench.execute(#"publish comm_close {"comm_id":"c","data":{}}"#)
    #expect(try await info() == [:])
  }

  @Test("an unknown target goes to the default language while it runs, else the comm is closed at once")
  func unknownTarget() async throws {
    #expect(
      await comm("comm_open", "c", target: "t") == ["busy", #"comm_close {"comm_id":"c","data":{}}"#, "idle"])
    #expect(try await info() == [:])
    _ = await bench.execute("print a")
    #expect(await comm("comm_open", "d", target: "t") == ["busy", "idle"])
    #expect(try bench.alpha.log.count == 1)
  }

  @Test("a comm that does not reach its language is closed, and nobody lists it")
  func notTaken() async throws {
    _ = await bench.execute("print a")
    try bench.alpha.takesComms = false
    #expect(
      await comm("comm_open", "c", target: "t") == ["busy", #"comm_close {"comm_id":"c","data":{}}"#, "idle"])
    #expect(try await info() == [:])
  }

  @Test("a default language without comms closes it")
  func withoutComms() async {
    let bench = Bench(defaultLanguage: "gamma")
    _ = await bench.execute("print a")
    let id = bench.send("comm_open", ["comm_id": "c", "target_name": "t", "data": [:]])
    await bench.finished(id)
    #expect(bench.transcript(of: id).contains(#"comm_close {"comm_id":"c","data":{}}"#))
  }

  @Test("messages for comms that nobody has, and messages that are none, are ignored")
  func ignored() async {
    _ = await bench.execute("print a")
    #expect(await comm("comm_msg", "nobody") == ["busy", "idle"])
    #expect(await comm("comm_close", "nobody") == ["busy", "idle"])
    let id = bench.send("comm_open", raw: "[]")
    await bench.finished(id)
    #expect(bench.transcript(of: id) == ["busy", "idle"])
  }

  @Test("a restart closes the comms of that language and forgets its targets, and no other's")
  func restart() async throws {
    _ = await bench.execute(#"publish comm_open {"comm_id":"a1","target_name":"t","data":{}}"#)
    _ = await bench.execute(
      "#!beta\ntarget w\npublish comm_open {\"comm_id\":\"b1\",\"target_name\":\"t\",\"data\":{}}")
    _ = await bench.execute("#!restart beta")
    #expect(
      bench.transcript.filter { $0.contains("comm_close") } == [#": comm_close {"comm_id":"b1","data":{}}"#])
    #expect(try await info() == ["a1": ["target_name": "t"]])
    _ = await comm("comm_open", "x", target: "w")
    #expect(try bench.alpha.log.contains { $0.hasPrefix("comm_open") }, "beta's target is nobody's now")
  }
}
