import Foundation
import JupyterProtocol
import KernelCore
import KernelExecutor
import KernelSpecs
import Logging
import ParleyTestSupport
import Testing

@testable import BridgeHost

/// A real bridge in a folder of its own, driven by the test.
@KernelActor
final class BridgeBench {
  let output = RecordingOutput()
  let languages: BridgeLanguages
  let backend: any LanguageBackend
  let folder: Folder
  private var count = 0

  /// A folder that is gone when the test is over.
  final class Folder: Sendable {
    let path: String

    init() throws {
      let url = FileManager.default.temporaryDirectory.appendingPathComponent("parley-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
      path = url.resolvingSymlinksInPath().path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  /// - Parameters:
  ///   - script: the bridge program; by default one whose cells are Perl code.
  ///   - more: members of the manifest, each with a comma behind it.
  ///   - capabilities: what the manifest promises before the handshake, as members of an array.
  init(
    _ script: String = BridgeBench.perl, program: String = "/usr/bin/perl", more: String = "",
    capabilities: String = ""
  ) throws {
    folder = try Folder()
    let manifest = """
      {"bridge_protocol": 1, "language": "toy", "display_name": "Toy", \(more)
       "argv": ["\(program)", "{resource_dir}/bridge.x"], "capabilities": [\(capabilities)]}
      """
    try Data(script.utf8).write(to: URL(fileURLWithPath: folder.path + "/bridge.x"))
    chmod(folder.path + "/bridge.x", 0o755)
    try Data(manifest.utf8).write(to: URL(fileURLWithPath: folder.path + "/bridge.json"))
    (languages, backend) = try Self.make(folder.path, "toy", output)
  }

  /// A language that ships with Parley.
  init(shipped name: String) throws {
    folder = try Folder()
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    (languages, backend) = try Self.make(root.path + "/kernelspecs/\(name)", name, output)
  }

  private static func make(
    _ directory: String, _ name: String, _ output: RecordingOutput
  ) throws -> (BridgeLanguages, any LanguageBackend) {
    let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    let languages = BridgeLanguages(
      single: try BridgeManifest.load(directory: directory), environment: environment, loop: TestLoop.shared,
      log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    let description = try #require(languages.language(named: name))
    return (languages, try languages.makeBackend(for: description, instance: "", output: output))
  }

  /// Cells are Perl code that may do with the protocol what it likes: `$out` is descriptor 4.
  static let perl = #"""
    use strict; use warnings; use IO::Handle; use JSON::PP; use POSIX ();
    open our $in, '<&=', 3 or die; open our $out, '>&=', 4 or die;
    $_->autoflush(1) for $out, *STDOUT, *STDERR;
    our $json = JSON::PP->new->utf8->canonical; our ($head, $content, $state);
    sub frame { print {$out} $json->encode($_[0]), "\n", $json->encode($_[1]), "\n" }
    sub next_frame { defined(my $line = <$in>) or exit 0; return ($json->decode($line), $json->decode(scalar <$in>)) }
    sub show { frame({msg_type => 'display_data', ack => JSON::PP::true, seq => 1}, {data => {'text/plain' => $_[0]}}); next_frame() }
    $SIG{INT} = 'IGNORE';
    frame({msg_type => 'kernel_info_reply', id => 0}, {bridge_protocol => 1, banner => 'Toy 1', capabilities => ['complete']});
    while (1) {
      ($head, $content) = next_frame();
      exit 0 if $head->{msg_type} eq 'shutdown_request';
      if ($head->{msg_type} eq 'complete_request') {
        kill 9, $$ if $content->{code} eq 'die';
        frame({msg_type => 'complete_reply', id => $head->{id}}, {status => 'ok', matches => ['m']}); next;
      }
      my $ok = do { local $SIG{INT} = sub { die "interrupted\n" }; eval "$content->{code}; 1" };
      frame({msg_type => 'error'}, {ename => 'PerlError', evalue => "$@", traceback => []}) unless $ok;
      frame({msg_type => 'execute_reply', id => $head->{id}}, {status => $ok ? 'ok' : 'error'});
    }
    """#

  // MARK: - Cells

  func execution(_ code: String = "") -> Execution {
    count += 1
    return Execution(
      parent: .none, request: ExecuteRequest(code: code, allowStdin: true), executionCount: count)
  }

  /// Runs a cell; returns how it ended, as text.
  func run(_ code: String) async -> String { await run(execution(code)) }

  func run(_ execution: Execution) async -> String {
    let code = execution.request.code
    return switch await backend.execute(code, marker: "", of: execution, expressions: JSONText.emptyObject) {
    case .ok: "ok"
    case .error(let error, _): "error \(error.name): \(error.value)"
    case .failed(let error):
      "failed \(error.name): \(error.value)\n" + error.traceback.joined(separator: "\n")
    }
  }

  /// Starts a cell and returns when it has printed `started`.
  func start(_ code: String) async -> Task<String, Never> {
    let execution = execution(code)
    let task = Task { @KernelActor in await self.run(execution) }
    await output.wait { self.output.text.contains("started") }
    return task
  }

  /// The process of the language, which the guard tells by a channel of its own.
  func processID() async -> Int32 {
    while true {
      if let process = backend.processIDs.first { return process }
      await Task.yield()
    }
  }

  /// Ends the language; every test does, so that no process outlives it.
  func end() async { await backend.shutdown(within: .seconds(2)) }
}

/// Keeps what a bridge puts out, in one order; printed text of one stream is joined.
@KernelActor
final class RecordingOutput: BackendOutput {
  private(set) var lines: [String] = []
  /// The cells that printed text belonged to, by the text.
  private(set) var owners: [(text: String, count: Int?)] = []
  private(set) var endings = 0
  private(set) var targets: [String] = []
  private(set) var questions: [String] = []
  var answers: [InputAnswer] = []
  private var waiters: [(isDone: @KernelActor () -> Bool, continuation: CheckedContinuation<Void, Never>)] =
    []

  var text: String { lines.joined(separator: "|") }

  /// Bytes printed on a stream.
  func bytes(of stream: String) -> Int {
    lines.filter { $0.hasPrefix("\(stream) ") }.reduce(0) { $0 + $1.utf8.count - stream.utf8.count - 1 }
  }

  func stream(_ name: String, _ text: [UInt8], of execution: Execution?) {
    owners.append((text.text, execution?.executionCount))
    if let last = lines.last, last.hasPrefix("\(name) ") {
      lines[lines.count - 1].append(text.text)
    } else {
      lines.append("\(name) \(text.text)")
    }
    tell()
  }

  func publish(
    _ messageType: String, content: [UInt8], metadata: [UInt8]?, buffers: [[UInt8]], of execution: Execution?,
    from backend: any LanguageBackend
  ) -> Bool {
    guard JSONScanner.isObject(content) else { return false }
    if messageType == "error" {
      execution?.publishedError = JSONScanner.parse(content).flatMap(ErrorContent.init)
    }
    lines.append("\(messageType) \(content.text)")
    tell()
    return true
  }

  func ask(_ prompt: String, password: Bool, of execution: Execution) async -> InputAnswer {
    questions.append(prompt)
    return answers.isEmpty ? .endOfFile : answers.removeFirst()
  }

  /// As in a run: whether a cell is refused whose language has lost its state.
  var stopsAtLostState = false

  func tell(lostState end: ErrorContent, before execution: Execution) -> ErrorContent? {
    if stopsAtLostState { return end }
    stream("stderr", Array("lost before: \(end.value)\n".utf8), of: execution)
    return nil
  }

  func registerTarget(_ name: String, for backend: any LanguageBackend) { targets.append(name) }

  func ended(_ backend: any LanguageBackend) {
    endings += 1
    tell()
  }

  private func tell() {
    let done = waiters.filter { $0.isDone() }
    waiters.removeAll { $0.isDone() }
    for waiter in done { waiter.continuation.resume() }
  }

  /// Returns when the condition holds; it is looked at after each event.
  func wait(until isDone: @escaping @KernelActor () -> Bool) async {
    // Asked in here: the way into it may take a turn, for a task of the test library.
    await withCheckedContinuation { continuation in
      if isDone() { continuation.resume() } else { waiters.append((isDone, continuation)) }
    }
  }
}
