import Glibc

/// Descriptor 5: questions that front ends ask while a cell runs, answered by a thread of their own.
enum Lane {
  static func start(_ answer: @escaping @Sendable (Frame) -> Void) {
    // Signals are for the thread that runs the cells.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(answer))
    pthread_create(
      &thread, nil, { Unmanaged<Work>.fromOpaque($0!).takeRetainedValue().run() }, work.toOpaque())
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }

  private final class Work {
    let answer: @Sendable (Frame) -> Void

    init(_ answer: @escaping @Sendable (Frame) -> Void) { self.answer = answer }

    func run() -> UnsafeMutableRawPointer? {
      guard let file = fdopen(5, "re") else { return nil }
      while let head = line(file), let content = line(file) {
        if let frame = Frame(head: head, content: content) { answer(frame) }
      }
      return nil
    }

    private func line(_ file: UnsafeMutablePointer<FILE>) -> String? {
      var text: UnsafeMutablePointer<CChar>?
      var room = 0
      defer { free(text) }
      let length = getline(&text, &room, file)
      guard length > 0, let text else { return nil }
      return String(decoding: UnsafeRawBufferPointer(start: text, count: length), as: UTF8.self)
    }
  }
}
