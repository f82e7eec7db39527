/// The sockets that carry requests to the kernel.
public enum Channel: String, Sendable {
  case shell
  case control
  case stdin
}

/// A verified message from a front end.
public struct IncomingMessage: Sendable {
  public let channel: Channel
  /// The routing frames before the delimiter, returned unchanged with the reply.
  public let identities: [[UInt8]]
  public let header: Header
  public let parentHeader: [UInt8]
  public let metadata: [UInt8]
  /// JSON text of the content. Valid JSON is only guaranteed after decoding it.
  public let content: [UInt8]
  public let buffers: [[UInt8]]

  public init(
    channel: Channel, identities: [[UInt8]], header: Header, parentHeader: [UInt8], metadata: [UInt8],
    content: [UInt8], buffers: [[UInt8]]
  ) {
    self.channel = channel
    self.identities = identities
    self.header = header
    self.parentHeader = parentHeader
    self.metadata = metadata
    self.content = content
    self.buffers = buffers
  }
}

/// The message a kernel's output answers: what goes into `parent_header` and where replies go.
public struct Parent: Sendable {
  /// The request's header as received; `{}` when there is no parent.
  public let headerBytes: [UInt8]
  public let messageID: String
  public let identities: [[UInt8]]
  public let subshellID: String?

  public init(_ message: IncomingMessage) {
    headerBytes = message.header.bytes
    messageID = message.header.messageID
    identities = message.identities
    subshellID = message.header.subshellID
  }

  private init() {
    headerBytes = JSONText.emptyObject
    messageID = ""
    identities = []
    subshellID = nil
  }

  public static let none = Parent()
}

/// A message to be signed and sent.
public struct OutgoingMessage: Sendable {
  public let messageType: String
  public let parent: Parent
  /// JSON text of an object.
  public let metadata: [UInt8]
  /// JSON text of an object.
  public let content: [UInt8]
  public let buffers: [[UInt8]]

  public init(
    _ messageType: String, parent: Parent, content: [UInt8], metadata: [UInt8] = JSONText.emptyObject,
    buffers: [[UInt8]] = []
  ) {
    self.messageType = messageType
    self.parent = parent
    self.metadata = metadata
    self.content = content
    self.buffers = buffers
  }
}

/// JSON texts that are needed often.
public enum JSONText {
  public static let emptyObject = Array("{}".utf8)
  public static let emptyArray = Array("[]".utf8)
}
