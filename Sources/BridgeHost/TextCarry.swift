/// Makes valid UTF-8 of what a program prints, whatever the borders of reads and the bytes.
///
/// A character that a read has cut is kept until its rest comes; bytes that can never become one are
/// replaced by U+FFFD.
struct TextCarry {
  private var kept: [UInt8] = []

  /// The text that is complete with these bytes.
  mutating func take(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var joined = kept
    joined.append(contentsOf: bytes)
    let cut = joined.count - Self.unfinishedTail(joined)
    kept = Array(joined[cut...])
    joined.removeSubrange(cut...)
    return Self.repaired(joined)
  }

  /// What is left when nothing more comes.
  mutating func finish() -> [UInt8] {
    defer { kept = [] }
    return Self.repaired(kept)
  }

  /// How many of the last bytes begin a character without ending it.
  private static func unfinishedTail(_ bytes: [UInt8]) -> Int {
    for back in 1...3 where back <= bytes.count {
      let byte = bytes[bytes.count - back]
      if byte < 0x80 { return 0 }
      guard byte >= 0xC0 else { continue }
      let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
      return back < length ? back : 0
    }
    return 0
  }

  private static func repaired(_ bytes: [UInt8]) -> [UInt8] {
    if String(validating: bytes, as: UTF8.self) != nil { return bytes }
    return Array(String(decoding: bytes, as: UTF8.self).utf8)
  }
}
