import BridgeHost
import JupyterProtocol
import KernelCore
import KernelExecutor
import KernelProxy
import KernelSpecs
import Logging
import PosixSupport

/// All languages there are: those with a bridge, and behind them every other installed Jupyter kernel.
@KernelActor
final class InstalledLanguages: LanguageProvider {
  private let catalog: LanguageCatalog
  private let bridges: BridgeLanguages
  private let environment: [String]
  private let loop: EventLoop
  private let log: Logger
  /// Kernelspecs that were asked for, by the name that was asked: every cell asks.
  private var proxied: [String: LanguageDescription] = [:]

  init(environment: [String], loop: EventLoop, log: Logger) {
    catalog = LanguageCatalog()
    bridges = BridgeLanguages(catalog: catalog, environment: environment, loop: loop, log: log)
    self.environment = environment
    self.loop = loop
    self.log = log
  }

  func setPaused(_ paused: Bool) { bridges.setPaused(paused) }

  func language(named name: String) -> LanguageDescription? {
    if let description = proxied[name] { return description }
    guard let language = bridges.language(named: name) else { return nil }
    let description = withProxy(language)
    if language.availability != description.availability { proxied[name] = description }
    return description
  }

  func allLanguages() -> [LanguageDescription] {
    bridges.allLanguages().map(withProxy)
  }

  func makeBackend(
    for language: LanguageDescription, instance: String, output: any BackendOutput
  ) throws(ErrorContent) -> any LanguageBackend {
    guard let entry = kernelSpec(language.name), let spec = entry.kernelSpec else {
      return try bridges.makeBackend(for: language, instance: instance, output: output)
    }
    // A folder of its own in Jupyter's runtime folder, or in a private temporary one.
    let runtime = (try? JupyterPaths().makeRuntimeDirectory()) ?? "/tmp"
    return ProxyBackend(
      description: language, spec: spec, directory: entry.directory, environment: environment,
      runtimeFolder: runtime, output: output, loop: loop, log: log)
  }

  private func kernelSpec(_ name: String) -> LanguageEntry? {
    catalog.entry(named: name).flatMap { $0.kernelSpec == nil ? nil : $0 }
  }

  /// What a bridge's manifest says of itself, said for a kernelspec.
  private func withProxy(_ language: LanguageDescription) -> LanguageDescription {
    // What has a bridge that works needs no look at its files.
    guard language.availability != .installed, let entry = kernelSpec(language.name),
      let spec = entry.kernelSpec
    else { return language }
    var description = language
    description.availability = .installed
    description.origin = "kernelspec \(entry.directory)"
    description.capabilities = ["complete", "inspect", "is_complete", "comm"]
    if spec.metadata["debugger"] == .bool(true) { description.capabilities.insert("debug") }
    let info: JSONValue = [
      "name": .string(spec.language.lowercased()), "version": "", "mimetype": "text/plain",
      "file_extension": ".txt",
    ]
    description.languageInfo = info.encoded
    description.banner = entry.displayName
    description.ownsCellMagics = spec.language.lowercased() == "python"
    return description
  }
}
