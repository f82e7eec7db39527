import CPosix
import Glibc
import Synchronization

/// A named thread that runs jobs one after the other, in the order of submission.
///
/// For whatever would hold the event loop for more than a few milliseconds: files, databases, signing large
/// bodies. May be used from any thread. Jobs still queued at ``stop()`` are run before the thread ends.
public final class WorkerThread: Sendable {
  private let queue: Queue
  private let name: String
  private let started = Mutex(false)

  /// The thread itself starts with the first job, so an unused worker costs nothing.
  public init(name: String) {
    self.name = name
    queue = Queue()
  }

  public func submit(_ job: @escaping @Sendable () -> Void) {
    startOnce()
    queue.put(job)
  }

  /// Runs the job when the delay is over, or before other jobs that come later than that; ``stop(within:)`` runs it
  /// at once. For work that is cheaper in larger portions: the thread is not woken for each.
  public func submit(after delay: Duration, _ job: @escaping @Sendable () -> Void) {
    startOnce()
    queue.put(job, after: delay)
  }

  /// Runs `body` on the worker and waits for it without holding the caller's thread.
  public func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      submit { continuation.resume(with: Result { try body() }) }
    }
  }

  /// Ends the thread after the jobs that are queued; waits for it at most `limit`.
  /// - Returns: whether it has ended within that time.
  @discardableResult
  public func stop(within limit: Duration = .seconds(1)) -> Bool {
    guard started.withLock({ $0 }) else { return true }
    queue.close()
    return queue.waitUntilFinished(limit)
  }

  private func startOnce() {
    let mustStart = started.withLock { started in
      defer { started = true }
      return !started
    }
    guard mustStart else { return }
    let box = Unmanaged.passRetained(Start(queue: queue, name: name))
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let result = pthread_create(&thread, &attributes, { workerMain($0) }, box.toOpaque())
    pthread_attr_destroy(&attributes)
    precondition(result == 0, "cannot start the thread \(name): errno \(result)")
  }

  fileprivate final class Start: Sendable {
    let queue: Queue
    let name: String

    init(queue: Queue, name: String) {
      self.queue = queue
      self.name = name
    }
  }

  /// A queue that blocks its one consumer while it is empty.
  ///
  /// Invariant: `jobs`, `delayed`, `closed` and `finished` are touched only between lock and unlock of `mutex`; the
  /// mutex and the conditions live at stable addresses until deinit.
  fileprivate final class Queue: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let filled = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let ended = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [@Sendable () -> Void] = []
    private var delayed: [(deadline: UInt64, job: @Sendable () -> Void)] = []
    private var closed = false
    private var finished = false

    init() {
      pthread_mutex_init(mutex, nil)
      var attributes = pthread_condattr_t()
      pthread_condattr_init(&attributes)
      pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
      pthread_cond_init(filled, &attributes)
      pthread_condattr_destroy(&attributes)
      pthread_cond_init(ended, nil)
    }

    deinit {
      pthread_cond_destroy(ended)
      pthread_cond_destroy(filled)
      pthread_mutex_destroy(mutex)
      ended.deallocate()
      filled.deallocate()
      mutex.deallocate()
    }

    func put(_ job: @escaping @Sendable () -> Void) {
      pthread_mutex_lock(mutex)
      jobs.append(job)
      pthread_cond_signal(filled)
      pthread_mutex_unlock(mutex)
    }

    func close() {
      pthread_mutex_lock(mutex)
      closed = true
      pthread_cond_signal(filled)
      pthread_mutex_unlock(mutex)
    }

    func put(_ job: @escaping @Sendable () -> Void, after delay: Duration) {
      let (seconds, attoseconds) = delay.components
      let deadline = EventLoop.now() + UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
      pthread_mutex_lock(mutex)
      let isEarliest = delayed.allSatisfy { deadline < $0.deadline }
      delayed.append((deadline, job))
      if isEarliest { pthread_cond_signal(filled) }
      pthread_mutex_unlock(mutex)
    }

    /// All jobs that wait or are due, at least one; nil when closed and empty.
    func takeAll() -> [@Sendable () -> Void]? {
      pthread_mutex_lock(mutex)
      defer { pthread_mutex_unlock(mutex) }
      while true {
        takeDue()
        if !jobs.isEmpty { break }
        if closed { return nil }
        waitForMore()
      }
      defer { jobs.removeAll() }
      return jobs
    }

    private func takeDue() {
      let now = EventLoop.now()
      let due = delayed.filter { closed || $0.deadline <= now }.sorted { $0.deadline < $1.deadline }
      guard !due.isEmpty else { return }
      delayed.removeAll { closed || $0.deadline <= now }
      jobs.append(contentsOf: due.map(\.job))
    }

    private func waitForMore() {
      guard let next = delayed.map(\.deadline).min() else {
        pthread_cond_wait(filled, mutex)
        return
      }
      var deadline = timespec(tv_sec: Int(next / 1_000_000_000), tv_nsec: Int(next % 1_000_000_000))
      pthread_cond_timedwait(filled, mutex, &deadline)
    }

    func finish() {
      pthread_mutex_lock(mutex)
      finished = true
      pthread_cond_broadcast(ended)
      pthread_mutex_unlock(mutex)
    }

    func waitUntilFinished(_ limit: Duration) -> Bool {
      var deadline = timespec()
      clock_gettime(CLOCK_REALTIME, &deadline)
      let (seconds, attoseconds) = limit.components
      let nanoseconds = deadline.tv_nsec + Int(attoseconds / 1_000_000_000)
      deadline.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
      deadline.tv_nsec = nanoseconds % 1_000_000_000
      pthread_mutex_lock(mutex)
      defer { pthread_mutex_unlock(mutex) }
      while !finished {
        if pthread_cond_timedwait(ended, mutex, &deadline) == ETIMEDOUT { return finished }
      }
      return true
    }
  }
}

private func workerMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  let start = Unmanaged<WorkerThread.Start>.fromOpaque(argument).takeRetainedValue()
  // Signals belong to the loop thread, which reads them from a descriptor.
  var all = sigset_t()
  sigfillset(&all)
  pthread_sigmask(SIG_SETMASK, &all, nil)
  parley_name_thread(start.name)
  while let jobs = start.queue.takeAll() {
    for job in jobs { job() }
  }
  start.queue.finish()
  return nil
}
