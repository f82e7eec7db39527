/// One line of `parley doctor`.
struct Finding: Equatable {
  enum Grade: String {
    case ok = "OK"
    /// Works, but not as well as it could.
    case warn = "WARN"
    /// Something that will not work.
    case fail = "FAIL"
  }

  let grade: Grade
  /// What was looked at.
  let subject: String
  /// What was found.
  let text: String
  /// What to do; empty when there is nothing to be done.
  let remedy: String

  static func ok(_ subject: String, _ text: String) -> Finding {
    Finding(grade: .ok, subject: subject, text: text, remedy: "")
  }

  static func warn(_ subject: String, _ text: String, do remedy: String) -> Finding {
    Finding(grade: .warn, subject: subject, text: text, remedy: remedy)
  }

  static func fail(_ subject: String, _ text: String, do remedy: String) -> Finding {
    Finding(grade: .fail, subject: subject, text: text, remedy: remedy)
  }

  var line: String {
    let grade = self.grade.rawValue + String(repeating: " ", count: 4 - self.grade.rawValue.count)
    return "\(grade)  \(subject): \(text)" + (remedy.isEmpty ? "" : "; \(remedy)")
  }
}
