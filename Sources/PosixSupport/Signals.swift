import CPosix
import Glibc
import KernelExecutor

/// Signals as events of the loop.
///
/// They are blocked in the calling thread, so make it before any other thread starts: threads inherit that.
public struct SignalSource: Sendable {
  /// Readable while a signal waits.
  public let descriptor: Int32

  public init(_ signals: [Int32]) throws(SystemError) {
    descriptor = parley_signalfd(signals, Int32(signals.count))
    guard descriptor >= 0 else { throw SystemError("cannot receive signals") }
    // A reader that went away is told by the write, not by a signal; so is a file that may not grow.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }

  @KernelActor
  public func watch(on loop: EventLoop, _ handler: @escaping @KernelActor (Int32) -> Void) {
    let descriptor = descriptor
    loop.watch(descriptor, priority: .socket) { _ in
      while true {
        let number = parley_signalfd_next(descriptor)
        if number == 0 { return }
        handler(number)
      }
    }
  }
}

/// Tells when another process ends.
public enum ProcessWatch {
  /// Calls back once when the process ends; false when there is no such process.
  @KernelActor
  public static func watch(
    _ processID: Int32, on loop: EventLoop, _ handler: @escaping @KernelActor () -> Void
  ) -> Bool {
    let descriptor = parley_pidfd_open(processID)
    guard descriptor >= 0 else { return false }
    loop.watch(descriptor, priority: .process) { _ in
      loop.unwatch(descriptor)
      close(descriptor)
      handler()
    }
    return true
  }

  /// Makes orphans below this process its own children, so that it can end them.
  public static func adoptOrphans() {
    _ = parley_become_subreaper()
  }

  /// Ends every child, and theirs.
  public static func killAllChildren() {
    parley_kill_all_children()
  }
}

/// What the system allows this process.
public enum ProcessLimits {
  /// Raises the number of descriptors to what is wanted, as far as the system lets us; never lowers it.
  /// - Returns: how many there may be now.
  public static func allowDescriptors(_ wanted: Int) -> Int { parley_allow_descriptors(wanted) }
}

/// The C library's memory.
public enum ProcessMemory {
  /// Keeps the number of heaps small. Call once, before threads start.
  public static func limitArenas() {
    parley_limit_arenas()
  }

  /// Gives what is free back to the system: a display of 64 MiB must not stay in the process for ever. Lower
  /// thresholds for malloc would do that by themselves, but made every large message a new mapping, which cost more
  /// than half of the throughput of printed text.
  public static func returnFreePages() {
    parley_return_memory()
  }
}
