import KernelSpecs
import Notebook

/// Which kernel runs a notebook: one of Parley's languages, or an installed kernel of somebody else.
///
/// A notebook that names a kernel which is installed gets that kernel, through the proxy, so its outputs are the
/// kernel's own. One that names a kernel which is not there gets Parley's language of the same name, with a notice.
struct RunKernel {
  /// The kernel's name, for the record.
  var name: String
  /// The language of cells without a marker.
  var language: String
  /// The kernelspec, when it is not one of Parley's.
  var foreign: (spec: KernelSpecFile, directory: String)?
  /// Variables that a kernelspec of Parley's sets.
  var variables: [BridgeManifest.Variable] = []
  /// What the user should know of the choice.
  var notice: String?
  /// The kernelspec that the output should name, when it was chosen on the command line.
  var kernelSpec: NotebookValue?

  /// - Parameters:
  ///   - kernel: what `--kernel` says.
  ///   - language: what `--language` says.
  static func choose(
    for notebook: Notebook, kernel: String?, language: String?, catalog: LanguageCatalog = LanguageCatalog(),
    environment: SpecEnvironment = .current()
  ) throws(SpecError) -> RunKernel {
    let chooser = Chooser(notebook: notebook, catalog: catalog, environment: environment)
    if let kernel { return try chooser.named(kernel, language: language) }
    if let language { return try chooser.language(language) }
    return try chooser.ofNotebook()
  }
}

private struct Chooser {
  let notebook: Notebook
  let catalog: LanguageCatalog
  let environment: SpecEnvironment

  private var specName: String? { notebook.metadata["kernelspec"]?["name"]?.string }
  private var ownLanguage: String? {
    (notebook.metadata["kernelspec"]?["language"] ?? notebook.metadata["language_info"]?["name"])?.string
  }

  // MARK: - From the command line

  func named(_ name: String, language: String?) throws(SpecError) -> RunKernel {
    var chosen: RunKernel
    if name.lowercased() == "parley" {
      chosen = try parley(name, language: language ?? bridged(ownLanguage) ?? "python")
    } else if let kernel = installed(name) {
      chosen = kernel
      if let language { chosen.language = language }
    } else if let language = bridged(name) ?? parleyName(name) {
      chosen = try parley(name, language: language)
    } else {
      throw unknown(name)
    }
    chosen.kernelSpec = description(of: chosen)
    return chosen
  }

  func language(_ language: String) throws(SpecError) -> RunKernel {
    // A notebook of an installed kernel of that language stays with its kernel.
    if let specName, let kernel = installed(specName),
      kernel.foreign?.spec.language.lowercased() == language.lowercased()
    {
      return kernel
    }
    return try parley("parley", language: language)
  }

  // MARK: - From the notebook

  func ofNotebook() throws(SpecError) -> RunKernel {
    guard let name = specName, !name.isEmpty else {
      return try parley("parley", language: bridged(ownLanguage) ?? ownLanguage ?? "python")
    }
    if let kernel = installed(name) { return kernel }
    if name.lowercased() == "parley" {
      return try parley(name, language: bridged(ownLanguage) ?? "python")
    }
    if let language = parleyName(name) { return try parley(name, language: language) }
    guard let language = bridged(ownLanguage) ?? bridged(name) ?? (name.hasPrefix("python") ? "python" : nil)
    else { throw unknown(name) }
    var kernel = try parley("parley", language: language)
    kernel.notice =
      "the notebook's kernel \"\(name)\" is not installed; its cells run in Parley's own \(language)"
    return kernel
  }

  // MARK: - Finding

  /// An installed kernelspec of that name: Parley's own, or another kernel's.
  private func installed(_ name: String) -> RunKernel? {
    // The name becomes a path, and a notebook may come from anybody.
    guard !name.hasPrefix("."), name.utf8.allSatisfy(Self.isNameByte) else { return nil }
    let folders = JupyterPaths(environment: environment).dataPath.flatMap { folder in
      // Jupyter takes names for the same that differ in capitals.
      ["\(folder)/kernels/\(name)", "\(folder)/kernels/\(name.lowercased())"]
    }
    for directory in folders {
      guard let spec = try? KernelSpecFile.load(directory: directory) else { continue }
      guard spec.isParley else {
        return RunKernel(name: name, language: name.lowercased(), foreign: (spec, directory))
      }
      let place = spec.argv.firstIndex(of: "--language").map { $0 + 1 }
      let language = place.flatMap { $0 < spec.argv.count ? spec.argv[$0] : nil } ?? bridged(ownLanguage)
      return RunKernel(name: name, language: language ?? "python", variables: spec.env)
    }
    return nil
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  /// The language of a kernelspec that `parley install` would make: `parley-bash`.
  private func parleyName(_ name: String) -> String? {
    guard name.lowercased().hasPrefix("parley-") else { return nil }
    return bridged(String(name.dropFirst("parley-".count)))
  }

  /// The language of that name or alias that Parley has a bridge for.
  private func bridged(_ name: String?) -> String? {
    guard let name, let entry = catalog.entry(named: name), entry.kind == .bridge else { return nil }
    return entry.name
  }

  private func parley(_ name: String, language: String) throws(SpecError) -> RunKernel {
    guard let entry = catalog.entry(named: language) else {
      throw SpecError(
        .missing, "there is no language called \"\(language)\"", remedy: "`parley languages` lists them")
    }
    if let problem = entry.problem { throw problem }
    return RunKernel(name: name, language: entry.name)
  }

  private func unknown(_ name: String) -> SpecError {
    SpecError(
      .missing, "the kernel \"\(name)\" is not installed, and Parley has no language of that name",
      remedy: "install it, or choose another with --kernel; `parley languages` lists them")
  }

  private func description(of kernel: RunKernel) -> NotebookValue {
    if let foreign = kernel.foreign {
      return [
        "name": .string(kernel.name), "display_name": .string(foreign.spec.displayName),
        "language": .string(foreign.spec.language),
      ]
    }
    let entry = catalog.entry(named: kernel.language)
    let isPolyglot = kernel.name.lowercased() == "parley"
    return [
      "name": .string(isPolyglot ? "parley" : "parley-\(kernel.language)"),
      "display_name": .string(isPolyglot ? "Parley" : "\(entry?.displayName ?? kernel.language) (Parley)"),
      "language": .string(kernel.language),
    ]
  }
}
