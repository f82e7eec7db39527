import Glibc

/// How often the system has ended a process because memory had run out, from the counters of our control group and
/// of the machine. A count that has grown when a language dies of signal 9 names the cause.
enum OutOfMemory {
  static func count() -> Int {
    var total = 0
    for line in read("/proc/self/cgroup").split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      if parts[1].isEmpty {
        total += value("oom_kill", in: read("/sys/fs/cgroup\(parts[2])/memory.events"))
      } else if parts[1].split(separator: ",").contains("memory") {
        total += value("oom_kill", in: read("/sys/fs/cgroup/memory\(parts[2])/memory.oom_control"))
      }
    }
    return total + value("oom_kill", in: read("/proc/vmstat"))
  }

  private static func value(_ name: String, in text: String) -> Int {
    let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
    return line.flatMap { Int($0.dropFirst(name.count + 1)) } ?? 0
  }

  private static func read(_ path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 16 << 10)
    return String(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
  }
}
