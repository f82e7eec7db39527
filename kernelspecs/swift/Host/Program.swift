import CRuntime
import Glibc
import Parley

/// The program that runs the cells: `host TOOLCHAIN CACHE VERSION [greeted]`.
enum Program {
  static func main() {
    let arguments = CommandLine.arguments
    guard arguments.count >= 4 else {
      fputs("usage: host TOOLCHAIN CACHE VERSION; the launch script starts it\n", stderr)
      exit(2)
    }
    parley_wire_start()
    parley_streams_start()
    parley_recovery_start()
    parley_interrupts_start()
    if !arguments.contains("greeted") { greet(version: arguments[3]) }
    MainExecutor.install()
    let output = Output()
    _parleyHost = output
    let folder = SessionFolder.make()
    let compiler = Compiler(toolchain: arguments[1], cache: arguments[2], folder: folder)
    let completer = Completer(compiler: compiler)
    let bridge = Bridge(
      runner: CellRunner(compiler: compiler, output: output), output: output, completer: completer)
    Lane.start { Bridge.answer($0, completer) }
    bridge.serve()
    SessionFolder.remove(folder)
    exit(0)
  }

  private static func greet(version: String) {
    let information =
      "{\"name\":\"swift\",\"version\":\"\(version)\",\"mimetype\":\"text/x-swift\",\"file_extension\":\".swift\","
      + "\"codemirror_mode\":\"swift\",\"pygments_lexer\":\"swift\"}"
    Frame.write(
      "kernel_info_reply", id: 0,
      "{\"bridge_protocol\":1,\"language_info\":\(information),\"banner\":\"Swift \(version)\","
        + "\"capabilities\":[\"complete\",\"inspect\",\"is_complete\"]}")
  }
}
