import CYAML
import Notebook

/// Reads YAML 1.1 as papermill does: PyYAML's safe loader, but dates stay text.
///
/// Source: YAML 1.1, "Tag repository"; PyYAML, resolver.py and constructor.py.
enum YAMLReader {
  /// The only document of the text; null when there is none.
  /// - Parameter name: the file's name, or where else the text is from, for errors.
  static func read(_ text: [UInt8], from name: String) throws(ParameterError) -> NotebookValue {
    // YAML 1.1 has no pairs of surrogates and wants a point in 1e5: what is JSON is read as JSON.
    if text.first(where: { $0 > 32 }) == UInt8(ascii: "{"), let value = NotebookValue(json: text) {
      return value
    }
    let composer = YAMLComposer()
    var line = 0
    var column = 0
    var problem = [CChar](repeating: 0, count: 256)
    let result = parley_yaml_read(
      text, text.count,
      { context, kind, value, length, isPlain, anchor, tag in
        guard let context, let value else { return 0 }
        let composer = Unmanaged<YAMLComposer>.fromOpaque(context).takeUnretainedValue()
        let bytes = UnsafeBufferPointer(start: value, count: length)
        let text = String(decoding: UnsafeRawBufferPointer(bytes), as: UTF8.self)
        composer.take(
          kind, text, isPlain: isPlain != 0, anchor: anchor.map { String(cString: $0) },
          tag: tag.map { String(cString: $0) })
        return composer.problem == nil ? 1 : 0
      }, Unmanaged.passUnretained(composer).toOpaque(), &line, &column, &problem, problem.count)
    if result < 0 {
      let reason = String(decoding: problem.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw ParameterError("\(name) is not valid YAML: line \(line), column \(column): \(reason)")
    }
    if let problem = composer.problem { throw ParameterError("\(name): \(problem)") }
    return composer.root ?? .null
  }
}

/// Makes values of the events of one text.
private final class YAMLComposer {
  private enum Open {
    case sequence([NotebookValue], anchor: String?)
    case mapping(NotebookObject, key: String?, merged: [NotebookObject], anchor: String?)
  }

  /// The key under which another mapping's members are taken over.
  private static let mergeKey = "<<"
  private static let mostNodes = 1_000_000

  private(set) var root: NotebookValue?
  private(set) var problem: String?
  private var stack: [Open] = []
  private var anchors: [String: NotebookValue] = [:]
  private var documents = 0
  private var nodes = 0

  func take(_ kind: parley_yaml_kind, _ text: String, isPlain: Bool, anchor: String?, tag: String?) {
    switch kind {
    case PARLEY_YAML_DOCUMENT_START:
      documents += 1
      if documents > 1 { problem = "it holds more than one document" }
    case PARLEY_YAML_SCALAR:
      let value =
        tag.flatMap { YAMLScalar.value(of: text, tag: $0) }
        ?? (isPlain ? YAMLScalar.value(of: text) : .string(text))
      if let anchor { anchors[anchor] = value }
      add(value, text: text)
    case PARLEY_YAML_ALIAS:
      guard let value = anchors[anchor ?? ""] else {
        problem = "the anchor \"\(anchor ?? "")\" is not defined"
        return
      }
      // A few lines of aliases of aliases can stand for a billion values.
      nodes += Self.size(of: value)
      add(value, text: value.string)
    case PARLEY_YAML_SEQUENCE_START: stack.append(.sequence([], anchor: anchor))
    case PARLEY_YAML_MAPPING_START:
      stack.append(.mapping(NotebookObject(), key: nil, merged: [], anchor: anchor))
    default: close()
    }
    nodes += 1
    if nodes > Self.mostNodes { problem = "it holds more than \(Self.mostNodes) values" }
  }

  private func close() {
    switch stack.popLast() {
    case .sequence(let values, let anchor)?:
      let value = NotebookValue.array(values)
      if let anchor { anchors[anchor] = value }
      add(value, text: nil)
    case .mapping(var object, _, let merged, let anchor)?:
      for other in merged {
        for member in other.members where object[member.name] == nil { object[member.name] = member.value }
      }
      if let anchor { anchors[anchor] = .object(object) }
      add(.object(object), text: nil)
    case nil: break
    }
  }

  /// - Parameter text: what a scalar is as a key: JSON has no other keys than text.
  private func add(_ value: NotebookValue, text: String?) {
    guard let top = stack.popLast() else {
      root = value
      return
    }
    switch top {
    case .sequence(var values, let anchor):
      values.append(value)
      stack.append(.sequence(values, anchor: anchor))
    case .mapping(let object, nil, let merged, let anchor):
      guard let key = text ?? value.string else {
        problem = "a key is a list or a mapping, and only text, numbers and the like can be one"
        return
      }
      stack.append(.mapping(object, key: key, merged: merged, anchor: anchor))
    case .mapping(var object, let key?, var merged, let anchor):
      if key == Self.mergeKey {
        if let other = value.object { merged.append(other) }
        merged += value.array?.compactMap(\.object) ?? []
      } else {
        object[key] = value
      }
      stack.append(.mapping(object, key: nil, merged: merged, anchor: anchor))
    }
  }

  private static func size(of value: NotebookValue) -> Int {
    switch value {
    case .array(let values): values.reduce(1) { $0 + size(of: $1) }
    case .object(let object): object.members.reduce(1) { $0 + size(of: $1.value) }
    default: 1
    }
  }
}
