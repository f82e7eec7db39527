import JupyterProtocol
import KernelExecutor
import Logging
import PosixSupport
import ZeroMQ

/// The other side of the five sockets: drives another kernel, from the event loop.
@KernelActor
public final class JupyterClient {
  /// Where a message came from.
  public enum Source: Sendable {
    case shell
    case control
    case stdin
    case iopub
  }

  private let codec: WireCodec
  private let loop: EventLoop
  private let log: Logger
  private let links: [Link]
  private let receive: @KernelActor (Source, IncomingMessage) -> Void
  /// Our session id, which is also the identity of our sockets.
  public let session: String

  @KernelActor
  private final class Link {
    let source: Source
    let socket: ZMQSocket
    var driver: SocketDriver?

    init(_ source: Source, _ socket: consuming ZMQSocket) {
      self.source = source
      self.socket = socket
    }
  }

  /// Connects to where the kernel binds or will bind.
  /// - Throws: ``ConfigurationError`` when an endpoint cannot be used.
  public init(
    _ connection: ConnectionInfo, loop: EventLoop, log: Logger,
    receive: @escaping @KernelActor (Source, IncomingMessage) -> Void
  ) throws(ConfigurationError) {
    let session = UniqueID.make()
    codec = WireCodec(
      signer: try MessageSigner(scheme: connection.signatureScheme, key: connection.key), session: session)
    self.session = session
    self.loop = loop
    self.log = log
    self.receive = receive
    do {
      let context = try ZMQContext()
      func open(_ source: Source, _ kind: ZMQSocket.Kind, _ port: Int) throws(ZMQError) -> Link {
        let socket = try ZMQSocket(context, kind)
        try socket.set(.linger, 0)
        // The kernel is younger than we are; it is looked for often until it has bound.
        try socket.set(.reconnectInterval, 10)
        try socket.set(.sendHighWaterMark, 0)
        try socket.set(.receiveHighWaterMark, 0)
        if kind == .sub {
          try socket.set(.subscribe, [])
        } else {
          try socket.set(.routingID, Array(session.utf8))
        }
        try socket.connect(connection.endpoint(port: port))
        return Link(source, socket)
      }
      links = [
        try open(.control, .dealer, connection.ports.control),
        try open(.shell, .dealer, connection.ports.shell),
        try open(.stdin, .dealer, connection.ports.stdin), try open(.iopub, .sub, connection.ports.iopub),
      ]
    } catch {
      throw ConfigurationError("\(error)", remedy: "check the runtime folder", kind: .unavailable)
    }
    for link in links {
      link.driver = SocketDriver(loop: loop, descriptor: link.socket.wakeDescriptor, priority: .bridge) {
        [weak self, unowned link] in self?.serve(link) ?? false
      }
    }
  }

  /// Sends a message; returns its id.
  /// - Parameter parentHeader: for an `input_reply`, the header of the question.
  @discardableResult
  public func send(
    _ messageType: String, content: [UInt8], metadata: [UInt8] = JSONText.emptyObject,
    buffers: [[UInt8]] = [],
    parent: Parent = .none, on source: Source = .shell
  ) -> String {
    let encoded = codec.encode(
      OutgoingMessage(messageType, parent: parent, content: content, metadata: metadata, buffers: buffers))
    if let link = links.first(where: { $0.source == source }) {
      _ = link.socket.send(encoded.frames)
      link.driver?.touched()
    }
    return encoded.messageID
  }

  public func close() {
    for link in links {
      link.driver?.stop()
      link.driver = nil
    }
  }

  private func serve(_ link: Link) -> Bool {
    for _ in 0..<64 {
      guard link.driver != nil, link.socket.isReadable, let frames = link.socket.receive() else {
        return false
      }
      do {
        receive(link.source, try codec.decode(frames, from: link.source == .control ? .control : .shell))
      } catch {
        log.warning("dropped a message of a kernel", metadata: ["reason": "\(error)"])
      }
    }
    return true
  }
}
