import JupyterProtocol
import KernelExecutor

/// Which comms are open, and which language has each of them.
///
/// Source: messaging specification, "Custom Messages".
@KernelActor
final class CommTable {
  private struct Comm {
    let targetName: String
    weak var owner: (any LanguageBackend)?
  }

  private var comms: [String: Comm] = [:]
  private struct Target {
    weak var owner: (any LanguageBackend)?
  }
  private var targets: [String: Target] = [:]

  func open(_ id: String, target: String, owner: any LanguageBackend) {
    comms[id] = Comm(targetName: target, owner: owner)
  }

  func close(_ id: String) {
    comms[id] = nil
  }

  /// Forgets what a language had that has ended; returns the ids, which its front ends must be told of.
  func removeAll(of backend: any LanguageBackend) -> [String] {
    let ids = comms.filter { $0.value.owner === backend }.map(\.key)
    for id in ids { comms[id] = nil }
    targets = targets.filter { $0.value.owner !== backend }
    return ids
  }

  func registerTarget(_ name: String, owner: any LanguageBackend) {
    targets[name] = Target(owner: owner)
  }

  func owner(ofComm id: String) -> (any LanguageBackend)? { comms[id]?.owner }

  func owner(ofTarget name: String) -> (any LanguageBackend)? { targets[name]?.owner }

  /// The content of a `comm_info_reply`, of one target or of all.
  func info(target: String?) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("status", "ok")
      writer.name("comms")
      writer.object { writer in
        for (id, comm) in comms where target == nil || comm.targetName == target {
          writer.member(id, .object([.init("target_name", .string(comm.targetName))]))
        }
      }
    }
    return writer.bytes
  }
}
