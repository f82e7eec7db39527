import JupyterProtocol
import KernelExecutor

/// Answers what comes on control: at once, whatever the languages do.
///
/// Statuses are published only for interrupt, shutdown and debug requests; the others would make front ends
/// show an idle kernel while a cell runs. Source: messaging specification, "Control"; docs/architecture.md.
@KernelActor
final class ControlService {
  static let withStatus: Set<String> = ["interrupt_request", "shutdown_request", "debug_request"]

  private let languages: LanguageTable
  private let cells: CellService
  private let system: any SystemInformation
  private let debugger: DebugState

  init(
    languages: LanguageTable, cells: CellService, system: any SystemInformation, debugger: DebugState
  ) {
    self.debugger = debugger
    self.languages = languages
    self.cells = cells
    self.system = system
  }

  func usage() async -> [UInt8] {
    let usage = await system.usage(ofTree: languages.all.flatMap(\.processIDs))
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("status", "ok")
      writer.member("hostname", usage.hostname)
      writer.member("pid", usage.processID)
      writer.member("kernel_cpu", .double(usage.kernelCPU))
      writer.member("kernel_memory", usage.kernelMemory)
      writer.member("cpu_count", usage.processorCount)
      if let hostCPU = usage.hostCPU { writer.member("host_cpu_percent", .double(hostCPU)) }
      writer.member(
        "host_virtual_memory",
        [
          "total": .integer(usage.memoryTotal), "available": .integer(usage.memoryAvailable),
          "used": .integer(usage.memoryTotal - usage.memoryAvailable),
          "percent": .double(
            usage.memoryTotal == 0
              ? 0 : Double(usage.memoryTotal - usage.memoryAvailable) * 100 / Double(usage.memoryTotal)),
        ])
    }
    return writer.bytes
  }

  func interrupt() -> [UInt8] {
    cells.interrupt()
    return Array(#"{"status":"ok"}"#.utf8)
  }

  /// Whether a debug request is answered without the language, which may be standing at a breakpoint.
  func isDebugInfo(_ content: [UInt8]) -> Bool {
    JSONScanner.parse(content)?["command"]?.string == "debugInfo"
  }

  func debug(_ content: [UInt8]) async -> [UInt8] {
    let request = JSONScanner.parse(content) ?? .null
    let backend = languages.existing(languages.defaultName)
    if request["command"]?.string == "debugInfo", let constants = backend?.description.debugger {
      return debugger.information(request, constants: constants)
    }
    if let backend, backend.isRunning, let reply = await backend.debug(content) {
      debugger.answered(request, reply, by: backend)
      return reply
    }
    let name = languages.defaultName
    let hasDebugger = languages.defaultDescription?.capabilities.contains("debug") ?? false
    let reason = hasDebugger ? "is not running; run a cell first" : "has no debugger"
    return debugger.refusal(request, ErrorContent(name: "NotSupported", value: "\(name) \(reason)"))
  }
}
