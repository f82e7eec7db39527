import CPosix
import Glibc
import KernelExecutor
import Synchronization

/// One thread that waits for descriptors, timers and jobs, and is the executor of ``KernelActor``.
///
/// Whatever calls ``run()`` becomes the loop thread. Jobs may be enqueued from any thread; everything else
/// is isolated to `KernelActor` and so happens on the loop thread. Descriptors are watched level-triggered.
/// Sockets of a library with edges of its own (ZeroMQ) take part by a *check*: it is asked before each wait
/// whether it has work left.
public final class EventLoop: SerialExecutor, TaskExecutor {
  /// When a ready descriptor is served, relative to others that are ready in the same turn.
  public enum Priority: Int, Sendable, Comparable {
    case socket
    case process
    case bridge

    public static func < (left: Priority, right: Priority) -> Bool { left.rawValue < right.rawValue }
  }

  /// What became of a descriptor that was waited for.
  public struct Readiness: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    // The bits are those of CPosix's PARLEY_READABLE and its neighbours.

    public static let readable = Readiness(rawValue: 1)
    public static let writable = Readiness(rawValue: 2)
    /// Readable, and the other end is gone or the descriptor is broken: read it to learn which.
    public static let hangUp = Readiness(rawValue: 4)
  }

  public struct TimerID: Hashable, Sendable {
    fileprivate let number: UInt64
  }

  private struct Source {
    var fd: Int32
    var priority: Priority
    var readable: Bool
    var writable: Bool
    var handler: @KernelActor (Readiness) -> Void
  }

  private struct Timer {
    var deadline: UInt64
    var body: @KernelActor () -> Void
  }

  private struct Inbox {
    var jobs: [UnownedJob] = []
    var wakePending = false
  }

  private let epoll: Int32
  private let wakeDescriptor: Int32
  private let inbox = Mutex(Inbox())
  private let threadID = Atomic<UInt>(0)

  @KernelActor private var sources: [UInt64: Source] = [:]
  @KernelActor private var tokens: [Int32: UInt64] = [:]
  @KernelActor private var timers: [UInt64: Timer] = [:]
  @KernelActor private var checks: [(id: UInt64, body: @KernelActor () -> Bool)] = []
  @KernelActor private var nextToken: UInt64 = 1
  @KernelActor private var stopped = false
  /// What must live as long as the loop runs.
  @KernelActor private var kept: [AnyObject] = []

  /// - Throws: ``SystemError`` when the descriptors cannot be made.
  public init() throws(SystemError) {
    epoll = parley_epoll_create()
    wakeDescriptor = parley_eventfd()
    guard epoll >= 0, wakeDescriptor >= 0, parley_epoll_add(epoll, wakeDescriptor, 1, 0, 0) == 0 else {
      throw SystemError("cannot create the event loop")
    }
  }

  // MARK: - Executor

  public func enqueue(_ job: UnownedJob) {
    let onLoop = isCurrentThread
    let wake = inbox.withLock { inbox in
      inbox.jobs.append(job)
      guard !onLoop, !inbox.wakePending else { return false }
      inbox.wakePending = true
      return true
    }
    if wake { wakeUp() }
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    enqueue(UnownedJob(job))
  }

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }

  public func checkIsolated() {
    precondition(isCurrentThread, "this code must run on the event loop's thread")
  }

  public func isIsolatingCurrentContext() -> Bool? {
    isCurrentThread
  }

  private var isCurrentThread: Bool {
    threadID.load(ordering: .relaxed) == UInt(pthread_self())
  }

  private func wakeUp() {
    var one: UInt64 = 1
    // A full counter means a wake-up is pending already, so a failed write loses nothing.
    _ = write(wakeDescriptor, &one, MemoryLayout<UInt64>.size)
  }

  // MARK: - Running

  /// Claims the calling thread as the loop's. Isolated code may run on it from here on.
  public func claimThread() {
    threadID.store(UInt(pthread_self()), ordering: .relaxed)
  }

  /// Runs until ``stop()``. Call from the thread that claimed the loop.
  public func run() {
    checkIsolated()
    var stop = false
    while !stop {
      stop = turn()
    }
  }

  /// Makes ``run()`` return after the current turn.
  @KernelActor
  public func stop() {
    stopped = true
  }

  /// One turn: jobs, checks, wait, ready descriptors in order of priority, timers that are due.
  private func turn() -> Bool {
    runJobs()
    var (timeout, finished) = KernelActor.assumeIsolated { (prepareWait(), stopped) }
    if hasJobs, !finished {
      // Most checks take a message, whose handling is a job: no need to ask the system in between.
      runJobs()
      (timeout, finished) = KernelActor.assumeIsolated { (prepareWait(), stopped) }
    }
    if finished { return true }
    var events = [parley_event](repeating: parley_event(), count: 64)
    let count = parley_epoll_wait(epoll, &events, Int32(events.count), timeout)
    guard count >= 0 else { preconditionFailure("epoll_wait failed: errno \(errno)") }
    KernelActor.assumeIsolated {
      dispatch(events[0..<Int(count)])
      fireTimers()
    }
    return false
  }

  private func runJobs() {
    while true {
      let jobs = inbox.withLock { inbox in
        let jobs = inbox.jobs
        inbox.jobs.removeAll(keepingCapacity: true)
        return jobs
      }
      if jobs.isEmpty { return }
      for job in jobs {
        job.runSynchronously(
          isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
      }
    }
  }

  private var hasJobs: Bool { inbox.withLock { !$0.jobs.isEmpty } }

  @KernelActor
  private func prepareWait() -> Int64 {
    var moreWork = false
    for check in checks where check.body() { moreWork = true }
    if moreWork || hasJobs || stopped { return 0 }
    guard let next = timers.values.min(by: { $0.deadline < $1.deadline }) else { return -1 }
    let now = Self.now()
    return next.deadline > now ? Int64(next.deadline - now) : 0
  }

  @KernelActor
  private func dispatch(_ events: ArraySlice<parley_event>) {
    var ready: [(token: UInt64, priority: Priority, readiness: Readiness)] = []
    for event in events {
      if event.token == 0 {
        var counter: UInt64 = 0
        // In this order: a job that comes between the two is in the inbox, which is looked at before the next wait.
        // The other way round its wake-up would be read here and yet count as pending for ever.
        _ = read(wakeDescriptor, &counter, MemoryLayout<UInt64>.size)
        inbox.withLock { $0.wakePending = false }
        continue
      }
      guard let source = sources[event.token] else { continue }
      let readiness = Readiness(rawValue: Int(event.events))
      ready.append((event.token, source.priority, readiness))
    }
    if ready.count > 1 { ready.sort { $0.priority < $1.priority } }
    for entry in ready {
      // An earlier handler of this turn may have removed it.
      sources[entry.token]?.handler(entry.readiness)
    }
  }

  // MARK: - Descriptors

  /// Watches a descriptor. The handler is called each turn in which it is ready, until ``unwatch(_:)``.
  @KernelActor
  public func watch(
    _ fd: Int32, priority: Priority, readable: Bool = true, writable: Bool = false,
    handler: @escaping @KernelActor (Readiness) -> Void
  ) {
    precondition(tokens[fd] == nil, "descriptor \(fd) is watched already")
    let token = nextToken
    nextToken += 1
    sources[token] = Source(
      fd: fd, priority: priority, readable: readable, writable: writable, handler: handler)
    tokens[fd] = token
    let result = parley_epoll_add(epoll, fd, readable ? 1 : 0, writable ? 1 : 0, token)
    precondition(result == 0, "cannot watch descriptor \(fd): errno \(errno)")
  }

  /// Changes what is waited for; with neither, the descriptor rests (only a hang-up is told).
  @KernelActor
  public func update(_ fd: Int32, readable: Bool, writable: Bool) {
    guard let token = tokens[fd], var source = sources[token],
      source.readable != readable || source.writable != writable
    else { return }
    source.readable = readable
    source.writable = writable
    sources[token] = source
    _ = parley_epoll_modify(epoll, fd, readable ? 1 : 0, writable ? 1 : 0, token)
  }

  @KernelActor
  public func unwatch(_ fd: Int32) {
    guard let token = tokens.removeValue(forKey: fd) else { return }
    sources[token] = nil
    _ = parley_epoll_remove(epoll, fd)
  }

  /// Adds a check: called once a turn before the wait; returns whether it wants another turn at once.
  /// - Returns: what ``removeCheck(_:)`` takes.
  @KernelActor
  public func addCheck(_ check: @escaping @KernelActor () -> Bool) -> UInt64 {
    defer { nextToken += 1 }
    checks.append((nextToken, check))
    return nextToken
  }

  @KernelActor
  public func removeCheck(_ id: UInt64) {
    checks.removeAll { $0.id == id }
  }

  /// Holds an object as long as the loop runs: the program that its sources belong to.
  @KernelActor
  public func keepAlive(_ object: AnyObject) {
    kept.append(object)
  }

  /// Lets go of everything: call after ``run()``, so that what is closed by its deinit is closed.
  @KernelActor
  public func releaseAll() {
    checks = []
    sources = [:]
    tokens = [:]
    timers = [:]
    kept = []
  }

  // MARK: - Timers

  /// Nanoseconds of the monotonic clock.
  public static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Calls `body` once on the loop after the delay, unless cancelled.
  @KernelActor
  @discardableResult
  public func after(_ delay: Duration, _ body: @escaping @KernelActor () -> Void) -> TimerID {
    let id = nextToken
    nextToken += 1
    let (seconds, attoseconds) = delay.components
    let nanoseconds = UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds) / 1_000_000_000)
    timers[id] = Timer(deadline: Self.now() + nanoseconds, body: body)
    return TimerID(number: id)
  }

  @KernelActor
  public func cancel(_ timer: TimerID?) {
    guard let timer else { return }
    timers[timer.number] = nil
  }

  @KernelActor
  private func fireTimers() {
    guard !timers.isEmpty else { return }
    let now = Self.now()
    let due = timers.filter { $0.value.deadline <= now }.sorted { $0.value.deadline < $1.value.deadline }
    for (id, _) in due {
      // An earlier timer of this turn may have cancelled it.
      timers.removeValue(forKey: id)?.body()
    }
  }
}
