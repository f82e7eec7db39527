import Foundation
import KernelCore
import Synchronization
import Testing

@testable import KernelHistory

@Suite("history", .timeLimit(.minutes(1)))
struct HistoryDatabaseTests {
  /// A folder that is gone when the test is over.
  private final class Folder: Sendable {
    let path: String

    init() throws {
      path = FileManager.default.temporaryDirectory.appendingPathComponent("parley-\(UUID().uuidString)").path
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var file: String { path + "/deep/er/history.sqlite" }
  }

  private final class Log: Sendable {
    private let kept = Mutex<[String]>([])
    var lines: [String] { kept.withLock { $0 } }
    func add(_ line: String) { kept.withLock { $0.append(line) } }
  }

  private func database(_ path: String?, _ log: Log = Log()) -> HistoryDatabase {
    HistoryDatabase(path: path) { log.add($0) }
  }

  private func append(_ history: HistoryDatabase, _ inputs: String...) {
    for (index, input) in inputs.enumerated() {
      history.appendInput(line: index + 1, source: input, language: "python")
    }
  }

  private func texts(_ entries: [HistoryEntry]) -> [String] {
    entries.map { "\($0.session)/\($0.line) \($0.input)" + ($0.output.map { " -> \($0)" } ?? "") }
  }

  @Test("tail: the last n of all sessions, oldest first, with results when asked")
  func tail() async throws {
    let folder = try Folder()
    let first = database(folder.file)
    append(first, "a", "b")
    await first.close()
    let second = database(folder.file)
    append(second, "c = '\u{0}é'", "d")
    second.appendOutput(line: 2, text: "4")
    #expect(
      texts(await second.tail(n: 3, output: false, raw: true)) == ["1/2 b", "2/1 c = '\u{0}é'", "2/2 d"])
    #expect(texts(await second.tail(n: 1, output: true, raw: false)) == ["2/2 d -> 4"])
    #expect(await second.tail(n: 1, output: false, raw: true).first?.output == nil)
    #expect(await second.tail(n: 0, output: false, raw: true).isEmpty)
    #expect(await second.tail(n: 99, output: false, raw: true).count == 4)
    second.appendOutput(line: 2, text: "5")
    #expect(texts(await second.tail(n: 1, output: true, raw: true)) == ["2/2 d -> 4\n5"])
    await second.close()
  }

  @Test("tail: this session's inputs count as the last, whatever other kernels write")
  func tailOfTwo() async throws {
    let folder = try Folder()
    let (a, b) = (database(folder.file), database(folder.file))
    append(a, "a1")
    #expect(await a.tail(n: 1, output: false, raw: true).count == 1)
    append(b, "b1")
    #expect(texts(await b.tail(n: 9, output: false, raw: true)) == ["1/1 a1", "2/1 b1"])
    #expect(texts(await a.tail(n: 9, output: false, raw: true)) == ["2/1 b1", "1/1 a1"])
    await a.close()
    await b.close()
  }

