import Glibc
import KernelExecutor

/// The output of cells that have more than a notebook should hold, in a folder beside it.
///
/// Written at once and by the loop: it holds up a cell that prints faster than the disk takes it, so no memory fills.
@KernelActor
final class OverflowFiles {
  /// The folder; nil when the output is no file, and nothing can be beside it.
  private let folder: String?
  private var descriptors: [String: Int32] = [:]

  init(output: String?) {
    folder = output.map { $0 + ".outputs" }
  }

  deinit {
    for descriptor in descriptors.values { close(descriptor) }
  }

  /// As the marker in the notebook names it.
  var place: String? { folder?.split(separator: "/").last.map(String.init) }

  func keep(_ bytes: [UInt8], name: String, cell: String) {
    guard let folder else { return }
    let path = "\(folder)/\(cell).\(name == "displays" ? "displays.jsonl" : "\(name).txt")"
    if descriptors[path] == nil {
      mkdir(folder, 0o777)
      descriptors[path] = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    }
    guard let descriptor = descriptors[path], descriptor >= 0 else { return }
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        write(descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent)
      }
      // A full disk ends the copy; the notebook says how much it left out.
      guard count > 0 || errno == EINTR else { return }
      sent += max(0, count)
    }
  }
}
