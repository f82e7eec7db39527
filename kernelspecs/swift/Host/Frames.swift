import CRuntime
import FoundationEssentials

/// What the host reads of a frame's head and content, whatever its type.
struct Head: Decodable {
  var type: String
  var id: Int?
  var seq: Int?

  enum CodingKeys: String, CodingKey {
    case type = "msg_type"
    case id, seq
  }
}

struct Content: Decodable {
  var code: String?
  var silent: Bool?
  var userExpressions: [String: String]?
  var executionCount: Int?
  var cursor: Int?
  var status: String?
  var value: String?
  var ename: String?
  var evalue: String?

  enum CodingKeys: String, CodingKey {
    case code, silent, status, value, ename, evalue
    case userExpressions = "user_expressions"
    case executionCount = "execution_count"
    case cursor = "cursor_pos"
  }
}

struct Frame {
  var head: Head
  var content: Content

  init(head: Head, content: Content) {
    self.head = head
    self.content = content
  }

  init?(head: String, content: String) {
    guard let head = Self.decode(Head.self, Data(head.utf8)),
      let content = Self.decode(Content.self, Data(content.utf8))
    else { return nil }
    self.init(head: head, content: content)
  }

  /// The next frame on descriptor 3; nil when the server is gone.
  static func read() -> Frame? {
    guard let head = decode(Head.self, line()), let content = decode(Content.self, line()) else { return nil }
    return Frame(head: head, content: content)
  }

  private static func line() -> Data? {
    var start: UnsafeMutablePointer<CChar>?
    var length = 0
    guard parley_read_line(&start, &length), let start else { return nil }
    return Data(bytes: start, count: length)
  }

  static func decode<T: Decodable>(_ type: T.Type, _ data: Data?) -> T? {
    data.flatMap { try? JSONDecoder().decode(type, from: $0) }
  }

  static func write(_ messageType: String, id: Int? = nil, ack: Int? = nil, _ content: String) {
    var head = "{\"msg_type\":\"\(messageType)\""
    if let id { head += ",\"id\":\(id)" }
    if let ack { head += ",\"ack\":true,\"seq\":\(ack)" }
    let text = head + "}\n" + content + "\n"
    Array(text.utf8).withUnsafeBytes { parley_write($0.baseAddress, $0.count) }
  }

  static func write(_ messageType: String, id: Int? = nil, _ content: some Encodable) {
    write(messageType, id: id, json(content))
  }
}

func json(_ value: some Encodable) -> String {
  (try? JSONEncoder().encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
}
