import Testing

@testable import NotebookRunner

@Suite("first lines in notebooks of other kernels")
struct ForeignSourceTests {
  @Test(
    "a marker stays, anything else is a comment",
    arguments: [
      ("#!bash\nls", "#!bash\nls"), ("#!Bash:two\nls", "#!Bash:two\nls"),
      ("#!pip install x\n1", "# !pip install x\n1"),
      ("#!/bin/sh", "#!/bin/sh"), ("#! text", "#! text"), ("#!", "#!"), ("1", "1"), ("x\n#!pip", "x\n#!pip"),
    ])
  func sources(source: String, expected: String) {
    #expect(ForeignSource.make(source) { $0 == "bash" } == expected)
  }
}