  @Test("range: this session, earlier ones, lines from the end")
  func range() async throws {
    let folder = try Folder()
    let first = database(folder.file)
    append(first, "a", "b", "c")
    await first.close()
    let second = database(folder.file)
    // Nothing typed yet: the session before is already -1.
    #expect(
      texts(await second.range(session: -1, start: 1, stop: 3, output: false, raw: true)) == [
        "1/1 a", "1/2 b",
      ])
    #expect(await second.range(session: 0, start: 1, stop: nil, output: false, raw: true).isEmpty)
    append(second, "x", "y")
    func range(_ session: Int, _ start: Int, _ stop: Int?) async -> [String] {
      texts(await second.range(session: session, start: start, stop: stop, output: false, raw: true))
    }
    #expect(await range(0, 1, nil) == ["2/1 x", "2/2 y"])
    #expect(await range(0, 0, 2) == ["2/1 x"])
    #expect(await range(-1, 2, nil) == ["1/2 b", "1/3 c"])
    #expect(await range(1, -1, nil) == ["1/3 c"])
    #expect(await range(1, 1, -1) == ["1/1 a", "1/2 b"])
    #expect(await range(1, 1, 0) == ["1/1 a", "1/2 b", "1/3 c"])
    #expect(await range(7, 1, nil) == [])
    #expect(await range(-9, 1, nil) == [])
    await second.close()
  }

  @Test("search: glob over whole inputs, the newest n, oldest first; unique keeps the latest")
  func search() async throws {
    let history = database(nil)
    append(history, "import a", "x[1] = 2", "import b", "import a", "print()\nimport c", "IMPORT")
    func search(_ pattern: String, _ n: Int? = nil, unique: Bool = false) async -> [Int] {
      await history.search(pattern: pattern, n: n, unique: unique, output: true, raw: true).map(\.line)
    }
    #expect(await search("import*") == [1, 3, 4])
    #expect(await search("import ?") == [1, 3, 4])
    #expect(await search("*import*") == [1, 3, 4, 5])
    #expect(await search("*import*", 2) == [4, 5])
    #expect(await search("import*", unique: true) == [3, 4])
    #expect(await search("*", 2, unique: true) == [5, 6])
    #expect(await search("x[1]*") == [2])
    #expect(await search("*[xy]*") == [])
    #expect(await search("import a") == [1, 4])
    #expect(await search("import") == [])
    #expect(await search("*", 0) == [])
    #expect(await search(String(repeating: "*a", count: 60_000)) == [])
    await history.close()
  }

  @Test("two databases on one file, written and read at once, lose nothing and never fail")
  func concurrent() async throws {
    let folder = try Folder()
    let log = Log()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          let history = database(folder.file, log)
          for line in 1...200 {
            history.appendInput(line: line, source: "cell \(line)", language: "x")
            history.appendOutput(line: line, text: "\(line)")
            if line % 20 == 0 { _ = await history.tail(n: 5, output: true, raw: true) }
          }
          let mine = await history.range(session: 0, start: 1, stop: nil, output: true, raw: true)
          #expect(mine.map(\.line) == Array(1...200))
          #expect(mine.allSatisfy { $0.output == "\($0.line)" })
          await history.close()
        }
      }
      try await group.waitForAll()
    }
    let after = database(folder.file, log)
    #expect(await after.tail(n: 10_000, output: false, raw: true).count == 800)
    #expect(Set(await after.tail(n: 10_000, output: false, raw: true).map(\.session)) == [1, 2, 3, 4])
    #expect(log.lines.isEmpty, "\(log.lines)")
    await after.close()
  }

  @Test("a line number used twice keeps both inputs")
  func sameLine() async throws {
    let history = database(nil)
    history.appendInput(line: 1, source: "a", language: "x")
    history.appendInput(line: 1, source: "b", language: "x")
    #expect(await history.tail(n: 9, output: false, raw: true).map(\.input) == ["a", "b"])
    await history.close()
  }

  @Test(
    "a file that cannot be used: one line in the log, history in memory",
    arguments: ["a folder", "below a file", "a newer version"])
  func unusable(_ what: String) async throws {
    let folder = try Folder()
    var path = folder.path + "/h"
    switch what {
    case "a folder": try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    case "below a file":
      try Data().write(to: URL(filePath: path))
      path += "/history.sqlite"
    default:
      try SQLiteConnection(path: path).execute("PRAGMA user_version = 99")
    }
    let log = Log()
    let history = database(path, log)
    append(history, "a", "b")
    #expect(await history.tail(n: 9, output: false, raw: true).map(\.input) == ["a", "b"])
    #expect(
      await history.range(session: 0, start: 1, stop: 2, output: false, raw: true).map(\.input) == ["a"])
    #expect(log.lines.count == 1)
    #expect(
      log.lines.first?.hasPrefix("history is kept in memory only; cannot use the file \(path): ") == true)
    await history.close()
  }

  @Test("nothing is opened before the first use, a look makes no session, the file is private")
  func lazy() async throws {
    let folder = try Folder()
    let unused = database(folder.file)
    await unused.close()
    #expect(!FileManager.default.fileExists(atPath: folder.file))
    let looked = database(folder.file)
    #expect(await looked.tail(n: 9, output: false, raw: true).isEmpty)
    await looked.close()
    let used = database(folder.file)
    append(used, "secret")
    #expect(await used.tail(n: 9, output: false, raw: true).map(\.session) == [1])
    for suffix in ["", "-wal"] {
      let mode = try FileManager.default.attributesOfItem(atPath: folder.file + suffix)[.posixPermissions]
      #expect((mode as? NSNumber)?.intValue == 0o600)
    }
    await used.close()
  }

  @Test("closing is final, harmless twice, and does not wait for another process that holds the file")
  func closing() async throws {
    let folder = try Folder()
    let history = database(folder.file)
    append(history, "a")
    #expect(await history.tail(n: 1, output: false, raw: true).count == 1)
    let other = try SQLiteConnection(path: folder.file)
    try other.execute("BEGIN IMMEDIATE")
    append(history, "b")
    await history.close()
    try other.execute("COMMIT")
    await history.close()
    append(history, "c")
    #expect(await history.tail(n: 9, output: false, raw: true).isEmpty)
  }

  @Test("a file that another process holds: what came in meanwhile is found at once, and written later")
  func held() async throws {
    let folder = try Folder()
    let before = database(folder.file)
    append(before, "before")
    await before.close()
    let log = Log()
    let history = database(folder.file, log)
    let other = try SQLiteConnection(path: folder.file)
    try other.execute("BEGIN IMMEDIATE")
    append(history, "a", "b")
    #expect(await history.tail(n: 9, output: false, raw: true).map(\.input) == ["a", "b"])
    #expect(log.lines.count == 1 && log.lines.first?.hasPrefix("another process holds the history ") == true)
    try other.execute("COMMIT")
    await history.close()
    // The end of a kernel does not wait for a slow disk, but what it has begun to write is written.
    let after = database(folder.file)
    for _ in 0..<500 where await after.tail(n: 9, output: false, raw: true).count < 3 {
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(texts(await after.tail(n: 9, output: false, raw: true)) == ["1/1 before", "2/1 a", "2/2 b"])
    await after.close()
  }

  @Test(
    "a file that is no database any more is set aside, and a new one begins",
    arguments: [Data("this is no database, and longer than a header of one".utf8), Data(count: 8192)])
  func damaged(content: Data) async throws {
    let folder = try Folder()
    try FileManager.default.createDirectory(
      atPath: URL(fileURLWithPath: folder.file).deletingLastPathComponent().path,
      withIntermediateDirectories: true)
    try (Data("SQLite format 3\u{0}".utf8) + content).write(to: URL(fileURLWithPath: folder.file))
    let log = Log()
    let history = database(folder.file, log)
    append(history, "a")
    #expect(texts(await history.tail(n: 9, output: false, raw: true)) == ["1/1 a"])
    await history.close()
    #expect(log.lines.count == 1 && log.lines.first?.contains("it is \(folder.file).corrupt now") == true)
    let after = database(folder.file, log)
    #expect(texts(await after.tail(n: 9, output: false, raw: true)) == ["1/1 a"])
    await after.close()
    #expect(log.lines.count == 1)
  }

  @Test("a database that goes away still writes what it was given")
  func dropped() async throws {
    let folder = try Folder()
    append(database(folder.file), "kept")
    let after = database(folder.file)
    for _ in 0..<100 where await after.tail(n: 1, output: false, raw: true).isEmpty {
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(await after.tail(n: 1, output: false, raw: true).map(\.input) == ["kept"])
    await after.close()
  }

  @Test("appending never waits for the file")
  func cheap() async throws {
    let folder = try Folder()
    let history = database(folder.file)
    append(history, "first")
    #expect(await history.tail(n: 1, output: false, raw: true).count == 1)
    let other = try SQLiteConnection(path: folder.file)
    try other.execute("BEGIN IMMEDIATE")
    for line in 1...2000 { history.appendInput(line: line, source: "x", language: "x") }
    try other.execute("COMMIT")
    #expect(await history.tail(n: 9999, output: false, raw: true).count == 2001)
    await history.close()
  }
}
