import Glibc
import JupyterProtocol

/// The bridge's end of the protocol: requests on descriptor 3, events on 4. docs/bridge-protocol.md, section 2.
final class BridgeChannel {
  struct Request {
    var type: String
    var id: Int
    var content: JSONValue
  }

  private var input: [UInt8] = []
  private var taken = 0

  init() {
    // Children, such as the one that runs DuckDB, inherit neither.
    for descriptor in [3, 4] as [Int32] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
  }

  /// The next request; nil at the end of the server.
  func next() -> Request? {
    waitForRequest()
    while let head = line(), let content = line() {
      guard let head = JSONScanner.parse(head), let type = head["msg_type"]?.string else { continue }
      return Request(
        type: type, id: head["id"]?.integer ?? 0, content: JSONScanner.parse(content) ?? .object([]))
    }
    return nil
  }

  /// An interrupt from before the first byte of a request was meant for an earlier one; a later one is meant for it,
  /// also before it has begun to run.
  private func waitForRequest() {
    var watched = pollfd(fd: 3, events: Int16(POLLIN), revents: 0)
    if taken == input.count, poll(&watched, 1, 0) == 0 { Interrupts.forget() }
    while taken == input.count, poll(&watched, 1, -1) < 0, errno == EINTR {
      // Both may have come at once; then it is meant.
      if poll(&watched, 1, 0) == 0 { Interrupts.forget() }
    }
  }

  private func line() -> [UInt8]? {
    var searched = taken
    while true {
      if let end = input[searched...].firstIndex(of: 0x0A) {
        defer { taken = end + 1 }
        return Array(input[taken..<end])
      }
      input.removeFirst(taken)
      taken = 0
      searched = input.count
      guard fill() else { return nil }
    }
  }

  private func fill() -> Bool {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(3, &chunk, chunk.count)
      if count > 0 {
        input += chunk[..<count]
        return true
      }
      // An interrupt while nothing runs is nothing to us.
      if count < 0, errno == EINTR { continue }
      return false
    }
  }

  // MARK: - Events

  func send(_ type: String, id: Int, _ content: [UInt8]) {
    var head = JSONWriter()
    head.object { writer in
      writer.member("msg_type", type)
      writer.member("id", id)
    }
    var bytes = head.bytes
    bytes.append(0x0A)
    bytes += content
    bytes.append(0x0A)
    var start = 0
    while start < bytes.count {
      let count = bytes[start...].withUnsafeBytes { write(4, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        // The server is gone, and with it whoever would read this.
        exit(0)
      }
      start += count
    }
  }

  /// The end of a request; an interrupt that came until now was meant for it.
  func reply(_ type: String, id: Int, _ content: JSONValue) {
    Interrupts.forget()
    send(type, id: id, content)
  }

  func send(_ type: String, id: Int, _ content: JSONValue) { send(type, id: id, content.encoded) }
}

/// What one cell publishes.
struct CellOutput {
  let channel: BridgeChannel
  let id: Int
  /// A silent cell publishes nothing but what it is asked for.
  let isSilent: Bool

  func text(_ text: String, to name: String = "stdout") {
    guard !isSilent, !text.isEmpty else { return }
    channel.send("stream", id: id, ["name": .string(name), "text": .string(text)])
  }

  func result(_ bundle: [UInt8], isLast: Bool) {
    guard !isSilent else { return }
    var content = JSONWriter(reserving: bundle.count + 64)
    content.object { writer in
      writer.member("data", raw: bundle)
      writer.member("metadata", .object([]))
    }
    channel.send(isLast ? "execute_result" : "display_data", id: id, content.bytes)
  }
}
