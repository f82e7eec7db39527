/// Text cut into lines as Python's `str.splitlines(True)` cuts it, which is how nbformat stores it.
enum TextLines {
  static func split(_ text: String) -> [NotebookValue] {
    var lines: [NotebookValue] = []
    var text = text
    text.withUTF8 { utf8 in
      var start = 0
      var index = 0
      while index < utf8.count {
        let length = breakLength(utf8, index)
        guard length > 0 else {
          index += 1
          continue
        }
        index += length
        lines.append(.string(String(decoding: utf8[start..<index], as: UTF8.self)))
        start = index
      }
      if start < utf8.count { lines.append(.string(String(decoding: utf8[start...], as: UTF8.self))) }
    }
    return lines
  }

  /// How many bytes the line break at `index` has; 0 when there is none.
  /// Source: CPython, `str.splitlines`: \n, \r, \r\n, \v, \f, \x1c to \x1e, U+0085, U+2028, U+2029.
  private static func breakLength(_ utf8: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int {
    func byte(_ offset: Int) -> UInt8 { index + offset < utf8.count ? utf8[index + offset] : 0 }
    switch utf8[index] {
    case 0x0D: return byte(1) == 0x0A ? 2 : 1
    case 0x0A...0x0C, 0x1C...0x1E: return 1
    case 0xC2: return byte(1) == 0x85 ? 2 : 0
    case 0xE2: return byte(1) == 0x80 && (byte(2) == 0xA8 || byte(2) == 0xA9) ? 3 : 0
    default: return 0
    }
  }
}
