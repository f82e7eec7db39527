import CSQLBridge
import Glibc

/// The interrupt of the request that runs.
enum Interrupts {
  static func catchThem() {
    let code = sqlbridge_catch_interrupts()
    guard code == 0 else { fatalError("SIGINT cannot be caught: \(String(cString: strerror(code)))") }
  }

  static var isPending: Bool { sqlbridge_interrupted() != 0 }

  /// An interrupt from before a request is not meant for it.
  static func forget() { sqlbridge_forget_interrupt() }

  /// Waits until a descriptor is ready, for `limit` milliseconds at most (-1: for ever).
  /// - Returns: false when the time is over.
  static func wait(
    for descriptor: Int32, events: Int32, limit: Int32 = -1, noticing: Bool = true
  ) throws(SQLFailure) -> Bool {
    var watched = [
      pollfd(fd: descriptor, events: Int16(events), revents: 0),
      pollfd(fd: noticing ? sqlbridge_interrupt_descriptor() : -1, events: Int16(POLLIN), revents: 0),
    ]
    while true {
      let count = poll(&watched, 2, limit)
      if noticing, isPending { throw .interrupted }
      if count > 0 { return true }
      if count == 0 { return false }
      guard errno == EINTR else { throw SQLFailure("poll: \(String(cString: strerror(errno)))") }
    }
  }
}
