import Testing

/// Who may import whom. The same table is in docs/architecture.md, with the reasons.
@Suite("the import table")
struct ImportTableTests {
  /// What one target may import besides the standard library's `Synchronization`.
  private struct Rule {
    /// Targets of this package.
    let ours: Set<String>
    /// Modules of the system and of packages.
    let others: Set<String>

    init(_ ours: Set<String> = [], and others: Set<String> = []) {
      self.ours = ours
      self.others = others
    }
  }

  private static let system: Set<String> = ["Glibc", "Darwin"]
  private static let standard: Set<String> = ["Synchronization"]

  /// A target that is missing here fails the test: a new one needs a decision.
  private static let table: [String: Rule] = [
    "CCurl": Rule(), "COpenSSL": Rule(), "CPosix": Rule(), "CSQLBridge": Rule(), "CSQLite": Rule(),
    "CYAML": Rule(),
    "CZeroMQ": Rule(),
    // Values: of the C library only the clock and random numbers.
    "JupyterProtocol": Rule(and: system.union(["FoundationEssentials"])),
    "KernelExecutor": Rule(),
    "PosixSupport": Rule(["CPosix", "KernelExecutor"], and: system),
    "ZeroMQ": Rule(["CZeroMQ"], and: system),
    // Decides and routes; no sockets, no processes, no files: hence no C library.
    "KernelCore": Rule(["JupyterProtocol", "KernelExecutor"], and: ["FoundationEssentials", "Logging"]),
    "KernelSpecs": Rule(and: system.union(["FoundationEssentials"])),
    "KernelHistory": Rule(["CSQLite", "KernelCore", "KernelExecutor", "PosixSupport"], and: system),
    "JupyterTransport": Rule(
      ["COpenSSL", "JupyterProtocol", "KernelExecutor", "PosixSupport", "ZeroMQ"],
      and: system.union(["FoundationEssentials", "Logging"])),
    "BridgeHost": Rule(
      ["CPosix", "JupyterProtocol", "KernelCore", "KernelExecutor", "KernelSpecs", "PosixSupport"],
      and: system.union(["FoundationEssentials", "Logging"])),
    "KernelProxy": Rule(
      [
        "CPosix", "JupyterProtocol", "JupyterTransport", "KernelCore", "KernelExecutor", "KernelSpecs",
        "PosixSupport",
      ], and: system.union(["FoundationEssentials", "Logging"])),
    // Values: a notebook in memory and its text; no files, hence no C library.
    "Notebook": Rule(["JupyterProtocol"]),
    // Files and the clock, but no sockets and no processes of its own.
    "NotebookRunner": Rule(
      ["JupyterProtocol", "KernelCore", "KernelExecutor", "Notebook", "PosixSupport"],
      and: system.union(["Logging"])),
    // Notebooks elsewhere: sockets by libcurl, on a thread of its own.
    "Storage": Rule(
      ["CCurl", "COpenSSL", "JupyterProtocol", "KernelExecutor", "NotebookRunner", "PosixSupport"],
      and: system),
    // Values and texts; of the C library only the clock and the forms of numbers and dates.
    "Parameters": Rule(["CYAML", "Notebook"], and: system),
    // A language of its own: it knows of the server no more than the protocol.
    "SQLBridge": Rule(["CSQLBridge", "CSQLite", "JupyterProtocol"], and: system),
    // Where everything meets.
    "parley": Rule(
      [
        "BridgeHost", "COpenSSL", "CPosix", "CSQLite", "JupyterProtocol", "JupyterTransport", "KernelCore",
        "KernelExecutor", "KernelHistory", "KernelProxy", "KernelSpecs", "Notebook", "NotebookRunner",
        "Parameters", "PosixSupport", "SQLBridge", "Storage", "ZeroMQ",
      ], and: system.union(["ArgumentParser", "FoundationEssentials", "Logging"])),
  ]

  @Test("every import is allowed by the table")
  func imports() throws {
    let found = try SourceTree().imports()
    #expect(found.count > 20, "the sources were not found")
    for item in found {
      let rule = try #require(Self.table[item.target], "no row for the target \(item.target)")
      let allowed = rule.ours.union(rule.others).union(Self.standard)
      #expect(allowed.contains(item.module), "\(item.place): \(item.target) may not import \(item.module)")
    }
  }

  @Test("every target has a row, every row a target, and the table has no circle")
  func complete() throws {
    let targets = try SourceTree().targets()
    #expect(Set(targets) == Set(Self.table.keys))
    var placed: Set<String> = []
    while placed.count < Self.table.count {
      let ready = Self.table.filter { !placed.contains($0.key) && $0.value.ours.isSubset(of: placed) }
      try #require(!ready.isEmpty, "a circle among \(Set(Self.table.keys).subtracting(placed).sorted())")
      placed.formUnion(ready.keys)
    }
  }

  @Test("nothing imports the whole of Foundation, which costs start-up time and memory")
  func foundation() throws {
    let heavy: Set<String> = ["Foundation", "FoundationNetworking", "FoundationXML", "Dispatch", "XCTest"]
    for item in try SourceTree().imports() {
      #expect(!heavy.contains(item.module), "\(item.place) imports \(item.module)")
    }
  }

  @Test(
    "import lines are read in all their forms",
    arguments: [
      ("import A", "A"), ("  public import A.B", "A"), ("@preconcurrency import A", "A"),
      ("@_spi(X) internal import struct A.S", "A"), ("import func A.f // why", "A"), ("// import A", nil),
      ("let important = 1", nil), ("importing A", nil),
    ] as [(String, String?)])
  func forms(line: String, module: String?) {
    #expect(SourceTree.module(importedBy: line) == module)
  }
}
