/// The source of a cell for a kernel that knows nothing of Parley.
enum ForeignSource {
  /// Notebooks of other kernels hold cells that begin with `#!pip install ...`, a command that somebody has taken out by
  /// a `#`. To the router that is a marker with an unknown name, an error; with a space in it, it is the comment it was
  /// meant to be, on its own line.
  static func make(_ source: String, isLanguage: (String) -> Bool) -> String {
    guard source.hasPrefix("#!"), let next = source.dropFirst(2).first, next != "/", !next.isWhitespace else {
      return source
    }
    let name = source.dropFirst(2).prefix { !$0.isWhitespace && $0 != ":" }.lowercased()
    return isLanguage(name) ? source : "# !" + source.dropFirst(2)
  }
}
