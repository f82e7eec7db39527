import Notebook

/// A value that a run's languages know and no record does.
public struct Secret: Sendable {
  public let name: String
  public let text: String

  public init(name: String, text: String) {
    self.name = name
    self.text = text
  }
}

/// Takes secrets out of what is recorded: `[secret NAME]` stands where one was.
///
/// It knows a secret as it is and each of its longer lines, and their usual encodings: JSON, URL, hexadecimal, base64
/// (also in the middle of something longer). What a program has otherwise changed, it cannot know.
public struct SecretFilter: Sendable {
  private struct Form {
    let bytes: [UInt8]
    let mark: [UInt8]
  }

  /// Shorter lines and pieces are left alone: they may be anything.
  private static let shortestPiece = 8
  /// By first byte, the longest first.
  private let forms: [UInt8: [Form]]

  public init(_ secrets: [Secret]) {
    var found: [UInt8: [Form]] = [:]
    for secret in secrets {
      let lines = secret.text.split(whereSeparator: \.isNewline).map(String.init)
      let texts = [secret.text] + lines.filter { $0.utf8.count >= Self.shortestPiece && $0 != secret.text }
      let mark = Array("[secret \(secret.name)]".utf8)
      for bytes in Set(texts.flatMap(Self.encodings)) {
        guard let first = bytes.first else { continue }
        found[first, default: []].append(Form(bytes: bytes, mark: mark))
      }
    }
    forms = found.mapValues { $0.sorted { $0.bytes.count > $1.bytes.count } }
  }

  // MARK: - Filtering

  public func filter(_ text: String) -> String {
    text.isEmpty ? text : String(decoding: scan(Array(text.utf8), holdsBack: false).ready, as: UTF8.self)
  }

  public func filter(_ bytes: [UInt8]) -> [UInt8] { scan(bytes, holdsBack: false).ready }

  public func filter(_ value: NotebookValue) -> NotebookValue {
    switch value {
    case .string(let text): .string(filter(text))
    case .array(let values): .array(values.map(filter))
    case .object(let object):
      .object(NotebookObject(object.members.map { .init(filter($0.name), filter($0.value)) }))
    case .number(let digits):
      filter(digits) == digits ? value : .string(filter(digits))
    default: value
    }
  }

  /// What of a stream can be shown now, and what may be the beginning of a secret whose rest is still to come.
  func split(_ text: String) -> (ready: String, held: String) {
    let (ready, held) = scan(Array(text.utf8), holdsBack: true)
    return (String(decoding: ready, as: UTF8.self), String(decoding: held, as: UTF8.self))
  }

  private func scan(_ bytes: [UInt8], holdsBack: Bool) -> (ready: [UInt8], held: [UInt8]) {
    var ready: [UInt8] = []
    ready.reserveCapacity(bytes.count)
    var index = 0
    next: while index < bytes.count {
      let rest = bytes[index...]
      for form in forms[bytes[index]] ?? [] {
        if rest.count >= form.bytes.count {
          guard rest.starts(with: form.bytes) else { continue }
          ready += form.mark
          index += form.bytes.count
          continue next
        }
        if holdsBack, form.bytes.starts(with: rest) { return (ready, Array(rest)) }
      }
      ready.append(bytes[index])
      index += 1
    }
    return (ready, [])
  }

  // MARK: - Encodings

  private static func encodings(of text: String) -> [[UInt8]] {
    let bytes = Array(text.utf8)
    var forms = [bytes]
    let inQuotes = NotebookValue.string(text).line.dropFirst().dropLast()
    forms.append(Array(inQuotes))
    forms.append(Array(asciiEscaped(inQuotes).utf8))
    // JSON in JSON.
    forms.append(
      Array(NotebookValue.string(String(decoding: inQuotes, as: UTF8.self)).line.dropFirst().dropLast()))
    guard bytes.count >= shortestPiece else { return forms }
    forms += [percent(bytes), hexadecimal(bytes, "0123456789abcdef"), hexadecimal(bytes, "0123456789ABCDEF")]
    for offset in 0..<3 {
      let digits = base64(bytes, offset: offset)
      forms.append(digits)
      forms.append(
        digits.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? 95 : $0 })
    }
    return forms
  }

  private static func asciiEscaped(_ text: ArraySlice<UInt8>) -> String {
    String(decoding: text, as: UTF8.self).utf16.map { unit in
      if unit < 128, let scalar = Unicode.Scalar(unit) { return String(scalar) }
      let digits = String(unit, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }.joined()
  }

  private static func percent(_ bytes: [UInt8]) -> [UInt8] {
    bytes.flatMap { byte -> [UInt8] in
      switch byte {
      case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        [byte]
      default: [UInt8(ascii: "%")] + hexadecimal([byte], "0123456789ABCDEF")
      }
    }
  }

  private static func hexadecimal(_ bytes: [UInt8], _ digits: String) -> [UInt8] {
    let digits = Array(digits.utf8)
    return bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
  }

  /// The digits that are the same whatever comes before (so many bytes after a multiple of three) and behind.
  private static func base64(_ bytes: [UInt8], offset: Int) -> [UInt8] {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    let padded = [UInt8](repeating: 0, count: offset) + bytes
    var result: [UInt8] = []
    for bit in stride(from: 0, to: padded.count * 8 - 5, by: 6) {
      // Digits that share bits with what comes before are anything.
      guard bit >= offset * 8 else { continue }
      let high = UInt16(padded[bit / 8]) << 8
      let low = bit / 8 + 1 < padded.count ? UInt16(padded[bit / 8 + 1]) : 0
      result.append(digits[Int((high | low) >> UInt16(10 - bit % 8) & 63)])
    }
    return result
  }
}
