import JupyterProtocol
import ZeroMQ

/// What an iopub message is worth when a subscriber is behind.
enum OutputClass: Equatable {
  /// Status, input, results, displays, errors, comms: never dropped.
  case state
  /// Printed text: dropped when a subscriber is far behind, and then counted in a visible note.
  case stream

  init(_ messageType: String) {
    self = messageType == "stream" ? .stream : .state
  }
}

/// One signed iopub message, shared by all subscribers it is for.
struct QueuedOutput {
  let topic: [UInt8]
  let frames: [Frame]
  let size: Int
  let outputClass: OutputClass
  let parent: Parent
}

/// One subscription of one peer, with the messages it has not taken yet.
///
/// The publisher gives each subscription a private topic, so that the library's own flow control works per
/// subscriber: see ``IOPubChannel``.
struct Subscriber {
  /// What the peer subscribed to.
  let topic: [UInt8]
  /// The private topic: the peer's own one, so that its filter passes it, and a tag that no other has.
  let privateTopic: [UInt8]
  /// The descriptor of its connection.
  let connection: Int32
  var queue: [QueuedOutput] = []
  var head = 0
  var queuedBytes = 0
  /// Bytes of stream text that were not queued since the last note.
  var elidedBytes = 0
  var elidedParent = Parent.none
  /// When the queue last became shorter, on the loop's clock.
  var lastProgress: UInt64 = 0
  /// The peer may be gone: the next message must tell.
  var isSuspect = false
  /// The peer is gone or was cut off.
  var isGone = false

  init(topic: [UInt8], connection: Int32, number: Int, now: UInt64) {
    self.connection = connection
    self.topic = topic
    privateTopic = topic + Array("\u{1}\(number)\u{2}".utf8)
    lastProgress = now
  }

  var isEmpty: Bool { head == queue.count }

  /// Whether the peer's subscription covers a message of that conventional topic.
  func wants(_ messageTopic: [UInt8]) -> Bool { messageTopic.starts(with: topic) }

  mutating func append(_ output: QueuedOutput, now: UInt64) {
    // A queue that was empty has just begun to lag; it is not standing still yet.
    if isEmpty { lastProgress = now }
    queue.append(output)
    queuedBytes += output.size
  }

  mutating func removeFirst(now: UInt64) {
    queuedBytes -= queue[head].size
    head += 1
    lastProgress = now
    if head == queue.count {
      queue.removeAll(keepingCapacity: head < 1024)
      head = 0
    } else if head > 1024, head * 2 > queue.count {
      queue.removeFirst(head)
      head = 0
    }
  }
}
