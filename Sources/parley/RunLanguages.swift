import JupyterProtocol
import KernelCore
import KernelExecutor
import KernelProxy
import KernelSpecs
import Logging
import PosixSupport

/// The languages of a run: all installed ones, and in front of them the kernel that the notebook names, which may have
/// the name of one of Parley's own languages.
@KernelActor
final class RunLanguages: LanguageProvider {
  private let others: InstalledLanguages
  private let kernel: RunKernel
  private let environment: [String]
  private let loop: EventLoop
  private let log: Logger
  /// The notebook's kernel, when it is not one of Parley's.
  private let foreign: LanguageDescription?

  init(_ kernel: RunKernel, environment: [String], loop: EventLoop, log: Logger) {
    others = InstalledLanguages(environment: environment, loop: loop, log: log)
    self.kernel = kernel
    self.environment = environment
    self.loop = loop
    self.log = log
    foreign = kernel.foreign.map { spec, directory in
      // What the kernel says of itself takes the place of this once it runs.
      LanguageDescription(
        name: kernel.language, displayName: spec.displayName, origin: "kernelspec \(directory)",
        languageInfo: JSONText.emptyObject, banner: spec.displayName,
        capabilities: ["complete", "inspect", "is_complete", "comm"],
        ownsCellMagics: spec.language.lowercased() == "python")
    }
  }

  func setPaused(_ paused: Bool) { others.setPaused(paused) }

  func language(named name: String) -> LanguageDescription? {
    name == kernel.language ? foreign ?? others.language(named: name) : others.language(named: name)
  }

  func allLanguages() -> [LanguageDescription] {
    guard let foreign else { return others.allLanguages() }
    return [foreign] + others.allLanguages().filter { $0.name != foreign.name }
  }

  func makeBackend(
    for language: LanguageDescription, instance: String, output: any BackendOutput
  ) throws(ErrorContent) -> any LanguageBackend {
    guard let own = kernel.foreign, language.name == kernel.language else {
      return try others.makeBackend(for: language, instance: instance, output: output)
    }
    let runtime = (try? JupyterPaths().makeRuntimeDirectory()) ?? "/tmp"
    return ProxyBackend(
      description: language, spec: own.spec, directory: own.directory, environment: environment,
      runtimeFolder: runtime, output: output, loop: loop, log: log)
  }
}
