import CRuntime
import FoundationEssentials
import Glibc

/// The toolchain's sourcekitd in a process of its own, started when it is first asked.
///
/// It takes some 200 MiB, and what goes wrong in it must not reach the cells.
final class SourceKit {
  private static let deadline: Int32 = 15_000
  private let toolchain: String
  private let program: String
  private var process: Int32 = -1
  private var input: Int32 = -1
  private var output: Int32 = -1

  init(toolchain: String, cache: String) {
    self.toolchain = toolchain
    program = cache + "/bin/completer"
  }

  /// Sends a request, YAML without its braces, and returns the answer; nil when there is none in time.
  func ask<T: Decodable>(_ type: T.Type, _ request: String, file: String, text: String, arguments: [String])
    -> T?
  {
    if process < 0, !start() { return nil }
    let words = arguments.map(json).joined(separator: ", ")
    let yaml =
      "{\(request), key.sourcefile: \(json(file)), key.sourcetext: \(json(text)), key.compilerargs: [\(words)]}"
    guard send(yaml), let answer = receive() else {
      stop()
      return nil
    }
    return Frame.decode(type, answer)
  }

  private func start() -> Bool {
    let words = [program, "\(toolchain)/lib/libsourcekitdInProc.so"]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for word in arguments { free(word) } }
    process = parley_spawn_piped(&arguments, &input, &output)
    return process > 0
  }

  private func stop() {
    kill(process, SIGKILL)
    waitpid(process, nil, 0)
    close(input)
    close(output)
    process = -1
  }

  private func send(_ text: String) -> Bool {
    let bytes = Array("\(text.utf8.count)\n\(text)".utf8)
    var start = 0
    while start < bytes.count {
      let count = bytes[start...].withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
      guard count > 0 else { return false }
      start += count
    }
    return true
  }

  private func receive() -> Data? {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      if let newline = bytes.firstIndex(of: UInt8(ascii: "\n")),
        let length = Int(String(decoding: bytes[..<newline], as: UTF8.self)),
        bytes.count >= newline + 1 + length
      {
        return Data(bytes[(newline + 1)...])
      }
      var watched = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      let ready = poll(&watched, 1, Self.deadline)
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else { return nil }
      let count = read(output, &chunk, chunk.count)
      guard count > 0 else { return nil }
      bytes += chunk[..<count]
    }
  }
}
