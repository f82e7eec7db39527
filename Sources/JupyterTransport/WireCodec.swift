import JupyterProtocol
import ZeroMQ

/// Turns frames into verified messages and messages into signed frames.
///
/// Verify, then parse: nothing of a message is looked at before its signature over the received bytes fits.
/// Source: messaging specification, "The wire protocol".
final class WireCodec {
  static let delimiter = Array("<IDS|MSG>".utf8)
  private static let delimiterFrame = Frame(delimiter)

  private let signer: MessageSigner
  private var replayGuard = ReplayGuard()
  let session: String
  private var messageCount = 0

  init(signer: MessageSigner, session: String) {
    self.signer = signer
    self.session = session
  }

  // MARK: - Receiving

  func decode(_ frames: [[UInt8]], from channel: Channel) throws(WireError) -> IncomingMessage {
    guard let split = frames.firstIndex(of: Self.delimiter) else {
      throw .noDelimiter(frames: frames.count)
    }
    let parts = Array(frames[(split + 1)...])
    guard parts.count >= 5 else { throw .tooFewFrames(parts.count) }
    let signature = parts[0]
    guard signer.verify(signature, of: Array(parts[1..<5])) else {
      throw .badSignature(length: signature.count)
    }
    if signer.isEnabled, !replayGuard.admit(signature) { throw .replayed }
    guard let header = Header(bytes: Self.mended(parts[1])) else {
      throw .malformed(part: "header", length: parts[1].count)
    }
    // Parent header and metadata go back into our own messages as bytes, so they must be sound; old
    // clients leave them empty.
    func object(_ bytes: [UInt8], _ part: String) throws(WireError) -> [UInt8] {
      if bytes.isEmpty { return JSONText.emptyObject }
      let bytes = Self.mended(bytes)
      guard JSONScanner.isObject(bytes) else { throw .malformed(part: part, length: bytes.count) }
      return bytes
    }
    return IncomingMessage(
      channel: channel, identities: Array(frames[..<split]), header: header,
      parentHeader: try object(parts[2], "parent header"), metadata: try object(parts[3], "metadata"),
      content: Self.mended(parts[4]), buffers: Array(parts[5...]))
  }

  /// The bytes as they are, or with U+FFFD for what is not UTF-8: the reference client writes file names that are no
  /// text as single bytes, and the reference kernel reads them so.
  private static func mended(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.contains(where: { $0 >= 0x80 }), String(validating: bytes, as: UTF8.self) == nil else {
      return bytes
    }
    return Array(String(decoding: bytes, as: UTF8.self).utf8)
  }

  // MARK: - Sending

  /// A message as frames, delimiter first, with a header of its own.
  struct Encoded {
    let messageID: String
    let frames: [Frame]
    /// The size of everything in bytes.
    let size: Int
  }

  func encode(_ message: OutgoingMessage) -> Encoded {
    messageCount += 1
    let header = Header(
      messageID: "\(session)_\(messageCount)", session: session, messageType: message.messageType,
      date: Timestamp.now(), subshellID: message.parent.subshellID)
    let parts = [header.bytes, message.parent.headerBytes, message.metadata, message.content]
    var frames = [Self.delimiterFrame, Frame(signer.signature(of: parts))]
    frames.reserveCapacity(6 + message.buffers.count)
    for part in parts { frames.append(Frame(part)) }
    for buffer in message.buffers { frames.append(Frame(buffer)) }
    return Encoded(
      messageID: header.messageID, frames: frames, size: frames.reduce(0) { $0 + $1.count })
  }

  /// The signature of other texts under the same key: the start-up handshake's.
  func signature(of text: [UInt8]) -> [UInt8] { signer.signature(of: [text]) }

  func verify(_ signature: [UInt8], of text: [UInt8]) -> Bool { signer.verify(signature, of: [text]) }
}
