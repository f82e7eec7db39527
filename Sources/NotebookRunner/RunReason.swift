/// How a run ended: one word, and with it one exit code. docs/run.md says the same to users.
public enum RunReason: String, Sendable {
  case ok
  /// A cell failed.
  case userError = "user_error"
  case cellTimeout = "timeout_cell"
  case runTimeout = "timeout_run"
  case kernelDied = "kernel_died"
  /// The kernel died because memory had run out.
  case outOfMemory = "oom"
  case startFailed = "start_failed"
  case storageError = "storage_error"
  /// A signal asked for the end.
  case cancelled
  case badInput = "bad_input"
  /// A fault of parley or of the system.
  case platformError = "platform_error"

  /// Those of papermill where it has one, of timeout(1) and sysexits(3) elsewhere.
  public var exitCode: Int32 {
    switch self {
    case .ok: 0
    case .userError: 1
    case .badInput: 65
    case .startFailed: 69
    case .platformError: 70
    case .storageError: 74
    case .runTimeout: 123
    case .cellTimeout: 124
    case .cancelled: 143
    case .outOfMemory: 137
    case .kernelDied: 138
    }
  }
}

/// What became of a cell.
public enum CellStatus: String, Sendable {
  case pending
  case running
  case ok
  case failed
  /// Its tag `skip-execution` says so.
  case skipped
  case interrupted
  case timedOut = "timed_out"
  /// Its language's process ended while it ran.
  case died
  case notReached = "not_reached"
}
