/// The list of language folders that `parley install` copied, kept beside them, so that
/// `parley uninstall` removes those and nothing a user has put there.
struct InstalledCopies {
  let directory: String

  private var listFile: String { PathText.join(directory, ".copied-by-parley") }

  func record(_ names: [String]) throws(SpecError) {
    let all = JupyterPaths.unique(recorded + names)
    try FileWriting.write(Array((all.joined(separator: "\n") + "\n").utf8), to: listFile)
  }

  var recorded: [String] {
    guard let bytes = try? Files.read(listFile) else { return [] }
    // A name with a slash would lead out of the folder.
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
      .filter { !$0.contains("/") && $0 != ".." && $0 != "." }
  }

  /// Removes the copies, the list and, when nothing else is left, the folder and the one above it.
  /// Returns whether there were any.
  func remove() throws(SpecError) -> Bool {
    let names = recorded
    guard !names.isEmpty else { return false }
    for name in names { try FileWriting.remove(PathText.join(directory, name)) }
    try FileWriting.remove(listFile)
    if Files.names(in: directory).isEmpty {
      try FileWriting.remove(directory)
      let above = PathText.parent(directory)
      if Files.names(in: above).isEmpty { try FileWriting.remove(above) }
    }
    return true
  }
}
