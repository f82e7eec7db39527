import Glibc

/// Runs a short program and takes what it prints: for questions such as "which version are you".
///
/// For the commands only; the kernel starts its bridges another way. Blocks the calling thread for at
/// most the time limit.
enum ProbeProcess {
  /// The first line of the standard output; nil when the program cannot be started, does not end with
  /// success or takes longer than `seconds`.
  static func firstLine(of argv: [String], within seconds: Int = 15) -> String? {
    var ends: [Int32] = [-1, -1]
    guard let program = argv.first, pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    guard let process = start(program, argv, output: ends[1]) else {
      close(ends[1])
      return nil
    }
    close(ends[1])
    let text = read(ends[0], until: now() + seconds * 1000)
    if text == nil { kill(process, SIGKILL) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    guard let text, status == 0 else { return nil }
    return text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
  }

  private static func start(_ program: String, _ argv: [String], output: Int32) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    guard posix_spawn_file_actions_init(&actions) == 0 else { return nil }
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_RDWR, 0)
    var words: [UnsafeMutablePointer<CChar>?] = argv.map { strdup($0) } + [nil]
    defer {
      for word in words { free(word) }
    }
    var process = pid_t()
    return posix_spawn(&process, program, &actions, nil, &words, environ) == 0 ? process : nil
  }

  /// All output until its end; nil when the time is over first.
  private static func read(_ descriptor: Int32, until deadline: Int) -> String? {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let left = deadline - now()
      guard left > 0 else { return nil }
      var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&poller, 1, Int32(clamping: left)) != 0 else { return nil }
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      if count < 0 {
        if errno == EINTR { continue }
        return nil
      }
      // The rest is read too, so that the program never waits for us.
      if bytes.count < 64 << 10 { bytes += chunk[..<count] }
    }
  }

  /// Milliseconds of the clock that nobody sets.
  private static func now() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
  }
}
