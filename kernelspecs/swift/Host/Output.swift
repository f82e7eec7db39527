import CRuntime
import FoundationEssentials
import Glibc
import Parley

/// An error that ends a cell, as the front end gets it.
struct CellError: Error, Encodable {
  var ename: String
  var evalue: String
  var traceback: [String]

  init(_ name: String, _ value: String, _ traceback: [String]? = nil) {
    ename = name
    evalue = value
    self.traceback = traceback ?? ["\(name): \(value)"]
  }

  static let interrupted = CellError("Interrupted", "the cell was interrupted")
}

/// The other end of the support module: what cells show and ask.
final class Output: _ParleyHost {
  var isSilent = false
  /// Why a call of this module has ended the cell.
  var failure: CellError?
  private var sequence = 0
  private var question = 0

  func send(_ messageType: String, _ content: String) {
    guard parley_on_main() else { return Frame.write(messageType, content) }
    parley_enter_critical()
    defer { parley_leave_critical() }
    sequence += 1
    Frame.write(messageType, ack: sequence, content)
    while let frame = Frame.read() {
      if frame.head.type == "ack", frame.head.seq == sequence { return }
    }
    exit(0)
  }

  func ask(_ prompt: String, password: Bool) -> String? {
    guard parley_on_main() else {
      fputs("readLine asks the user from the cell's own code only, not from other threads\n", stderr)
      return nil
    }
    parley_enter_critical()
    question += 1
    struct Question: Encodable {
      var prompt: String
      var password: Bool
    }
    Frame.write("input_request", id: question, json(Question(prompt: prompt, password: password)))
    while true {
      guard parley_wait_for_request() else {
        parley_leave_critical()
        parley_leave(Int32(parley_interrupted))
      }
      guard let frame = Frame.read() else { exit(0) }
      guard frame.head.type == "input_reply", frame.head.id == question else { continue }
      parley_leave_critical()
      switch frame.content.status {
      case "ok": return frame.content.value ?? ""
      case "eof": return nil
      default:
        fail(
          frame.content.ename ?? "StdinNotImplementedError",
          frame.content.evalue ?? "readLine was called, but nobody can be asked")
        return nil
      }
    }
  }

  func fail(_ name: String, _ text: String) {
    guard parley_on_main() else {
      fputs("\(name): \(text)\n", stderr)
      return
    }
    failure = CellError(name, text)
    parley_leave(Int32(parley_threw))
  }

  func encode(_ value: any Encodable) throws -> String {
    String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
  }

  func checkedJSON(_ text: String) -> String? {
    struct Anything: Decodable {
      init(from decoder: any Decoder) throws { _ = try decoder.singleValueContainer() }
    }
    guard (try? JSONDecoder().decode(Anything.self, from: Data(text.utf8))) != nil else { return nil }
    return text.filter { !$0.isNewline }
  }
}
