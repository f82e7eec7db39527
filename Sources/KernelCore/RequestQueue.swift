import JupyterProtocol
import KernelExecutor

/// Handles the messages of one subshell, or of control, strictly one after the other.
///
/// One exception, for the user's comfort: what ``Overtaking`` names and has waited a moment behind what runs is
/// handled beside it, with a busy and idle of its own.
/// Source: messaging specification, "Subshells"; docs/architecture.md, "Queues".
@KernelActor
final class RequestQueue {
  /// A message that waits or runs.
  @KernelActor
  final class Entry {
    let message: IncomingMessage
    /// An earlier cell has failed and this one must not run.
    var isAborted = false

    init(_ message: IncomingMessage) {
      self.message = message
    }

    var isExecute: Bool { message.header.messageType == "execute_request" }
  }

  /// Long enough for a short cell to end, short enough that completion with jedi (about 110 ms) is there within
  /// 200 ms. Record: docs/adr/0005.
  private static let patience = Duration.milliseconds(30)

  /// What need not wait, and for what.
  struct Overtaking {
    var types: Set<String>
    var onlyExecutes: Bool

    /// On shell, questions that do not change state overtake a running cell.
    static let questions = Overtaking(
      types: [
        "kernel_info_request", "comm_info_request", "complete_request", "inspect_request",
        "is_complete_request", "history_request", "connect_request",
      ], onlyExecutes: true)
    /// On control, which is answered in order, an interrupt does not wait for a slow completion before it.
    static let orders = Overtaking(types: ["interrupt_request", "shutdown_request"], onlyExecutes: false)
  }

  private let scheduler: any Scheduler
  private let overtakers: Overtaking
  private let handle: @KernelActor (Entry) async -> Void
  private var waiting: [Entry] = []
  private var running: Entry?
  private var isDraining = false
  /// Requests that overtake just now.
  private var overtaking = 0
  private var idleWaiters: [CheckedContinuation<Void, Never>] = []

  init(
    scheduler: any Scheduler, overtaking overtakers: Overtaking = .questions,
    handle: @escaping @KernelActor (Entry) async -> Void
  ) {
    self.scheduler = scheduler
    self.overtakers = overtakers
    self.handle = handle
  }

  var isIdle: Bool { !isDraining && overtaking == 0 }

  /// Returns when everything has been answered.
  func waitUntilIdle() async {
    if isIdle { return }
    await withCheckedContinuation { idleWaiters.append($0) }
  }

  /// Whether an execute request is running.
  var isExecuting: Bool { running?.isExecute ?? false }

  func enqueue(_ message: IncomingMessage) {
    let entry = Entry(message)
    waiting.append(entry)
    guard isDraining else {
      isDraining = true
      KernelActor.start { await self.drain() }
      return
    }
    if overtakers.types.contains(message.header.messageType) {
      scheduler.after(Self.patience) { [weak self] in self?.overtake(entry) }
    }
  }

  /// Marks every execute request that waits now: it will be answered without running.
  func abortWaitingExecutes() {
    for entry in waiting where entry.isExecute { entry.isAborted = true }
  }

  private func drain() async {
    while !waiting.isEmpty {
      let entry = waiting.removeFirst()
      running = entry
      await handle(entry)
      running = nil
    }
    isDraining = false
    tellIdle()
  }

  private func tellIdle() {
    guard isIdle else { return }
    let waiters = idleWaiters
    idleWaiters = []
    for waiter in waiters { waiter.resume() }
  }

  private func overtake(_ entry: Entry) {
    guard let index = waiting.firstIndex(where: { $0 === entry }) else { return }
    guard isExecuting || !overtakers.onlyExecutes else {
      // Something short runs right now; a long cell may be next.
      scheduler.after(Self.patience) { [weak self] in self?.overtake(entry) }
      return
    }
    waiting.remove(at: index)
    overtaking += 1
    KernelActor.start {
      await self.handle(entry)
      self.overtaking -= 1
      self.tellIdle()
    }
  }
}
