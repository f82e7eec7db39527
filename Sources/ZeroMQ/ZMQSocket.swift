import CZeroMQ
import Glibc

/// A ZeroMQ socket that one thread owns. All calls but ``wakeDescriptor``'s readiness are non-blocking.
public struct ZMQSocket: ~Copyable {
  public enum Kind: Sendable {
    case router
    case dealer
    case xpub
    case sub
    case request

    var code: Int32 {
      switch self {
      case .router: ZMQ_ROUTER
      case .dealer: ZMQ_DEALER
      case .xpub: ZMQ_XPUB
      case .sub: ZMQ_SUB
      case .request: ZMQ_REQ
      }
    }
  }

  public enum IntegerOption: Sendable {
    case linger
    case sendHighWaterMark
    case receiveHighWaterMark
    case routerHandover
    case routerMandatory
    case xpubVerbose
    case xpubManual
    case xpubNoDrop
    case curveServer
    case maximumMessageSize
    /// Milliseconds.
    case reconnectInterval

    var code: Int32 {
      switch self {
      case .linger: ZMQ_LINGER
      case .sendHighWaterMark: ZMQ_SNDHWM
      case .receiveHighWaterMark: ZMQ_RCVHWM
      case .routerHandover: ZMQ_ROUTER_HANDOVER
      case .routerMandatory: ZMQ_ROUTER_MANDATORY
      case .xpubVerbose: ZMQ_XPUB_VERBOSE
      case .xpubManual: ZMQ_XPUB_MANUAL
      case .xpubNoDrop: ZMQ_XPUB_NODROP
      case .curveServer: ZMQ_CURVE_SERVER
      case .maximumMessageSize: ZMQ_MAXMSGSIZE
      case .reconnectInterval: ZMQ_RECONNECT_IVL
      }
    }
  }

  public enum BytesOption: Sendable {
    case routingID
    case subscribe
    case unsubscribe
    case curvePublicKey
    case curveSecretKey
    case curveServerKey

    var code: Int32 {
      switch self {
      case .routingID: ZMQ_ROUTING_ID
      case .subscribe: ZMQ_SUBSCRIBE
      case .unsubscribe: ZMQ_UNSUBSCRIBE
      case .curvePublicKey: ZMQ_CURVE_PUBLICKEY
      case .curveSecretKey: ZMQ_CURVE_SECRETKEY
      case .curveServerKey: ZMQ_CURVE_SERVERKEY
      }
    }
  }

  /// What became of a message that was handed to the library.
  public enum SendResult: Sendable {
    case sent
    /// The peer's queue is full; nothing was taken.
    case wouldBlock
    /// No peer of that address (a router that is told to say so).
    case unroutable
  }

  private let pointer: UnsafeMutableRawPointer
  private let context: ZMQContext

  public init(_ context: ZMQContext, _ kind: Kind) throws(ZMQError) {
    guard let pointer = zmq_socket(context.pointer, kind.code) else {
      throw ZMQError("create a ZeroMQ socket")
    }
    self.pointer = pointer
    self.context = context
  }

  deinit {
    zmq_close(pointer)
  }

  // MARK: - Options and endpoints

  public func set(_ option: IntegerOption, _ value: Int) throws(ZMQError) {
    let result: Int32
    if option == .maximumMessageSize {
      var wide = Int64(value)
      result = zmq_setsockopt(pointer, option.code, &wide, MemoryLayout<Int64>.size)
    } else {
      var narrow = Int32(value)
      result = zmq_setsockopt(pointer, option.code, &narrow, MemoryLayout<Int32>.size)
    }
    guard result == 0 else { throw ZMQError("set the socket option \(option)") }
  }

  public func set(_ option: BytesOption, _ value: [UInt8]) throws(ZMQError) {
    guard zmq_setsockopt(pointer, option.code, value, value.count) == 0 else {
      throw ZMQError("set the socket option \(option)")
    }
  }

  public func bind(_ endpoint: String) throws(ZMQError) {
    guard zmq_bind(pointer, endpoint) == 0 else { throw ZMQError("bind \(endpoint)") }
  }

