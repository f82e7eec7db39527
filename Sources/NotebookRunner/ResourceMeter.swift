import Glibc
import KernelCore
import Synchronization

/// Measures the processes of the languages, cheaply enough to do it after every cell: it reads only their own files
/// in /proc, and those of their children.
final class ResourceMeter: SystemInformation {
  struct Reading: Sendable {
    var processorSeconds = 0.0
    var peakMemory = 0
  }

  private let last = Mutex(Reading())

  var reading: Reading { last.withLock { $0 } }

  /// Asked by the kernel for a `usage_request`, which is how a run learns the process ids.
  func usage(ofTree roots: [Int32]) async -> ResourceUsage {
    var reading = Reading()
    for process in Self.tree(roots) {
      reading.processorSeconds += Self.processorSeconds(process)
      reading.peakMemory += Self.peakMemory(process)
    }
    last.withLock { $0 = reading }
    return ResourceUsage(
      hostname: "", processID: Int(getpid()), kernelCPU: 0, kernelMemory: reading.peakMemory,
      processorCount: 1, hostCPU: nil, memoryTotal: 0, memoryAvailable: 0)
  }

  private static func tree(_ roots: [Int32]) -> [Int32] {
    var found: [Int32] = []
    var next = roots
    while let process = next.popLast() {
      guard !found.contains(process) else { continue }
      found.append(process)
      let children = read("/proc/\(process)/task/\(process)/children") ?? ""
      next.append(contentsOf: children.split(separator: " ").compactMap { Int32($0) })
    }
    return found
  }

  /// User and system time, with that of children that have ended.
  private static func processorSeconds(_ process: Int32) -> Double {
    guard let text = read("/proc/\(process)/stat"), let close = text.lastIndex(of: ")") else { return 0 }
    let fields = text[text.index(after: close)...].split(separator: " ")
    guard fields.count > 14 else { return 0 }
    let ticks = fields[11...14].compactMap { Int($0) }.reduce(0, +)
    return Double(ticks) / Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
  }

  private static func peakMemory(_ process: Int32) -> Int {
    let lines = (read("/proc/\(process)/status") ?? "").split(separator: "\n")
    guard let line = lines.first(where: { $0.hasPrefix("VmHWM:") }) else { return 0 }
    return (Int(line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first ?? "") ?? 0) * 1024
  }

  private static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}
