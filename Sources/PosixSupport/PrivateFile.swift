import Glibc

/// Small files that only their owner may read: connection files hold a key.
public enum PrivateFile {
  /// More than any connection file has: whoever names a device or a film instead learns it at once.
  private static let largest = 1 << 20

  /// The whole file.
  /// - Throws: ``SystemError`` with the path in it, also for a file of over a MiB.
  public static func read(_ path: String) throws(SystemError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("cannot read \(path)") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 8192)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count == 0 { return bytes }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw SystemError("cannot read \(path)")
      }
      bytes.append(contentsOf: chunk[..<count])
      guard bytes.count <= largest else { throw SystemError("cannot read \(path)", code: EFBIG) }
    }
  }

  /// Replaces the file at once: a reader sees the old or the new text, never a part. Mode 0600.
  public static func write(_ bytes: [UInt8], to path: String) throws(SystemError) {
    let temporary = "\(path).\(getpid()).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SystemError("cannot write \(path)") }
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        let error = SystemError("cannot write \(path)")
        close(descriptor)
        unlink(temporary)
        throw error
      }
      sent += count
    }
    close(descriptor)
    guard rename(temporary, path) == 0 else {
      let error = SystemError("cannot write \(path)")
      unlink(temporary)
      throw error
    }
  }

  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  public static func remove(_ path: String) { unlink(path) }

  /// Makes the folder and those above it, readable by their owner only.
  public static func makeFolder(_ path: String) {
    var partial = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
      partial += partial.isEmpty && path.hasPrefix("/") && part.isEmpty ? "/" : "\(part)/"
      mkdir(partial, 0o700)
    }
  }
}
