/// Arithmetic on path texts; touches no file.
enum PathText {
  static func join(_ base: String, _ more: String...) -> String {
    more.reduce(base) { path, part in
      if path.isEmpty { return part }
      return path.hasSuffix("/") ? path + part : path + "/" + part
    }
  }

  /// The folder a path lies in: `/a` for `/a/b`, `/` for `/a`, `.` for `a`.
  static func parent(_ path: String) -> String {
    let parts = path.split(separator: "/", omittingEmptySubsequences: true)
    let root = path.hasPrefix("/")
    guard parts.count > 1 else { return root ? "/" : "." }
    return (root ? "/" : "") + parts.dropLast().joined(separator: "/")
  }

  static func lastComponent(_ path: String) -> String {
    path.split(separator: "/", omittingEmptySubsequences: true).last.map(String.init) ?? path
  }

  /// The path with `.` and empty parts removed, made absolute against `directory`.
  ///
  /// `..` stays: behind a symbolic link it does not mean the folder that the text suggests.
  static func absolute(_ path: String, in directory: String) -> String {
    let full = path.hasPrefix("/") ? path : join(directory, path)
    let parts = full.split(separator: "/", omittingEmptySubsequences: true).filter { $0 != "." }
    return "/" + parts.joined(separator: "/")
  }

  /// The non-empty parts of a search list such as PATH.
  static func list(_ text: String?) -> [String] {
    (text ?? "").split(separator: ":", omittingEmptySubsequences: true).map(String.init)
  }
}
