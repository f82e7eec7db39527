/// Makes the folder of a new language out of the worked example, `echo`: it works at once, and its author
/// replaces what the example does by a language.
public struct LanguageSkeleton: Sendable {
  /// The files that the example's name is written in, besides the pictures, which are copied as they are.
  private static let texts = ["bridge.json", "bridge.pl", "check.json", "kernel.json"]
  private static let pictures = ["logo-32x32.png", "logo-64x64.png", "logo-svg.svg"]

  private let environment: SpecEnvironment

  public init(environment: SpecEnvironment = .current()) {
    self.environment = environment
  }

  /// Where the user's own languages are, and are found: `~/.config/parley/languages`.
  /// - Throws: ``SpecError`` when there is neither a home nor a configuration folder.
  public func usualFolder() throws(SpecError) -> String {
    guard let folder = LanguagePlace.configurationFolder(environment).first else {
      throw SpecError(
        .usage, "there is no home folder to write into", remedy: "name a folder with --directory")
    }
    return folder
  }

  /// Writes the folder `name` into `folder`.
  /// - Returns: its path.
  /// - Throws: ``SpecError`` when the name cannot be a language's, the folder is there, or nothing can be written.
  public func write(_ name: String, into folder: String? = nil) throws(SpecError) -> String {
    guard BridgeManifest.isName(name) else {
      throw SpecError(
        .usage, "\"\(name)\" cannot be the name of a language",
        remedy: "use lower-case letters, digits, '-', '_' and '+' only")
    }
    let usual = folder == nil ? try usualFolder() : ""
    let parent = PathText.absolute(folder ?? usual, in: environment.currentDirectory)
    let target = PathText.join(parent, name)
    guard !Files.isDirectory(target), !Files.isFile(target) else {
      throw SpecError(
        .cannotCreate, "\(target) is there already", remedy: "choose another name, or move it away")
    }
    guard let example = LanguageCatalog(environment: environment).entry(named: "echo")?.directory else {
      throw SpecError(
        .missing, "the example that new languages are made from, \"echo\", is not installed",
        remedy: "install Parley anew, or name its languages in PARLEY_RESOURCES")
    }
    try FileWriting.makeFolder(parent)
    let new = try FileWriting.makeTemporary(in: parent)
    do {
      for file in Self.texts {
        let text = String(decoding: try Files.read(PathText.join(example, file)), as: UTF8.self)
        try FileWriting.write(Array(Self.rename(text, to: name).utf8), to: PathText.join(new, file))
      }
      for file in Self.pictures {
        try FileWriting.write(Files.read(PathText.join(example, file)), to: PathText.join(new, file))
      }
      try FileWriting.write(Array(Self.guide(name).utf8), to: PathText.join(new, "README.md"))
      try FileWriting.replace(target, with: new)
    } catch {
      _ = FileWriting.removeTree(new)
      throw error
    }
    return target
  }

  /// The example's text with another name in place of its own.
  private static func rename(_ text: String, to name: String) -> String {
    var result = ""
    var rest = Substring(text)
    let display = displayName(name)
    while let start = rest.firstIndex(where: { $0 == "e" || $0 == "E" }) {
      result += rest[..<start]
      rest = rest[start...]
      if rest.hasPrefix("echo") {
        result += name
        rest = rest.dropFirst(4)
      } else if rest.hasPrefix("Echo") {
        // EchoError is a name in the program, "Echo" one for people.
        let isWord = !(rest.dropFirst(4).first?.isLetter ?? false)
        result += isWord ? display : display.filter { $0.isLetter || $0.isNumber }
        rest = rest.dropFirst(4)
      } else {
        result.append(rest.removeFirst())
      }
    }
    return result + rest
  }

  private static func displayName(_ name: String) -> String {
    name.prefix(1).uppercased() + name.dropFirst()
  }

  private static func guide(_ name: String) -> String {
    """
    # \(displayName(name)) for Parley

    So far this is the worked example under another name: one command a line (`html`, `result`, `stderr`, `error`,
    `ask`, `loop`; anything else is printed). Replace what it does by your language:

    1. `bridge.pl` is the program, in Perl; any language will do, `argv` in `bridge.json` names the command. The part
       to replace is `%command` and what `execute_request` does with it.
    2. `bridge.json` says what the language is called and what is to be installed for it; `language_info` is what front
       ends colour and save it by.
    3. `check.json` holds code of your language for each check. Change it together with the program.

    Try it as often as you like:

        parley check-bridge .

    Then use it, with `#!\(name)` on the first line of a cell, or as a kernel of its own after `parley install \(name)`.
    The rules are in Parley's docs/authors-guide.md and docs/bridge-protocol.md.

    """
  }
}
