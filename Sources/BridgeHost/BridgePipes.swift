import CPosix
import Glibc
import KernelExecutor
import PosixSupport

/// Our ends of a bridge's pipes: writes requests, reads events and what is printed, in the protocol's order.
///
/// docs/bridge-protocol.md, section 6: 1 and 2 are emptied before a frame is taken from 4.
@KernelActor
final class BridgePipes {
  @KernelActor
  protocol Receiver: AnyObject {
    func received(_ frame: BridgeFrame)
    func printed(_ name: String, _ text: [UInt8])
    func violated(_ text: String)
    func mustAcknowledge(_ sequence: Int)
    /// Descriptor 4 is at its end: no reply can come any more.
    func eventsEnded()
  }

  private static let chunk = 256 << 10
  /// How large a pipe is made where the system allows it: fewer turns for large output.
  private static let pipeSize: Int32 = 1 << 20

  private struct Capture {
    let name: String
    var descriptor: Int32
    var carry = TextCarry()
  }

  private struct Outlet {
    var descriptor: Int32
    var pending: [UInt8] = []
    var sent = 0
  }

  private let loop: EventLoop
  private weak var receiver: (any Receiver)?
  private var requests: Outlet
  private var lane: Outlet
  private var events: Int32
  private var captures: [Capture]
  private var reader = FrameReader()
  private var isPaused = false
  private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: BridgePipes.chunk, alignment: 16)

  /// The descriptors for the child, from 0 on; ours are kept here.
  struct ChildEnds {
    let descriptors: [Int32]

    func close() {
      for fd in descriptors where fd >= 0 { Glibc.close(fd) }
    }
  }

  /// Makes the pipes.
  /// - Parameter hasLane: whether descriptor 5 exists.
  static func open(hasLane: Bool, loop: EventLoop) throws(SystemError) -> (BridgePipes, ChildEnds) {
    var made: [(read: Int32, write: Int32)] = []
    do {
      for _ in 0..<(hasLane ? 5 : 4) { made.append(try Self.pipe()) }
    } catch {
      for pipe in made {
        close(pipe.read)
        close(pipe.write)
      }
      throw error
    }
    let (output, error, request, event) = (made[0], made[1], made[2], made[3])
    let second = hasLane ? made[4] : nil
    var child = [-1, output.write, error.write, request.read, event.write]
    if let second { child.append(second.read) }
    for fd in [output.read, error.read, event.read] { _ = parley_pipe_grow(fd, Self.pipeSize) }
    let pipes = BridgePipes(
      loop: loop, requests: request.write, lane: second?.write, events: event.read, output: output.read,
      error: error.read)
    return (pipes, ChildEnds(descriptors: child))
  }

  private static func pipe() throws(SystemError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    guard parley_pipe(&ends) == 0 else { throw SystemError("cannot make a pipe") }
    return (ends[0], ends[1])
  }

  private init(loop: EventLoop, requests: Int32, lane: Int32?, events: Int32, output: Int32, error: Int32) {
    self.loop = loop
    self.requests = Outlet(descriptor: requests)
    self.lane = Outlet(descriptor: lane ?? -1)
    self.events = events
    captures = [Capture(name: "stdout", descriptor: output), Capture(name: "stderr", descriptor: error)]
    for fd in [requests, lane ?? -1, events, output, error] where fd >= 0 { _ = parley_set_nonblocking(fd) }
  }

  isolated deinit {
    scratch.deallocate()
  }

  /// Starts to read.
  func start(_ receiver: any Receiver) {
    self.receiver = receiver
    loop.watch(events, priority: .bridge) { [weak self] _ in self?.readEvents() }
    for index in captures.indices {
      loop.watch(captures[index].descriptor, priority: .bridge) { [weak self] _ in
        self?.readCapture(index, limit: Self.chunk)
      }
    }
  }

  /// Stops or resumes reading; the child then blocks when its pipes are full, as in a terminal.
  func setPaused(_ paused: Bool) {
    guard paused != isPaused else { return }
    isPaused = paused
    for fd in [events] + captures.map(\.descriptor) where fd >= 0 {
      loop.update(fd, readable: !paused, writable: false)
    }
  }

  /// Reads everything that is left and closes all descriptors. For after the last process is gone.
  func finish() {
    isPaused = false
    // Bounded: when the guard itself was killed, orphans may live and print for ever.
    var rounds = 256
    while events >= 0, rounds > 0, readEvents() { rounds -= 1 }
    drainCaptures()
    finishCarries()
    closeEvents()
    for index in captures.indices { closeCapture(index) }
    closeOutlet(&requests)
    closeOutlet(&lane)
  }

  // MARK: - Writing

  /// Sends bytes on descriptor 3, or on the second lane.
  func send(_ bytes: [UInt8], onLane: Bool = false) {
    write(bytes, to: onLane ? \.lane : \.requests)
  }

  /// Ends descriptor 3, which asks the bridge to exit.
  func closeRequests() {
    closeOutlet(&requests)
  }

  private func write(_ bytes: [UInt8], to path: ReferenceWritableKeyPath<BridgePipes, Outlet>) {
    guard self[keyPath: path].descriptor >= 0 else { return }
    let wasWaiting = !self[keyPath: path].pending.isEmpty
    self[keyPath: path].pending.append(contentsOf: bytes)
    if wasWaiting { return }
    if !flush(path) {
      loop.watch(self[keyPath: path].descriptor, priority: .bridge, readable: false, writable: true) {
        [weak self] _ in
        guard let self, self.flush(path) else { return }
        self.loop.unwatch(self[keyPath: path].descriptor)
      }
    }
  }

  /// Writes what the pipe takes; whether that was everything (or the bridge is gone).
  private func flush(_ path: ReferenceWritableKeyPath<BridgePipes, Outlet>) -> Bool {
    let descriptor = self[keyPath: path].descriptor
    while self[keyPath: path].sent < self[keyPath: path].pending.count {
      let sent = self[keyPath: path].sent
      let count = self[keyPath: path].pending.withUnsafeBytes { buffer in
        Glibc.write(descriptor, buffer.baseAddress?.advanced(by: sent), buffer.count - sent)
      }
      if count > 0 {
        self[keyPath: path].sent += count
      } else if errno == EAGAIN {
        return false
      } else if errno != EINTR {
        // The bridge has ended; its ending is told by the process.
        closeOutlet(&self[keyPath: path])
        return true
      }
    }
    self[keyPath: path].pending.removeAll()
    self[keyPath: path].sent = 0
    return true
  }

  private func closeOutlet(_ outlet: inout Outlet) {
    guard outlet.descriptor >= 0 else { return }
    loop.unwatch(outlet.descriptor)
    close(outlet.descriptor)
    outlet.descriptor = -1
    outlet.pending = []
  }

  // MARK: - Reading

  /// Reads a chunk of events; false when there is none.
  @discardableResult
  private func readEvents() -> Bool {
    guard events >= 0 else { return false }
    let count = read(events, scratch.baseAddress, scratch.count)
    guard count > 0 else {
      if count == 0 || (errno != EAGAIN && errno != EINTR) {
        closeEvents()
        receiver?.eventsEnded()
      }
      return count < 0 && errno == EINTR
    }
    do {
      let frames = try reader.take(UnsafeRawBufferPointer(rebasing: scratch[..<count]))
      guard !frames.isEmpty else { return true }
      drainCaptures()
      for frame in frames {
        // Half a character at the end of a cell gets no other half.
        if frame.messageType == "execute_reply" { finishCarries() }
        receiver?.received(frame)
        if let sequence = frame.acknowledgement { receiver?.mustAcknowledge(sequence) }
      }
    } catch {
      receiver?.violated(error.text)
      closeEvents()
    }
    return true
  }

  /// Takes what was printed before now. A program that prints on and on is not followed for ever: one pipe's
  /// worth was there at most.
  func drainCaptures() {
    for index in captures.indices {
      var taken = 0
      while taken < Int(Self.pipeSize), readCapture(index, limit: Self.chunk) { taken += Self.chunk }
    }
  }

  private func finishCarries() {
    for index in captures.indices { deliver(captures[index].carry.finish(), from: index) }
  }

  @discardableResult
  private func readCapture(_ index: Int, limit: Int) -> Bool {
    let descriptor = captures[index].descriptor
    guard descriptor >= 0 else { return false }
    let count = read(descriptor, scratch.baseAddress, min(limit, scratch.count))
    guard count > 0 else {
      if count == 0 || (errno != EAGAIN && errno != EINTR) { closeCapture(index) }
      return count < 0 && errno == EINTR
    }
    deliver(captures[index].carry.take(UnsafeRawBufferPointer(rebasing: scratch[..<count])), from: index)
    return true
  }

  private func deliver(_ text: [UInt8], from index: Int) {
    guard !text.isEmpty else { return }
    receiver?.printed(captures[index].name, text)
  }

  private func closeEvents() {
    guard events >= 0 else { return }
    loop.unwatch(events)
    close(events)
    events = -1
  }

  private func closeCapture(_ index: Int) {
    guard captures[index].descriptor >= 0 else { return }
    loop.unwatch(captures[index].descriptor)
    close(captures[index].descriptor)
    captures[index].descriptor = -1
  }
}
