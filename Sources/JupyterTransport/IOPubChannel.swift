import JupyterProtocol
import KernelExecutor
import Logging
import PosixSupport
import ZeroMQ

/// The iopub socket: an XPUB that loses nothing by accident.
///
/// A plain publisher drops messages per slow subscriber, silently, status and results included; one that
/// must not drop is held up by its slowest subscriber. So each subscription is registered (manual mode) under
/// a private topic, and each message is sent once per subscriber to that topic. The library then tells of
/// one subscriber alone that its queue is full, and what it cannot take waits here: in a queue per subscriber,
/// bounded in bytes, where stream text is the only thing that may be elided, visibly. A subscriber that stands
/// still with a full queue of state is cut off. Record: docs/adr/0003.
/// Source: messaging specification, "Messages on the IOPub (ROUTER/SUB) channel" and iopub_welcome (JEP 65).
@KernelActor
final class IOPubChannel {
  struct Limits {
    /// Messages the library holds for a subscriber before we do.
    var messagesInLibrary = 32
    /// Beyond this, stream text for the subscriber is elided.
    var streamBytes = 64 << 20
    /// Beyond this the subscriber is cut off.
    var totalBytes = 1 << 30
    /// Above this for the fastest subscriber, the bridges are asked to pause.
    var congestionBytes = 4 << 20
    /// A subscriber that has taken nothing for so long does not hold up the bridges.
    var stallNanoseconds: UInt64 = 300_000_000
    /// Output kept for the first subscriber while there is none.
    var backlogBytes = 16 << 20
    /// Subscriptions to everything, and to something narrower, of all peers and of one: whoever asks for ten
    /// thousand topics must not keep the others out.
    var generalSubscriptions = 4096
    var subscriptionsOfPeer = 64
    /// After so much output free memory is given back, in the next quiet moment.
    var tidyBytes = 8 << 20
    var narrowSubscriptions = 256
  }

  private let socket: ZMQSocket
  private let codec: WireCodec
  private let loop: EventLoop
  private let log: Logger
  private let limits: Limits
  private var driver: SocketDriver?
  private var subscribers: [Subscriber] = []
  private var nextNumber = 1
  private var ignoredSubscriptions = 0
  /// Unsubscriptions whose peer is not known yet, by topic.
  private var departures: [[UInt8]: Int] = [:]
  /// Peers of a topic that are not served any more, cut off or refused: the library tells when they leave, too.
  private var strangers: [[UInt8]: Int] = [:]
  /// Output from before the first subscription; nil once there was one.
  private var backlog: [QueuedOutput]? = []
  private var backlogBytes = 0
  private var elidedBacklog = 0
  private var stallTimer: EventLoop.TimerID?
  private var retryTimer: EventLoop.TimerID?
  private var flushWaiters: [CheckedContinuation<Void, Never>] = []
  private var untidyBytes = 0
  private var tidyTimer: EventLoop.TimerID?
  /// Whether the bridges should pause.
  private(set) var isCongested = false
  /// Told when ``isCongested`` changes.
  var onCongestionChange: @KernelActor (Bool) -> Void = { _ in }

  init(
    socket: consuming ZMQSocket, codec: WireCodec, loop: EventLoop, log: Logger, limits: Limits = Limits()
  ) {
    self.socket = socket
    self.codec = codec
    self.loop = loop
    self.log = log
    self.limits = limits
  }

  /// Sets what must be set before the socket is bound.
  static func configure(_ socket: borrowing ZMQSocket, limits: Limits = Limits()) throws(ZMQError) {
    try socket.set(.xpubVerbose, 1)
    try socket.set(.xpubManual, 1)
    try socket.set(.xpubNoDrop, 1)
    try socket.set(.sendHighWaterMark, limits.messagesInLibrary)
    // A peer sends nothing but subscriptions.
    try socket.set(.maximumMessageSize, 64 << 10)
  }

  func start() {
    driver = SocketDriver(loop: loop, descriptor: socket.wakeDescriptor) { [weak self] in
      guard let self else { return false }
      let more = self.receiveSubscriptions()
      // The descriptor also fires when a subscriber's queue in the library has room again.
      self.flushAll()
      return more
    }
  }

  func stop() {
    driver?.stop()
    driver = nil
    loop.cancel(stallTimer)
    loop.cancel(retryTimer)
    loop.cancel(tidyTimer)
  }

  /// Returns when the library has everything for everybody, or when the limit is over.
  func flush(within limit: Duration) async {
    if isFlushed { return }
    loop.after(limit) { [weak self] in self?.finishFlush() }
    await withCheckedContinuation { flushWaiters.append($0) }
  }

  /// Whether the library has everything for everybody.
  var isFlushed: Bool { subscribers.allSatisfy { $0.isEmpty && $0.elidedBytes == 0 } }

  private func finishFlush() {
    let waiters = flushWaiters
    flushWaiters = []
    for waiter in waiters { waiter.resume() }
  }

  // MARK: - Publishing

