import CRuntime

/// The main actor's executor: its jobs wait in a queue that the host empties while a cell awaits and between cells.
final class MainExecutor: SerialExecutor {
  static let shared = MainExecutor()

  func enqueue(_ job: UnownedJob) {
    parley_enqueue(unsafeBitCast(job, to: UnsafeMutableRawPointer.self))
  }

  func checkIsolated() {
    precondition(parley_on_main(), "this code belongs on the main actor")
  }

  func isIsolatingCurrentContext() -> Bool? { parley_on_main() }

  /// Makes the runtime use it.
  static func install() {
    let reference = unsafeBitCast(
      shared.asUnownedSerialExecutor(), to: (UnsafeMutableRawPointer, UnsafeRawPointer).self)
    parley_executor_start(reference.0, reference.1) { job in
      unsafeBitCast(job, to: UnownedJob.self).runSynchronously(
        on: MainExecutor.shared.asUnownedSerialExecutor())
    }
  }
}
