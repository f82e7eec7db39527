import KernelExecutor
import KernelSpecs
import Notebook
import NotebookRunner
import Parameters
import Storage

/// The parameters of a run: where they come from, and what becomes of the notebook by them.
@KernelActor
struct RunParameters {
  /// What injected paths are called; no notebook needs to declare them.
  private static let pathNames = ["PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH"]

  private let options: RunCommand.ParameterOptions
  private let isPapermill: Bool
  let values: NotebookObject

  /// Reads them, weakest first: a later one of the same name counts.
  static func gather(
    _ options: RunCommand, files: LocalStore, remotes: RemoteStores
  ) async throws -> RunParameters {
    let given = options.parameters
    var sources = ParameterSources()
    if given.injectInputPath || given.injectPaths {
      sources.add(pathNames[0], .string(RemoteStores.label(of: options.input)))
    }
    if given.injectOutputPath || given.injectPaths {
      sources.add(pathNames[1], .string(RemoteStores.label(of: options.output ?? "-")))
    }
    for text in given.base64 { try sources.add(base64: text) }
    for file in given.file {
      let place = try RunPlace.find(file, files: files, remotes: remotes)
      try sources.add(yaml: try await place.store.read(place.uri), from: RemoteStores.label(of: file))
    }
    for text in given.yaml { try sources.add(yaml: Array(text.utf8), from: "-y") }
    for parameter in given.typed { sources.add(parameter.name, typed: parameter.text) }
    for parameter in given.raw { sources.add(parameter.name, text: parameter.text) }
    return RunParameters(options: given, isPapermill: options.isPapermill, values: sources.values)
  }

  /// Checks the values and puts them into the notebook: a cell, and papermill's record.
  /// - Parameter language: of the notebook's unmarked cells.
  /// - Returns: whether there were any.
  /// - Throws: ``ParameterError`` before anything is started.
  @discardableResult
  func apply(to notebook: inout Notebook, language: String) throws(ParameterError) -> Bool {
    let schema = ParameterSchema(of: notebook, language: language)
    // A caller of papermill's sends what it likes, and gets a warning.
    if !isPapermill {
      let checked = values.members.filter { !Self.pathNames.contains($0.name) }
      try schema.check(NotebookObject(checked), allowUnknown: options.allowUnknown)
    }
    if isPapermill || options.allowUnknown {
      let unknown = schema.unknownNames(in: values).filter { !Self.pathNames.contains($0) }
      if !unknown.isEmpty {
        Parley.note("the notebook does not declare all parameters: \(unknown.joined(separator: ", "))")
      }
    }
    var all = schema.ownDefaults
    for member in values.members { all[member.name] = member.value }
    if !all.isEmpty {
      let isDeclared = try ParameterCells.inject(
        all, into: &notebook, language: language, hidesSource: options.reportMode)
      if !isDeclared { Parley.note("no cell is tagged \"parameters\": the values go before the first cell") }
      var record = notebook.metadata["papermill"]?.object ?? RunRecord.emptyPapermill
      record["parameters"] = .object(all)
      notebook.metadata["papermill"] = .object(record)
    }
    if options.reportMode { Self.hideSources(&notebook) }
    return !all.isEmpty
  }

  private static func hideSources(_ notebook: inout Notebook) {
    for index in notebook.cells.indices where notebook.cells[index].isCode {
      var jupyter = notebook.cells[index].metadata["jupyter"]?.object ?? NotebookObject()
      jupyter["source_hidden"] = true
      notebook.cells[index].metadata["jupyter"] = .object(jupyter)
    }
  }

  /// The language that parameters are written in, also when the kernel is not installed.
  static func language(of notebook: Notebook, _ options: RunCommand) -> String {
    let kernel = try? RunKernel.choose(
      for: notebook, kernel: options.kernel.kernel, language: options.kernel.language)
    let spec = notebook.metadata["kernelspec"]
    return kernel?.parameterLanguage ?? options.kernel.language ?? spec?["language"]?.string
      ?? notebook.metadata["language_info"]?["name"]?.string ?? spec?["name"]?.string ?? "python"
  }

  /// What `--inspect` prints.
  static func listing(of notebook: Notebook, _ options: RunCommand) -> [UInt8] {
    let schema = ParameterSchema(of: notebook, language: language(of: notebook, options))
    if options.parameters.json { return ParameterListing.json(schema).line + [UInt8(ascii: "\n")] }
    return Array(
      "Parameters inferred for notebook '\(RemoteStores.label(of: options.input))':\n\(ParameterListing.text(schema))"
        .utf8)
  }
}

extension RunKernel {
  /// The language of its cells, as dialects are called.
  var parameterLanguage: String { foreign.map { $0.spec.language } ?? language }
}
