import KernelSpecs

/// What a user wants to know of one language, for the table and for JSON.
struct LanguageStatus {
  enum Readiness: String {
    case installed
    case missing
    case broken
    /// Another kernel's kernelspec, which Parley starts and drives.
    case proxied
  }

  let entry: LanguageEntry
  let readiness: Readiness
  let interpreter: String?
  /// The variable or `PATH` that led to the interpreter.
  let foundBy: String?
  /// What is wrong and what to do about it.
  let problem: SpecError?

  init(_ entry: LanguageEntry, resolver: InterpreterResolver) {
    self.entry = entry
    if let problem = entry.problem {
      (readiness, interpreter, foundBy, self.problem) = (.broken, nil, nil, problem)
      return
    }
    guard let manifest = entry.manifest else {
      (readiness, interpreter, foundBy, problem) = (.proxied, nil, nil, nil)
      return
    }
    do {
      let command = try resolver.resolve(manifest)
      readiness = .installed
      interpreter = command.interpreter ?? command.argv.first
      foundBy = command.foundBy
      problem = nil
    } catch {
      (readiness, interpreter, foundBy, problem) = (.missing, nil, nil, error)
    }
  }

  static func all(_ environment: SpecEnvironment) -> [LanguageStatus] {
    let resolver = InterpreterResolver(environment: environment)
    return LanguageCatalog(environment: environment).all().map { LanguageStatus($0, resolver: resolver) }
  }

  /// The last column of the table.
  func text(_ environment: SpecEnvironment) -> String {
    switch readiness {
    case .installed:
      let prefix = foundBy.flatMap { name in environment[name].map { "\(name)=\($0)" } }
      let source = prefix ?? foundBy
      let note = source.map { $0.hasPrefix("PATH") || $0 == "manifest" ? "" : " (\($0))" } ?? ""
      return "installed: \(interpreter ?? "")\(note)"
    case .missing: return "missing: " + (problem?.remedy ?? "")
    case .broken: return "broken: " + (problem?.description ?? "")
    case .proxied: return "another kernel: \(entry.directory)"
    }
  }

  var json: SpecJSON {
    func text(_ value: String?) -> SpecJSON { value.map(SpecJSON.string) ?? .null }
    return .object([
      .init("name", .string(entry.name)),
      .init("aliases", .array(entry.aliases.map(SpecJSON.string))),
      .init("display_name", .string(entry.displayName)),
      .init("kind", .string(entry.kind.rawValue)),
      .init("origin", .string(entry.origin.rawValue)),
      .init("directory", .string(entry.directory)),
      .init("status", .string(readiness.rawValue)),
      .init("interpreter", text(interpreter)),
      .init("found_by", text(foundBy)),
      .init("install", text(entry.manifest?.install)),
      .init("problem", text(problem?.description)),
    ])
  }
}
