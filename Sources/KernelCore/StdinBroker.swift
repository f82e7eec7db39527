import JupyterProtocol
import KernelExecutor

/// Asks the user on behalf of running cells, and finds out whose answer has come.
///
/// An answer belongs to the question its parent header names, or to that of the cell it names. Some clients leave
/// it empty; then it belongs to the question that waits at the sender's identity. Anything else is stale or
/// somebody else's, and dropped. Identities that a client puts behind its own need not come back with the answer
/// when it names the question.
/// Source: messaging specification, "Messages on the stdin (ROUTER/DEALER) channel".
@KernelActor
final class StdinBroker {
  private struct Question {
    let messageID: String
    let execution: Execution
    let continuation: CheckedContinuation<InputAnswer, Never>
  }

  private let frontEnd: any FrontEnd
  private let publisher: Publisher
  private var questions: [Question] = []

  init(frontEnd: any FrontEnd, publisher: Publisher) {
    self.frontEnd = frontEnd
    self.publisher = publisher
  }

  func ask(_ prompt: String, password: Bool, of execution: Execution) async -> InputAnswer {
    guard execution.request.allowStdin else {
      return .refused(
        ErrorContent(
          name: "StdinNotImplementedError",
          value: "raw_input was called, but this frontend does not support input requests."))
    }
    if execution.isInterrupted { return .withdrawn }
    // What was printed before the question must be on the screen before it.
    publisher.flush()
    var content = JSONWriter()
    content.object { writer in
      writer.member("prompt", prompt)
      writer.member("password", password)
    }
    return await withCheckedContinuation { continuation in
      let messageID = frontEnd.send(
        OutgoingMessage("input_request", parent: execution.parent, content: content.bytes), on: .stdin)
      questions.append(Question(messageID: messageID, execution: execution, continuation: continuation))
    }
  }

  /// An `input_reply` has come.
  func receive(_ message: IncomingMessage) {
    guard message.header.messageType == "input_reply" else { return }
    let asked = JSONScanner.parse(message.parentHeader)?["msg_id"]?.string ?? ""
    let index = questions.lastIndex { question in
      let parent = question.execution.parent
      // Only the client that was asked may answer.
      guard parent.identities.first == message.identities.first else { return false }
      return asked.isEmpty
        ? parent.identities == message.identities : asked == question.messageID || asked == parent.messageID
    }
    guard let index else { return }
    let question = questions.remove(at: index)
    frontEnd.withdraw(question.messageID)
    let content = JSONScanner.parse(message.content)
    if content?["status"]?.string == "error", content?["value"] == nil {
      question.continuation.resume(returning: .endOfFile)
      return
    }
    let value = content?["value"]?.string ?? ""
    // The reference client sends this character when its user has typed end-of-file.
    question.continuation.resume(returning: value == "\u{4}" ? .endOfFile : .value(value))
  }

  /// Lets the questions of a cell go, because it was stopped or has ended.
  func cancel(_ execution: Execution) {
    let mine = questions.filter { $0.execution === execution }
    questions.removeAll { $0.execution === execution }
    for question in mine {
      frontEnd.withdraw(question.messageID)
      question.continuation.resume(returning: .withdrawn)
    }
  }
}
