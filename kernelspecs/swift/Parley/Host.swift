/// What this module needs of the program that runs the cells.
public protocol _ParleyHost: AnyObject {
  /// Sends an output frame, and returns when what is printed next comes next.
  func send(_ messageType: String, _ content: String)
  /// Asks the user; nil at the end of input.
  func ask(_ prompt: String, password: Bool) -> String?
  /// Ends the cell with an error, if this is its thread.
  func fail(_ name: String, _ text: String)
  func encode(_ value: any Encodable) throws -> String
  /// The text on one line if it is JSON.
  func checkedJSON(_ text: String) -> String?
  var isSilent: Bool { get }
}

nonisolated(unsafe) public var _parleyHost: (any _ParleyHost)!

/// Where values go while the server asks for expressions beside a cell.
nonisolated(unsafe) public var _parleyCaptured: String?
nonisolated(unsafe) public var _parleyCaptures = false

/// The value of a cell: the host wraps the last expression in this.
public func _parleyEcho<T>(_ value: T) {
  if value is Void || value is DisplayHandle || value is any StartedTask { return }
  var forms = bundle(of: value)
  if !forms.contains(where: { $0.mime == "text/plain" }) {
    let hasOwnText = value is any CustomStringConvertible
    forms.append(.text(hasOwnText ? described(value) : String(describing: type(of: value))))
  }
  if _parleyCaptures {
    _parleyCaptured = "{\"status\":\"ok\",\"data\":\(encoded(forms)),\"metadata\":{}}"
  } else if !_parleyHost.isSilent {
    show("execute_result", forms, id: nil)
  }
}

/// A task is started for what it does: that it exists is nothing to show.
private protocol StartedTask {}
extension Task: StartedTask {}

/// A value that cannot be copied has nothing to show.
@_disfavoredOverload
public func _parleyEcho<T: ~Copyable>(_ value: borrowing T) {}

/// In place of Swift's, in cells: asks the user.
public func readLine(strippingNewline: Bool = true) -> String? {
  readLine(prompt: "", strippingNewline: strippingNewline)
}

/// Asks the user, with a prompt beside the field.
public func readLine(prompt: String, strippingNewline: Bool = true) -> String? {
  _parleyHost.ask(prompt, password: false).map { strippingNewline ? $0 : $0 + "\n" }
}

/// Asks for something that is not to be seen.
public func readPassword(_ prompt: String = "Password: ") -> String? {
  _parleyHost.ask(prompt, password: true)
}

@_silgen_name("parley_cell_begins") public func _parleyBegin()
@_silgen_name("parley_cell_ends") public func _parleyEnd()
/// Told behind each statement that gives variables their values.
@_silgen_name("parley_step") public func _parleyStep(_ number: Int)

/// An error as text.
public func _parleyText(of error: any Error) -> String { described(error) }
