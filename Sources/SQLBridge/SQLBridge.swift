import Glibc
import JupyterProtocol

/// SQL as a language: a bridge like any other, in the program of the server itself.
public enum SQLBridge {
  /// Serves requests until the server ends it.
  /// - Parameter resources: the folder of the manifest.
  public static func run(resources: String) -> Never {
    Interrupts.catchThem()
    // A database's process or server that ends while it is written to is an error of the cell.
    signal(SIGPIPE, SIG_IGN)
    let channel = BridgeChannel()
    channel.send("kernel_info_reply", id: 0, handshake)
    let connections = Connections(resources: resources)
    let runner = CellRunner(connections: connections)
    let questions = Questions(runner: runner)
    while let request = channel.next() {
      let content = request.content
      let code = content["code"]?.string ?? ""
      let marker = content["marker"]?.string ?? ""
      let cursor = content["cursor_pos"]?.integer ?? code.unicodeScalars.count
      switch request.type {
      case "execute_request":
        let output = CellOutput(
          channel: channel, id: request.id, isSilent: content["silent"]?.bool ?? false)
        let reply = runner.run(
          code, marker: marker, expressions: content["user_expressions"] ?? .object([]), output: output)
        channel.reply("execute_reply", id: request.id, reply)
      case "complete_request":
        channel.reply(
          "complete_reply", id: request.id, questions.complete(code, cursor: cursor, marker: marker))
      case "inspect_request":
        channel.reply("inspect_reply", id: request.id, questions.inspect(code, cursor: cursor))
      case "is_complete_request":
        channel.reply("is_complete_reply", id: request.id, questions.isComplete(code))
      case "shutdown_request":
        connections.closeAll()
        exit(0)
      case "comm_open", "comm_msg", "comm_close":
        channel.reply("done", id: request.id, .object([]))
      default: break
      }
    }
    connections.closeAll()
    exit(0)
  }

  private static let handshake: JSONValue = [
    "bridge_protocol": 1,
    "language_info": [
      "name": "sql", "version": "2016", "mimetype": "text/x-sql", "file_extension": ".sql",
      "codemirror_mode": "sql", "pygments_lexer": "sql",
    ],
    "banner": "SQL: SQLite, PostgreSQL, DuckDB", "capabilities": ["complete", "inspect", "is_complete"],
  ]
}
