/// The variables that a language's process gets.
public enum ChildEnvironment {
  /// Both lists of `NAME=value` texts; of one name the last value, since a C program sees the first of two.
  ///
  /// `JPY_PARENT_PID` is left out: it names the launcher of the server, and a kernel that compares it with its own
  /// parent would end.
  public static func merge(_ inherited: [String], _ own: [String]) -> [String] {
    var order: [Substring] = []
    var values: [Substring: String] = [:]
    for variable in inherited + own {
      let name = variable.prefix { $0 != "=" }
      guard name != "JPY_PARENT_PID" else { continue }
      if values.updateValue(variable, forKey: name) == nil { order.append(name) }
    }
    return order.compactMap { values[$0] }
  }
}
