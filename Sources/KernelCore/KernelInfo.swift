import JupyterProtocol
import KernelExecutor

/// What the kernel says of itself.
public struct KernelIdentity: Sendable {
  public var implementation: String
  public var version: String

  public init(implementation: String = "parley", version: String) {
    self.implementation = implementation
    self.version = version
  }
}

/// Builds `kernel_info_reply` from memory, at any time.
///
/// Source: messaging specification, "Kernel info"; `supported_features` from JEP 92.
@KernelActor
struct KernelInfo {
  let identity: KernelIdentity
  let languages: LanguageTable

  /// - Parameter executionState: `busy` while a cell runs, so that a client that reconnects learns it
  ///   (enhancement proposal 132).
  func content(executionState: String) -> [UInt8] {
    // A running backend knows more than its manifest: the version of the interpreter that was found.
    let running = languages.existing(languages.defaultName)?.description
    let description = running ?? languages.defaultDescription
    var features: [JSONValue] = ["kernel subshells"]
    let hasDebugger = description?.capabilities.contains("debug") ?? false
    if hasDebugger { features.append("debugger") }
    var writer = JSONWriter(reserving: 1024)
    writer.object { writer in
      writer.member("status", "ok")
      writer.member("protocol_version", ProtocolVersion.messaging)
      writer.member("implementation", identity.implementation)
      writer.member("implementation_version", identity.version)
      writer.member("language_info", raw: description?.languageInfo ?? JSONText.emptyObject)
      writer.member("banner", banner(description))
      writer.member(
        "help_links",
        [
          [
            "text": "Jupyter messaging",
            "url": "https://jupyter-client.readthedocs.io/en/stable/messaging.html",
          ]
        ])
      writer.member("debugger", hasDebugger)
      writer.member("supported_features", .array(features))
      writer.member("execution_state", executionState)
    }
    return writer.bytes
  }

  private func banner(_ description: LanguageDescription?) -> String {
    let first = "Parley \(identity.version): one notebook, every language. `#!help` tells how."
    guard let text = description?.banner, !text.isEmpty else { return first }
    return "\(first)\n\(text)"
  }
}