  public func unbind(_ endpoint: String) {
    _ = zmq_unbind(pointer, endpoint)
  }

  public func connect(_ endpoint: String) throws(ZMQError) {
    guard zmq_connect(pointer, endpoint) == 0 else { throw ZMQError("connect to \(endpoint)") }
  }

  /// The endpoint that was really bound, as `tcp://127.0.0.1:40123`.
  public var lastEndpoint: String {
    var text = [UInt8](repeating: 0, count: 512)
    var length = text.count
    guard zmq_getsockopt(pointer, ZMQ_LAST_ENDPOINT, &text, &length) == 0, length > 0 else { return "" }
    return String(decoding: text[..<(length - 1)], as: UTF8.self)
  }

  // MARK: - Readiness

  /// The descriptor that becomes readable when ``isReadable`` may have changed. It is edge-triggered:
  /// after it fired, and after each send and receive, ``isReadable`` has to be asked again.
  public var wakeDescriptor: Int32 {
    var fd: Int32 = -1
    var length = MemoryLayout<Int32>.size
    _ = zmq_getsockopt(pointer, ZMQ_FD, &fd, &length)
    return fd
  }

  public var isReadable: Bool {
    var events: Int32 = 0
    var length = MemoryLayout<Int32>.size
    _ = zmq_getsockopt(pointer, ZMQ_EVENTS, &events, &length)
    return events & Int32(ZMQ_POLLIN) != 0
  }

  // MARK: - Messages

  /// The frames of one whole message; nil when none has arrived.
  public func receive() -> [[UInt8]]? { receiveWithPeer()?.frames }

  /// The same, and the descriptor of the connection it came by: it tells peers apart as long as they are connected.
  /// -1 when the library does not say.
  public func receiveWithPeer() -> (frames: [[UInt8]], connection: Int32)? {
    var frames: [[UInt8]] = []
    var message = zmq_msg_t()
    repeat {
      zmq_msg_init(&message)
      guard zmq_msg_recv(&message, pointer, ZMQ_DONTWAIT) >= 0 else {
        zmq_msg_close(&message)
        return nil
      }
      frames.append(
        [UInt8](UnsafeRawBufferPointer(start: zmq_msg_data(&message), count: zmq_msg_size(&message))))
      let more = zmq_msg_more(&message) != 0
      let connection = more ? -1 : zmq_msg_get(&message, ZMQ_SRCFD)
      zmq_msg_close(&message)
      if !more { return (frames, connection) }
    } while true
  }

  /// Hands all frames over, or none.
  public func send(_ frames: some Collection<Frame>) -> SendResult {
    var remaining = frames.count
    for (index, frame) in frames.enumerated() {
      remaining -= 1
      var message = zmq_msg_t()
      frame.initialize(&message)
      if let failure = send(&message, more: remaining > 0) {
        // A router drops the remaining frames of a message whose peer has gone by itself.
        return index == 0 && failure == EAGAIN ? .wouldBlock : .unroutable
      }
    }
    return .sent
  }

  /// Sends on a publisher and tells whether any peer matched: `.unroutable` when none did.
  public func sendExpectingPeer(_ frames: some Collection<Frame>) -> SendResult {
    guard let first = frames.first else { return .sent }
    let probe = ReleaseProbe(first)
    var message = zmq_msg_t()
    probe.initialize(&message)
    let failure = send(&message, more: frames.count > 1)
    let taken = probe.finish()
    if failure == EAGAIN { return .wouldBlock }
    guard failure == nil else { return .unroutable }
    let rest = frames.dropFirst()
    if !rest.isEmpty { _ = send(rest) }
    return taken ? .sent : .unroutable
  }

  /// The library's error number, or nil when it took the frame. A frame it did not take is released.
  private func send(_ message: inout zmq_msg_t, more: Bool) -> Int32? {
    let flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)
    while zmq_msg_send(&message, pointer, flags) < 0 {
      let code = zmq_errno()
      guard code == EINTR else {
        zmq_msg_close(&message)
        return code
      }
    }
    return nil
  }
}
