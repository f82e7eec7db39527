import JupyterProtocol
import KernelExecutor
import Logging
import PosixSupport
import ZeroMQ

/// The shell, control or stdin socket: a ROUTER that receives verified messages and sends replies.
@KernelActor
final class RouterChannel {
  /// How many messages one turn of the loop takes from a socket before the others have theirs.
  private static let budget = 64
  /// How often a question is tried whose stdin peer has not connected yet; after the first attempts more seldom.
  private static let retryInterval = Duration.milliseconds(100)
  private static let slowRetryInterval = Duration.seconds(1)
  private static let quickRetries = 100
  /// What one look at everything that has arrived takes at most: a peer may send faster than we read.
  private static let mostPending = 10_000

  let channel: Channel
  private let socket: ZMQSocket
  private let codec: WireCodec
  private let loop: EventLoop
  private let log: Logger
  private let receive: @KernelActor (IncomingMessage) -> Void
  private var driver: SocketDriver?
  /// Messages dropped so far, by no fault of ours.
  private(set) var dropped = 0
  /// Questions that nobody has taken yet.
  private var retrying: Set<String> = []

  init(
    _ channel: Channel, socket: consuming ZMQSocket, codec: WireCodec, loop: EventLoop, log: Logger,
    receive: @escaping @KernelActor (IncomingMessage) -> Void
  ) {
    self.channel = channel
    self.socket = socket
    self.codec = codec
    self.loop = loop
    self.log = log
    self.receive = receive
  }

  /// Starts to receive.
  func start() {
    driver = SocketDriver(loop: loop, descriptor: socket.wakeDescriptor) { [weak self] in
      self?.receivePending() ?? false
    }
  }

  func stop() {
    driver?.stop()
    driver = nil
  }

  /// Takes what has arrived; returns whether there may be more.
  @discardableResult
  func receivePending() -> Bool {
    var taken = 0
    // Asking first makes the library look at its mailbox; without it a level-triggered wait would spin.
    while socket.isReadable, let frames = socket.receive() {
      do {
        receive(try codec.decode(frames, from: channel))
      } catch {
        dropped += 1
        // A line for each doubling: whoever sends junk must not be able to fill the log.
        if dropped & (dropped - 1) == 0 {
          log.warning(
            "dropped a message",
            metadata: ["channel": "\(channel.rawValue)", "reason": "\(error)", "dropped": "\(dropped)"])
        }
      }
      taken += 1
      if taken == Self.budget { return true }
    }
    return false
  }

  /// Takes all that has arrived, within reason.
  func receiveAll() {
    for _ in 0..<(Self.mostPending / Self.budget) where !receivePending() { return }
    // The rest takes its turn.
    driver?.touched()
  }

  /// Sends to the message's parent's sender; returns the new message's id.
  @discardableResult
  func send(_ message: OutgoingMessage) -> String {
    let encoded = codec.encode(message)
    deliver(message.parent.identities.map(Frame.init) + encoded.frames, id: encoded.messageID, attempt: 0)
    return encoded.messageID
  }

  /// Does not try any longer to deliver a question that nobody has taken yet.
  func withdraw(_ messageID: String) {
    retrying.remove(messageID)
  }

  /// A question may come before the client's stdin socket has connected, or while it is away, so an unroutable one is
  /// tried again until it is withdrawn. For replies the peer that asked is there or gone for good.
  private func deliver(_ frames: [Frame], id: String, attempt: Int) {
    let result = socket.send(frames)
    driver?.touched()
    guard case .unroutable = result, channel == .stdin else {
      retrying.remove(id)
      return
    }
    if attempt == Self.quickRetries {
      log.warning("nobody takes a question yet", metadata: ["channel": "\(channel.rawValue)"])
    }
    retrying.insert(id)
    loop.after(attempt < Self.quickRetries ? Self.retryInterval : Self.slowRetryInterval) { [weak self] in
      guard let self, self.retrying.contains(id) else { return }
      self.deliver(frames, id: id, attempt: attempt + 1)
    }
  }
}

/// The heartbeat: whatever comes goes back, frame by frame.
///
/// A ROUTER instead of a REP: a REP that was sent junk waits for a reply it can no longer send.
@KernelActor
final class HeartbeatChannel {
  private let socket: ZMQSocket
  private let loop: EventLoop
  private var driver: SocketDriver?

  init(socket: consuming ZMQSocket, loop: EventLoop) {
    self.socket = socket
    self.loop = loop
  }

  func start() {
    driver = SocketDriver(loop: loop, descriptor: socket.wakeDescriptor) { [weak self] in
      self?.echoPending() ?? false
    }
  }

  func stop() {
    driver?.stop()
    driver = nil
  }

  private func echoPending() -> Bool {
    for _ in 0..<64 {
      guard socket.isReadable, let frames = socket.receive() else { return false }
      _ = socket.send(frames.map(Frame.init))
    }
    return true
  }
}
