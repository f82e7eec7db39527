import Glibc
import JupyterProtocol
import Logging

/// Log lines on standard error that never hold anybody up.
///
/// The launcher may give us a pipe that nobody reads. Writing to it would block the event loop once it is full, and
/// with it the heartbeat and every language; so a line that cannot be taken at once is dropped.
struct ErrorLog: LogHandler {
  /// As much as a pipe that says it is writable takes without blocking (POSIX: PIPE_BUF).
  private static let longest = 4096

  let label: String
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var values = metadata
    if let more = event.metadata { values.merge(more) { $1 } }
    let pairs = values.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    let text = "\(Timestamp.now()) \(event.level) \(label): \(event.message)\(pairs)"
    Self.write(text.split(whereSeparator: \.isNewline).joined(separator: " ") + "\n")
  }

  private static func write(_ line: String) {
    var error = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
    guard poll(&error, 1, 0) == 1, error.revents & Int16(POLLOUT) != 0 else { return }
    var bytes = Array(line.utf8)
    if bytes.count > longest { bytes = bytes.prefix(longest - 1) + [UInt8(ascii: "\n")] }
    _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
  }
}
