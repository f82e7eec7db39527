/// The files that the AWS tools share, `credentials` and `config`: sections, keys, and keys one level deeper.
struct AWSProfile: Sendable {
  /// `key` or `key.nested`, in lower case.
  private(set) var values: [String: String] = [:]
  /// Whether a section of that name was in one of the files.
  private(set) var isThere = false

  subscript(_ key: String) -> String? { values[key].flatMap { $0.isEmpty ? nil : $0 } }

  /// - Parameters:
  ///   - credentials: text of ~/.aws/credentials, whose sections are profiles.
  ///   - config: text of ~/.aws/config, whose sections are `default`, `profile NAME`, `services NAME` and others.
  init(name: String, credentials: String?, config: String?) {
    if let config {
      let sections = Self.sections(of: config)
      let names = name == "default" ? ["default", "profile default"] : ["profile \(name)"]
      for key in names { take(sections[key]) }
      // Addresses of services have a section of their own, which a profile names.
      if let services = values["services"], let section = sections["services \(services)"] {
        for (key, value) in section { values["services.\(key)"] = value }
      }
    }
    // Keys in the file of credentials go before those in the other.
    if let credentials { take(Self.sections(of: credentials)[name]) }
  }

  private mutating func take(_ section: [String: String]?) {
    guard let section else { return }
    isThere = true
    values.merge(section) { $1 }
  }

  static func sections(of text: String) -> [String: [String: String]] {
    var sections: [String: [String: String]] = [:]
    var section: String?
    var parent: String?
    for line in text.split(whereSeparator: \.isNewline) {
      let isNested = line.first == " " || line.first == "\t"
      let words = trim(line)
      if words.isEmpty || words.hasPrefix("#") || words.hasPrefix(";") { continue }
      if words.hasPrefix("["), let end = words.firstIndex(of: "]") {
        let name = words[words.index(after: words.startIndex)..<end]
        section = name.split(whereSeparator: \.isWhitespace).map { trim($0, quotes: true) }.joined(
          separator: " ")
        parent = nil
        sections[section ?? "", default: [:]].merge([:]) { $1 }
        continue
      }
      guard let section, let equals = words.firstIndex(of: "=") else { continue }
      let key = trim(words[..<equals]).lowercased()
      let value = withoutComment(trim(words[words.index(after: equals)...]))
      if isNested, let parent {
        sections[section]?["\(parent).\(key)"] = value
      } else {
        sections[section]?[key] = value
        parent = value.isEmpty ? key : nil
      }
    }
    return sections
  }

  /// A comment behind a value begins with white space; secrets may hold `#` and `;`.
  private static func withoutComment(_ value: String) -> String {
    for mark in [" #", " ;", "\t#", "\t;"] {
      if let place = value.firstRange(of: mark) { return trim(value[..<place.lowerBound]) }
    }
    return value
  }

  private static func trim(_ text: some StringProtocol, quotes: Bool = false) -> String {
    let isOut = { (character: Character) in character.isWhitespace || quotes && "\"'".contains(character) }
    let head = text.drop(while: isOut)
    guard let last = head.lastIndex(where: { !isOut($0) }) else { return "" }
    return String(head[...last])
  }
}
