import Glibc
import KernelExecutor
import NotebookRunner
import Storage

/// The notebook of a run whose place elsewhere does not take it: a file here, which replaces none.
@KernelActor
enum KeptNotebook {
  /// - Returns: the file: in the present folder, or in the one for temporary files.
  static func write(_ run: NotebookRun, of uri: String, files: LocalStore) async throws -> String {
    let bytes = run.snapshot().encoded
    let name = name(of: uri, run.record.runID)
    var folders = [getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"]
    if let present = getcwd(nil, 0) {
      folders.insert(String(cString: present), at: 0)
      free(present)
    }
    var problem: any Error = StorageError(.failed, "there is no folder")
    for folder in folders {
      do {
        _ = try await files.write(bytes, to: "\(folder)/\(name)", .absent)
        return "\(folder)/\(name)"
      } catch {
        problem = error
      }
    }
    throw problem
  }

  private static func name(of uri: String, _ runID: String) -> String {
    var stem = RemoteStores.label(of: uri).split(separator: "/").last.map(String.init) ?? ""
    if stem.hasSuffix(".ipynb") { stem.removeLast(6) }
    let isPlain = { (character: Character) in character != "/" && character != "\0" && !character.isNewline }
    return "\(stem.prefix(60)).\(runID.filter(isPlain).prefix(60)).ipynb"
  }
}
