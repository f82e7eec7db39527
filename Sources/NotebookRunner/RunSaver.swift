import KernelCore
import KernelExecutor
import Notebook
import PosixSupport

/// Saves a run: the notebook before the first cell, a journal line for each cell, a snapshot now and then, and the
/// notebook at the end.
///
/// The cost is linear in the outputs: a snapshot is written only when something has changed, and never so often that
/// saving takes more than a twentieth of the time.
@KernelActor
public final class RunSaver: RunObserver {
  public struct Policy: Sendable {
    /// The least time between two snapshots; nil when only the end is written.
    public var interval: Duration?
    /// What must be true of the output when the run begins.
    public var first = WritePrecondition.none
    /// Whether later saves must find the version of the one before: for places without a lock of ours.
    public var isConditional = false

    public init(interval: Duration?) {
      self.interval = interval
    }
  }

  private let store: any NotebookStore
  private let uri: String
  private let policy: Policy
  private let scheduler: any Scheduler
  private let worker: WorkerThread
  private weak var run: NotebookRun?
  private var journal: Journal?
  private var lock: OutputLock?
  private var tag: String?
  private var changed: Set<Int> = []
  private var cancelTimer: (@KernelActor () -> Void)?
  private var isSaving = false
  /// Somebody else has written the output: it is not ours any more.
  private var isLost = false
  private var saveWaiters: [CheckedContinuation<Void, Never>] = []
  private var pause: Duration
  /// Told what went wrong with a save that is not the last one; the run goes on.
  public var onProblem: @KernelActor (any Error) -> Void = { _ in }

  public init(
    _ store: any NotebookStore, uri: String, policy: Policy, scheduler: any Scheduler, worker: WorkerThread
  ) {
    self.store = store
    self.uri = uri
    self.policy = policy
    self.scheduler = scheduler
    self.worker = worker
    pause = policy.interval ?? .zero
  }

  /// Takes the output for this run and writes the notebook as it is before its first cell.
  /// - Parameter isLocal: whether it is a file, which gets a lock and a journal beside it.
  public func begin(_ run: NotebookRun, isLocal: Bool) async throws {
    self.run = run
    guard policy.interval != nil else { return }
    let (uri, id, worker) = (uri, run.record.runID, worker)
    if isLocal { lock = try await worker.run { try OutputLock(output: uri, runID: id) } }
    do {
      tag = try await store.write(try await encoded(run.snapshot()), to: uri, policy.first)
      if isLocal { journal = try await worker.run { try Journal(output: uri, runID: id, worker: worker) } }
    } catch {
      lock?.release()
      lock = nil
      throw error
    }
  }

  /// Writes the last word. The journal goes only when that has worked.
  public func finish() async throws {
    cancelTimer?()
    cancelTimer = nil
    await waitUntilSaved()
    guard let run else { return }
    defer {
      lock?.release()
      lock = nil
    }
    changed = []
    try await write(run.snapshot())
    if let journal {
      try await worker.run { journal.remove() }
      self.journal = nil
    }
  }

  /// A snapshot now, in the background.
  public func saveSoon() {
    guard policy.interval != nil, !isLost else { return }
    cancelTimer?()
    cancelTimer = nil
    KernelActor.start { await self.save() }
  }

  // MARK: - RunObserver

  public func cellStarted(_ cell: Int, of run: NotebookRun) {
    journal?.started(cell)
  }

  public func changed(_ cell: Int, of run: NotebookRun) {
    changed.insert(cell)
    plan()
  }

  public func cellEnded(_ cell: Int, of run: NotebookRun) {
    changed.insert(cell)
    if let journal {
      for index in changed { journal.record(run.cell(index), at: index) }
      if let problem = journal.takeProblem() { onProblem(problem) }
      changed = []
    }
    plan()
  }

  // MARK: - Snapshots

  private func plan() {
    guard policy.interval != nil, cancelTimer == nil, !isLost else { return }
    cancelTimer = scheduler.after(pause) { [weak self] in
      guard let self else { return }
      self.cancelTimer = nil
      KernelActor.start { await self.save() }
    }
  }

  private func save() async {
    guard let run else { return }
    guard !isSaving else {
      // What has changed since that save began must not wait for the next change.
      plan()
      return
    }
    isSaving = true
    do {
      try await write(run.snapshot())
    } catch {
      isLost = (error as? StorageError)?.kind == .conflict
      onProblem(error)
    }
    isSaving = false
    let waiters = saveWaiters
    saveWaiters = []
    for waiter in waiters { waiter.resume() }
  }

  private func waitUntilSaved() async {
    if isSaving { await withCheckedContinuation { saveWaiters.append($0) } }
  }

  private func write(_ notebook: Notebook) async throws {
    let begun = EventLoop.now()
    var precondition = WritePrecondition.none
    if policy.isConditional, let tag { precondition = .matches(tag) }
    tag = try await store.write(try await encoded(notebook), to: uri, precondition)
    let took = Duration.nanoseconds(Int64(EventLoop.now() - begun))
    pause = max(policy.interval ?? .zero, took * 20)
  }

  private func encoded(_ notebook: Notebook) async throws -> [UInt8] {
    try await worker.run { notebook.encoded }
  }
}
