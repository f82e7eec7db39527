import Glibc
import KernelCore
import PosixSupport
import Synchronization

/// Measures the kernel's process tree for `usage_request`, on a thread of its own.
final class UsageReporter: SystemInformation {
  private struct Sample {
    var processTicks = 0
    var machine: (busy: Int, total: Int) = (0, 0)
    var time: UInt64 = 0
  }

  private let worker = WorkerThread(name: "usage")
  private let last = Mutex(Sample())

  func usage(ofTree roots: [Int32]) async -> ResourceUsage {
    // The worker's job cannot fail, so neither can this.
    (try? await worker.run { self.measure(roots) })
      ?? ResourceUsage(
        hostname: "", processID: Int(getpid()), kernelCPU: 0, kernelMemory: 0, processorCount: 1,
        hostCPU: nil,
        memoryTotal: 0, memoryAvailable: 0)
  }

  private func measure(_ roots: [Int32]) -> ResourceUsage {
    let tree = ProcessTable.tree([getpid()] + roots)
    let ticks = tree.reduce(0) { $0 + ProcessTable.processorTicks($1) }
    let machine = ProcessTable.machineTicks() ?? (0, 0)
    let now = EventLoop.now()
    let previous = last.withLock { last in
      defer { last = Sample(processTicks: ticks, machine: machine, time: now) }
      return last
    }
    let seconds = Double(now - previous.time) / 1e9
    let perSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
    let isFirst = previous.time == 0
    let machineTotal = machine.total - previous.machine.total
    let memory = ProcessTable.memory()
    return ResourceUsage(
      hostname: Self.hostname(), processID: Int(getpid()),
      kernelCPU: isFirst || seconds <= 0
        ? 0 : max(0, Double(ticks - previous.processTicks) / perSecond / seconds * 100),
      kernelMemory: tree.reduce(0) { $0 + ProcessTable.proportionalSize($1) },
      processorCount: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))),
      hostCPU: isFirst || machineTotal <= 0
        ? nil : Double(machine.busy - previous.machine.busy) * 100 / Double(machineTotal),
      memoryTotal: memory.total, memoryAvailable: memory.available)
  }

  private static func hostname() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
