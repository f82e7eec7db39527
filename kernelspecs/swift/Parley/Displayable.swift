/// One form of a value that a notebook can show.
public enum Representation: Sendable {
  case text(String)
  case html(String)
  case markdown(String)
  case latex(String)
  case svg(String)
  /// JSON as text.
  case json(String)
  case javascript(String)
  case png([UInt8])
  case jpeg([UInt8])
  /// Any other type whose data is text.
  case other(mime: String, String)

  var mime: String {
    switch self {
    case .text: "text/plain"
    case .html: "text/html"
    case .markdown: "text/markdown"
    case .latex: "text/latex"
    case .svg: "image/svg+xml"
    case .json: "application/json"
    case .javascript: "application/javascript"
    case .png: "image/png"
    case .jpeg: "image/jpeg"
    case .other(let mime, _): mime
    }
  }

  /// The member's value as JSON.
  var encoded: String {
    switch self {
    case .text(let text), .html(let text), .markdown(let text), .latex(let text), .svg(let text),
      .javascript(let text), .other(_, let text):
      quoted(text)
    case .json(let text): text
    case .png(let bytes), .jpeg(let bytes): "\"" + base64(bytes) + "\""
    }
  }
}

/// A type that says how a notebook shows its values: as the value of a cell, and by `display(_:)`.
///
///     extension Colour: Displayable {
///       var representations: [Representation] { [.html("<b style='color:\(css)'>\(css)</b>")] }
///     }
public protocol Displayable {
  /// The forms to choose from; plain text is added where it is missing.
  var representations: [Representation] { get }
}

/// A display that can be changed later.
public struct DisplayHandle: Sendable {
  public let id: String

  public func update(_ value: Any) { show("update_display_data", bundle(of: value), id: id) }
  public func update(html: String) { show("update_display_data", [.html(html)], id: id) }
  public func update(markdown: String) { show("update_display_data", [.markdown(markdown)], id: id) }
  public func update(latex: String) { show("update_display_data", [.latex(latex)], id: id) }
  public func update(svg: String) { show("update_display_data", [.svg(svg)], id: id) }
  public func update(text: String) { show("update_display_data", [.text(text)], id: id) }
  public func update(json: String) { show("update_display_data", [.json(json)], id: id) }
  public func update(png: some Sequence<UInt8>) { show("update_display_data", [.png(Array(png))], id: id) }
  public func update(_ representations: [Representation]) {
    show("update_display_data", representations, id: id)
  }
}

/// Shows a value in its richest form.
@discardableResult
public func display(_ value: Any, id: String? = nil) -> DisplayHandle { displayed(bundle(of: value), id) }

@discardableResult
public func display(html: String, id: String? = nil) -> DisplayHandle { displayed([.html(html)], id) }

@discardableResult
public func display(markdown: String, id: String? = nil) -> DisplayHandle {
  displayed([.markdown(markdown)], id)
}

@discardableResult
public func display(latex: String, id: String? = nil) -> DisplayHandle { displayed([.latex(latex)], id) }

@discardableResult
public func display(svg: String, id: String? = nil) -> DisplayHandle { displayed([.svg(svg)], id) }

@discardableResult
public func display(text: String, id: String? = nil) -> DisplayHandle { displayed([.text(text)], id) }

@discardableResult
public func display(javascript: String, id: String? = nil) -> DisplayHandle {
  displayed([.javascript(javascript)], id)
}

/// Shows JSON that is at hand as text.
@discardableResult
public func display(json: String, id: String? = nil) -> DisplayHandle {
  guard let compact = _parleyHost.checkedJSON(json) else {
    _parleyHost.fail("DisplayError", "display(json:) was given text that is not JSON: \(json.prefix(80))")
    return DisplayHandle(id: id ?? "")
  }
  return displayed([.json(compact)], id)
}

/// Shows a value as a tree of JSON.
@discardableResult
@_disfavoredOverload
public func display(json: some Encodable, id: String? = nil) throws -> DisplayHandle {
  displayed([.json(try _parleyHost.encode(json))], id)
}

/// Shows an image; `Data` and `[UInt8]` both do.
@discardableResult
public func display(png: some Sequence<UInt8>, id: String? = nil) -> DisplayHandle {
  displayed([.png(Array(png))], id)
}

@discardableResult
public func display(jpeg: some Sequence<UInt8>, id: String? = nil) -> DisplayHandle {
  displayed([.jpeg(Array(jpeg))], id)
}

/// Shows several forms of one thing; the front end takes the best that it can.
@discardableResult
public func display(_ representations: [Representation], id: String? = nil) -> DisplayHandle {
  displayed(representations, id)
}

/// Clears what the cell has shown: at once, or when the next output comes.
public func clearOutput(wait: Bool = false) {
  _parleyHost.send("clear_output", "{\"wait\":\(wait)}")
}

nonisolated(unsafe) private var lastID = 0

private func displayed(_ forms: [Representation], _ id: String?) -> DisplayHandle {
  lastID += 1
  let id = id ?? "swift-\(lastID)-\(UInt32.random(in: 0 ... .max))"
  show("display_data", forms, id: id)
  return DisplayHandle(id: id)
}

func bundle(of value: Any) -> [Representation] {
  guard let value = value as? any Displayable else { return [.text(described(value))] }
  return value.representations
}

func show(_ type: String, _ forms: [Representation], id: String?) {
  let transient = id.map { ",\"transient\":{\"display_id\":\(quoted($0))}" } ?? ""
  _parleyHost.send(type, "{\"data\":\(encoded(forms)),\"metadata\":{}\(transient)}")
}

/// A MIME bundle as JSON.
func encoded(_ forms: [Representation]) -> String {
  "{" + forms.map { quoted($0.mime) + ":" + $0.encoded }.joined(separator: ",") + "}"
}