  func publish(_ message: OutgoingMessage) {
    let encoded = codec.encode(message)
    let output = QueuedOutput(
      topic: Self.topic(of: message), frames: encoded.frames, size: encoded.size,
      outputClass: OutputClass(message.messageType), parent: message.parent)
    tidyLater(output.size)
    guard backlog == nil else {
      keepForFirstSubscriber(output)
      return
    }
    for index in subscribers.indices where subscribers[index].wants(output.topic) {
      enqueue(output, at: index)
    }
    removeGone()
    updateCongestion()
    retryLater()
  }

  /// `kernel.<type>`: a convention that some clients filter by.
  private static func topic(of message: OutgoingMessage) -> [UInt8] {
    Array("kernel.\(message.messageType)".utf8)
  }

  /// Gives memory back when much has been published and nothing more for half a second.
  private func tidyLater(_ size: Int) {
    untidyBytes += size
    guard untidyBytes > limits.tidyBytes else { return }
    loop.cancel(tidyTimer)
    tidyTimer = loop.after(.milliseconds(500)) { [weak self] in
      self?.untidyBytes = 0
      ProcessMemory.returnFreePages()
    }
  }

  private func keepForFirstSubscriber(_ output: QueuedOutput) {
    backlogBytes += output.size
    backlog?.append(output)
    guard backlogBytes > limits.backlogBytes, let kept = backlog else { return }
    // Half of it goes at once, so that this is not done for each message: the oldest text and displays. Status,
    // input, results and errors stay; they are small or what the client has asked for.
    var remaining: [QueuedOutput] = []
    for entry in kept {
      let mayGo = entry.outputClass == .stream || entry.topic == Array("kernel.display_data".utf8)
      if mayGo, backlogBytes > limits.backlogBytes / 2 {
        backlogBytes -= entry.size
        elidedBacklog += entry.size
      } else {
        remaining.append(entry)
      }
    }
    backlog = remaining
  }

  /// Sends to one subscriber, or queues behind what waits.
  private func enqueue(_ output: QueuedOutput, at index: Int) {
    if subscribers[index].isEmpty, subscribers[index].elidedBytes == 0 {
      guard case .wouldBlock = send(output, to: index) else { return }
    }
    let isFull = subscribers[index].queuedBytes + output.size > limits.streamBytes
    if output.outputClass == .stream, isFull {
      subscribers[index].elidedBytes += output.size
      subscribers[index].elidedParent = output.parent
      return
    }
    if subscribers[index].queuedBytes + output.size > limits.totalBytes {
      cutOff(index)
      return
    }
    noteElision(at: index)
    subscribers[index].append(output, now: EventLoop.now())
  }

  /// Puts the note about elided text where the text would have been.
  private func noteElision(at index: Int) {
    let bytes = subscribers[index].elidedBytes
    guard bytes > 0 else { return }
    var content = JSONWriter()
    content.object { writer in
      writer.member("name", "stderr")
      writer.member("text", "\n[\(bytes) bytes of output were elided: this client was too far behind]\n")
    }
    let message = OutgoingMessage(
      "stream", parent: subscribers[index].elidedParent, content: content.bytes)
    let encoded = codec.encode(message)
    subscribers[index].append(
      QueuedOutput(
        topic: Self.topic(of: message), frames: encoded.frames, size: encoded.size, outputClass: .state,
        parent: message.parent), now: EventLoop.now())
    subscribers[index].elidedBytes = 0
  }

  private func send(_ output: QueuedOutput, to index: Int) -> ZMQSocket.SendResult {
    let frames = [Frame(subscribers[index].privateTopic + output.topic)] + output.frames
    guard subscribers[index].isSuspect else {
      let result = socket.send(frames)
      // What was not taken must not bring the loop back at once: it would spin while a subscriber is slow.
      if case .sent = result { driver?.touched() }
      return result
    }
    let result = socket.sendExpectingPeer(frames)
    if case .sent = result { driver?.touched() }
    switch result {
    case .sent: subscribers[index].isSuspect = false
    case .unroutable: subscribers[index].isGone = true
    case .wouldBlock: break
    }
    return result
  }

  // MARK: - Slow subscribers

  private func flushAll() {
    for index in subscribers.indices where !subscribers[index].isEmpty || subscribers[index].elidedBytes > 0 {
      flush(index)
    }
    removeGone()
    updateCongestion()
    if !flushWaiters.isEmpty, isFlushed { finishFlush() }
    retryLater()
  }

  /// A send to one subscriber may take in the library's word that another has room again, and then the descriptor
  /// does not tell. So whoever waits is tried again after a moment, too.
  private func retryLater() {
    guard retryTimer == nil, !isFlushed else { return }
    retryTimer = loop.after(.milliseconds(50)) { [weak self] in
      self?.retryTimer = nil
      self?.flushAll()
    }
  }

  private func flush(_ index: Int) {
    while !subscribers[index].isGone {
      if subscribers[index].isEmpty {
        guard subscribers[index].elidedBytes > 0 else { return }
        noteElision(at: index)
      }
      switch send(subscribers[index].queue[subscribers[index].head], to: index) {
      case .sent: subscribers[index].removeFirst(now: EventLoop.now())
      case .wouldBlock, .unroutable: return
      }
    }
  }

