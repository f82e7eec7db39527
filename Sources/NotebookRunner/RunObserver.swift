import KernelExecutor
import Notebook

/// Somebody who is told what happens in a run: whoever saves, shows progress, writes events.
@KernelActor
public protocol RunObserver: AnyObject {
  func runStarted(_ run: NotebookRun)
  func cellStarted(_ cell: Int, of run: NotebookRun)
  /// Text that a cell has printed.
  func printed(_ name: String, _ text: String, by cell: Int, of run: NotebookRun)
  /// Outputs of a cell have changed, of one that runs or of one that ran before.
  func changed(_ cell: Int, of run: NotebookRun)
  func cellEnded(_ cell: Int, of run: NotebookRun)
  /// The last cell has run. Outputs may still come while the languages end.
  func runEnded(_ run: NotebookRun)
}

extension RunObserver {
  public func runStarted(_ run: NotebookRun) {}
  public func cellStarted(_ cell: Int, of run: NotebookRun) {}
  public func printed(_ name: String, _ text: String, by cell: Int, of run: NotebookRun) {}
  public func changed(_ cell: Int, of run: NotebookRun) {}
  public func cellEnded(_ cell: Int, of run: NotebookRun) {}
  public func runEnded(_ run: NotebookRun) {}
}
