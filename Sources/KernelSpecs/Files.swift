#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reading from the file system, by the plain system calls: what runs at start-up must not pull in
/// a file manager.
enum Files {
  /// Larger than any manifest or kernelspec; a device or a runaway file must not be read whole.
  private static let largest = 4 << 20

  static func currentDirectory() -> String? {
    guard let text = getcwd(nil, 0) else { return nil }
    defer { free(text) }
    return String(cString: text)
  }

  static func realPath(_ path: String) -> String? {
    guard let text = realpath(path, nil) else { return nil }
    defer { free(text) }
    return String(cString: text)
  }

  static func isDirectory(_ path: String) -> Bool { mode(path).map { $0 & S_IFMT == S_IFDIR } ?? false }

  static func isFile(_ path: String) -> Bool { mode(path).map { $0 & S_IFMT == S_IFREG } ?? false }

  static func isExecutable(_ path: String) -> Bool { isFile(path) && access(path, X_OK) == 0 }

  private static func mode(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode : nil
  }

  /// The names in a folder, sorted bytewise and without `.` and `..`; empty when it cannot be read,
  /// since every caller looks in places that need not exist.
  static func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: tuple.pointee)) {
          String(cString: $0)
        }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The bytes of a regular file.
  static func read(_ path: String) throws(SpecError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw unreadable(path, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw unreadable(path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw SpecError(.configuration, "cannot read \(path): not a regular file")
    }
    guard status.st_size <= largest else {
      throw SpecError(.configuration, "cannot read \(path): larger than \(largest >> 20) MiB")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16 << 10)
    while bytes.count <= largest {
      let count = systemRead(descriptor, &chunk, chunk.count)
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw unreadable(path, errno)
      }
      bytes.append(contentsOf: chunk[..<count])
    }
    return bytes
  }

  private static func unreadable(_ path: String, _ code: Int32) -> SpecError {
    switch code {
    case ENOENT, ENOTDIR: SpecError(.inputMissing, "no file \(path)")
    case EACCES, EPERM:
      SpecError(.permission, "cannot read \(path): permission denied", remedy: "make it readable for you")
    default: SpecError(.configuration, "cannot read \(path): \(reason(code))")
    }
  }

  /// The system's text for an error number.
  static func reason(_ code: Int32) -> String { String(cString: strerror(code)).lowercased() }
}

/// `read`, which the method of the same name would hide.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
  read(descriptor, buffer, count)
}
