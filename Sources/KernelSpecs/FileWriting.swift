#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Making, copying and replacing files and folders, by the plain system calls.
enum FileWriting {
  /// Makes a folder and those above it. Returns 0, also when it was there, or the error number.
  static func makeDirectories(_ path: String, mode: mode_t) -> Int32 {
    if mkdir(path, mode) == 0 { return 0 }
    switch errno {
    case EEXIST: return Files.isDirectory(path) ? 0 : ENOTDIR
    case ENOENT:
      let parent = PathText.parent(path)
      guard parent != path else { return ENOENT }
      // A private folder is private from the first one that had to be made.
      let code = makeDirectories(parent, mode: mode)
      guard code == 0 else { return code }
      return mkdir(path, mode) == 0 || errno == EEXIST ? 0 : errno
    default: return errno
    }
  }

  /// Whether a folder is ours and nobody else may write there.
  static func isPrivate(_ path: String) -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0 else { return false }
    return status.st_mode & S_IFMT == S_IFDIR && status.st_uid == getuid() && status.st_mode & 0o022 == 0
  }

  /// Makes a folder and those above it with the usual mode.
  static func makeFolder(_ path: String) throws(SpecError) {
    let code = makeDirectories(path, mode: 0o777)
    guard code == 0 else { throw failed("make the folder", path, code) }
  }

  /// A new, empty folder of an unused name in `directory`, hidden from whoever lists it.
  static func makeTemporary(in directory: String) throws(SpecError) -> String {
    var template = Array(PathText.join(directory, ".parley-XXXXXX").utf8CString)
    let made = template.withUnsafeMutableBufferPointer { space -> String? in
      guard let base = space.baseAddress, let path = mkdtemp(base) else { return nil }
      return String(cString: path)
    }
    guard let made else { throw failed("write into", directory, errno) }
    // mkdtemp makes it private; what is installed for all must be readable by all.
    chmod(made, 0o755)
    return made
  }

  /// Writes a new file.
  static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644) throws(SpecError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw failed("write", path, errno) }
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        let code = errno
        close(descriptor)
        throw failed("write", path, code)
      }
      written += count
    }
    // A full disk or a network folder may tell only now.
    guard close(descriptor) == 0 else { throw failed("write", path, errno) }
  }

  /// Copies files and folders, links as what they point to, modes kept; leaves out hidden ones and
  /// Python's compiled files.
  static func copyTree(_ source: String, to target: String) throws(SpecError) {
    try makeFolder(target)
    for name in Files.names(in: source) where !name.hasPrefix(".") && name != "__pycache__" {
      let from = PathText.join(source, name)
      let to = PathText.join(target, name)
      if Files.isDirectory(from) {
        try copyTree(from, to: to)
      } else if Files.isFile(from), !name.hasSuffix(".pyc") {
        try write(Files.read(from), to: to, mode: Files.isExecutable(from) ? 0o755 : 0o644)
      }
    }
  }

  /// Puts the folder `new` in the place of `path`. Whoever looks meanwhile sees the old one, the new
  /// one, or for the moment between two renames none; on failure the old one is back.
  static func replace(_ path: String, with new: String) throws(SpecError) {
    if rename(new, path) == 0 { return }
    let code = errno
    guard code == ENOTEMPTY || code == EEXIST || code == ENOTDIR else { throw failed("write", path, code) }
    let old = new + ".old"
    guard rename(path, old) == 0 else { throw failed("replace", path, errno) }
    guard rename(new, path) == 0 else {
      let code = errno
      rename(old, path)
      throw failed("replace", path, code)
    }
    // What is left over costs space only.
    _ = removeTree(old)
  }

  /// Removes a file, a link or a folder with all it holds; returns 0 or the first error number.
  static func removeTree(_ path: String) -> Int32 {
    var status = stat()
    guard lstat(path, &status) == 0 else { return errno }
    guard status.st_mode & S_IFMT == S_IFDIR else { return unlink(path) == 0 ? 0 : errno }
    var first: Int32 = 0
    for name in Files.names(in: path) {
      let code = removeTree(PathText.join(path, name))
      if first == 0 { first = code }
    }
    if rmdir(path) != 0, first == 0 { first = errno }
    return first
  }

  static func remove(_ path: String) throws(SpecError) {
    let code = removeTree(path)
    guard code == 0 || code == ENOENT else { throw failed("remove", path, code) }
  }

  static func failed(_ attempt: String, _ path: String, _ code: Int32) -> SpecError {
    switch code {
    case EACCES, EPERM, EROFS:
      SpecError(
        .permission, "cannot \(attempt) \(path): \(Files.reason(code))",
        remedy: "choose another place with --user or --prefix, or run with the rights for this one")
    case ENOTDIR:
      SpecError(
        .cannotCreate, "cannot \(attempt) \(path): a file stands where a folder is needed",
        remedy: "move it away")
    case ENOSPC, EDQUOT:
      SpecError(.cannotCreate, "cannot \(attempt) \(path): the disk is full", remedy: "make room")
    default: SpecError(.cannotCreate, "cannot \(attempt) \(path): \(Files.reason(code))")
    }
  }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
