extension Array where Element == UInt8 {
  /// The bytes of a text: tests are written in texts, the kernel works on bytes.
  public init(text: String) {
    self = Array(text.utf8)
  }

  public var text: String { String(decoding: self, as: UTF8.self) }
}

/// The same random numbers in every run, so that a failure can be repeated: SplitMix64.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) {
    state = seed
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  public mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
  }

  /// Bytes that come closer to what a parser expects: pieces of a good text and of its alphabet, cut and doubled.
  public mutating func mutation(of seed: [UInt8], alphabet: [UInt8]) -> [UInt8] {
    var bytes = seed
    for _ in 0...Int.random(in: 0...4, using: &self) {
      let at = Int.random(in: 0...bytes.count, using: &self)
      switch Int.random(in: 0...3, using: &self) {
      case 0: bytes.insert(alphabet.randomElement(using: &self) ?? 0, at: at)
      case 1: bytes.removeSubrange(at..<Swift.min(bytes.count, at + Int.random(in: 0...8, using: &self)))
      case 2 where at < bytes.count: bytes[at] = UInt8.random(in: .min ... .max, using: &self)
      default: bytes.insert(contentsOf: bytes[at..<Swift.min(bytes.count, at + 8)], at: at)
      }
    }
    return bytes
  }
}
