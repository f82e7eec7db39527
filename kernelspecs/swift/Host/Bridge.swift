import CRuntime
import FoundationEssentials
import Glibc
import Parley

/// From request to request.
final class Bridge {
  private let runner: CellRunner
  private let output: Output
  private let completer: Completer

  init(runner: CellRunner, output: Output, completer: Completer) {
    self.runner = runner
    self.output = output
    self.completer = completer
  }

  /// Runs until the server wants the end or is gone.
  func serve() {
    while true {
      if !parley_has_line(), !parley_wait_idle(3) { announceBackgroundTrap() }
      guard let frame = Frame.read() else { return }
      let content = frame.content
      switch frame.head.type {
      case "shutdown_request": return
      case "execute_request": Frame.write("execute_reply", id: frame.head.id, execute(content))
      case "is_complete_request":
        Frame.write("is_complete_reply", id: frame.head.id, isComplete(content.code ?? ""))
      default: Self.answer(frame, completer)
      }
      parley_recovery_done()
    }
  }

  /// Answers what needs nothing but what the session has declared; any thread may.
  static func answer(_ frame: Frame, _ completer: Completer) {
    let (code, cursor) = (frame.content.code ?? "", frame.content.cursor ?? 0)
    switch frame.head.type {
    case "complete_request":
      Frame.write("complete_reply", id: frame.head.id, completer.complete(code, at: cursor))
    case "inspect_request":
      Frame.write("inspect_reply", id: frame.head.id, completer.inspect(code, at: cursor))
    default: break
    }
  }

  private func execute(_ content: Content) -> String {
    parley_clear_interrupt()
    output.isSilent = content.silent ?? false
    let error = runner.run(content.code ?? "", number: content.executionCount ?? 0)
    parley_streams_restore()
    completer.update(runner.session)
    if let error {
      Frame.write("error", error)
      return json(Failed(error))
    }
    let expressions = (content.userExpressions ?? [:]).sorted { $0.key < $1.key }.map { name, code in
      "\(json(name)):\(evaluate(code))"
    }
    return "{\"status\":\"ok\",\"user_expressions\":{\(expressions.joined(separator: ","))}}"
  }

  private struct Failed: Encodable {
    var status = "error"
    var ename: String
    var evalue: String
    var traceback: [String]

    init(_ error: CellError) {
      (ename, evalue, traceback) = (error.ename, error.evalue, error.traceback)
    }
  }

  /// The value of an expression that a front end asks for beside the cell.
  private func evaluate(_ code: String) -> String {
    _parleyCaptures = true
    _parleyCaptured = nil
    defer { _parleyCaptures = false }
    if let error = runner.run(code, number: 0) { return json(Failed(error)) }
    return _parleyCaptured ?? "{\"status\":\"ok\",\"data\":{},\"metadata\":{}}"
  }

  private func isComplete(_ code: String) -> String {
    switch Completeness(of: code) {
    case .complete: "{\"status\":\"complete\"}"
    case .invalid: "{\"status\":\"invalid\"}"
    case .incomplete(let indent): "{\"status\":\"incomplete\",\"indent\":\(json(indent))}"
    }
  }

  /// What a cell has left behind, as a task on the main actor, has trapped between cells.
  private func announceBackgroundTrap() {
    fputs(String(cString: parley_fatal_message()), stderr)
    parley_recovery_done()
  }
}
