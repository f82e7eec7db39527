/// Removes what ``KernelSpecInstaller`` has written; never another kernel's folder.
public struct KernelSpecUninstaller: Sendable {
  /// What was removed: folders of kernelspecs, and the folder of copied bridges if any.
  public struct Outcome: Equatable, Sendable {
    public let kernels: [String]
    public let languagesDirectory: String?
  }

  public init() {}

  /// Removes kernelspecs of Parley from a place.
  ///
  /// - Parameters:
  ///   - target: the place.
  ///   - names: folder names, or languages (`python` for `parley-python`). None means every kernelspec
  ///     of Parley there, and the copied bridges with them.
  /// - Throws: ``SpecError`` `.inputMissing` when there is nothing of that name, `.usage` when the
  ///   kernelspec is another kernel's, `.permission` when it cannot be removed.
  public func uninstall(_ names: [String], from target: InstallTarget) throws(SpecError) -> Outcome {
    let mine = RegisteredKernel.all(in: target.dataDirectory)
    var folders: [String] = []
    for name in names {
      folders.append(try folder(of: name, among: mine, in: target))
    }
    if names.isEmpty { folders = mine.map(\.directory) }
    for folder in folders { try FileWriting.remove(folder) }
    var copies: String?
    if RegisteredKernel.all(in: target.dataDirectory).isEmpty,
      try InstalledCopies(directory: target.languagesDirectory).remove()
    {
      copies = target.languagesDirectory
    }
    guard !folders.isEmpty || copies != nil else {
      throw SpecError(
        .inputMissing, "no kernelspec of Parley in \(target.kernelsDirectory)",
        remedy: "say where with --user, --prefix or --sys-prefix; `parley doctor` lists them")
    }
    return Outcome(kernels: folders, languagesDirectory: copies)
  }

  private func folder(
    of name: String, among mine: [RegisteredKernel], in target: InstallTarget
  ) throws(SpecError) -> String {
    let wanted = name.lowercased()
    if let kernel = mine.first(where: { $0.name == wanted })
      ?? mine.first(where: { $0.name == "parley-" + wanted })
    {
      return kernel.directory
    }
    let folder = PathText.join(target.kernelsDirectory, wanted)
    if !wanted.contains("/"), Files.isDirectory(folder) {
      throw SpecError(
        .usage, "the kernelspec \(folder) is not Parley's",
        remedy: "remove it with `jupyter kernelspec remove`")
    }
    throw SpecError(
      .inputMissing, "no kernelspec '\(name)' or 'parley-\(name)' in \(target.kernelsDirectory)",
      remedy: "say where with --user, --prefix or --sys-prefix; `parley doctor` lists them")
  }
}
