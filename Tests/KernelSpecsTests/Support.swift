import Foundation

@testable import KernelSpecs

/// A folder that is gone when the test is over.
final class Scratch: Sendable {
  let path: String

  init() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("parley-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    path = folder.resolvingSymlinksInPath().path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file and the folders above it; returns its path.
  @discardableResult
  func write(_ name: String, _ text: String = "", executable: Bool = false) throws -> String {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: PathText.parent(file), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    if executable {
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
    }
    return file
  }

  func read(_ name: String) throws -> String {
    String(decoding: try Files.read(path + "/" + name), as: UTF8.self)
  }

  /// Surroundings that see only this folder: PATH is `bin`, home is `home`.
  func environment(
    _ variables: [String: String] = [:], invokedAs: String = "/nowhere/bin/parley", executable: String? = nil
  ) -> SpecEnvironment {
    let all = ["PATH": path + "/bin", "TMPDIR": path + "/tmp"].merging(variables) { $1 }
    return SpecEnvironment(
      variables: { all[$0] }, home: path + "/home", invokedAs: invokedAs, executable: executable,
      currentDirectory: path)
  }

  /// A minimal manifest in `folder/bridge.json`.
  func bridge(_ folder: String, language: String, aliases: [String] = [], more: String = "") throws {
    let names = aliases.map { "\"\($0)\"" }.joined(separator: ",")
    try write(
      folder + "/bridge.json",
      """
      {"bridge_protocol": 1, "language": "\(language)", "aliases": [\(names)], \(more)
       "argv": ["{interpreter}", "{resource_dir}/bridge.x"],
       "interpreter": {"env": ["PARLEY_X"], "prefixes": ["VIRTUAL_ENV"], "names": ["xlang3", "xlang"]},
       "install": "apt-get install xlang"}
      """)
  }
}

func failure(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no error"
  } catch {
    return "\(error)"
  }
}
