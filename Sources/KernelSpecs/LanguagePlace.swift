/// One folder of language folders, or of kernelspecs, on the catalog's search path.
struct LanguagePlace: Equatable, Sendable {
  /// What is looked for in the folder's subfolders.
  enum Content: Equatable, Sendable {
    case bridges
    /// Kernelspecs without a manifest, to be proxied.
    case kernelSpecs
  }

  let directory: String
  let origin: LanguageEntry.Origin
  let content: Content

  /// The search path, without folders that appear twice.
  static func all(environment: SpecEnvironment) -> [LanguagePlace] {
    let paths = JupyterPaths(environment: environment)
    let kernels = paths.dataPath.map { PathText.join($0, "kernels") }
    let configured = PathText.list(environment["PARLEY_LANGUAGES"]).map {
      PathText.absolute(environment.expandingTilde($0), in: environment.currentDirectory)
    }
    let places =
      (configured + configurationFolder(environment)).map {
        LanguagePlace(directory: $0, origin: .configuration, content: .bridges)
      }
      + kernels.map { LanguagePlace(directory: $0, origin: .jupyter, content: .bridges) }
      + ShippedLanguages(environment: environment).folders.map {
        LanguagePlace(directory: $0, origin: .shipped, content: .bridges)
      }
      + kernels.map { LanguagePlace(directory: $0, origin: .jupyter, content: .kernelSpecs) }
    var seen: [LanguagePlace] = []
    for place in places
    where !seen.contains(where: { $0.directory == place.directory && $0.content == place.content }) {
      seen.append(place)
    }
    return seen
  }

  static func configurationFolder(_ environment: SpecEnvironment) -> [String] {
    if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") {
      return [PathText.join(folder, "parley/languages")]
    }
    return environment.home.map { [PathText.join($0, ".config/parley/languages")] } ?? []
  }

  /// The bridge in the subfolder of that name, when its manifest gives it that name too.
  func directHit(for name: String) -> LanguageEntry? {
    guard content == .bridges, BridgeManifest.isName(name) else { return nil }
    let folder = PathText.join(directory, name)
    guard let entry = bridge(in: folder), entry.name == name else { return nil }
    return entry
  }

  /// Every language of the place, by folder name.
  func entries() -> [LanguageEntry] {
    // A configured path may be one language's folder itself.
    if content == .bridges, let single = bridge(in: directory) { return [single] }
    return Files.names(in: directory).compactMap { name in
      guard !name.hasPrefix(".") else { return nil }
      let folder = PathText.join(directory, name)
      switch content {
      case .bridges: return bridge(in: folder)
      case .kernelSpecs: return kernelSpec(in: folder, name: name.lowercased())
      }
    }
  }

  private func bridge(in folder: String) -> LanguageEntry? {
    let path = PathText.join(folder, BridgeManifest.fileName)
    guard Files.isFile(path) else { return nil }
    var name = PathText.lastComponent(folder).lowercased()
    do {
      let reader = try BridgeManifestReader(path: path, bytes: Files.read(path))
      name = reader.claimedName ?? name
      return LanguageEntry(manifest: try reader.manifest(in: folder), origin: origin)
    } catch {
      return LanguageEntry(broken: name, kind: .bridge, origin: origin, directory: folder, problem: error)
    }
  }

  private func kernelSpec(in folder: String, name: String) -> LanguageEntry? {
    guard Files.isFile(PathText.join(folder, KernelSpecFile.fileName)),
      !Files.isFile(PathText.join(folder, BridgeManifest.fileName))
    else { return nil }
    do {
      let spec = try KernelSpecFile.load(directory: folder)
      return spec.isParley ? nil : LanguageEntry(kernelSpec: spec, name: name, directory: folder)
    } catch {
      return LanguageEntry(
        broken: name, kind: .kernelspec, origin: origin, directory: folder, problem: error)
    }
  }
}
