import CPosix
import Glibc
import KernelExecutor

/// A child process under a guard, so that nothing it starts outlives it or us (see `guard.c`).
///
/// Isolated to the loop: the guard must be forked from a thread that lives as long as the process.
@KernelActor
public final class GuardedProcess {
  /// How the child ended.
  public struct Ending: Sendable, Equatable {
    /// The exit code, when it exited by itself.
    public let exitCode: Int?
    /// The signal that ended it, else 0.
    public let signal: Int
    public let dumpedCore: Bool
    /// Processor time of user code and of the system, in seconds.
    public let userSeconds: Double
    public let systemSeconds: Double
    /// The largest resident size it had, in KiB.
    public let maximumResidentKiB: Int

    /// For people: `exit code 3`, `signal 9 (SIGKILL)`.
    public var text: String {
      if let exitCode { return "exit code \(exitCode)" }
      let name = Self.names[signal].map { " (\($0))" } ?? ""
      return "signal \(signal)\(name)\(dumpedCore ? ", core dumped" : "")"
    }

    private static let names = [
      1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
      9: "SIGKILL",
      11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
    ]
  }

  public enum Event: Sendable {
    case started(Int32)
    /// The program could not be executed.
    case failed(SystemError)
    case exited(Ending)
    /// The child and every descendant are gone.
    case gone
  }

  public enum Command: Sendable {
    /// SIGINT to the child's process group.
    case interrupt
    /// SIGTERM to the members of the group but the child itself.
    case terminateOthers
    /// SIGTERM to the group.
    case terminate
    /// SIGKILL to the child; its descendants follow.
    case kill

    var byte: CChar {
      switch self {
      case .interrupt: CChar(PARLEY_GUARD_INTERRUPT)
      case .terminateOthers: CChar(PARLEY_GUARD_TERMINATE_OTHERS)
      case .terminate: CChar(PARLEY_GUARD_TERMINATE)
      case .kill: CChar(PARLEY_GUARD_KILL)
      }
    }
  }

  /// What to start.
  public struct Request: Sendable {
    /// The program, resolved.
    public var path: String
    public var arguments: [String]
    /// `NAME=value` texts.
    public var environment: [String]
    public var directory: String?
    /// The child's descriptors from 0 on; -1 is the null device for 0 and closed for others.
    public var descriptors: [Int32]

    public init(
      path: String, arguments: [String], environment: [String], directory: String? = nil,
      descriptors: [Int32]
    ) {
      self.path = path
      self.arguments = arguments
      self.environment = environment
      self.directory = directory
      self.descriptors = descriptors
    }
  }

  private let loop: EventLoop
  private let channel: Int32
  private let guardID: Int32
  private let onEvent: @KernelActor (Event) -> Void
  /// The child's process id, once the guard has told it.
  public private(set) var processID: Int32?
  private var isOpen = true

  /// - Throws: ``SystemError`` when no process can be made. That the program itself cannot be executed is told
  ///   later, as an event.
  public init(
    _ request: Request, loop: EventLoop, onEvent: @escaping @KernelActor (Event) -> Void
  ) throws(SystemError) {
    self.loop = loop
    self.onEvent = onEvent
    var channel: Int32 = -1
    let guardID = Self.spawn(request, channel: &channel)
    guard guardID >= 0 else { throw SystemError("cannot start \(request.path)") }
    self.guardID = guardID
    self.channel = channel
    loop.watch(channel, priority: .process) { [weak self] _ in self?.readEvents() }
  }

  private static func spawn(_ request: Request, channel: inout Int32) -> Int32 {
    withCStrings(request.arguments) { arguments in
      withCStrings(request.environment) { environment in
        request.path.withCString { path in
          request.descriptors.withUnsafeBufferPointer { descriptors in
            func start(_ directory: UnsafePointer<CChar>?) -> Int32 {
              var raw = parley_spawn_request()
              raw.path = path
              raw.argv = arguments
              raw.envp = environment
              raw.directory = directory
              raw.descriptors = descriptors.baseAddress
              raw.descriptor_count = Int32(descriptors.count)
              return parley_spawn_guarded(&raw, &channel)
            }
            guard let directory = request.directory else { return start(nil) }
            return directory.withCString { start($0) }
          }
        }
      }
    }
  }

  /// A NULL-terminated array of C strings for the time of the call.
  private static func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    let pointers = texts.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("the array has at least its end") }
      return body(base)
    }
  }

  /// Sends a command; without effect once the child has ended.
  public func send(_ command: Command) {
    guard isOpen else { return }
    _ = parley_guard_command(channel, command.byte)
  }

  private func readEvents() {
    while isOpen {
      var message = parley_guard_message()
      let result = parley_guard_read(channel, &message)
      if result < 0, errno == EAGAIN { return }
      guard result > 0 else {
        finish()
        return
      }
      switch Int(message.kind) {
      case PARLEY_GUARD_STARTED:
        processID = message.value
        onEvent(.started(message.value))
      case PARLEY_GUARD_FAILED:
        onEvent(.failed(SystemError("cannot execute it", code: message.value)))
      case PARLEY_GUARD_EXITED:
        processID = nil
        onEvent(.exited(Self.ending(message)))
      default: break
      }
    }
  }

  private static func ending(_ message: parley_guard_message) -> Ending {
    let hasExited = parley_wait_status_exited(message.value) != 0
    return Ending(
      exitCode: hasExited ? Int(parley_wait_status_code(message.value)) : nil,
      signal: Int(parley_wait_status_signal(message.value)),
      dumpedCore: parley_wait_status_core(message.value) != 0,
      userSeconds: Double(message.user_microseconds) / 1e6,
      systemSeconds: Double(message.system_microseconds) / 1e6,
      maximumResidentKiB: Int(message.max_rss_kib))
  }

  /// The guard has ended, and with it everything below it.
  private func finish() {
    isOpen = false
    loop.unwatch(channel)
    close(channel)
    // The guard closes its channel by exiting, so this does not wait for anything but that.
    var status: Int32 = 0
    while waitpid(guardID, &status, 0) < 0, errno == EINTR {}
    onEvent(.gone)
  }
}
