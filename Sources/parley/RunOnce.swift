import Glibc
import KernelExecutor
import Notebook
import NotebookRunner
import Storage

/// Outputs that are written once: `--run-id` gives a run a name, and with it the right to its output.
@KernelActor
enum RunOnce {
  /// The mark of such an output, in `metadata.parley`.
  static let mark = "write_once"
  /// Endings that come from outside: the same run may try again.
  private static let mayRepeat: Set<RunReason> = [
    .cancelled, .startFailed, .storageError, .platformError, .badInput,
  ]

  /// Looks at what is at the output's place.
  /// - Returns: the ended run of that id, which need not run again; nil when the place is free for this run.
  /// - Throws: ``StorageError`` when somebody else's output is there.
  static func finished(_ options: RunCommand, at target: RunPlace) async throws -> Finished? {
    guard target.policy.interval != nil, !options.reports.overwrite else { return nil }
    guard let id = options.reports.runID else {
      // Elsewhere it would be one more request, and a pipe has nothing to look at. Most outputs have no such mark, and
      // need not be parsed to know it.
      guard target.isFile, isRegular(target.uri), let bytes = try? await target.store.read(target.uri),
        bytes.contains(Array(mark.utf8)), record(bytes)?[mark]?.bool == true
      else { return nil }
      throw refusal(target, "it belongs to the run \(record(bytes)?["run_id"]?.string ?? "of another id")")
    }
    guard try await target.store.exists(target.uri) else { return nil }
    let bytes = try await target.store.read(target.uri)
    guard let record = record(bytes), record[mark]?.bool == true else {
      throw refusal(target, "it exists, and no run with an id has written it")
    }
    guard record["run_id"]?.string == id else {
      throw refusal(target, "it belongs to the run \(record["run_id"]?.string ?? "of another id")")
    }
    guard let reason = record["reason"]?.string.flatMap(RunReason.init), !mayRepeat.contains(reason) else {
      return nil
    }
    return Finished(reason: reason, message: record["message"]?.string)
  }

  struct Finished {
    let reason: RunReason
    let message: String?
  }

  private static func isRegular(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  private static func record(_ bytes: [UInt8]) -> NotebookObject? {
    (try? Notebook(reading: bytes))?.metadata["parley"]?.object
  }

  private static func refusal(_ target: RunPlace, _ problem: String) -> StorageError {
    StorageError(
      .conflict, "\(RemoteStores.label(of: target.uri)) is not overwritten: \(problem)",
      remedy: "choose another OUT, or say --overwrite")
  }
}
