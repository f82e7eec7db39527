import ArgumentParser
import Glibc
import KernelSpecs
import NotebookRunner
import PosixSupport

/// Where a secret is: `NAME=env:X`, `NAME=file:Y`, `NAME=fd:N`.
struct SecretSource: ExpressibleByArgument {
  private static let shortest = 4
  private static let longest = 1 << 20

  let name: String
  private let kind: String
  private let place: String

  init?(argument: String) {
    guard let equals = argument.firstIndex(of: "="), let colon = argument[equals...].firstIndex(of: ":")
    else {
      return nil
    }
    name = String(argument[..<equals])
    kind = String(argument[argument.index(after: equals)..<colon])
    place = String(argument[argument.index(after: colon)...])
    guard !name.isEmpty, !place.isEmpty, ["env", "file", "fd"].contains(kind) else { return nil }
  }

  /// Reads the value. One line break at the end of a file is the file's, not the secret's.
  func load() throws(SpecError) -> Secret {
    var bytes: [UInt8]
    switch kind {
    case "env":
      guard let value = getenv(place) else {
        throw failure("the variable \(place) is not set")
      }
      bytes = Array(String(cString: value).utf8)
    case "fd":
      guard let number = Int32(place) else { throw failure("\(place) is no number of a descriptor") }
      bytes = try read(number)
    default:
      let descriptor = open(place, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw failure("cannot read \(place): \(SystemError.text(of: errno))") }
      defer { close(descriptor) }
      bytes = try read(descriptor)
    }
    if kind != "env", bytes.last == UInt8(ascii: "\n") {
      bytes.removeLast()
      if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw failure("it is not UTF-8") }
    guard text.utf8.count >= Self.shortest else {
      throw failure("it is shorter than \(Self.shortest) bytes, too short to be told from other output")
    }
    return Secret(name: name, text: text)
  }

  private func read(_ descriptor: Int32) throws(SpecError) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      if count < 0 { throw failure("cannot read \(kind):\(place): \(SystemError.text(of: errno))") }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
      if bytes.count > Self.longest { throw failure("it is longer than a secret can be") }
    }
  }

  private func failure(_ problem: String) -> SpecError {
    SpecError(.inputMissing, "the secret \(name): \(problem)", remedy: "see --secret in docs/run.md")
  }
}
