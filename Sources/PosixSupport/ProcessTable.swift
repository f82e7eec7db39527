import Glibc

/// What /proc tells of processes and the machine. Reads files: call it off the event loop.
public enum ProcessTable {
  /// The processes below the roots, roots included.
  public static func tree(_ roots: [Int32]) -> [Int32] {
    var children: [Int32: [Int32]] = [:]
    for process in allProcesses() {
      if let parent = statFields(process).flatMap({ $0.count > 1 ? Int32($0[1]) : nil }) {
        children[parent, default: []].append(process)
      }
    }
    var found: [Int32] = []
    var next = roots
    while let process = next.popLast() {
      guard !found.contains(process) else { continue }
      found.append(process)
      next.append(contentsOf: children[process] ?? [])
    }
    return found
  }

  /// Whether the process is the parent of this one, or above it.
  public static func isAncestor(_ process: Int32) -> Bool {
    var current = getppid()
    // Deeper than any real chain; a table that changes meanwhile must not keep us here.
    for _ in 0..<64 where current > 1 {
      if current == process { return true }
      current = statFields(current).flatMap { $0.count > 1 ? Int32($0[1]) : nil } ?? 0
    }
    return false
  }

  /// Proportional set size in bytes; 0 when the process is gone.
  public static func proportionalSize(_ process: Int32) -> Int {
    guard let text = read("/proc/\(process)/smaps_rollup") else { return 0 }
    for line in text.split(separator: "\n") where line.hasPrefix("Pss:") {
      return (Int(line.split(separator: " ").dropFirst().first ?? "") ?? 0) * 1024
    }
    return 0
  }

  /// Processor time so far, user and system, in clock ticks.
  public static func processorTicks(_ process: Int32) -> Int {
    guard let fields = statFields(process), fields.count > 12 else { return 0 }
    return (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)
  }

  /// Ticks of all processors: in work, and in all.
  public static func machineTicks() -> (busy: Int, total: Int)? {
    guard let line = read("/proc/stat")?.split(separator: "\n").first else { return nil }
    let numbers = line.split(separator: " ").dropFirst().compactMap { Int($0) }
    guard numbers.count > 4 else { return nil }
    let total = numbers.prefix(8).reduce(0, +)
    return (total - numbers[3] - numbers[4], total)
  }

  /// Bytes of memory: all, and what programs can still get.
  public static func memory() -> (total: Int, available: Int) {
    var total = 0
    var available = 0
    for line in (read("/proc/meminfo") ?? "").split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count > 1, let amount = Int(words[1]) else { continue }
      if words[0] == "MemTotal:" { total = amount * 1024 }
      if words[0] == "MemAvailable:" { available = amount * 1024 }
    }
    return (total, available)
  }

  private static func allProcesses() -> [Int32] {
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    var found: [Int32] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if let number = Int32(name) { found.append(number) }
    }
    return found
  }

  /// The fields of `stat` behind the name, which may hold spaces and parentheses itself.
  private static func statFields(_ process: Int32) -> [Substring]? {
    guard let text = read("/proc/\(process)/stat"), let close = text.lastIndex(of: ")") else { return nil }
    return text[text.index(after: close)...].split(separator: " ")
  }

  private static func read(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { break }
      bytes.append(contentsOf: chunk[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
