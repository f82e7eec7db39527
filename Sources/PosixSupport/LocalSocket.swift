import CPosix

/// Socket files.
public enum LocalSocket {
  /// Whether somebody accepts connections at the path. A file that a killed process has left does not count.
  public static func isListening(_ path: String) -> Bool { parley_is_listening(path) == 1 }
}
