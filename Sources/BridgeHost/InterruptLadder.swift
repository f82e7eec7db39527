import KernelExecutor
import PosixSupport

/// How hard an interrupt pushes: each further one for the same cell goes a step up.
///
/// Nothing escalates by itself, since code may take its time to clean up after the first (a training loop that
/// saves its model); after the grace time the user is told how to go on. Record: docs/adr/0004.
@KernelActor
struct InterruptLadder {
  enum Step {
    /// SIGINT to the language's process group, or its own way to be asked.
    case ask
    /// SIGINT again, and SIGTERM to what it has started.
    case press
    /// SIGKILL to this language.
    case kill
  }

  private var count = 0

  /// A new cell starts at the bottom.
  mutating func reset() { count = 0 }

  mutating func next() -> Step {
    count += 1
    switch count {
    case 1: return .ask
    case 2: return .press
    default: return .kill
    }
  }
}
