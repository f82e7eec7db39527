import ArgumentParser
import Glibc
import Notebook
import NotebookRunner

/// `parley recover`: makes a notebook of what a killed run has left.
struct RecoverCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recover", abstract: "Put what a killed run has done into its output.",
    discussion: """
      `parley run` keeps a journal beside OUT while it runs. When the run was killed, this folds the journal into \
      OUT, which then says which cell was interrupted and which were not reached, and removes the journal.
      """)

  @Argument(help: "The output of the run.")
  var output: String

  func run() throws {
    do {
      let outcome = try Recovery.recover(output)
      print("\(output): \(outcome.restored) cells restored from the journal")
      if let cell = outcome.interrupted { print("cell \(cell) was running when the run was killed") }
    } catch let error as StorageError {
      Parley.fail(
        "\(error)", code: error.kind == .missing ? ExitCodes.inputMissing : RunReason.storageError.exitCode)
    } catch let error as NotebookError {
      Parley.fail("\(output): \(error)", code: RunReason.badInput.exitCode)
    }
  }
}
