import Foundation

/// The sources of the package as text, found from where this file was compiled.
struct SourceTree {
  struct File {
    let target: String
    /// Relative to the package.
    let path: String
    let lines: [String]
  }

  /// One import of a file.
  struct Import: Equatable {
    let target: String
    let module: String
    /// `path:line`, for the message.
    let place: String
  }

  let root: URL

  init(test: String = #filePath) {
    root = URL(filePath: test).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
  }

  /// The folders under Sources, which are the targets.
  func targets() throws -> [String] {
    let folder = root.appending(path: "Sources")
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { name in
      var isDirectory: ObjCBool = false
      return FileManager.default.fileExists(
        atPath: folder.appending(path: name).path, isDirectory: &isDirectory)
        && isDirectory.boolValue
    }.sorted()
  }

  /// Every Swift file under Sources.
  func files() throws -> [File] {
    try targets().flatMap { target -> [File] in
      let folder = root.appending(path: "Sources/\(target)")
      let names = FileManager.default.enumerator(atPath: folder.path)?.allObjects as? [String] ?? []
      return try names.filter { $0.hasSuffix(".swift") }.sorted().map { name in
        let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        return File(
          target: target, path: "Sources/\(target)/\(name)",
          lines: text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
      }
    }
  }

  /// Every import of every file, also those inside `#if`.
  func imports() throws -> [Import] {
    try files().flatMap { file in
      file.lines.enumerated().compactMap { number, line in
        Self.module(importedBy: line).map {
          Import(target: file.target, module: $0, place: "\(file.path):\(number + 1)")
        }
      }
    }
  }

  /// The module an import line names: attributes, access levels, kinds and submodules set aside.
  static func module(importedBy line: String) -> String? {
    var words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    let levels: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
    while let first = words.first, first.hasPrefix("@") || levels.contains(first) { words.removeFirst() }
    guard words.first == "import", words.count > 1 else { return nil }
    let kinds: Set<String> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
    let name = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
    return name.split(separator: ".").first.map(String.init)
  }
}