  private func cutOff(_ index: Int) {
    log.error(
      "a subscriber stood still and was cut off",
      metadata: ["queued_bytes": "\(subscribers[index].queuedBytes)"])
    subscribers[index].isGone = true
    strangers[subscribers[index].topic, default: 0] += 1
  }

  private func updateCongestion() {
    let now = EventLoop.now()
    let fastest = subscribers.filter { now &- $0.lastProgress < limits.stallNanoseconds || $0.isEmpty }
      .map(\.queuedBytes).min()
    let congested = (fastest ?? 0) > limits.congestionBytes
    if congested, stallTimer == nil {
      // Progress comes by the socket; the timer finds out that there is none.
      stallTimer = loop.after(.milliseconds(100)) { [weak self] in
        self?.stallTimer = nil
        self?.updateCongestion()
      }
    }
    guard congested != isCongested else { return }
    isCongested = congested
    onCongestionChange(congested)
  }

  // MARK: - Subscriptions

  private func receiveSubscriptions() -> Bool {
    for _ in 0..<64 {
      guard socket.isReadable, let (frames, connection) = socket.receiveWithPeer() else { return false }
      // Byte 1 and a topic subscribes, byte 0 unsubscribes; anything else is no business of ours.
      guard frames.count == 1, let kind = frames[0].first else { continue }
      let topic = Array(frames[0].dropFirst())
      switch kind {
      case 1: subscribe(topic, connection: connection)
      case 0: unsubscribe(topic)
      default: log.warning("ignored a message on iopub", metadata: ["bytes": "\(frames[0].count)"])
      }
    }
    return true
  }

  private func subscribe(_ topic: [UInt8], connection: Int32) {
    let alike = subscribers.count { $0.topic.isEmpty == topic.isEmpty }
    let limit = topic.isEmpty ? limits.generalSubscriptions : limits.narrowSubscriptions
    // A suspect may be a peer that is gone and had the same descriptor.
    let ofPeer = connection < 0 ? 0 : subscribers.count { $0.connection == connection && !$0.isSuspect }
    guard String(validating: topic, as: UTF8.self) != nil, alike < limit, ofPeer < limits.subscriptionsOfPeer
    else {
      ignoredSubscriptions += 1
      if topic.isEmpty { strangers[topic, default: 0] += 1 }
      // One line for each doubling: a peer must not be able to fill the log.
      if ignoredSubscriptions & (ignoredSubscriptions - 1) == 0 {
        log.warning(
          "ignored subscriptions", metadata: ["bytes": "\(topic.count)", "so_far": "\(ignoredSubscriptions)"])
      }
      return
    }
    let subscriber = Subscriber(
      topic: topic, connection: connection, number: nextNumber, now: EventLoop.now())
    nextNumber += 1
    // In manual mode this registers the topic for the peer whose subscription was read last.
    guard (try? socket.set(.subscribe, subscriber.privateTopic)) != nil else { return }
    subscribers.append(subscriber)
    var content = JSONWriter()
    content.object { $0.member("subscription", String(decoding: topic, as: UTF8.self)) }
    let welcome = codec.encode(
      OutgoingMessage("iopub_welcome", parent: .none, content: content.bytes))
    let index = subscribers.count - 1
    enqueue(
      QueuedOutput(
        topic: [], frames: welcome.frames, size: welcome.size, outputClass: .state, parent: .none),
      at: index)
    if elidedBacklog > 0 {
      subscribers[index].elidedBytes = elidedBacklog
      subscribers[index].elidedParent = backlog?.last?.parent ?? .none
      elidedBacklog = 0
    }
    for output in backlog ?? [] where subscriber.wants(output.topic) {
      enqueue(output, at: index)
    }
    backlog = nil
    flushAll()
  }

  /// A peer has unsubscribed or is gone; in the second case the library does not say which.
  ///
  /// When all that share the topic have left they are forgotten at once. Otherwise each has to prove with the
  /// next message that it is still there.
  private func unsubscribe(_ topic: [UInt8]) {
    let departed = departures[topic, default: 0] + 1
    let sharing = subscribers.indices.filter { subscribers[$0].topic == topic }
    for index in sharing {
      // Takes effect only for the peer that sent this, if it is still there.
      try? socket.set(.unsubscribe, subscribers[index].privateTopic)
      subscribers[index].isSuspect = true
    }
    if departed >= sharing.count + strangers[topic, default: 0] {
      departures[topic] = nil
      strangers[topic] = nil
      subscribers.removeAll { $0.topic == topic }
    } else {
      departures[topic] = departed
    }
  }

  private func removeGone() {
    for subscriber in subscribers where subscriber.isGone {
      guard let departed = departures[subscriber.topic] else { continue }
      departures[subscriber.topic] = departed > 1 ? departed - 1 : nil
    }
    subscribers.removeAll { $0.isGone }
  }
}
