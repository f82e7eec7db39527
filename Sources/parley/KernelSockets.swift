import JupyterProtocol
import JupyterTransport
import KernelCore
import KernelExecutor
import Logging
import PosixSupport

/// The ZeroMQ sockets of a kernel and the connection file that tells of them, from binding to the end.
@KernelActor
final class KernelSockets {
  /// From the beginning of the end: so long what was published still goes to subscribers that are behind.
  private static let flushLimit = Duration.milliseconds(900)

  /// The sockets as a kernel's front end.
  let frontEnd: any FrontEnd
  private let server: JupyterServer
  /// Files to remove at the end.
  private let ownFiles: [String]

  /// The file that a client is given to connect.
  var connectionFile: String? { ownFiles.last }

  /// Binds, and tells where.
  /// - Parameter cancellation: a descriptor that becomes readable when the process has to end.
  init(
    _ connector: Connector, session: String, cancellation: Int32, loop: EventLoop, log: Logger
  ) throws {
    server = try JupyterServer(connector.requested, session: session, loop: loop, log: log)
    ownFiles = try connector.publish(server.connection, session: session, cancellation: cancellation)
    frontEnd = FrontEndAdapter(server)
  }

  /// Lets the kernel receive.
  /// - Parameter onCongestion: told when the subscribers can no longer keep up, and when they can again.
  func serve(_ kernel: Kernel, onCongestion: @escaping @KernelActor (Bool) -> Void) {
    server.onCongestionChange = onCongestion
    let connection = server.connection
    kernel.connectionPorts = {
      [
        "status": "ok", "shell_port": .integer(connection.ports.shell),
        "iopub_port": .integer(connection.ports.iopub), "stdin_port": .integer(connection.ports.stdin),
        "control_port": .integer(connection.ports.control), "hb_port": .integer(connection.ports.heartbeat),
      ]
    }
    server.start { [kernel] in kernel.receive($0) }
  }

  /// - Parameter start: when the end began.
  func close(since start: ContinuousClock.Instant) async {
    await server.flush(within: Self.flushLimit - (ContinuousClock.now - start))
    server.stop()
    for file in ownFiles { PrivateFile.remove(file) }
  }
}

/// The ZeroMQ sockets as the kernel's front end.
@KernelActor
private final class FrontEndAdapter: FrontEnd {
  private let server: JupyterServer

  init(_ server: JupyterServer) {
    self.server = server
  }

  func publish(_ message: OutgoingMessage) { server.publish(message) }

  func send(_ message: OutgoingMessage, on channel: Channel) -> String { server.send(message, on: channel) }

  func withdraw(_ messageID: String) { server.withdraw(messageID) }

  func receivePending() { server.receivePending() }
}
