import Glibc
import KernelExecutor
import Notebook
import NotebookRunner
import PosixSupport

/// Progress for people: a line that is drawn anew on a terminal, a line for each cell in a log.
@KernelActor
final class RunProgress: RunObserver {
  private let sink: ReportSink
  private let loop: EventLoop
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var timer: EventLoop.TimerID?
  private var began = EventLoop.now()
  private var label = ""
  /// Code cells in all, and those that are done.
  private var total = 0
  private var done = 0
  private var skipped: Set<Int> = []
  /// Seconds that cells took when the notebook was run before, by place.
  private var earlier: [Int: Double] = [:]

  init(_ sink: ReportSink, loop: EventLoop) {
    self.sink = sink
    self.loop = loop
  }

  func expect(_ notebook: Notebook, without skipped: Set<Int>) {
    self.skipped = skipped
    for (index, cell) in notebook.cells.enumerated() where Self.runs(cell) && !skipped.contains(index) {
      total += 1
      earlier[index] = cell.metadata["papermill"]?["duration"]?.double
    }
  }

  private static func runs(_ cell: NotebookCell) -> Bool {
    cell.isCode && !cell.source.allSatisfy(\.isWhitespace) && !cell.tags.contains("skip-execution")
  }

  // MARK: - RunObserver

  func runStarted(_ run: NotebookRun) {
    began = EventLoop.now()
    label = "starting \(run.record.kernel)"
    draw()
    if isTerminal { tick() }
  }

  func cellStarted(_ cell: Int, of run: NotebookRun) {
    label = run.notebook.cells[cell].label
    draw()
  }

  func cellEnded(_ cell: Int, of run: NotebookRun) {
    guard Self.runs(run.notebook.cells[cell]), !skipped.contains(cell) else { return }
    done += 1
    earlier[cell] = nil
    if isTerminal {
      draw()
    } else {
      let seconds = run.duration(of: cell).map(Self.seconds) ?? ""
      let status = run.status(of: cell).rawValue
      sink.write("parley: [\(done)/\(total)] \(status) in \(seconds): \(run.notebook.cells[cell].label)\n")
    }
  }

  func runEnded(_ run: NotebookRun) { end() }

  /// Takes the line from the terminal.
  func end() {
    guard timer != nil else { return }
    loop.cancel(timer)
    timer = nil
    sink.write("\r\u{1B}[K")
  }

  // MARK: - The line

  private func tick() {
    timer = loop.after(.seconds(1)) { [weak self] in
      self?.draw()
      self?.tick()
    }
  }

  private func draw() {
    guard isTerminal else { return }
    let width = 20
    let filled = total == 0 ? 0 : done * width / total
    let bar = String(repeating: "=", count: filled) + String(repeating: " ", count: width - filled)
    let elapsed = Double(EventLoop.now() - began) / 1e9
    var text = "[\(bar)] \(done)/\(total) \(Self.seconds(elapsed))"
    if let left = left(elapsed) { text += ", about \(Self.seconds(left)) left" }
    sink.write("\r\u{1B}[K\(String("\(text)  \(label)".prefix(columns - 1)))")
  }

  private var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 80 }
    return Int(size.ws_col)
  }

  /// By what the cells that are left took the last time, or else by what those of this run took.
  private func left(_ elapsed: Double) -> Double? {
    if !earlier.isEmpty { return earlier.values.reduce(0, +) }
    guard done > 0, done < total else { return nil }
    return elapsed / Double(done) * Double(total - done)
  }

  private static func seconds(_ seconds: Double) -> String {
    if seconds < 10 { return "\((seconds * 100).rounded() / 100) s" }
    if seconds < 60 { return "\(Int(seconds)) s" }
    let whole = Int(seconds)
    return whole < 3600 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole / 60 % 60) min"
  }
}
