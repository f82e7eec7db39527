/// Remembers the latest signatures, so that a recorded message cannot be played again.
///
/// The reference implementation remembers 65,536; so do we, as 16 bytes each.
struct ReplayGuard {
  private struct Mark: Hashable {
    var high: UInt64
    var low: UInt64
  }

  private static let capacity = 65_536
  private var known: Set<Mark> = []
  private var order: [Mark] = []
  private var oldest = 0

  /// Whether the signature is new; it counts as seen from now on.
  mutating func admit(_ signature: [UInt8]) -> Bool {
    let mark = Self.mark(of: signature)
    guard known.insert(mark).inserted else { return false }
    if order.count < Self.capacity {
      order.append(mark)
    } else {
      known.remove(order[oldest])
      order[oldest] = mark
      oldest = (oldest + 1) % Self.capacity
    }
    return true
  }

  /// The first 128 bits of the digest, read from its hexadecimal text.
  private static func mark(of signature: [UInt8]) -> Mark {
    var halves: (UInt64, UInt64) = (0, 0)
    for (index, digit) in signature.prefix(32).enumerated() {
      let value = UInt64(digit & 0x0F) &+ (digit > 0x39 ? 9 : 0)
      if index < 16 { halves.0 = halves.0 << 4 | value } else { halves.1 = halves.1 << 4 | value }
    }
    return Mark(high: halves.0, low: halves.1)
  }
}
