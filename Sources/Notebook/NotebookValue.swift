/// A JSON value of a notebook, exact enough to be written again as it was read.
///
/// Numbers are kept as the text that Python would write for them, so that 2^63, 1e400 and 0.10 survive a round trip
/// through Parley as they survive one through nbformat.
public enum NotebookValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([NotebookValue])
  case object(NotebookObject)

  public static func integer(_ value: Int) -> NotebookValue { .number(String(value)) }
  public static func double(_ value: Double) -> NotebookValue { .number(PythonNumber.text(of: value)) }

  public static let emptyObject = NotebookValue.object(NotebookObject())

  /// The member of that name, or nil when this is no object or has none.
  public subscript(_ name: String) -> NotebookValue? { object?[name] }

  public var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  public var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  public var array: [NotebookValue]? {
    if case .array(let value) = self { value } else { nil }
  }

  public var object: NotebookObject? {
    if case .object(let value) = self { value } else { nil }
  }

  public var integer: Int? { double.flatMap { Int(exactly: $0) } }

  public var double: Double? {
    if case .number(let text) = self { PythonNumber.value(of: text) } else { nil }
  }

  /// The text of a string, or of a list of strings: what nbformat calls a multiline string.
  public var joinedText: String? {
    switch self {
    case .string(let text): return text
    case .array(let lines):
      let texts = lines.compactMap(\.string)
      return texts.count == lines.count ? texts.joined() : nil
    default: return nil
    }
  }
}

/// The members of a JSON object. Of members with one name the last counts, as everywhere.
public struct NotebookObject: Sendable, Equatable {
  public struct Member: Sendable, Equatable {
    public var name: String
    public var value: NotebookValue

    public init(_ name: String, _ value: NotebookValue) {
      self.name = name
      self.value = value
    }
  }

  public private(set) var members: [Member]

  public init(_ members: [Member] = []) {
    self.members = members
  }

  public var isEmpty: Bool { members.isEmpty }

  /// Assigning nil removes the member.
  public subscript(_ name: String) -> NotebookValue? {
    get { members.last { $0.name == name }?.value }
    set {
      guard let newValue else {
        members.removeAll { $0.name == name }
        return
      }
      if let index = members.lastIndex(where: { $0.name == name }) {
        members[index].value = newValue
      } else {
        members.append(Member(name, newValue))
      }
    }
  }

  /// Adds a member, or looks no further when the caller knows that there is none of that name.
  public mutating func append(_ name: String, _ value: NotebookValue) {
    members.append(Member(name, value))
  }
}

extension NotebookValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: NotebookValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, NotebookValue)...) {
    self = .object(NotebookObject(elements.map { .init($0.0, $0.1) }))
  }
  public init(nilLiteral: ()) { self = .null }
}
