import CZeroMQ
import Glibc

/// Bytes that are sent as one frame. Large ones are handed to the library without a copy, and may be sent
/// to any number of peers.
///
/// Invariant: `pointer` is the storage of `bytes`, an immutable native array that lives as long as this
/// object, so its address does not change; the library's I/O thread only reads it.
public final class Frame: @unchecked Sendable {
  /// Below this a copy is cheaper than the bookkeeping of sharing.
  private static let shareFrom = 4096

  public let bytes: [UInt8]
  private let pointer: UnsafeRawPointer?
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    pointer = bytes.withUnsafeBytes { $0.baseAddress }
  }

  public var count: Int { bytes.count }

  /// The library wants a mutable pointer for historical reasons; it does not write.
  func withStablePointer(_ body: (UnsafeMutableRawPointer?, Int) -> Void) {
    body(UnsafeMutableRawPointer(mutating: pointer), bytes.count)
  }

  func initialize(_ message: inout zmq_msg_t) {
    if bytes.count >= Self.shareFrom {
      let retained = Unmanaged.passRetained(self).toOpaque()
      withStablePointer { pointer, count in
        _ = zmq_msg_init_data(&message, pointer, count, releaseFrame, retained)
      }
    } else {
      zmq_msg_init_size(&message, bytes.count)
      if let pointer, let target = zmq_msg_data(&message) {
        target.copyMemory(from: pointer, byteCount: bytes.count)
      }
    }
  }
}

private func releaseFrame(_: UnsafeMutableRawPointer?, _ hint: UnsafeMutableRawPointer?) {
  guard let hint else { return }
  Unmanaged<Frame>.fromOpaque(hint).release()
}

/// Tells whether the library kept a frame: a publisher drops a message that no peer matches before the send
/// returns, and holds on to it otherwise.
///
/// Invariant: `sending` and `dropped` are touched on the sending thread only; the release callback touches
/// them only when it finds itself on that thread.
final class ReleaseProbe: @unchecked Sendable {
  private let frame: Frame
  private let sender = pthread_self()
  private var sending = true
  private var dropped = false

  init(_ frame: Frame) {
    self.frame = frame
  }

  func initialize(_ message: inout zmq_msg_t) {
    let retained = Unmanaged.passRetained(self).toOpaque()
    frame.withStablePointer { pointer, count in
      _ = zmq_msg_init_data(&message, pointer, count, releaseProbe, retained)
    }
  }

  /// Call once, after the send; false when nobody was there to take the frame.
  func finish() -> Bool {
    sending = false
    return !dropped
  }

  fileprivate func release() {
    if pthread_equal(pthread_self(), sender) != 0, sending { dropped = true }
  }
}

private func releaseProbe(_: UnsafeMutableRawPointer?, _ hint: UnsafeMutableRawPointer?) {
  guard let hint else { return }
  let probe = Unmanaged<ReleaseProbe>.fromOpaque(hint)
  probe.takeUnretainedValue().release()
  probe.release()
}
