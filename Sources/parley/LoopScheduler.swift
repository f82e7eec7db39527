import Glibc
import KernelCore
import KernelExecutor
import PosixSupport

/// The event loop as the kernel's clock.
@KernelActor
final class LoopScheduler: Scheduler {
  private let loop: EventLoop

  init(_ loop: EventLoop) {
    self.loop = loop
  }

  func after(_ delay: Duration, _ body: @escaping @KernelActor () -> Void) -> @KernelActor () -> Void {
    let timer = loop.after(delay, body)
    return { [loop] in loop.cancel(timer) }
  }
}

/// The variables this process was started with.
enum ProcessEnvironment {
  /// `NAME=value` texts.
  static func all() -> [String] {
    var variables: [String] = []
    var pointer = environ
    while let text = pointer.pointee {
      variables.append(String(cString: text))
      pointer += 1
    }
    return variables
  }

  static func values() -> [String: String] {
    let pairs = all().compactMap { variable -> (String, String)? in
      guard let equals = variable.firstIndex(of: "=") else { return nil }
      return (String(variable[..<equals]), String(variable[variable.index(after: equals)...]))
    }
    return Dictionary(pairs) { first, _ in first }
  }
}
