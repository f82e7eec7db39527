import JupyterProtocol
import KernelExecutor
import ParleyTestSupport
import Testing

@testable import KernelCore

/// Questions to the user and whose answer has come.
@Suite("stdin", .timeLimit(.minutes(5)))
@KernelActor
struct StdinTests {
  private let bench = Bench()
  private let mayAsk = [JSONValue.Member("allow_stdin", true)]

  /// Starts a cell that asks; returns the question's id.
  private func ask(_ code: String, id: String = "cell", subshell: String? = nil) async throws -> String {
    let before = bench.frontEnd.sent.count
    bench.start(code, mayAsk, id: id, subshell: subshell)
    await bench.settle()
    let question = try #require(bench.frontEnd.sent.dropFirst(before).last { $0.channel == .stdin })
    return question.id
  }

  private func answer(_ value: JSONValue, to question: String?, identity: String = "client") {
    bench.send(
      "input_reply", raw: value.encoded.text, on: .stdin,
      parentHeader: question.map { "{\"msg_id\":\"\($0)\"}" } ?? "{}", identity: identity)
  }

  @Test("a question and its answer; what was printed before comes before")
  func answered() async throws {
    let question = try await ask("print one\nprint two\nask name? ")
    answer(["value": "Ada"], to: question)
    await bench.finished("cell")
    #expect(
      bench.transcript(of: "cell") == [
        "busy", "execute_input [1] print one⏎print two⏎ask name? ", "stdout one", "stdout two",
        "stdin: input_request name? ", "stdout got Ada", "shell: execute_reply ok [1]", "idle",
      ])
  }

  @Test("a password is asked as one")
  func password() async throws {
    let question = try await ask("secret pw: ")
    #expect(bench.transcript(of: "cell").last == "stdin: input_request pw:  (password)")
    answer(["value": ""], to: question)
    await bench.finished("cell")
    #expect(bench.transcript(of: "cell").contains("stdout got "))
  }

  @Test("the answer need not name the question: the sender's identity does")
  func byIdentity() async throws {
    _ = try await ask("ask q")
    answer(["value": "wrong"], to: nil, identity: "somebody else")
    await bench.settle()
    #expect(!bench.transcript.contains { $0.contains("got") })
    answer(["value": "right"], to: nil)
    await bench.finished("cell")
    #expect(bench.transcript(of: "cell").contains("stdout got right"))
  }

  @Test("stale answers are dropped: to no question, to an earlier one, twice")
  func stale() async throws {
    answer(["value": "too early"], to: nil)
    let first = try await ask("ask one\nask two")
    answer(["value": "a"], to: first)
    await bench.settle()
    answer(["value": "again"], to: first)
    answer(["value": "never asked"], to: "nothing")
    await bench.settle()
    #expect(bench.transcript(of: "cell").last == "stdin: input_request two")
    answer(["value": "b"], to: nil)
    await bench.finished("cell")
    #expect(bench.transcript(of: "cell").filter { $0.contains("got") } == ["stdout got a", "stdout got b"])
    answer(["value": "late"], to: first)
    #expect(await bench.execute("print on").contains("stdout on"))
  }

  @Test("an answer may name the cell instead; somebody else's is dropped whatever it names")
  func byCell() async throws {
    let question = try await ask("ask q")
    answer(["value": "wrong"], to: question, identity: "somebody else")
    answer(["value": "wrong"], to: "cell", identity: "somebody else")
    await bench.settle()
    #expect(!bench.transcript.contains { $0.contains("got") })
    answer(["value": "right"], to: "cell")
    await bench.finished("cell")
    #expect(bench.transcript(of: "cell").contains("stdout got right"))
  }

  @Test("end of file; an answer that is an error is one too")
  func endOfFileAndError() async throws {
    answer(["value": "\u{4}"], to: try await ask("ask q"))
    await bench.finished("cell")
    #expect(bench.transcript(of: "cell").contains("stdout got end of file"))
    answer(["status": "error"], to: try await ask("ask q", id: "second"))
    await bench.finished("second")
    #expect(bench.transcript(of: "second").contains("stdout got end of file"))
  }

  @Test("a message on stdin that is no answer answers nothing")
  func otherMessage() async throws {
    _ = try await ask("ask q")
    bench.send("execute_request", ["code": "x"], on: .stdin)
    bench.send("input_reply", raw: "nonsense", on: .stdin, parentHeader: #"{"msg_id":"zzz"}"#)
    await bench.settle()
    #expect(bench.transcript(of: "cell").last == "stdin: input_request q")
    answer(["value": "x"], to: nil)
    await bench.finished("cell")
  }

  @Test("a cell that may not ask is told so, and nothing is sent")
  func notAllowed() async {
    #expect(
      await bench.execute("ask q") == [
        "busy", "execute_input [1] ask q", "shell: execute_reply error StdinNotImplementedError [1]", "idle",
      ])
  }

  @Test("an interrupt lets the question go; a later question of the same cell is refused at once")
  func interrupted() async throws {
    _ = try await ask("ask one")
    #expect(await bench.run("interrupt_request", on: .control).contains("control: interrupt_reply ok"))
    await bench.finished("cell")
    #expect(
      bench.transcript(of: "cell").last(2) == ["shell: execute_reply error KeyboardInterrupt [1]", "idle"])
  }

  @Test("two cells ask at the same time; each gets its own answer")
  func twoQuestions() async throws {
    let subshell = try #require(
      try await bench.ask("create_subshell_request", on: .control)["subshell_id"]?.string)
    let first = try await ask("ask one", id: "a")
    let second = try await ask("#!beta\nask two", id: "b", subshell: subshell)
    answer(["value": "2"], to: second)
    answer(["value": "1"], to: first)
    await bench.finished("a")
    await bench.finished("b")
    #expect(
      bench.transcript(of: "a").contains("stdout got 1") && bench.transcript(of: "b").contains("stdout got 2")
    )
  }
}
