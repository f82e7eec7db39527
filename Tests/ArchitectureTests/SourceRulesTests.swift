import Foundation
import Testing

/// Rules for single files that no compiler holds.
@Suite("rules for source files")
struct SourceRulesTests {
  @Test("whoever takes a check from the compiler says which invariant holds in its place")
  func invariants() throws {
    let escapes = ["@unchecked Sendable", "nonisolated(unsafe)", "@preconcurrency"]
    for file in try SourceTree().files() {
      for (number, line) in file.lines.enumerated()
      where escapes.contains(where: Self.code(of: line).contains) {
        #expect(
          Self.comment(above: number, in: file.lines).contains("Invariant"),
          "\(file.path):\(number + 1) needs a comment above it that names its invariant")
      }
    }
  }

  @Test("one file, one duty: none is longer than 600 lines")
  func length() throws {
    for file in try SourceTree().files() {
      #expect(file.lines.count <= 600, "\(file.path) has \(file.lines.count) lines: split it")
    }
  }

  @Test("nothing is unwrapped or tried by force")
  func force() throws {
    for file in try SourceTree().files() {
      for (number, line) in file.lines.enumerated() {
        let code = Self.code(of: line)
        #expect(!code.contains("try! ") && !code.contains(" as! "), "\(file.path):\(number + 1): \(line)")
      }
    }
  }

  @Test("the text of a comment is not taken for code")
  func comments() {
    #expect(Self.code(of: "let a = 1  // nonisolated(unsafe)") == "let a = 1  ")
    #expect(Self.code(of: "  /// @unchecked Sendable") == "  ")
    #expect(Self.comment(above: 3, in: ["x", "/// Invariant: a", "@frozen", "y"]).contains("Invariant"))
    #expect(!Self.comment(above: 2, in: ["/// Invariant: a", "", "y"]).contains("Invariant"))
  }

  private static func code(of line: String) -> String {
    line.range(of: "//").map { String(line[..<$0.lowerBound]) } ?? line
  }

  /// The comment lines directly above a line; attributes may stand between.
  private static func comment(above number: Int, in lines: [String]) -> String {
    var found: [String] = []
    for line in lines[..<number].reversed() {
      let text = line.trimmingCharacters(in: .whitespaces)
      guard text.hasPrefix("//") || text.hasPrefix("@") else { break }
      found.append(text)
    }
    return found.joined(separator: "\n")
  }
}
