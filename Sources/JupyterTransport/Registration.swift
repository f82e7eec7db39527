import Glibc
import JupyterProtocol
import KernelExecutor
import ZeroMQ

/// The start-up handshake: the kernel chooses its ports and tells whoever started it.
///
/// Two dialects exist. The documented one sends a single signed object from a DEALER; Positron's sends a
/// Jupyter message from a REQ. Which one is meant shows in the file.
/// Sources: JEP 66; messaging specification 5.6, "Handshake"; posit-dev/positron#5799.
public struct Registration: Sendable {
  enum Dialect: Sendable {
    case specification(kernelID: String)
    case positron
  }

  private static let acknowledgementLimit: Int32 = 5000

  let dialect: Dialect
  let endpoint: String
  let scheme: SignatureScheme
  let key: String
  /// Where the kernel binds: all ports are free ones.
  public let connection: ConnectionInfo

  /// Reads a registration file; nil when the JSON is none (a usual connection file).
  /// - Throws: ``ConfigurationError`` when it is one, but wrong.
  public init?(json: [UInt8], from path: String) throws(ConfigurationError) {
    guard let value = JSONScanner.parse(json), let portValue = value["registration_port"] else { return nil }
    guard let port = portValue.integer ?? portValue.string.flatMap({ Int($0) }), (1...65535).contains(port)
    else {
      throw ConfigurationError(
        "registration file \(path): \"registration_port\" is no port number",
        remedy: "let the front end write it anew")
    }
    guard let scheme = SignatureScheme(rawValue: value["signature_scheme"]?.string ?? "hmac-sha256") else {
      throw ConfigurationError(
        "registration file \(path): the signature scheme is not supported",
        remedy: "use one of \(SignatureScheme.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let ip = value["registration_ip"]?.string ?? value["ip"]?.string ?? "127.0.0.1"
    dialect = value["kernel_id"]?.string.map { .specification(kernelID: $0) } ?? .positron
    endpoint = "tcp://\(ip):\(port)"
    self.scheme = scheme
    key = value["key"]?.string ?? ""
    connection = ConnectionInfo(
      transport: .tcp, ip: value["ip"]?.string ?? ip, signatureScheme: scheme, key: key)
  }

  /// Tells the ports and waits for the acknowledgement, a bounded time.
  /// - Parameter cancellation: a descriptor that becomes readable when it is no use to wait any longer.
  /// - Throws: ``ConfigurationError`` when nobody acknowledges.
  @KernelActor
  public func register(
    _ bound: ConnectionInfo, session: String, cancellation: Int32
  ) throws(ConfigurationError) {
    let codec = WireCodec(signer: try MessageSigner(scheme: scheme, key: key), session: session)
    do {
      let socket = try ZMQSocket(try ZMQContext(), isPositron ? .request : .dealer)
      try socket.set(.linger, 1000)
      try socket.connect(endpoint)
      _ = socket.send(frames(bound, codec))
      guard try isAcknowledged(socket, codec, cancellation) else {
        throw ConfigurationError(
          "nobody acknowledged the registration at \(endpoint) within \(Self.acknowledgementLimit / 1000) s",
          remedy: "start the kernel again", kind: .unavailable)
      }
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw ConfigurationError(
        "cannot register at \(endpoint): \(error)", remedy: "check the registration file", kind: .unavailable)
    }
  }

  private var isPositron: Bool {
    if case .positron = dialect { true } else { false }
  }

  private func frames(_ bound: ConnectionInfo, _ codec: WireCodec) -> [Frame] {
    let ports = [
      ("control_port", bound.ports.control), ("shell_port", bound.ports.shell),
      ("stdin_port", bound.ports.stdin), ("iopub_port", bound.ports.iopub),
      ("hb_port", bound.ports.heartbeat),
    ]
    switch dialect {
    case .specification(let kernelID):
      let members =
        [JSONValue.Member("kernel_id", .string(kernelID))]
        + ports.map { JSONValue.Member($0.0, .string(String($0.1))) }
      let text = JSONValue.object(members).encoded
      return [Frame(WireCodec.delimiter), Frame(codec.signature(of: text)), Frame(text)]
    case .positron:
      let content = JSONValue.object(ports.map { .init($0.0, .integer($0.1)) }).encoded
      return codec.encode(OutgoingMessage("handshake_request", parent: .none, content: content)).frames
    }
  }

  private func isAcknowledged(
    _ socket: borrowing ZMQSocket, _ codec: WireCodec, _ cancellation: Int32
  ) throws -> Bool {
    var polled = [socket.wakeDescriptor, cancellation].map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    var remaining = Self.acknowledgementLimit
    while remaining > 0 {
      if socket.isReadable, let answer = socket.receive() { return try isValid(answer, codec) }
      let slice = min(remaining, 100)
      _ = poll(&polled, 2, slice)
      if polled[1].revents != 0 {
        throw ConfigurationError(
          "ended by a signal before anybody acknowledged the registration at \(endpoint)",
          remedy: "start the kernel again", kind: .unavailable)
      }
      remaining -= slice
    }
    return false
  }

  private func isValid(_ answer: [[UInt8]], _ codec: WireCodec) throws -> Bool {
    if isPositron {
      let reply = try codec.decode(answer, from: .shell)
      return JSONScanner.parse(reply.content)?["status"]?.string != "error"
    }
    guard let split = answer.firstIndex(of: WireCodec.delimiter), answer.count >= split + 3 else {
      // The content of the acknowledgement is not specified; an unsigned kernel takes anything.
      return key.isEmpty
    }
    return codec.verify(answer[split + 1], of: answer[split + 2])
  }
}
