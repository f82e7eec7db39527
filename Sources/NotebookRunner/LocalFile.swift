import Glibc

/// Files by the plain system calls. They block: call them on a worker.
enum LocalFile {
  static func read(_ path: String) throws(StorageError) -> [UInt8] {
    let descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw error("cannot read", path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 256 << 10)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count == 0 { return bytes }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw error("cannot read", path)
      }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  /// The file that a path leads to: a link is followed, also one whose target is not there yet, so that saving never
  /// puts a file in the place of a link.
  static func target(of path: String) -> String {
    var current = path
    for _ in 0..<40 {
      var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = readlink(current, &buffer, buffer.count)
      guard count > 0 else { return current }
      let link = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
      current = link.hasPrefix("/") ? link : "\(folder(of: current))/\(link)"
    }
    return current
  }

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Whether there is something that is no regular file: a device or a pipe, which is written to, not replaced.
  static func isSpecial(_ path: String) -> Bool {
    var status = stat()
    return path == "-" || stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
  }

  // MARK: - Writing

  /// Replaces the file at once and for good: temporary file in the same folder, fsync, rename, fsync of the folder.
  static func replace(_ path: String, with bytes: [UInt8], _ precondition: WritePrecondition)
    throws(StorageError)
    -> String
  {
    let target = target(of: path)
    let folder = folder(of: target)
    let name = target.split(separator: "/").last ?? ""
    // One name for all saves of an output: what a killed run leaves behind the next one writes over.
    let temporary = "\(folder)/.\(name).parley-new"
    var old = stat()
    let exists = stat(target, &old) == 0
    if case .matches(let tag) = precondition, !exists || tag != self.tag(old) {
      throw StorageError(.conflict, "\(path) was changed by somebody else meanwhile")
    }
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o666)
    guard descriptor >= 0 else { throw error("cannot write", path) }
    do throws(StorageError) {
      if exists {
        _ = fchown(descriptor, old.st_uid, old.st_gid)
        _ = fchmod(descriptor, old.st_mode & 0o7777)
      }
      try write(bytes, to: descriptor, path)
      guard fsync(descriptor) == 0 else { throw error("cannot write", path) }
    } catch {
      close(descriptor)
      unlink(temporary)
      throw error
    }
    var new = stat()
    fstat(descriptor, &new)
    close(descriptor)
    // A link fails where a rename would replace.
    let isFirst = precondition == .absent
    let result = isFirst ? link(temporary, target) : rename(temporary, target)
    let code = errno
    if isFirst || result != 0 { unlink(temporary) }
    guard result == 0 else {
      if code == EEXIST { throw StorageError(.conflict, "\(path) exists already") }
      throw error("cannot write", path, code)
    }
    synchronize(folder: folder)
    return tag(new)
  }

  /// Writes to what cannot be replaced.
  static func put(_ bytes: [UInt8], into path: String) throws(StorageError) {
    let descriptor = path == "-" ? dup(STDOUT_FILENO) : open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw error("cannot write", path) }
    defer { close(descriptor) }
    try write(bytes, to: descriptor, path == "-" ? "standard output" : path)
  }

  static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(StorageError) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw error("cannot write", path)
      }
      sent += count
    }
  }

  static func synchronize(folder: String) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    // Some file systems cannot do this for folders; the file itself is safe.
    _ = fsync(descriptor)
    close(descriptor)
  }

  private static func tag(_ status: stat) -> String {
    "\(status.st_ino)-\(status.st_size)-\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
  }

  static func error(_ attempt: String, _ path: String, _ code: Int32 = errno) -> StorageError {
    let reason = strerror(code).map { String(cString: $0).lowercased() } ?? "error \(code)"
    let place = path == "-" ? "standard input" : path
    switch code {
    case ENOENT:
      let folder = folder(of: target(of: path))
      let isFolderMissing = access(folder, F_OK) != 0
      return StorageError(
        .missing, "\(attempt) \(place): \(reason)",
        remedy: isFolderMissing ? "make the folder \(folder) first" : "check the path")
    case EACCES, EPERM, EROFS:
      return StorageError(.permission, "\(attempt) \(place): \(reason)", remedy: "choose another place")
    case ENOSPC, EDQUOT:
      return StorageError(.failed, "\(attempt) \(place): \(reason)", remedy: "make room and run again")
    default: return StorageError(.failed, "\(attempt) \(place): \(reason)")
    }
  }
}
