import CZeroMQ
import Glibc

/// A ZeroMQ context: the library's I/O thread and everything that belongs to its sockets.
///
/// Its sockets hold it, so it ends after the last of them is closed; ending waits for what they still have to
/// send, as long as their linger option says.
public final class ZMQContext {
  let pointer: UnsafeMutableRawPointer

  /// - Parameter ioThreads: threads of the library that move bytes.
  public init(ioThreads: Int32 = 1) throws(ZMQError) {
    guard let pointer = zmq_ctx_new() else { throw ZMQError("create a ZeroMQ context") }
    self.pointer = pointer
    _ = zmq_ctx_set(pointer, ZMQ_IO_THREADS, ioThreads)
    // A kernel has few peers; the default of 1023 sockets costs memory for its slots.
    _ = zmq_ctx_set(pointer, ZMQ_MAX_SOCKETS, 64)
  }

  deinit {
    zmq_ctx_term(pointer)
  }

  /// Whether the library was built with CurveZMQ.
  public static var hasCurve: Bool { zmq_has("curve") == 1 }

  /// The library's version, as `4.3.4`.
  public static var version: String {
    var major: Int32 = 0
    var minor: Int32 = 0
    var patch: Int32 = 0
    zmq_version(&major, &minor, &patch)
    return "\(major).\(minor).\(patch)"
  }
}

/// A ZeroMQ call that failed, with the library's own error number and text.
public struct ZMQError: Error, Sendable, CustomStringConvertible {
  public let attempt: String
  public let code: Int32

  init(_ attempt: String) {
    self.attempt = attempt
    code = zmq_errno()
  }

  public var isAddressInUse: Bool { code == EADDRINUSE }

  public var text: String { String(cString: zmq_strerror(code)) }

  public var description: String { "cannot \(attempt): \(text)" }
}
