/// Printed text as a terminal would leave it: what a carriage return or a backspace takes back is gone.
///
/// The rules are those of nbclient's `coalesce_streams`, a character at a time, so that it makes no difference where a
/// message ends: text up to a carriage return goes when more text follows on that line, and stays when the line ends.
struct StreamText: Sendable, Equatable {
  private(set) var bytes: [UInt8] = []
  /// Where the last line begins.
  private var lineStart = 0
  /// The last character is a carriage return whose line has not gone on.
  private var returns = false

  mutating func append(_ text: some Sequence<UInt8>) {
    for byte in text {
      switch byte {
      case UInt8(ascii: "\n"):
        bytes.append(byte)
        lineStart = bytes.count
        returns = false
      case 0x08 where returns: break
      case 0x08: takeBack()
      default:
        if returns { bytes.removeSubrange(lineStart...) }
        bytes.append(byte)
        returns = byte == UInt8(ascii: "\r")
      }
    }
  }

  /// Removes the last character of the line, all bytes of it.
  private mutating func takeBack() {
    while bytes.count > lineStart {
      let byte = bytes.removeLast()
      if byte & 0xC0 != 0x80 { break }
    }
  }
}
