import Glibc
import JupyterProtocol
import KernelExecutor
import Logging
import PosixSupport
import ZeroMQ

/// The five sockets of a kernel, bound and served on the event loop.
@KernelActor
public final class JupyterServer {
  /// Where the sockets were really bound.
  public let connection: ConnectionInfo

  private let shell: RouterChannel
  private let control: RouterChannel
  private let stdin: RouterChannel
  private let iopub: IOPubChannel
  private let heartbeat: HeartbeatChannel
  private let codec: WireCodec
  private let relay = Relay()

  /// Where received messages go; set once by the program, before the loop runs.
  private final class Relay {
    var receive: @KernelActor (IncomingMessage) -> Void = { _ in }
  }

  /// Binds everything.
  ///
  /// - Parameters:
  ///   - session: the kernel's session id, new in every process.
  /// - Throws: ``ConfigurationError`` of kind `portTaken` when a port is in use.
  public init(
    _ requested: ConnectionInfo, session: String, loop: EventLoop, log: Logger
  ) throws(ConfigurationError) {
    var bound = requested
    let codec = WireCodec(
      signer: try MessageSigner(scheme: requested.signatureScheme, key: requested.key), session: session)
    let relay = relay
    do {
      let context = try ZMQContext()
      func open(
        _ kind: ZMQSocket.Kind, _ port: WritableKeyPath<ConnectionInfo.Ports, Int>
      ) throws -> ZMQSocket {
        let socket = try ZMQSocket(context, kind)
        try socket.set(.linger, 1000)
        if kind == .router {
          try socket.set(.routerHandover, 1)
          // Replies and questions are never dropped for a queue's length.
          try socket.set(.sendHighWaterMark, 0)
          try socket.set(.receiveHighWaterMark, 0)
        } else {
          try IOPubChannel.configure(socket)
        }
        if port == \.heartbeat {
          // Anybody may ping, without a key: a peer that sends and never reads must not fill the memory.
          try socket.set(.sendHighWaterMark, 8)
          try socket.set(.receiveHighWaterMark, 8)
          try socket.set(.maximumMessageSize, 4 << 20)
        }
        if port == \.stdin { try socket.set(.routerMandatory, 1) }
        if let curve = requested.curve {
          try socket.set(.curveServer, 1)
          try socket.set(.curvePublicKey, Array(curve.publicKey.utf8))
          try socket.set(.curveSecretKey, Array(curve.secretKey.utf8))
        }
        bound.ports[keyPath: port] = try Self.bind(socket, requested, requested.ports[keyPath: port])
        return socket
      }
      let heartbeatSocket = try open(.router, \.heartbeat)
      let controlSocket = try open(.router, \.control)
      let shellSocket = try open(.router, \.shell)
      let stdinSocket = try open(.router, \.stdin)
      let iopubSocket = try open(.xpub, \.iopub)
      heartbeat = HeartbeatChannel(socket: heartbeatSocket, loop: loop)
      control = RouterChannel(.control, socket: controlSocket, codec: codec, loop: loop, log: log) {
        relay.receive($0)
      }
      shell = RouterChannel(.shell, socket: shellSocket, codec: codec, loop: loop, log: log) {
        relay.receive($0)
      }
      stdin = RouterChannel(.stdin, socket: stdinSocket, codec: codec, loop: loop, log: log) {
        relay.receive($0)
      }
      iopub = IOPubChannel(socket: iopubSocket, codec: codec, loop: loop, log: log)
    } catch let error as ZMQError {
      throw ConfigurationError(
        error.description,
        remedy: error.isAddressInUse
          ? "another process has this port: stop it, or let the front end choose new ports"
          : "check the address in the connection file",
        kind: error.isAddressInUse ? .portTaken : .unavailable)
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw ConfigurationError("cannot bind the sockets: \(error)", remedy: "check the connection file")
    }
    self.codec = codec
    connection = bound
  }

  private static func bind(
    _ socket: borrowing ZMQSocket, _ connection: ConnectionInfo, _ port: Int
  ) throws -> Int {
    switch connection.transport {
    case .tcp:
      try socket.bind(connection.endpoint(port: port))
      guard port == 0 else { return port }
      return Int(socket.lastEndpoint.split(separator: ":").last ?? "") ?? 0
    case .ipc:
      // The library would take a path over without a word, from another kernel that runs, too.
      guard port == 0 else {
        let path = "\(connection.ip)-\(port)"
        guard !LocalSocket.isListening(path) else {
          throw ConfigurationError(
            "cannot bind \(connection.endpoint(port: port)): another process listens there",
            remedy: "stop it, or let the front end choose another path", kind: .portTaken)
        }
        try socket.bind(connection.endpoint(port: port))
        return port
      }
      // An ipc "port" is a suffix of the path: the first that no file has. Binding makes the file, so the next socket
      // sees it.
      var suffix = 1
      while access("\(connection.ip)-\(suffix)", F_OK) == 0 { suffix += 1 }
      try socket.bind(connection.endpoint(port: suffix))
      return suffix
    }
  }

  // MARK: - Serving

  /// Starts to receive. Heartbeat and control first: that is also the order in which they are served.
  public func start(receive: @escaping @KernelActor (IncomingMessage) -> Void) {
    relay.receive = receive
    heartbeat.start()
    control.start()
    shell.start()
    stdin.start()
    iopub.start()
  }

  /// Told when the subscribers can no longer keep up (true) and when they can again.
  public var onCongestionChange: @KernelActor (Bool) -> Void {
    get { iopub.onCongestionChange }
    set { iopub.onCongestionChange = newValue }
  }

  public func publish(_ message: OutgoingMessage) {
    iopub.publish(message)
  }

  /// Sends a reply or a question to its parent's sender; returns its message id.
  @discardableResult
  public func send(_ message: OutgoingMessage, on channel: Channel) -> String {
    switch channel {
    case .shell: shell.send(message)
    case .control: control.send(message)
    case .stdin: stdin.send(message)
    }
  }

  /// Takes back a question on stdin that nobody has taken yet.
  public func withdraw(_ messageID: String) { stdin.withdraw(messageID) }

  /// Takes in what has arrived on shell and waits in the library.
  public func receivePending() {
    shell.receiveAll()
  }

  /// Returns when every subscriber has been given what was published, or when the limit is over.
  public func flush(within limit: Duration) async {
    await iopub.flush(within: limit)
  }

  public func stop() {
    for channel in [shell, control, stdin] { channel.stop() }
    heartbeat.stop()
    iopub.stop()
  }
}
