import Glibc

/// Cuts the bytes of descriptor 4 into frames. Contents whose size was announced are not moved while they grow.
struct FrameReader {
  /// A head is small; one that is not is a program that writes something else on descriptor 4.
  private static let maximumHead = 1 << 20
  /// So much memory is taken for a content before it comes, whatever its head announces.
  private static let mostReserved = 128 << 20

  private enum Part {
    case head
    case content(BridgeFrame, bufferSizes: [Int])
    case buffers(BridgeFrame, bufferSizes: [Int])
  }

  private var part = Part.head
  private var gathered: [UInt8] = []

  /// What the bridge did wrong.
  struct Violation: Error {
    let text: String
  }

  /// Whether a frame has been begun but not ended.
  var isInsideFrame: Bool {
    if case .head = part { return !gathered.isEmpty }
    return true
  }

  /// Takes bytes and returns the frames that are complete with them.
  mutating func take(_ bytes: UnsafeRawBufferPointer) throws(Violation) -> [BridgeFrame] {
    var frames: [BridgeFrame] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      switch part {
      case .head:
        guard try takeLine(&rest, limit: Self.maximumHead) else { break }
        var sizes: [Int] = []
        guard let frame = BridgeFrame(head: gathered, bufferSizes: &sizes) else {
          throw Violation(text: "a line on descriptor 4 is no frame head: \(Self.excerpt(gathered))")
        }
        gathered = []
        if frame.announcedSize > 0 {
          gathered.reserveCapacity(min(frame.announcedSize, Self.mostReserved) / 8 * 9)
        }
        part = .content(frame, bufferSizes: sizes)
      case .content(var frame, let sizes):
        guard try takeLine(&rest, limit: .max) else { break }
        frame.content = gathered
        gathered = []
        if sizes.isEmpty {
          frames.append(frame)
          part = .head
        } else {
          part = .buffers(frame, bufferSizes: sizes)
          // Buffers of no bytes are complete without another byte.
          if finishEmptyBuffers(&frames) { continue }
        }
      case .buffers(var frame, let sizes):
        part = .head
        let wanted = sizes[frame.buffers.count] - gathered.count
        let piece = rest.prefix(wanted)
        gathered.append(contentsOf: piece)
        rest = rest.dropFirst(piece.count)
        if piece.count == wanted {
          frame.buffers.append(gathered)
          gathered = []
          part = .buffers(frame, bufferSizes: sizes)
          _ = finishEmptyBuffers(&frames)
        } else {
          part = .buffers(frame, bufferSizes: sizes)
        }
      }
    }
    return frames
  }

  /// Completes buffers that need no bytes, and the frame when it has all of its buffers.
  private mutating func finishEmptyBuffers(_ frames: inout [BridgeFrame]) -> Bool {
    guard case .buffers(var frame, let sizes) = part else { return false }
    // Let go of the other reference first, or each append would copy all buffers so far.
    part = .head
    while frame.buffers.count < sizes.count, sizes[frame.buffers.count] == 0 { frame.buffers.append([]) }
    if frame.buffers.count == sizes.count {
      frames.append(frame)
      part = .head
      return true
    }
    part = .buffers(frame, bufferSizes: sizes)
    return false
  }

  /// Gathers up to the end of a line; false when it is not there yet. The line break is not kept.
  private mutating func takeLine(
    _ rest: inout Slice<UnsafeRawBufferPointer>, limit: Int
  ) throws(Violation) -> Bool {
    guard let end = Self.lineBreak(in: rest) else {
      gathered.append(contentsOf: rest)
      rest = rest.dropFirst(rest.count)
      guard gathered.count <= limit else {
        throw Violation(text: "a frame head of over \(limit) bytes: \(Self.excerpt(gathered))")
      }
      return false
    }
    gathered.append(contentsOf: rest[..<end])
    rest = rest[(end + 1)...]
    return true
  }

  private static func lineBreak(in bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
    guard let base = bytes.base.baseAddress, !bytes.isEmpty,
      let found = memchr(base + bytes.startIndex, Int32(UInt8(ascii: "\n")), bytes.count)
    else { return nil }
    return UnsafeRawPointer(found) - base
  }

  private static func excerpt(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.prefix(80), as: UTF8.self)
  }
}
