import CTestStart
import KernelExecutor
import PosixSupport
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// The event loop of the test process: one thread that runs until the process ends.
///
/// Suites with the isolation `@KernelActor` run on it, as the kernel does.
public enum TestLoop {
  /// Made and started with the first use, which is what installs the kernel's executor.
  public static let shared: EventLoop = {
    do {
      let loop = try EventLoop()
      startThread(running: loop)
      return loop
    } catch {
      preconditionFailure("\(error)")
    }
  }()

  private final class Start: Sendable {
    let loop: EventLoop
    let isClaimed = Atomic<Bool>(false)

    init(_ loop: EventLoop) {
      self.loop = loop
    }
  }

  private static func startThread(running loop: EventLoop) {
    // A bridge that is gone is told by the write, not by a signal.
    signal(SIGPIPE, SIG_IGN)
    KernelExecutor.install(loop)
    let start = Start(loop)
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        start.loop.claimThread()
        start.isClaimed.store(true, ordering: .releasing)
        start.loop.run()
        return nil
      }, Unmanaged.passRetained(start).toOpaque())
    precondition(result == 0, "cannot start the loop's thread: errno \(result)")
    while !start.isClaimed.load(ordering: .acquiring) { sched_yield() }
  }
}

/// Called before anything else in the process, by CTestStart.
@_cdecl("parley_test_start")
public func startTestLoop() {
  _ = TestLoop.shared
}
