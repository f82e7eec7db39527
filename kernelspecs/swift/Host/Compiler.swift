import CRuntime
import Glibc

/// The toolchain's compiler and linker, as child processes.
struct Compiler {
  enum Failure: Error {
    case interrupted
    case diagnosed([Diagnostic])
    /// The compiler itself failed.
    case broken(String)
  }

  let toolchain: String
  /// Where the modules of libraries are kept, for all kernels of the user.
  let cache: String
  /// Where this session's cells are.
  let folder: String

  #if arch(arm64)
    private static let architecture = "aarch64"
  #else
    private static let architecture = "x86_64"
  #endif

  var libraries: String { "\(toolchain)/lib/swift/linux" }

  /// What compiling a cell, completing in it and looking at it have in common.
  private func shared(_ flags: [String]) -> [String] {
    let flags = flags.filter { !$0.hasPrefix("-l") && !$0.hasPrefix("-L") }
    return [
      "-enable-testing", "-enable-bare-slash-regex", "-module-cache-path", cache + "/modules", "-I",
      cache + "/bin",
      "-I", folder, flags.contains("-O") ? "-O" : "-Onone",
    ] + flags.filter { $0 != "-O" }
  }

  /// In the words of the compiler's driver, as sourcekitd takes them.
  func toolArguments(flags: [String]) -> [String] { ["-module-name", "Completion"] + shared(flags) }

  /// Compiles and links a module. Returns the library's path and the compiler's warnings.
  func build(module: String, entry: String, text: String, flags: [String]) throws -> (
    path: String, [Diagnostic]
  ) {
    let base = "\(folder)/\(module)"
    try write(text, to: base + ".swift")
    let output = try run(
      ["\(toolchain)/bin/swift-frontend", "-frontend", "-c", "-primary-file", base + ".swift"]
        + shared(flags) + [
          "-module-name", module, "-disable-objc-interop", "-in-process-plugin-server-path",
          "\(toolchain)/lib/swift/host/libSwiftInProcPluginServer.so", "-plugin-path",
          "\(toolchain)/lib/swift/host/plugins", "-enforce-exclusivity=unchecked", "-gline-tables-only",
          "-entry-point-function-name", entry,
          "-emit-module-path", base + ".swiftmodule", "-o", base + ".o", "-diagnostic-style", "llvm",
          "-no-color-diagnostics",
        ])
    let diagnostics = Diagnostic.parse(output.text)
    guard output.succeeded else {
      unlink(base + ".swiftmodule")
      if diagnostics.contains(where: { $0.severity == .error }) { throw Failure.diagnosed(diagnostics) }
      throw Failure.broken("the compiler failed:\n" + output.text.suffix(4000))
    }
    let library = "\(folder)/lib\(module).so"
    let linked = try run(
      [
        "\(toolchain)/bin/ld.lld", "-shared", "--hash-style=gnu", "-o", library,
        "\(libraries)/\(Self.architecture)/swiftrt.o", base + ".o",
      ] + flags.filter { $0.hasPrefix("-l") || $0.hasPrefix("-L") })
    unlink(base + ".o")
    guard linked.succeeded else { throw Failure.broken("the linker failed:\n" + linked.text.suffix(4000)) }
    return (library, diagnostics)
  }

  /// The lines of cells that addresses in a library belong to, as `cell 3:4`; and what check of Swift failed there.
  func lines(of addresses: [UInt], in library: String) -> (places: [String], failure: String?) {
    let words = addresses.map { "0x" + String($0, radix: 16) }
    guard let output = try? run(["\(toolchain)/bin/llvm-symbolizer", "-s", "--obj=" + library] + words),
      output.succeeded
    else { return ([], nil) }
    let lines = output.text.split(separator: "\n")
    let mark = "Swift runtime failure: "
    let failure = lines.first.flatMap { $0.hasPrefix(mark) ? String($0.dropFirst(mark.count)) : nil }
    let places = lines.compactMap { line -> String? in
      let parts = line.split(separator: ":")
      guard parts.count == 3, parts[0].hasPrefix("cell "), parts[1] != "0" else { return nil }
      return parts[0] + ":" + parts[1]
    }
    return (places, failure)
  }

  private func run(_ words: [String]) throws -> (succeeded: Bool, text: String) {
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for word in arguments { free(word) } }
    var status: Int32 = 0
    var output: UnsafeMutablePointer<CChar>?
    var length = 0
    let error = parley_execute(&arguments, &status, &output, &length)
    defer { free(output) }
    if parley_interrupt_pending() { throw Failure.interrupted }
    guard error == 0 else {
      throw Failure.broken("\(words[0]) cannot be started: \(String(cString: strerror(error)))")
    }
    let text = String(decoding: UnsafeRawBufferPointer(start: output, count: length), as: UTF8.self)
    return (status == 0, text)
  }

  func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "we") else {
      throw Failure.broken("\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
    fwrite(text, 1, text.utf8.count, file)
    guard fclose(file) == 0 else {
      throw Failure.broken("\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
  }
}
