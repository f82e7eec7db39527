import Glibc

/// A private folder for the modules of a session, named by its process; those of processes that are gone are removed.
enum SessionFolder {
  static func make() -> String {
    let temporary = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let parent = "\(temporary)/parley-swift-\(getuid())"
    mkdir(parent, 0o700)
    var status = stat()
    guard lstat(parent, &status) == 0, status.st_uid == getuid(), status.st_mode & 0o077 == 0 else {
      fputs(
        "\(parent) cannot be used for the modules of cells: it must be a folder of your own, mode 700\n",
        stderr)
      exit(1)
    }
    for name in entries(of: parent) {
      if let process = pid_t(name), kill(process, 0) != 0, errno == ESRCH { remove("\(parent)/\(name)") }
    }
    let folder = "\(parent)/\(getpid())"
    remove(folder)
    guard mkdir(folder, 0o700) == 0 else {
      fputs("\(folder) cannot be made: \(String(cString: strerror(errno)))\n", stderr)
      exit(1)
    }
    return folder
  }

  static func remove(_ folder: String) {
    for name in entries(of: folder) { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }

  private static func entries(of folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
