import JupyterProtocol
import KernelExecutor

/// The backends of this kernel, made on first use and found by name or alias.
@KernelActor
final class LanguageTable {
  private struct Key: Hashable {
    var name: String
    var instance: String
  }

  let provider: any LanguageProvider
  /// The language of unmarked cells.
  let defaultName: String
  weak var output: (any BackendOutput)?
  private var backends: [Key: any LanguageBackend] = [:]

  init(provider: any LanguageProvider, defaultName: String) {
    self.provider = provider
    self.defaultName = defaultName
  }

  var all: [any LanguageBackend] { Array(backends.values) }

  func isLanguage(_ name: String) -> Bool { provider.language(named: name) != nil }

  /// The language of unmarked cells.
  var defaultDescription: LanguageDescription? { provider.language(named: defaultName) }

  /// The backend if it was used already.
  func existing(_ name: String, instance: String = "") -> (any LanguageBackend)? {
    provider.language(named: name).flatMap { backends[Key(name: $0.name, instance: instance)] }
  }

  /// The backend of a language, made when it is used for the first time.
  /// - Throws: ``RequestFailure`` with what to do, when there is no such language or it is not installed.
  func backend(_ name: String, instance: String = "") throws(RequestFailure) -> any LanguageBackend {
    guard let language = provider.language(named: name) else { throw RequestFailure(unknown(name)) }
    if let backend = backends[Key(name: language.name, instance: instance)] { return backend }
    if case .missing(let reason, let install) = language.availability {
      let remedy = install.map { "; install it with: \($0)" } ?? ""
      throw RequestFailure(
        ErrorContent(name: "LanguageNotInstalled", value: "\(language.name): \(reason)\(remedy)"))
    }
    guard let output else { preconditionFailure("the table has no output yet") }
    let backend: any LanguageBackend
    do {
      backend = try provider.makeBackend(for: language, instance: instance, output: output)
    } catch {
      throw RequestFailure(error)
    }
    backends[Key(name: language.name, instance: instance)] = backend
    return backend
  }

  func unknown(_ name: String) -> ErrorContent {
    let known = provider.allLanguages().map(\.name).sorted().joined(separator: ", ")
    return ErrorContent(
      name: "UnknownLanguage",
      value: "no language is called \"\(name)\"; known are: \(known). "
        + "`#!languages` shows them all; `parley languages` tells how to install more")
  }
}
