/// Registers Parley with Jupyter: the polyglot kernel, and on request one kernelspec per language.
///
/// Runs on the calling thread and writes only below the target's prefix.
public struct KernelSpecInstaller: Sendable {
  /// What to install.
  public struct Request: Sendable {
    public var target: InstallTarget
    /// Names or aliases of languages that get a kernelspec of their own besides the polyglot kernel.
    public var languages: [String]
    /// Leaves the polyglot kernel out when there are languages.
    public var onlyLanguages: Bool
    /// The kernelspec's folder name in place of the usual one; for one kernelspec only.
    public var name: String?
    /// The name front ends show in place of the usual one; for one kernelspec only.
    public var displayName: String?

    public init(
      target: InstallTarget, languages: [String] = [], onlyLanguages: Bool = false, name: String? = nil,
      displayName: String? = nil
    ) {
      self.target = target
      self.languages = languages
      self.onlyLanguages = onlyLanguages
      self.name = name
      self.displayName = displayName
    }
  }

  /// What was done, for the program to tell.
  public struct Outcome: Equatable, Sendable {
    public struct Kernel: Equatable, Sendable {
      public let name: String
      public let displayName: String
      public let directory: String
    }

    public let kernels: [Kernel]
    /// The folder the bridges were copied to; nil when the program finds them beside itself.
    public let languagesDirectory: String?
  }

  /// The folder name of the polyglot kernel; a language's is `parley-` and its name.
  public static let polyglotName = "parley"

  private let environment: SpecEnvironment

  public init(environment: SpecEnvironment = .current()) {
    self.environment = environment
  }

  /// - Throws: ``SpecError``: an unknown language, a broken manifest, a name that is another
  ///   kernel's, a place that cannot be written. Everything is checked before anything is written.
  public func install(_ request: Request) throws(SpecError) -> Outcome {
    let pieces = try self.pieces(of: request)
    for piece in pieces { try checkFree(piece.name, in: request.target) }
    try FileWriting.makeFolder(request.target.kernelsDirectory)
    let copies = try copyLanguages(to: request.target)
    var kernels: [Outcome.Kernel] = []
    for piece in pieces {
      kernels.append(try write(piece, to: request.target))
    }
    return Outcome(kernels: kernels, languagesDirectory: copies)
  }

  // MARK: - What to write

  /// One kernelspec that is to be written.
  private struct Piece {
    var name: String
    var spec: KernelSpecFile
    /// The folder of the logos.
    var resources: String?
  }

  private func pieces(of request: Request) throws(SpecError) -> [Piece] {
    let argument = StableExecutable(environment: environment).argument(prefix: request.target.prefix)
    let isNamed = request.name != nil || request.displayName != nil
    var pieces: [Piece] = []
    // A name belongs to one kernelspec: to the language's when one is given.
    if request.languages.isEmpty || !request.onlyLanguages && !isNamed {
      pieces = [try polyglot(argument)]
    }
    if !request.languages.isEmpty {
      let catalog = LanguageCatalog(environment: environment)
      for name in request.languages {
        let piece = try language(named: name, in: catalog, argument: argument)
        if !pieces.contains(where: { $0.name == piece.name }) { pieces.append(piece) }
      }
    }
    guard !isNamed || pieces.count == 1 else {
      throw SpecError(
        .usage, "--name or --display-name for \(pieces.count) kernelspecs",
        remedy: "install one language at a time")
    }
    if let name = request.name {
      guard Self.isKernelName(name) else {
        throw SpecError(
          .usage, "no kernelspec name: '\(name)'", remedy: "use letters, digits, '-', '.' and '_' only")
      }
      pieces[0].name = name.lowercased()
    }
    if let displayName = request.displayName { pieces[0].spec.displayName = displayName }
    return pieces
  }

  private func polyglot(_ argument: String) throws(SpecError) -> Piece {
    let folders = ShippedLanguages(environment: environment).folders
      .map { PathText.join($0, Self.polyglotName) }
    let resources = folders.first(where: Files.isDirectory)
    let usual = KernelSpecFile(
      argv: ["parley", "kernel", "-f", "{connection_file}"], displayName: "Parley", language: "python",
      interruptMode: .message)
    return Piece(
      name: Self.polyglotName, spec: try template(in: resources, else: usual, argument: argument),
      resources: resources)
  }

