/// The header of a message as its sender wrote it.
///
/// Only `msg_id`, `session` and `msg_type` are needed; a missing, null or odd date, version or user name
/// is accepted, since real clients send such headers. The received bytes are kept, because a reply's
/// parent header repeats them exactly, unknown fields included.
/// Source: messaging specification, "General Message Format".
public struct Header: Sendable {
  public let messageID: String
  public let session: String
  public let messageType: String
  public let subshellID: String?
  /// The header as JSON text, as received or as it will be sent.
  public let bytes: [UInt8]

  /// Reads a received header; nil when it is no object or names no message.
  public init?(bytes: [UInt8]) {
    guard let value = JSONScanner.parse(bytes), value.members != nil,
      let messageID = value["msg_id"]?.string, let messageType = value["msg_type"]?.string
    else { return nil }
    self.messageID = messageID
    self.messageType = messageType
    self.session = value["session"]?.string ?? ""
    self.subshellID = value["subshell_id"]?.string
    self.bytes = bytes
  }

  /// A header of our own.
  ///
  /// - Parameter date: ISO 8601 in UTC with six digits and `Z`.
  public init(
    messageID: String, session: String, messageType: String, date: String, subshellID: String? = nil
  ) {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("msg_id", messageID)
      writer.member("session", session)
      writer.member("username", "parley")
      writer.member("date", date)
      writer.member("msg_type", messageType)
      writer.member("version", ProtocolVersion.messaging)
      if let subshellID { writer.member("subshell_id", subshellID) }
    }
    self.messageID = messageID
    self.session = session
    self.messageType = messageType
    self.subshellID = subshellID
    self.bytes = writer.bytes
  }
}

/// The versions that Parley states, the same everywhere.
public enum ProtocolVersion {
  public static let messaging = "5.6"
}
