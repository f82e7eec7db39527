import Glibc
import JupyterProtocol
import JupyterTransport
import KernelExecutor
import KernelSpecs
import PosixSupport

/// Where to bind, and whom to tell: a connection file that is there, one to be written, or a registration.
struct Connector {
  /// What to bind; ports of 0 are chosen.
  let requested: ConnectionInfo
  private let path: String
  private let registration: Registration?
  private let fileExisted: Bool

  /// - Parameter file: the path the user gave; nil makes one in Jupyter's runtime folder.
  init(_ file: String?) throws {
    let path = try file ?? Self.ownPath()
    self.path = path
    guard PrivateFile.exists(path) else {
      requested = ConnectionInfo(key: UniqueID.make())
      registration = nil
      fileExisted = false
      return
    }
    let bytes: [UInt8]
    do {
      bytes = try PrivateFile.read(path)
    } catch {
      throw ConfigurationError(
        "\(error)", remedy: "check the file's owner and mode", kind: .inputMissing)
    }
    fileExisted = true
    registration = try Registration(json: bytes, from: path)
    requested = try registration?.connection ?? ConnectionInfo(json: bytes, from: path)
  }

  private static func ownPath() throws -> String {
    let folder = try JupyterPaths().makeRuntimeDirectory()
    return "\(folder)/kernel-\(getpid()).json"
  }

  /// Tells where the sockets are, once they are bound.
  /// - Parameter cancellation: a descriptor that becomes readable when the kernel has to end.
  /// - Returns: the files to remove when the kernel ends.
  @KernelActor
  func publish(_ bound: ConnectionInfo, session: String, cancellation: Int32) throws -> [String] {
    var own: [String] = []
    if bound.transport == .ipc { own = bound.ports.all.map { "\(bound.ip)-\($0)" } }
    if let registration {
      try registration.register(bound, session: session, cancellation: cancellation)
      let file = try Self.ownPath()
      try write(bound, to: file)
      return own + [file]
    }
    if !fileExisted {
      try write(bound, to: path)
      return own + [path]
    }
    if bound.ports != requested.ports { try write(bound, to: path) }
    return own
  }

  private func write(_ connection: ConnectionInfo, to path: String) throws {
    do {
      try PrivateFile.write(connection.encoded, to: path)
    } catch {
      throw ConfigurationError(
        "cannot write the connection file: \(error)", remedy: "check that its folder exists and is yours",
        kind: .cannotCreate)
    }
  }
}
