import ArgumentParser
import KernelSpecs

/// `parley new-language NAME`: the folder of a language that works and waits to be changed.
struct NewLanguageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new-language",
    abstract: "Write the skeleton of a new language.",
    discussion: """
      The skeleton is a complete bridge for a toy language; the README.md in it says what to change. It is written \
      into ~/.config/parley/languages, where Parley finds it at once, or into the folder given.
      """)

  @Argument(help: "The name after #!: lower-case letters, digits, '-', '_' and '+'.")
  var name: String

  @Option(name: .long, help: "The folder in which the language's folder is made.")
  var directory: String?

  func run() throws {
    let environment = SpecEnvironment.current()
    if let known = LanguageCatalog(environment: environment).entry(named: name) {
      Parley.note(
        "\(name) is a language already (\(known.directory)); the new one takes its place where it is found first"
      )
    }
    let folder = try LanguageSkeleton(environment: environment).write(name, into: directory)
    print("Wrote \(folder)")
    print("Read its README.md, change it, and examine it with: parley check-bridge \(folder)")
  }
}
