import JupyterProtocol

/// One frame of the bridge protocol: docs/bridge-protocol.md, section 2.
struct BridgeFrame {
  var messageType: String
  var id: Int?
  /// The subshell that a request on the second lane runs in.
  var subshellID: String?
  /// The execute request that a question from another thread belongs to, or that an interrupt is meant for.
  var request: Int?
  /// JSON text of an object; nil when the head has none.
  var metadata: [UInt8]?
  /// The header of the front end's message, JSON text, on requests that run user code.
  var header: [UInt8]?
  /// JSON text, not yet checked.
  var content: [UInt8] = JSONText.emptyObject
  var buffers: [[UInt8]] = []
  /// Set when the frame wants an `ack` with this number.
  var acknowledgement: Int?
  /// About how many bytes of content follow the head, where it says so.
  var announcedSize = 0

  init(_ messageType: String, id: Int? = nil, content: [UInt8] = JSONText.emptyObject) {
    self.messageType = messageType
    self.id = id
    self.content = content
  }

  /// Reads a head line; nil when it is not one. `bufferSizes` tells what follows the content.
  init?(head: [UInt8], bufferSizes: inout [Int]) {
    guard let value = JSONScanner.parse(head), let type = value["msg_type"]?.string else { return nil }
    messageType = type
    id = value["id"]?.integer
    request = value["request"]?.integer
    metadata = value["metadata"].flatMap { $0.members == nil ? nil : $0.encoded }
    if value["ack"]?.bool == true { acknowledgement = value["seq"]?.integer ?? 0 }
    announcedSize = value["size"]?.integer ?? 0
    guard let buffers = value["buffers"] else { return }
    bufferSizes = buffers.array?.compactMap(\.integer) ?? []
    guard bufferSizes.count == buffers.array?.count, bufferSizes.allSatisfy({ $0 >= 0 }) else { return nil }
  }

  /// The frame as it goes to a bridge that reads JSON.
  var encodedAsJSON: [UInt8] {
    var writer = JSONWriter(reserving: content.count + 128)
    writer.object { writer in
      writer.member("msg_type", messageType)
      if let id { writer.member("id", id) }
      if let request { writer.member("request", request) }
      if let subshellID { writer.member("subshell_id", subshellID) }
      if let acknowledgement { writer.member("seq", acknowledgement) }
      if let header { writer.member("header", raw: header.lazy.map { $0 == 10 || $0 == 13 ? 32 : $0 }) }
      if let metadata { writer.member("metadata", raw: metadata.lazy.map { $0 == 10 || $0 == 13 ? 32 : $0 }) }
      if !buffers.isEmpty { writer.member("buffers", .array(buffers.map { .integer($0.count) })) }
    }
    var bytes = writer.bytes + [UInt8(ascii: "\n")]
    let start = bytes.count
    bytes.append(contentsOf: content)
    // A front end may have put line breaks between the members; a line is one line.
    var position = start
    while let lineBreak = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) {
      bytes[lineBreak] = UInt8(ascii: " ")
      position = lineBreak + 1
    }
    bytes.append(UInt8(ascii: "\n"))
    for buffer in buffers { bytes.append(contentsOf: buffer) }
    return bytes
  }

  /// Values of so many bytes are told with their length, where the bridge wants that.
  static let sizedFrom = 8 << 10

  /// The frame as NUL-terminated fields, for a bridge that cannot read JSON.
  /// - Parameter limit: a value of so many bytes or more is announced by a field `key:length`.
  func encodedAsFields(sizedFrom limit: Int = .max) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(content.count + 64)
    func field(_ text: String) {
      Self.append(text, to: &bytes)
      bytes.append(0)
    }
    field(messageType)
    field(id.map(String.init) ?? "")
    if let acknowledgement { field("seq=\(acknowledgement)") }
    for member in JSONScanner.parse(content)?.members ?? [] {
      let text = member.value.string ?? String(decoding: member.value.encoded, as: UTF8.self)
      guard text.utf8.count >= limit else {
        field("\(member.name)=\(text)")
        continue
      }
      var value: [UInt8] = []
      Self.append(text, to: &value)
      field("\(member.name):\(value.count)")
      bytes += value
      bytes.append(0)
    }
    bytes.append(0)
    return bytes
  }

  /// The text without NUL, which would end the field. Nearly no text has one, so it is looked for first.
  private static func append(_ text: String, to bytes: inout [UInt8]) {
    var text = text
    text.withUTF8 { text in
      guard text.contains(0) else {
        bytes.append(contentsOf: text)
        return
      }
      for byte in text where byte != 0 { bytes.append(byte) }
    }
  }
}
