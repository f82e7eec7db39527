import ArgumentParser
import KernelSpecs

/// `parley uninstall`: removes what `parley install` has registered.
struct UninstallCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "uninstall",
    abstract: "Remove kernels of Parley from Jupyter.",
    discussion: """
      Without a name everything that `parley install` put into that place goes, the copied bridges included. \
      Kernels of other programs are never touched.
      """)

  @OptionGroup var scope: ScopeOptions

  @Argument(help: "Kernel names, or languages (python for parley-python).")
  var names: [String] = []

  func run() throws {
    let outcome = try KernelSpecUninstaller().uninstall(names, from: scope.target(.current()))
    for folder in outcome.kernels { print("Removed \(folder)") }
    if let folder = outcome.languagesDirectory { print("Removed the bridges from \(folder)") }
  }
}
