import Glibc
import Synchronization

/// The right to write one output, held by one run at a time on all machines that share the file system.
///
/// It is a lock on a file beside the output, whose text says who has it. The system lets it go when the run ends,
/// however it ends, so a lock that can be had is a stale one.
public final class OutputLock: Sendable {
  /// Linux: locks that belong to the open file, not to the process. Glibc's module does not show the constant.
  private static let setOpenFileLock: Int32 = 37

  private let path: String
  private let descriptor: Int32

  /// - Throws: ``StorageError`` that names the holder when there is one.
  public init(output: String, runID: String) throws(StorageError) {
    path = Self.path(for: output)
    descriptor = try Self.acquire(path, output)
    let text = Array("\(Self.host()) \(getpid()) \(runID)\n".utf8)
    _ = ftruncate(descriptor, 0)
    _ = pwrite(descriptor, text, text.count, 0)
  }

  static func path(for output: String) -> String { LocalFile.target(of: output) + ".lock" }

  /// Lets it go; the file goes first, while nobody else can have it.
  public func release() {
    unlink(path)
    close(descriptor)
  }

  private static func acquire(_ path: String, _ output: String) throws(StorageError) -> Int32 {
    // The one who had it may remove the file between our open and our lock: then the next round makes a new one.
    for _ in 0..<100 {
      if let descriptor = try attempt(path, output) { return descriptor }
    }
    throw StorageError(.busy, "cannot lock \(path): it is made and removed all the time")
  }

  private static func attempt(_ path: String, _ output: String) throws(StorageError) -> Int32? {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw LocalFile.error("cannot write", output) }
    var lock = flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    guard fcntl(descriptor, setOpenFileLock, &lock) == 0 else {
      let code = errno
      let holder = holder(descriptor)
      close(descriptor)
      guard code == EAGAIN || code == EACCES else { throw LocalFile.error("cannot lock", output, code) }
      throw StorageError(
        .busy, "another run is writing \(output): \(holder)", remedy: "wait for it, or name another output")
    }
    var mine = stat()
    var present = stat()
    if fstat(descriptor, &mine) == 0, stat(path, &present) == 0, mine.st_ino == present.st_ino {
      return descriptor
    }
    close(descriptor)
    return nil
  }

  private static func holder(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    let words = String(decoding: bytes[..<max(0, count)], as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard words.count == 3 else { return "it has not said who it is" }
    return "process \(words[1]) on \(words[0]), run \(words[2])"
  }

  static func host() -> String {
    var name = [CChar](repeating: 0, count: 256)
    _ = gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