  private func language(
    named name: String, in catalog: LanguageCatalog, argument: String
  ) throws(SpecError) -> Piece {
    guard let entry = catalog.entry(named: name) else {
      let known = catalog.all().filter { $0.kind == .bridge }.map(\.name).joined(separator: ", ")
      throw SpecError(
        .usage, "no language '\(name)'; known are \(known.isEmpty ? "none" : known)",
        remedy: "`parley languages` tells more")
    }
    if let problem = entry.problem { throw problem }
    guard let manifest = entry.manifest else {
      throw SpecError(
        .usage, "'\(name)' is the kernelspec \(entry.directory) of another kernel, which Jupyter has already",
        remedy: "name a language with a bridge; `parley languages` lists them")
    }
    let usual = KernelSpecFile(
      argv: ["parley", "kernel", "--language", manifest.language, "-f", "{connection_file}"],
      displayName: "\(manifest.displayName) (Parley)", language: manifest.languageInfoName,
      interruptMode: .message)
    var spec = try template(in: entry.directory, else: usual, argument: argument)
    if entry.origin == .configuration, let list = environment["PARLEY_LANGUAGES"] {
      // The front end that starts the kernel need not have the variable that made us find it.
      let folders = PathText.list(list).map {
        PathText.absolute(environment.expandingTilde($0), in: environment.currentDirectory)
      }
      if folders.contains(where: { entry.directory == $0 || entry.directory.hasPrefix($0 + "/") }),
        !spec.env.contains(where: { $0.name == "PARLEY_LANGUAGES" })
      {
        spec.env.append(.init(name: "PARLEY_LANGUAGES", value: folders.joined(separator: ":")))
      }
    }
    return Piece(name: "parley-\(manifest.language)", spec: spec, resources: entry.directory)
  }

  /// The kernelspec in a folder, or the usual one when it has none, started by `argument`.
  private func template(
    in folder: String?, else usual: KernelSpecFile, argument: String
  ) throws(SpecError) -> KernelSpecFile {
    var spec = usual
    if let folder, Files.isFile(PathText.join(folder, KernelSpecFile.fileName)) {
      spec = try KernelSpecFile.load(directory: folder)
      guard spec.argv.contains(where: { $0.contains("{connection_file}") }) else {
        throw SpecError(
          .configuration,
          "wrong kernelspec \(PathText.join(folder, KernelSpecFile.fileName)): "
            + "'argv' lacks {connection_file}", remedy: "add it")
      }
    }
    spec.argv[0] = argument
    if spec.kernelProtocolVersion == nil { spec.kernelProtocolVersion = KernelSpecFile.protocolVersion }
    return spec
  }

  private static func isKernelName(_ text: String) -> Bool {
    !text.hasPrefix(".") && !text.isEmpty && text.utf8.count <= 128
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }

  // MARK: - Writing

  /// A folder of that name must be ours, unreadable, or not there.
  private func checkFree(_ name: String, in target: InstallTarget) throws(SpecError) {
    let folder = PathText.join(target.kernelsDirectory, name)
    guard let present = try? KernelSpecFile.load(directory: folder), !present.isParley else { return }
    throw SpecError(
      .usage, "the kernelspec \(folder) belongs to another kernel, \(present.displayName)",
      remedy: "choose another --name, or remove it first")
  }

  private func write(_ piece: Piece, to target: InstallTarget) throws(SpecError) -> Outcome.Kernel {
    let folder = PathText.join(target.kernelsDirectory, piece.name)
    let new = try FileWriting.makeTemporary(in: target.kernelsDirectory)
    do {
      try FileWriting.write(piece.spec.encoded, to: PathText.join(new, KernelSpecFile.fileName))
      if let resources = piece.resources {
        for logo in ["logo-32x32.png", "logo-64x64.png", "logo-svg.svg"] {
          let source = PathText.join(resources, logo)
          if Files.isFile(source) { try FileWriting.write(Files.read(source), to: PathText.join(new, logo)) }
        }
      }
      try FileWriting.replace(folder, with: new)
    } catch {
      _ = FileWriting.removeTree(new)
      throw error
    }
    return Outcome.Kernel(name: piece.name, displayName: piece.spec.displayName, directory: folder)
  }

  /// Copies the shipped language folders to the target, so that a program moved or started elsewhere
  /// finds them; returns the folder, or nil when the program has them beside itself.
  private func copyLanguages(to target: InstallTarget) throws(SpecError) -> String? {
    let destination = target.languagesDirectory
    let real = Files.realPath(destination) ?? destination
    let shipped = ShippedLanguages(environment: environment)
    guard let source = shipped.folders.first(where: Files.isDirectory), Files.realPath(source) != real else {
      return nil
    }
    let beside = JupyterPaths(environment: environment).executablePrefixes
      .map { PathText.join($0, "share/parley/languages") }
    if beside.contains(where: { Files.realPath($0) == Files.realPath(source) }) { return nil }
    try FileWriting.makeFolder(destination)
    var names: [String] = []
    for name in Files.names(in: source) where !name.hasPrefix(".") {
      let folder = PathText.join(source, name)
      guard Files.isFile(PathText.join(folder, BridgeManifest.fileName)) || name == Self.polyglotName else {
        continue
      }
      let new = try FileWriting.makeTemporary(in: destination)
      do {
        try FileWriting.copyTree(folder, to: new)
        try FileWriting.replace(PathText.join(destination, name), with: new)
      } catch {
        _ = FileWriting.removeTree(new)
        throw error
      }
      names.append(name)
    }
    try InstalledCopies(directory: destination).record(names)
    return destination
  }
}
