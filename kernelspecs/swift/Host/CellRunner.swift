import CRuntime
import Glibc
import Parley

/// Compiles cells, loads them into this process and runs them.
final class CellRunner {
  let compiler: Compiler
  let output: Output
  private(set) var session = Session()
  private var loaded: [(base: UInt, path: String)] = []
  private var libraries: Set<String> = []

  init(compiler: Compiler, output: Output) {
    self.compiler = compiler
    self.output = output
  }

  /// Runs a cell. Returns why it failed, or nil.
  func run(_ code: String, number: Int) -> CellError? {
    let parsed = ParsedCell(code)
    let module = session.newModule(number)
    let file = "cell \(number)"
    let entry = "parley_main_\(module)"
    let path: String
    do {
      let (source, library, warnings) = try compile(code, parsed, module: module, file: file, entry: entry)
      path = library
      for warning in warnings
      where warning.file == file && warning.severity == .warning && isOfInterest(warning) {
        fputs(show(warning, source) + "\n", stderr)
      }
    } catch Compiler.Failure.interrupted {
      return .interrupted
    } catch Compiler.Failure.broken(let text) {
      return CellError("CompilerError", String(text.prefix { $0 != "\n" }), [text])
    } catch let error as CellError {
      return error
    } catch {
      return CellError("CompilerError", "\(error)")
    }
    loadLibraries(parsed.imports)
    guard let handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL), let address = dlsym(handle, entry) else {
      return CellError("LinkError", String(cString: dlerror()))
    }
    parley_add_image(address)
    loaded.append((UInt(parley_library_base(UInt(bitPattern: address))), path))

    stepsDone = 0
    output.failure = nil
    parley_note_children()
    let main = unsafeBitCast(
      address, to: (@convention(c) (Int32, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> Int32).self
    )
    let outcome = parley_run(main)
    if outcome != parley_finished { parley_interrupt_children() }
    parley_flush()

    session.add(imports: parsed.imports)
    let declared = parsed.declarations.filter { $0.step.map { $0 < stepsDone } ?? true }
    session.add(
      .init(
        number: number, module: module, source: code, declarations: declared,
        isPartial: declared.count < parsed.declarations.count))
    return error(of: outcome)
  }

  // MARK: - Compiling

  /// Compiles a cell. What the compiler cannot know of notebooks is put right as it says so, and tried again.
  private func compile(
    _ code: String, _ parsed: ParsedCell, module: String, file: String, entry: String
  ) throws -> (CellSource, String, [Diagnostic]) {
    let imports = session.importLines(for: parsed)
    var edits = CellSource.Edits()
    for reference in parsed.references where !reference.isInClosure {
      edits.qualified[reference.offset] = session.owner(of: reference.name)
    }
    for _ in 0..<6 {
      let source = CellSource(code, parsed: parsed, file: file, edits: edits)
      do {
        let lines = imports.filter { !edits.refusedImports.contains($0) }
        let (path, warnings) = try compiler.build(
          module: module, entry: entry, text: source.text(imports: lines), flags: parsed.flags)
        return (source, path, warnings)
      } catch Compiler.Failure.diagnosed(let diagnostics) {
        let before = edits
        repair(&edits, parsed, source, diagnostics, imports)
        if edits == before { throw failure(diagnostics, source) }
      }
    }
    throw CellError("CompileError", "the cell does not compile")
  }

  private func repair(
    _ edits: inout CellSource.Edits, _ parsed: ParsedCell, _ source: CellSource, _ diagnostics: [Diagnostic],
    _ imports: [String]
  ) {
    let before = edits
    for error in diagnostics where error.severity == .error {
      if error.text.range(of: "must be declared public because") != nil {
        let place = source.offset(line: error.line, column: error.column)
        if let member = parsed.members.first(where: { $0.name == place }) {
          edits.published.insert(member.start)
        }
      } else if error.text.range(of: "does not exist in module") != nil
        || error.text.range(of: "imported as") != nil
      {
        let name = error.text.split(separator: "'").dropFirst().first.map(String.init) ?? ""
        edits.refusedImports.formUnion(imports.filter { $0.hasSuffix("." + name) })
      }
    }
    // In `let n = list.map { $0 + n }` the second n may be an earlier cell's.
    if edits == before {
      for reference in parsed.references {
        edits.qualified[reference.offset] = session.owner(of: reference.name)
      }
    }
    // What cannot be shown, as the name of a type, may do without; and messages do not speak of what we put in.
    if edits == before, let echo = parsed.echo {
      let first = source.code.utf8.prefix(echo.lowerBound).count { $0 == UInt8(ascii: "\n") } + 1
      if diagnostics.contains(where: { $0.severity == .error && ($0.line >= first || $0.file == "parley") }) {
        edits.echoes = false
      }
    }
  }

