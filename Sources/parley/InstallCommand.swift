import ArgumentParser
import KernelSpecs

/// `parley install`: registers the kernel with Jupyter.
struct InstallCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "install",
    abstract: "Register the kernel with Jupyter.",
    discussion: """
      Registers the kernel "Parley", and for each LANGUAGE a kernel of its own, "Python (Parley)", in which \
      unmarked cells are of that language. Installing again replaces what is there.
      """)

  @OptionGroup var scope: ScopeOptions

  @Flag(name: .long, help: "Register the named languages without the kernel \"Parley\".")
  var only = false

  @Option(name: .long, help: "The kernel's name for programs, in place of the usual one.")
  var name: String?

  @Option(name: .long, help: "The kernel's name for people, in place of the usual one.")
  var displayName: String?

  @Argument(help: "Languages that get a kernel of their own; `parley languages` lists them.")
  var languages: [String] = []

  func validate() throws {
    if only, languages.isEmpty { throw ValidationError("--only needs a language") }
  }

  func run() throws {
    let environment = SpecEnvironment.current()
    let outcome = try KernelSpecInstaller(environment: environment).install(
      KernelSpecInstaller.Request(
        target: try scope.target(environment), languages: languages, onlyLanguages: only, name: name,
        displayName: displayName))
    for kernel in outcome.kernels {
      print("Installed \(kernel.displayName) as \(kernel.name) in \(kernel.directory)")
    }
    if let folder = outcome.languagesDirectory { print("Copied the bridges to \(folder)") }
    noteWhatIsMissing(environment)
  }

  /// A language without its interpreter can be registered; the user should hear of it now, though,
  /// and not at the first cell.
  private func noteWhatIsMissing(_ environment: SpecEnvironment) {
    let catalog = LanguageCatalog(environment: environment)
    for name in languages {
      guard let manifest = catalog.entry(named: name)?.manifest else { continue }
      do {
        _ = try InterpreterResolver(environment: environment).resolve(manifest)
      } catch {
        Parley.note("\(error)")
      }
    }
  }
}
