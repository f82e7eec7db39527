/// Finds the text that JSON strings hold as it is: no quote, no backslash, no control character.
enum PlainText {
  /// How many bytes from `start` on, in steps of eight, are plain; and whether all of those are ASCII.
  ///
  /// Plain 64-bit arithmetic: `(x - 0x01..01) & ~x & 0x80..80` is not zero exactly when a byte of x is zero, and
  /// exclusive-or makes the byte that is looked for a zero. The vector types of the standard library are compiled to
  /// loops over single bytes here (measured: 24 ns a byte against 0.2).
  static func words(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> (count: Int, isASCII: Bool) {
    guard let base = text.baseAddress else { return (0, true) }
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    let quotes = ones &* 0x22
    let backslashes = ones &* 0x5C
    let spaces = ones &* 0x20
    var seen: UInt64 = 0
    var position = start
    while position + 8 <= text.count {
      let word = UnsafeRawPointer(base + position).loadUnaligned(as: UInt64.self)
      let quote = word ^ quotes
      let backslash = word ^ backslashes
      let special =
        ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | ((word &- spaces) & ~word)
      if special & highs != 0 { break }
      seen |= word
      position += 8
    }
    return (position - start, seen & highs == 0)
  }
}
