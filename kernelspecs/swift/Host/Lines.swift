extension StringProtocol {
  /// The lines of a cell as the compiler counts them. In Swift "\r\n" is a character of its own.
  var lines: [SubSequence] {
    split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
  }
}
