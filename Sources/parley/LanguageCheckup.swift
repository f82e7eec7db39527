import KernelSpecs

/// What `parley doctor` says of the languages and their interpreters.
struct LanguageCheckup {
  let environment: SpecEnvironment

  func findings() -> [Finding] {
    let languages = LanguageStatus.all(environment)
    guard languages.contains(where: { $0.entry.kind == .bridge }) else {
      return [
        .fail(
          "languages", "no bridge found beside the program or on the Jupyter data path",
          do: "install again, or name a folder of languages with PARLEY_LANGUAGES")
      ]
    }
    return languages.flatMap(findings(of:))
  }

  private func findings(of language: LanguageStatus) -> [Finding] {
    let name = language.entry.name
    switch language.readiness {
    case .proxied: return []
    case .broken:
      return [.fail(name, language.problem?.failure ?? "", do: language.problem?.remedy ?? "")]
    case .missing:
      return [.warn(name, language.problem?.failure ?? "", do: language.problem?.remedy ?? "")]
    case .installed: break
    }
    var findings = [Finding.ok(name, "\(language.text(environment)), bridge in \(language.entry.directory)")]
    let unknown = language.entry.manifest?.unknownKeys ?? []
    if !unknown.isEmpty {
      findings.append(
        .warn(
          name, "bridge.json has unknown keys: \(unknown.joined(separator: ", "))",
          do: "correct the spelling, or update parley"))
    }
    if name == "python", let interpreter = language.interpreter {
      findings.append(iPython(in: interpreter))
    }
    return findings
  }

  /// The Python bridge runs without IPython, with less.
  private func iPython(in interpreter: String) -> Finding {
    let question = "import IPython; print(IPython.__version__)"
    if let version = ProbeProcess.firstLine(of: [interpreter, "-c", question]) {
      return .ok("IPython", "\(version) in \(interpreter)")
    }
    guard ProbeProcess.firstLine(of: [interpreter, "-c", "print(1)"]) != nil else {
      return .fail("python", "\(interpreter) does not run", do: "try `\(interpreter) -c 1` in a terminal")
    }
    return .warn(
      "IPython", "not in \(interpreter): no magics and less rich output",
      do: "\(interpreter) -m pip install ipython")
  }
}
