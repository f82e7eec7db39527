import Synchronization

/// The one isolation domain of the kernel: everything that decides, routes or touches a socket runs on it.
///
/// Its executor is the event loop, installed once by the program before the first use
/// (``KernelExecutor/install(_:)``). So isolated code reads as straight-line async Swift, calls between
/// isolated types need no `await`, and the order of calls is the order of effects.
/// Source: docs/architecture.md, "Threads".
@globalActor
public actor KernelActor {
  public static let shared = KernelActor()

  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    KernelExecutor.current
  }
}

/// Where the program says which executor ``KernelActor`` runs on.
public enum KernelExecutor {
  private static let installed = Mutex<UnownedSerialExecutor?>(nil)
  private static let preference = Mutex<(any TaskExecutor)?>(nil)

  /// Installs the event loop as the kernel's executor. Call once, before any isolated code; the
  /// executor must live as long as the process (the program keeps the loop in a static).
  public static func install(_ executor: some SerialExecutor & TaskExecutor) {
    installed.withLock { $0 = executor.asUnownedSerialExecutor() }
    preference.withLock { $0 = executor }
  }

  /// The executor, or a stop with the broken rule when none was installed.
  public static var current: UnownedSerialExecutor {
    guard let executor = installed.withLock({ $0 }) else {
      preconditionFailure("KernelExecutor.install must be called before isolated code runs")
    }
    return executor
  }

  /// The executor that tasks should prefer, so that resuming a continuation never goes through the
  /// global pool (which would start its threads and add two hops to every request).
  public static var taskPreference: any TaskExecutor {
    guard let executor = preference.withLock({ $0 }) else {
      preconditionFailure("KernelExecutor.install must be called before tasks start")
    }
    return executor
  }
}

extension KernelActor {
  /// Starts a task on the event loop that runs its first part at once when called on the loop.
  @discardableResult
  @KernelActor
  public static func start(
    _ operation: sending @escaping @KernelActor () async -> Void
  ) -> Task<Void, Never> {
    Task.immediate(executorPreference: KernelExecutor.taskPreference) { @KernelActor in
      await operation()
    }
  }
}

extension KernelActor {
  /// Runs `operation` at once as isolated code; the caller must be on the executor already.
  ///
  /// For entry points that are called back from outside of Swift concurrency: the event loop's turn. Stops
  /// with the broken rule when called on any other thread.
  public static func assumeIsolated<Result: Sendable>(
    _ operation: @KernelActor () throws -> Result
  ) rethrows -> Result {
    shared.preconditionIsolated()
    typealias Nonisolated = () throws -> Result
    // The isolation of a function type has no representation at run time; the check above is what
    // makes dropping it sound. The standard library does the same for the main actor.
    return try withoutActuallyEscaping(operation) { isolated in
      try unsafeBitCast(isolated, to: Nonisolated.self)()
    }
  }
}