  private func failure(_ diagnostics: [Diagnostic], _ source: CellSource) -> CellError {
    // Errors, and the notes that belong to them.
    var errors: [Diagnostic] = []
    var isNote = false
    for diagnostic in diagnostics {
      if diagnostic.severity != .note { isNote = diagnostic.severity == .error }
      if isNote { errors.append(diagnostic) }
    }
    let own = errors.filter { $0.file.hasPrefix("cell ") }
    let shown = own.contains { $0.severity == .error } ? own : errors
    return CellError(
      "CompileError", shown.first?.text ?? "the cell does not compile", shown.map { show($0, source) })
  }

  private func show(_ diagnostic: Diagnostic, _ source: CellSource) -> String {
    guard diagnostic.file == source.file else {
      return diagnostic.text(source: session.sources[diagnostic.file])
    }
    var diagnostic = diagnostic
    diagnostic.column = source.column(diagnostic.column, onLine: diagnostic.line)
    return diagnostic.text(source: source.code)
  }

  /// A cell is no whole program: what it never uses, a later one may.
  private func isOfInterest(_ warning: Diagnostic) -> Bool {
    ![
      "was never used", "was never mutated", "will never be executed", "is unused", "no 'async' operations",
      "@retroactive",
      "imported type", "nonisolated(unsafe)",
      "_parley",
    ].contains {
      warning.text.range(of: $0) != nil
    }
  }

  /// Libraries of the toolchain come with the first import of their module.
  private func loadLibraries(_ imports: [String]) {
    for line in imports {
      guard let path = line.split(separator: " ").last else { continue }
      let name = String(path.prefix { $0 != "." })
      guard libraries.insert(name).inserted else { continue }
      for file in ["lib\(name).so", "libswift\(name).so"] {
        let library = "\(compiler.libraries)/\(file)"
        if access(library, R_OK) == 0, dlopen(library, RTLD_NOW | RTLD_GLOBAL) == nil {
          fputs("\(library) cannot be loaded: \(String(cString: dlerror()))\n", stderr)
        }
      }
    }
  }

  // MARK: - Errors

  private func error(of outcome: Int32) -> CellError? {
    switch Int(outcome) {
    case parley_finished: return nil
    case parley_interrupted: return .interrupted
    case parley_threw:
      if let failure = output.failure { return failure }
      let thrown = unsafeBitCast(parley_thrown_error(), to: (any Error).self)
      let name = String(describing: type(of: thrown))
      let text = _parleyText(of: thrown)
      return CellError(name, text, ["\(name): \(text)"] + places().lines)
    default:
      return trapped()
    }
  }

  private func trapped() -> CellError {
    var text = String(cString: parley_fatal_message())
    let signal = String(cString: strsignal(parley_trap_signal()))
    if let mark = text.range(of: "Fatal error") { text = String(text[mark.lowerBound...]) }
    while text.last?.isNewline == true { text.removeLast() }
    let (places, failure) = places()
    if text.isEmpty { text = "Fatal error: \(failure ?? signal)" }
    if parley_trap_was_elsewhere() { text += " (on another thread than the cell's)" }
    var lines = [text] + places
    if parley_trap_signal() == SIGSEGV || parley_trap_signal() == SIGBUS {
      lines.append("What was defined before is kept, but memory may be damaged: restart Swift if in doubt.")
    }
    return CellError("FatalError", String(text.prefix { $0 != "\n" }), lines)
  }

  /// Where it happened, in cells: each line with its text.
  private func places() -> (lines: [String], failure: String?) {
    var lines: [String] = []
    var failure: String?
    let frames = (0..<Int(parley_frame_count())).map { UInt(parley_frame(Int32($0))) }
    var byLibrary: [(base: UInt, path: String, frames: [UInt])] = []
    for frame in frames {
      let base = UInt(parley_library_base(frame))
      guard let cell = loaded.first(where: { $0.base == base }) else { continue }
      if byLibrary.last?.base == base {
        byLibrary[byLibrary.count - 1].frames.append(frame - base)
      } else {
        byLibrary.append((base, cell.path, [frame - base]))
      }
    }
    for group in byLibrary.prefix(8) {
      let found = compiler.lines(of: Array(group.frames.prefix(16)), in: group.path)
      if lines.isEmpty { failure = failure ?? found.failure }
      for place in found.places where lines.last != place { lines.append(place) }
    }
    lines = lines.map { place in
      let parts = place.split(separator: ":")
      let source = session.sources[String(parts[0])]?.lines
      guard let source, let line = Int(parts[1]), line <= source.count else { return "  at \(place)" }
      return "  at \(place): \(source[line - 1].drop { $0 == " " || $0 == "\t" })"
    }
    return (lines, failure)
  }
}

nonisolated(unsafe) private var stepsDone = 0

/// Called by a cell behind each statement that gives variables their values.
@_cdecl("parley_step")
public func step(_ number: Int) {
  stepsDone = number + 1
}
