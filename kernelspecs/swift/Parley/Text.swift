private let maximumDepth = 6
private let maximumElements = 1000

/// A value as the text a programmer wants to see: strings quoted, structures with their members, and no names of the
/// modules that cells are compiled to.
func described(_ value: Any) -> String {
  var text = ""
  describe(value, depth: 0, into: &text)
  return text
}

private func describe(_ value: Any, depth: Int, into text: inout String) {
  guard depth < maximumDepth else {
    text += "…"
    return
  }
  let mirror = Mirror(reflecting: value)
  switch mirror.displayStyle {
  case .optional:
    guard let child = mirror.children.first else {
      text += "nil"
      return
    }
    text += "Optional("
    describe(child.value, depth: depth, into: &text)
    text += ")"
  case .collection, .set:
    if hasText(value), !isStandard(value) {
      text += plain(value)
      return
    }
    list(mirror.children, open: "[", close: "]", empty: "[]", into: &text) { child, text in
      describe(child.value, depth: depth + 1, into: &text)
    }
  case .dictionary:
    list(mirror.children, open: "[", close: "]", empty: "[:]", into: &text) { child, text in
      let pair = Array(Mirror(reflecting: child.value).children)
      describe(pair[0].value, depth: depth + 1, into: &text)
      text += ": "
      describe(pair[1].value, depth: depth + 1, into: &text)
    }
  case .tuple:
    list(mirror.children, open: "(", close: ")", empty: "()", into: &text) { child, text in
      if let label = child.label, !label.hasPrefix(".") { text += label + ": " }
      describe(child.value, depth: depth + 1, into: &text)
    }
  case .enum where !hasText(value):
    text += String(describing: type(of: value)) + "."
    guard let child = mirror.children.first else {
      text += String(describing: value)
      return
    }
    text += child.label ?? "?"
    let payload = Mirror(reflecting: child.value)
    if payload.displayStyle == .tuple { return describe(child.value, depth: depth + 1, into: &text) }
    text += "("
    describe(child.value, depth: depth + 1, into: &text)
    text += ")"
  case .struct where !hasText(value), .class where !hasText(value):
    text += String(describing: type(of: value))
    list(mirror.children, open: "(", close: ")", empty: "()", into: &text) { child, text in
      text += (child.label ?? "_") + ": "
      describe(child.value, depth: depth + 1, into: &text)
    }
  default:
    text += plain(value)
  }
}

private func hasText(_ value: Any) -> Bool {
  value is any CustomDebugStringConvertible || value is any CustomStringConvertible
}

/// Swift's own collections describe their elements with module names; they are walked instead.
private func isStandard(_ value: Any) -> Bool {
  let name = String(reflecting: type(of: value))
  return name.hasPrefix("Swift.")
}

private func plain(_ value: Any) -> String {
  switch value {
  case let text as String: text.debugDescription
  case let value as any CustomStringConvertible where !(value is any StringProtocol): value.description
  case let value as any CustomDebugStringConvertible: value.debugDescription
  case let type as Any.Type: String(describing: type)
  default:
    String(describing: value) == "(Function)"
      ? String(describing: type(of: value)) : String(describing: value)
  }
}

private func list(
  _ children: Mirror.Children, open: String, close: String, empty: String, into text: inout String,
  _ one: (Mirror.Child, inout String) -> Void
) {
  guard !children.isEmpty else {
    text += empty
    return
  }
  text += open
  var count = 0
  for child in children {
    if count > 0 { text += ", " }
    if count == maximumElements {
      text += "… \(children.count - count) more"
      break
    }
    one(child, &text)
    count += 1
  }
  text += close
}

/// A JSON string.
func quoted(_ text: String) -> String {
  var result: [UInt8] = [UInt8(ascii: "\"")]
  let digits = Array("0123456789abcdef".utf8)
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += [UInt8(ascii: "\\"), byte]
    case 0..<32:
      result += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    default: result.append(byte)
    }
  }
  result.append(UInt8(ascii: "\""))
  return String(decoding: result, as: UTF8.self)
}

func base64(_ bytes: [UInt8]) -> String {
  let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var result: [UInt8] = []
  result.reserveCapacity((bytes.count + 2) / 3 * 4)
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let count = min(3, bytes.count - start)
    var group: UInt32 = 0
    for index in 0..<3 { group = group << 8 | (index < count ? UInt32(bytes[start + index]) : 0) }
    for index in 0..<4 {
      result.append(index <= count ? letters[Int(group >> (18 - 6 * UInt32(index)) & 63)] : UInt8(ascii: "="))
    }
  }
  return String(decoding: result, as: UTF8.self)
}
