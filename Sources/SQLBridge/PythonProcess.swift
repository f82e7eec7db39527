import Glibc
import JupyterProtocol

/// A child process that runs a Python program and answers lines of JSON with lines of JSON.
final class PythonProcess {
  private let python: String
  private var process: pid_t = 0
  private var input: Int32 = -1
  private var output: Int32 = -1
  private var received: [UInt8] = []

  init(program: String, argument: String) throws(SQLFailure) {
    python = Self.find()
    try start([python, program, argument])
  }

  /// The Python that a Python cell would run: named, of the environment that is active, or on PATH.
  private static func find() -> String {
    func variable(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    if let named = variable("PARLEY_PYTHON") { return named }
    for prefix in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
      if let folder = variable(prefix), access("\(folder)/bin/python3", X_OK) == 0 {
        return "\(folder)/bin/python3"
      }
    }
    // Of the environment that parley itself is installed in, also when that is not active.
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &path, path.count - 1)
    let parts = String(decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
      .split(
        separator: "/")
    let prefix = "/" + parts.dropLast(2).joined(separator: "/")
    let isEnvironment = access("\(prefix)/pyvenv.cfg", F_OK) == 0 || access("\(prefix)/conda-meta", F_OK) == 0
    if isEnvironment, access("\(prefix)/bin/python3", X_OK) == 0 { return "\(prefix)/bin/python3" }
    return "python3"
  }

  private func start(_ command: [String]) throws(SQLFailure) {
    var toChild: [Int32] = [-1, -1]
    var fromChild: [Int32] = [-1, -1]
    guard pipe(&toChild) == 0, pipe(&fromChild) == 0 else {
      throw SQLFailure("no pipe for Python: \(String(cString: strerror(errno)))", name: "ConnectionError")
    }
    for descriptor in toChild + fromChild { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
    posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
    var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    let code = posix_spawnp(&process, python, &actions, nil, &words, environ)
    Glibc.close(toChild[0])
    Glibc.close(fromChild[1])
    (input, output) = (toChild[1], fromChild[0])
    guard code == 0 else {
      process = 0
      end()
      throw SQLFailure(
        "DuckDB needs Python with the package duckdb; \(python): \(String(cString: strerror(code)))",
        name: "ConnectionError")
    }
  }

  func ask(_ question: JSONValue) throws(SQLFailure) {
    let bytes = question.encoded + [0x0A]
    var start = 0
    while start < bytes.count {
      let count = bytes[start...].withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw ended()
      }
      start += count
    }
  }

  func answer() throws(SQLFailure) -> JSONValue {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      if let end = received.firstIndex(of: 0x0A) {
        let line = Array(received[..<end])
        received.removeSubrange(...end)
        guard let value = JSONScanner.parse(line) else {
          throw SQLFailure("Python answers no JSON", name: "ConnectionError")
        }
        return value
      }
      let count = read(output, &chunk, chunk.count)
      if count > 0 {
        received += chunk[..<count]
      } else if count == 0 || errno != EINTR {
        throw ended()
      }
    }
  }

  private func ended() -> SQLFailure {
    SQLFailure(
      "the Python process of the connection has ended", name: "ConnectionError",
      details: [
        "The next statement starts it anew; a database in memory, and what was not committed, is lost."
      ])
  }

  func end() {
    for descriptor in [input, output] where descriptor >= 0 { Glibc.close(descriptor) }
    (input, output) = (-1, -1)
    guard process > 0 else { return }
    // It ends at the end of its input, unless it hangs.
    kill(process, SIGTERM)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    process = 0
  }

  deinit { end() }
}
