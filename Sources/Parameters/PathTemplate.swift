import Glibc
import Notebook

/// Paths with parameters in them, as papermill takes them: Python's format strings, `out/{day}/{pm[run_uuid]}.ipynb`.
///
/// Source: Python, "Format String Syntax"; of the specifications those of text, whole numbers, fixed floats and times.
public struct PathTemplate {
  private let values: NotebookObject
  private let runID: String
  private let time: timespec
  /// Whether a brace that names nothing is an error, as in papermill; it stays otherwise.
  private let isStrict: Bool

  public init(_ values: NotebookObject, runID: String, isStrict: Bool) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    self.init(values, runID: runID, isStrict: isStrict, time: time)
  }

  init(_ values: NotebookObject, runID: String, isStrict: Bool, time: timespec) {
    self.values = values
    self.runID = runID
    self.isStrict = isStrict
    self.time = time
  }

  public func fill(_ path: String) throws(ParameterError) -> String {
    var result = ""
    var rest = path[...]
    while let character = rest.popFirst() {
      if isStrict, character == "{" || character == "}", rest.first == character {
        result.append(character)
        rest.removeFirst()
      } else if character == "{" {
        guard let end = rest.firstIndex(of: "}") else {
          if isStrict {
            throw ParameterError("the path \(path) has a { without a }", remedy: "write {{ for {")
          }
          return result + "{" + rest
        }
        let field = String(rest[..<end])
        if let text = try text(of: field, in: path) {
          result += text
        } else {
          result += "{\(field)}"
        }
        rest = rest[rest.index(after: end)...]
      } else if character == "}", isStrict {
        throw ParameterError("the path \(path) has a } without a {", remedy: "write }} for }")
      } else {
        result.append(character)
      }
    }
    return result
  }

  /// What stands for `name`, `name[key]` or `name.key`, with `:format` behind it.
  private func text(of field: String, in path: String) throws(ParameterError) -> String? {
    let parts = field.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let format = parts.count > 1 ? String(parts[1]) : ""
    var name = String(parts[0])
    if name.hasSuffix("!s") { name.removeLast(2) }
    if let text = builtIn(name, format) { return text }
    let keys = name.split(omittingEmptySubsequences: true) { "[].".contains($0) }.map(String.init)
    var value = keys.first.flatMap { values[$0] }
    for key in keys.dropFirst() { value = value?[key] ?? Int(key).flatMap { item($0, of: value) } }
    guard let value else {
      if !isStrict { return nil }
      throw ParameterError(
        "the path \(path) asks for the parameter \"\(name)\", which is missing", remedy: "give it with -p")
    }
    return try Self.format(value, format, path)
  }

  private func item(_ index: Int, of value: NotebookValue?) -> NotebookValue? {
    guard let items = value?.array, items.indices.contains(index) else { return nil }
    return items[index]
  }

  // MARK: - What every run has

  private func builtIn(_ name: String, _ format: String) -> String? {
    guard values["pm"] == nil else { return nil }
    switch name {
    case "pm[run_uuid]": return runID
    case "pm[current_datetime_utc]": return moment(isUTC: true, format)
    case "pm[current_datetime_local]": return moment(isUTC: false, format)
    default: return nil
    }
  }

  private func moment(isUTC: Bool, _ format: String) -> String {
    var seconds = time.tv_sec
    var parts = tm()
    _ = isUTC ? gmtime_r(&seconds, &parts) : localtime_r(&seconds, &parts)
    let microseconds = String(1_000_000 + time.tv_nsec / 1000).dropFirst()
    let pattern =
      format.isEmpty ? "%Y-%m-%d %H:%M:%S.\(microseconds)\(isUTC ? "+00:00" : "")" : format
    var buffer = [CChar](repeating: 0, count: 512)
    let count = strftime(
      &buffer, buffer.count, pattern.replacing("%f", with: String(microseconds)), &parts)
    return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  // MARK: - Formats

  /// `[[fill]align][0][width][.precision][type]`.
  private static func format(
    _ value: NotebookValue, _ format: String, _ path: String
  ) throws(ParameterError) -> String {
    var text: String
    switch value {
    case .null: text = "None"
    case .bool(let value): text = value ? "True" : "False"
    case .string(let value), .number(let value): text = value
    case .array, .object: text = String(decoding: value.line, as: UTF8.self)
    }
    var rest = format[...]
    var (fill, align): (Character, Character?) = (" ", nil)
    if let second = rest.dropFirst().first, "<>^".contains(second), let first = rest.first {
      (fill, align) = (first, second)
      rest = rest.dropFirst(2)
    } else if let first = rest.first, "<>^".contains(first) {
      align = first
      rest = rest.dropFirst()
    }
    if rest.first == "0" { (fill, align) = ("0", align ?? ">") }
    let width = rest.prefix(while: \.isNumber)
    rest = rest.dropFirst(width.count)
    if rest.first == "." {
      let digits = rest.dropFirst().prefix(while: \.isNumber)
      rest = rest.dropFirst(digits.count + 1)
      guard let precision = Int(digits), precision < 100 else { throw unknown(format, path) }
      if rest == "f", let number = value.double {
        text = fixed(number, precision)
      } else if rest.isEmpty || rest == "s", value.string != nil {
        text = String(text.prefix(precision))
      } else {
        throw unknown(format, path)
      }
    } else if rest == "d" {
      guard value.integer != nil else { throw unknown(format, path) }
    } else if rest == "s" ? value.string == nil : !rest.isEmpty {
      throw unknown(format, path)
    }
    guard let width = width.isEmpty ? 0 : Int(width), width <= 255 else { throw unknown(format, path) }
    return padded(text, to: width, fill, align ?? (value.double == nil ? "<" : ">"))
  }

  private static func unknown(_ format: String, _ path: String) -> ParameterError {
    ParameterError("the path \(path) asks for the format \"\(format)\", which does not suit the value")
  }

  private static func fixed(_ value: Double, _ precision: Int) -> String {
    var buffer = [CChar](repeating: 0, count: 512)
    let count = withVaList([Int32(precision), value]) { vsnprintf(&buffer, buffer.count, "%.*f", $0) }
    return String(decoding: buffer[..<Int(count)].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private static func padded(_ text: String, to width: Int, _ fill: Character, _ align: Character) -> String {
    let missing = max(0, width - text.count)
    let left = align == ">" ? missing : align == "^" ? missing / 2 : 0
    let digits = fill == "0" && text.hasPrefix("-") ? text.dropFirst() : text[...]
    return (digits.count < text.count ? "-" : "") + String(repeating: fill, count: left) + digits
      + String(repeating: fill, count: missing - left)
  }
}
