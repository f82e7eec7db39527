import Glibc
import KernelExecutor
import KernelSpecs
import NotebookRunner
import Storage

/// Where a notebook comes from or goes to, and the store that knows the place.
@KernelActor
struct RunPlace {
  /// As the store takes it: absolute for a file, since the run may change the folder.
  let uri: String
  let store: any NotebookStore
  /// A file, which gets a lock and a journal beside it.
  let isFile: Bool
  /// How a run saves there.
  let policy: RunSaver.Policy

  /// - Throws: ``SpecError`` for an address that no store knows.
  static func find(_ text: String, files: LocalStore, remotes: RemoteStores) throws(SpecError) -> RunPlace {
    if let scheme = RemoteStores.scheme(of: text) {
      guard let store = remotes.store(for: text) else {
        throw SpecError(
          .usage, "no notebook can be read from or written to \(scheme):// addresses",
          remedy: "name a file, -, or an address with http://, https:// or s3://")
      }
      var policy = RunSaver.Policy(interval: .seconds(30))
      policy.isConditional = true
      return RunPlace(uri: text, store: store, isFile: false, policy: policy)
    }
    if LocalStore.isStream(text) {
      return RunPlace(uri: text, store: files, isFile: false, policy: .init(interval: nil))
    }
    return RunPlace(uri: absolute(text), store: files, isFile: true, policy: .init(interval: .seconds(5)))
  }

  /// Notebooks that are neither files nor streams.
  var remote: (any RemoteStore)? { store as? any RemoteStore }

  /// Binds the first save to what is there now, unless it is bound already: of two runs that begin at once, and
  /// have no lock between them, one is refused.
  func boundPolicy() async throws -> RunSaver.Policy {
    guard let remote, policy.first == .none else { return policy }
    var bound = policy
    bound.first = try await remote.version(of: uri).map { .matches($0) } ?? .absent
    return bound
  }

  private static func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path }
    defer { free(folder) }
    return "\(String(cString: folder))/\(path)"
  }
}
