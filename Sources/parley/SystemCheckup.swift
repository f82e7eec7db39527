import COpenSSL
import CSQLite
import Glibc
import KernelSpecs
import ZeroMQ

/// What `parley doctor` says of the machine: libraries, folders, tools, control groups.
struct SystemCheckup {
  let environment: SpecEnvironment

  func program() -> [Finding] {
    [.ok("parley", "\(Parley.version), \(environment.executable ?? environment.invokedAs)")]
  }

  func libraries() -> [Finding] {
    let curve = ZMQContext.hasCurve
    return [
      curve
        ? .ok("libzmq", "\(ZMQContext.version), with CurveZMQ")
        : .warn(
          "libzmq", "\(ZMQContext.version), without CurveZMQ: connections cannot be encrypted",
          do: "install a libzmq built with libsodium if you need that"),
      .ok("OpenSSL", String(cString: parley_openssl_version())),
      .ok("SQLite", String(cString: sqlite3_libversion())),
    ]
  }

  func folders() -> [Finding] {
    [home(), runtime(), history()]
  }

  func tools() -> [Finding] {
    guard let jupyter = environment.findProgram("jupyter") else {
      return [
        .warn(
          "jupyter", "not on PATH", do: "install a front end, for example: python3 -m pip install jupyterlab")
      ]
    }
    return [.ok("jupyter", jupyter)]
  }

  /// Which control groups there are: where memory and processes of a language can be limited exactly.
  func limits() -> [Finding] {
    let root = "/sys/fs/cgroup"
    let mine = (Self.lines(of: "/proc/self/cgroup") ?? []).map {
      $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
    }
    if Self.isThere(root + "/cgroup.controllers") {
      let path = mine.first { $0.count == 3 && $0[0] == "0" }?[2] ?? "/"
      let folder = root + (path == "/" ? "" : path)
      return access(folder, W_OK) == 0
        ? [.ok("control groups", "version 2, \(folder) is writable")]
        : [
          .warn(
            "control groups", "version 2, \(folder) is not writable: limits by rlimits only",
            do: "start the front end with `systemd-run --user --scope -p Delegate=yes` for exact limits")
        ]
    }
    if let memory = mine.first(where: { $0.count == 3 && $0[1].split(separator: ",").contains("memory") }) {
      let folder = root + "/memory" + (memory[2] == "/" ? "" : memory[2])
      // In a container the path in /proc is the one outside of it.
      let candidates: [String] = [folder, root + "/memory"]
      let writable: String? = candidates.first { path in access(path, W_OK) == 0 }
      guard let writable else {
        return [
          .warn(
            "control groups", "version 1, \(folder) is not writable: limits by rlimits only",
            do: "ask the administrator for a writable group if you need exact limits")
        ]
      }
      return [.ok("control groups", "version 1, \(writable) is writable")]
    }
    return [
      .warn("control groups", "none: limits by rlimits only", do: "nothing, unless you need exact limits")
    ]
  }

  // MARK: - Folders

  private func home() -> Finding {
    guard let home = environment.home else {
      return .warn("home", "there is none: files go to a temporary folder", do: "set HOME")
    }
    return access(home, W_OK | X_OK) == 0
      ? .ok("home", home)
      : .warn(
        "home", "\(home) is not writable: files go to a temporary folder", do: "set HOME or mend the rights")
  }

  private func runtime() -> Finding {
    let paths = JupyterPaths(environment: environment)
    do {
      let folder = try paths.makeRuntimeDirectory()
      guard folder != paths.runtimeDirectory else { return .ok("runtime folder", "\(folder) is writable") }
      return .warn(
        "runtime folder", "\(paths.runtimeDirectory) is not writable, \(folder) is used",
        do: "set JUPYTER_RUNTIME_DIR to a folder of your own")
    } catch {
      return .fail("runtime folder", error.failure, do: error.remedy)
    }
  }

  private func history() -> Finding {
    let subject = "history"
    let elsewhere = "set PARLEY_HISTORY to a file of your own"
    guard let file = StatePaths(environment: environment).historyFile else {
      return .ok(subject, "in memory only")
    }
    guard Self.isThere(file) else {
      var folder = file
      repeat { folder = Self.parent(of: folder) } while !Self.isThere(folder) && folder != "/"
      return access(folder, W_OK | X_OK) == 0
        ? .ok(subject, "\(file), made with the first cell")
        : .warn(subject, "\(file) cannot be made, so it is kept in memory only", do: elsewhere)
    }
    guard access(file, R_OK | W_OK) == 0 else {
      return .warn(subject, "\(file) is not writable, so it is kept in memory only", do: elsewhere)
    }
    guard Self.isDatabase(file) else {
      return .warn(
        subject, "\(file) is no SQLite database, so it is kept in memory only", do: "move the file away")
    }
    return .ok(subject, file)
  }

  private static func isThere(_ path: String) -> Bool { access(path, F_OK) == 0 }

  private static func parent(of path: String) -> String {
    let end = path.lastIndex(of: "/") ?? path.startIndex
    return end == path.startIndex ? "/" : String(path[..<end])
  }

  /// An empty file is one too: SQLite makes it a database with the first write.
  private static func isDatabase(_ path: String) -> Bool {
    guard let head = head(of: path, count: 16) else { return false }
    return head.isEmpty || head == Array("SQLite format 3\0".utf8)
  }

  private static func lines(of path: String) -> [String]? {
    head(of: path, count: 64 << 10).map {
      String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init)
    }
  }

  private static func head(of path: String, count: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: count)
    let length = read(descriptor, &bytes, count)
    return length < 0 ? nil : Array(bytes.prefix(length))
  }
}
