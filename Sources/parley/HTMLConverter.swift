import Glibc
import KernelExecutor
import KernelSpecs
import Notebook
import PosixSupport

/// Makes a page of HTML of a notebook, by the nbconvert of the Python that Python cells run in.
@KernelActor
final class HTMLConverter {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private static let limit = Duration.seconds(300)

  private let loop: EventLoop
  private var process: GuardedProcess?
  private var ending: GuardedProcess.Ending?
  private var problem: SystemError?

  init(loop: EventLoop) {
    self.loop = loop
  }

  /// Converts no further: somebody waits for our end.
  func cancel() { process?.send(.kill) }

  func page(of notebook: Notebook, title: String) async throws -> [UInt8] {
    let python = try Self.python()
    var notebook = notebook
    // nbconvert takes it for the page's title; from standard input it knows no name of a file.
    if notebook.metadata["title"] == nil { notebook.metadata["title"] = .string(title) }
    // Files, not pipes: nobody has to read while somebody else writes.
    let files = try (0..<3).map { _ in try NamelessFile() }
    try files[0].fill(notebook.encoded)
    let request = GuardedProcess.Request(
      path: python,
      arguments: [python, "-m", "nbconvert", "--to", "html", "--embed-images", "--stdin", "--stdout"],
      environment: ProcessEnvironment.all(), descriptors: files.map(\.descriptor))
    try await run(request)
    let errors = String(decoding: files[2].content(), as: UTF8.self)
    if errors.contains("No module named nbconvert") {
      throw Failure(
        description: "\(python) has no nbconvert; install it: \(python) -m pip install nbconvert")
    }
    guard problem == nil, ending?.exitCode == 0 else {
      let end = problem.map { "\($0)" } ?? ending?.text ?? "no ending"
      let last = errors.split(whereSeparator: \.isNewline).last.map { ": \($0)" } ?? ""
      throw Failure(description: "nbconvert of \(python) ended with \(end)\(last)")
    }
    return files[1].content()
  }

  /// Returns when the process and all it has started are gone.
  private func run(_ request: GuardedProcess.Request) async throws {
    let timer = loop.after(Self.limit) { [weak self] in self?.cancel() }
    defer {
      loop.cancel(timer)
      process = nil
    }
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      do {
        process = try GuardedProcess(request, loop: loop) { [weak self] event in
          switch event {
          case .started: break
          case .failed(let problem): self?.problem = problem
          case .exited(let ending): self?.ending = ending
          case .gone: continuation.resume()
          }
        }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  private static func python() throws -> String {
    guard let manifest = LanguageCatalog().entry(named: "python")?.manifest,
      let interpreter = try InterpreterResolver().resolve(manifest).interpreter
    else { throw Failure(description: "Parley's Python, whose nbconvert makes it, is not installed") }
    return interpreter
  }
}

/// A temporary file without a name, which is gone when nobody has it open.
private final class NamelessFile {
  let descriptor: Int32
  private let file: UnsafeMutablePointer<FILE>

  init() throws(SystemError) {
    guard let file = tmpfile() else { throw SystemError("cannot make a temporary file") }
    self.file = file
    descriptor = fileno(file)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  deinit { fclose(file) }

  func fill(_ bytes: [UInt8]) throws(SystemError) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard count >= 0 || errno == EINTR else { throw SystemError("cannot write a temporary file") }
      sent += max(0, count)
    }
    lseek(descriptor, 0, SEEK_SET)
  }

  func content() -> [UInt8] {
    let size = Int(lseek(descriptor, 0, SEEK_END))
    return [UInt8](unsafeUninitializedCapacity: max(0, size)) { buffer, count in
      while count < size {
        let more = pread(descriptor, buffer.baseAddress?.advanced(by: count), size - count, off_t(count))
        guard more > 0 else { return }
        count += more
      }
    }
  }
}
