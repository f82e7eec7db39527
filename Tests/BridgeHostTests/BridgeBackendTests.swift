import Foundation
import Glibc
import JupyterProtocol
import KernelCore
import KernelExecutor
import ParleyTestSupport
import Testing

/// Bridges that behave.
@Suite("bridges", .serialized, .timeLimit(.minutes(5)))
@KernelActor
struct BridgeTests {
  @Test("the example that ships: text, markup, results, an error, a question, completion")
  func echo() async throws {
    let bench = try BridgeBench(shipped: "echo")
    #expect(await bench.run("a\nhtml <b>x</b>\nb\nstderr c\nresult 5") == "ok")
    #expect(
      bench.output.lines.prefix(2) == [
        "stdout a\n",
        #"display_data {"data":{"text/html":"<b>x</b>","text/plain":"<b>x</b>"},"metadata":{}}"#,
      ])
    #expect(bench.output.lines.contains("stdout b\n") && bench.output.lines.contains("stderr c\n"))
    #expect(bench.output.lines.last == #"execute_result {"data":{"text/plain":"5"},"metadata":{}}"#)
    #expect(await bench.run("error bad") == "error EchoError: bad")
    bench.output.answers = [.value("Ada")]
    #expect(await bench.run("ask name?") == "ok")
    #expect(bench.output.questions == ["name?"] && bench.output.lines.last == "stdout Ada\n")
    #expect(await bench.run("ask again?") == "error EOFError: no answer")
    let reply = await bench.backend.query(
      "complete_request", content: Array(text: #"{"code":"ht","cursor_pos":2}"#))
    #expect(reply.flatMap { JSONScanner.parse($0) }?["matches"] == ["html"])
    #expect(await bench.backend.query("inspect_request", content: Array(text: "{}")) == nil)
    await bench.end()
  }

  @Test("printed text and displays keep their order, a hundred times")
  func order() async throws {
    let bench = try BridgeBench()
    #expect(await bench.run(#"for my $n (1..100) { print "p$n"; show("d$n") }"#) == "ok")
    let expected = (1...100).flatMap {
      ["stdout p\($0)", "display_data {\"data\":{\"text/plain\":\"d\($0)\"}}"]
    }
    #expect(bench.output.lines == expected)
    await bench.end()
  }

  @Test(
    "an error without a name takes it from the error event; the language keeps its state; restart loses it")
  func state() async throws {
    let bench = try BridgeBench()
    #expect(await bench.run("$state = 42; die \"oops\\n\"") == "error PerlError: oops\n")
    #expect(await bench.run("print $state") == "ok")
    await bench.backend.restart()
    #expect(!bench.backend.isRunning)
    #expect(await bench.run("print defined $state ? 'kept' : 'lost'") == "ok")
    #expect(bench.output.lines.filter { $0.hasPrefix("stdout") } == ["stdout 42lost"])
    #expect(bench.backend.description.banner == "Toy 1")
    await bench.end()
  }

  @Test("cells of one language run one after the other")
  func serial() async throws {
    let bench = try BridgeBench()
    let cells = (1...5).map { number in
      Task { @KernelActor in await bench.run("print '\(number)'; print '\(number)'") }
    }
    for cell in cells { #expect(await cell.value == "ok") }
    #expect(bench.output.lines.count == 1)
    let digits = Array(bench.output.lines[0].dropFirst("stdout ".count))
    #expect(digits.count == 10 && stride(from: 0, to: 10, by: 2).allSatisfy { digits[$0] == digits[$0 + 1] })
    await bench.end()
  }

  @Test("what a child prints after the reply belongs to the language's last cell; nothing of it is lost")
  func lateOutput() async throws {
    let bench = try BridgeBench()
    let signal = bench.folder.path + "/go"
    #expect(await bench.run("if (!fork) { 1 until -e '\(signal)'; print 'late'; POSIX::_exit(0) }") == "ok")
    #expect(bench.output.lines.isEmpty)
    #expect(FileManager.default.createFile(atPath: signal, contents: nil))
    await bench.output.wait { !bench.output.lines.isEmpty }
    #expect(bench.output.owners.map(\.text) == ["late"] && bench.output.owners.map(\.count) == [1])
    await bench.end()
  }

  @Test("eight MiB arrive whole; while paused nothing is read and the program waits")
  func backPressure() async throws {
    let bench = try BridgeBench()
    let size = 8 << 20
    let cell = await bench.start("print 'started'; print 'x' x \(size); print STDERR 'end'")
    bench.languages.setPaused(true)
    let before = bench.output.bytes(of: "stdout")
    // Another bridge's whole life passes; this one's output must not move, since nobody reads it.
    let other = try BridgeBench()
    #expect(await other.run("print 'x' x 3_000_000") == "ok")
    #expect(other.output.bytes(of: "stdout") == 3_000_000)
    await other.end()
    #expect(bench.output.bytes(of: "stdout") == before)
    bench.languages.setPaused(false)
    #expect(await cell.value == "ok")
    await bench.output.wait { bench.output.bytes(of: "stdout") == size + "started".utf8.count }
    #expect(bench.output.text.contains("end"))
    await bench.end()
  }
}

/// Bridges that do what they must not.
@Suite("bridges that misbehave", .serialized, .timeLimit(.minutes(5)))
@KernelActor
struct MisbehavingBridgeTests {
  @Test(
    "one that exits before its handshake: the code, its last words, and what to do; each cell tries again")
  func exitsAtOnce() async throws {
    let bench = try BridgeBench("echo starting >&2; echo no such module >&2; exit 7", program: "/bin/sh")
    for _ in 1...2 {
      let outcome = await bench.run("x")
      #expect(outcome.hasPrefix("failed BackendStartFailed: toy: exit code 7"))
      #expect(outcome.contains("no such module") && outcome.contains("parley doctor"))
    }
    #expect(!bench.backend.isRunning && bench.backend.processIDs.isEmpty)
    await bench.end()
  }

  @Test("one that cannot be executed")
  func notExecutable() async throws {
    let bench = try BridgeBench("neither a program nor a script", program: "{resource_dir}/bridge.x")
    #expect(
      await bench.run("x").hasPrefix(
        "failed BackendStartFailed: toy: its program cannot be executed: Exec format error"))
    await bench.end()
  }

  @Test("one that writes something else on 4 before its handshake")
  func garbageAtStart() async throws {
    let bench = try BridgeBench("echo 'Welcome to Toy!' >&4; exec sleep 100", program: "/bin/sh")
    let outcome = await bench.run("x")
    #expect(outcome.hasPrefix("failed BackendStartFailed: ") && outcome.contains("Welcome to Toy!"))
    await bench.end()
  }

  @Test("one that speaks another version")
  func wrongVersion() async throws {
    let hello = #"{"msg_type":"kernel_info_reply","id":0}\n{"bridge_protocol":2}\n"#
    let bench = try BridgeBench("printf '\(hello)' >&4; exec sleep 100", program: "/bin/sh")
    #expect(await bench.run("x").contains("version 1 of the bridge protocol"))
    await bench.end()
  }

  @Test("one that never shakes hands")
  func noHandshake() async throws {
    let bench = try BridgeBench("exec sleep 100", program: "/bin/sh", more: #""start_timeout": 0.3,"#)
    #expect(await bench.run("x").hasPrefix("failed BackendStartFailed: toy: it did not send its handshake"))
    #expect(bench.output.endings == 1)
    await bench.end()
  }

  @Test(
    "one that breaks the protocol in a cell is ended; the next cell runs at once in a new one",
    arguments: [
      (#"print {$out} "garbage\n""#, "no frame head: garbage"),
      (#"print {$out} "{\"msg_type\":\"display_data\"}\n[1]\n"; sleep 100"#, "display_data"),
      (
        #"print {$out} "{\"msg_type\":\"execute_reply\",\"id\":$head->{id}}\nnonsense\n"; sleep 100"#,
        "execute_reply"
      ),
      (#"print {$out} "{\"msg_type\":\"stream\"}\n{\"name\":\"stdout\"}\n"; sleep 100"#, "stream"),
    ])
  func violation(code: String, names: String) async throws {
    let bench = try BridgeBench()
    #expect(await bench.run("$state = 1") == "ok")
    let outcome = await bench.run(code)
    #expect(outcome.hasPrefix("failed BridgeProtocolError: "), "\(outcome)")
    #expect(outcome.contains(names), "\(outcome)")
    #expect(await bench.run("print defined $state ? 'kept' : 'lost'") == "ok")
    #expect(bench.output.lines.last == "stdout lost")
    await bench.end()
  }

  @Test(
    "one that ends in a cell: what happened, its last words, and what is lost; what it had printed is there",
    arguments: [
      ("exit 3", "exit code 3"), ("kill 9, $$", "signal 9 (SIGKILL)"), ("kill 11, $$", "signal 11 (SIGSEGV)"),
      ("exit 0", "exit code 0"),
    ])
  func ends(code: String, ending: String) async throws {
    let bench = try BridgeBench()
    let outcome = await bench.run("print 'before'; print STDERR \"last words\\n\"; \(code)")
    #expect(outcome.hasPrefix("failed BackendTerminated: toy: \(ending)"), "\(outcome)")
    #expect(outcome.contains("last words") && outcome.contains("is lost"))
    #expect(bench.output.text.contains("stdout before"))
    #expect(bench.output.endings == 1)
    #expect(await bench.run("print 'again'") == "ok")
    await bench.end()
  }

  @Test("one that ends while nothing runs is reported by the next cell")
  func endsIdle() async throws {
    let bench = try BridgeBench()
    #expect(await bench.run("print 'x'") == "ok")
    kill(await bench.processID(), SIGKILL)
    await bench.output.wait { bench.output.endings == 1 }
    #expect(await bench.run("print 'again'") == "ok")
    let report = try #require(bench.output.lines.first { $0.hasPrefix("stderr") })
    #expect(report.contains("lost before: toy: signal 9 (SIGKILL)"))
    #expect(await bench.run("1") == "ok")
    #expect(bench.output.lines.filter { $0.hasPrefix("stderr") }.count == 1, "it is told once")
    await bench.end()
  }

  @Test("one that ends before it has run anything has lost nothing")
  func endsUnused() async throws {
    let bench = try BridgeBench(capabilities: #""complete""#)
    let reply = await bench.backend.query(
      "complete_request", content: Array(#"{"code": "", "cursor_pos": 0}"#.utf8))
    #expect(reply?.text.contains("matches") == true)
    kill(await bench.processID(), SIGKILL)
    await bench.output.wait { bench.output.endings == 1 }
    bench.output.stopsAtLostState = true
    #expect(await bench.run("print 'x'") == "ok")
    #expect(!bench.output.text.contains("lost before"))
    await bench.end()
  }

  @Test("one that was restarted after its end has nothing to report")
  func restartedAfterEnd() async throws {
    let bench = try BridgeBench()
    #expect(await bench.run("print 'x'") == "ok")
    kill(await bench.processID(), SIGKILL)
    await bench.output.wait { bench.output.endings == 1 }
    await bench.backend.restart()
    #expect(await bench.run("print 'again'") == "ok")
    #expect(!bench.output.text.contains("lost before"))
    await bench.end()
  }

  @Test("where lost state stops a run, the next cell fails once and the one after it runs")
  func stopsAtLostState() async throws {
    let bench = try BridgeBench()
    bench.output.stopsAtLostState = true
    #expect(await bench.run("print 'x'") == "ok")
    kill(await bench.processID(), SIGKILL)
    await bench.output.wait { bench.output.endings == 1 }
    #expect(await bench.run("print 'again'").hasPrefix("failed BackendTerminated: toy: signal 9 (SIGKILL)"))
    #expect(!bench.output.text.contains("again"))
    #expect(await bench.run("print 'anew'") == "ok")
    await bench.end()
  }

  @Test("one that ends while it answers a question is reported by the next cell")
  func endsInQuestion() async throws {
    let bench = try BridgeBench()
    #expect(await bench.run("$state = 1") == "ok")
    let reply = await bench.backend.query(
      "complete_request", content: Array(#"{"code": "die", "cursor_pos": 3}"#.utf8))
    #expect(reply == nil)
    #expect(await bench.run("print 'again'") == "ok")
    #expect(bench.output.text.contains("lost before"))
    await bench.end()
  }

  /// A copy of the bridge's process answers on the second lane, once the file `bridge.x.go` is there, with how often it was asked.
  private static let slowLane = BridgeBench.perl.replacingOccurrences(
    of: "while (1) {",
    with: #"""
      if (!fork) {
        open my $lane, '<&=', 5 or die; my $asked = 0;
        while (defined(my $line = <$lane>)) {
          my $head = $json->decode($line); <$lane>; $asked++;
          select undef, undef, undef, 0.01 until -e "$0.go";
          frame({msg_type => 'complete_reply', id => $head->{id}}, {status => 'ok', matches => ["asked $asked"]});
        }
        exit 0;
      }
      while (1) {
      """#)

  @Test("an answer beside a cell that comes too late is there when the same is asked again")
  func lateAnswer() async throws {
    let bench = try BridgeBench(Self.slowLane, more: #""concurrent": true,"#)
    let cell = await bench.start("print 'started'; select undef, undef, undef, 0.01 until -e qq($0.end)")
    func ask(_ code: String) async -> String? {
      await bench.backend.query(
        "complete_request", content: Array(#"{"code": "\#(code)", "cursor_pos": 1}"#.utf8))?.text
    }
    #expect(await ask("a") == nil)
    #expect(await ask("b") == nil, "it is not sent: it would have to wait for the other")
    #expect(FileManager.default.createFile(atPath: "\(bench.folder.path)/bridge.x.go", contents: nil))
    var answer: String?
    while answer == nil { answer = await ask("a") }
    #expect(answer?.contains("asked 1") == true)
    #expect(await ask("a")?.contains("asked 2") == true, "an answer is given once")
    #expect(FileManager.default.createFile(atPath: "\(bench.folder.path)/bridge.x.end", contents: nil))
    #expect(await cell.value == "ok")
    await bench.end()
  }

  @Test("an interrupt is the language's own exception; its state stays")
  func interrupt() async throws {
    let bench = try BridgeBench()
    let cell = await bench.start("$state = 5; print 'started'; sleep 100")
    bench.backend.interrupt()
    #expect(await cell.value == "error PerlError: interrupted\n")
    #expect(await bench.run("print $state") == "ok")
    #expect(bench.output.lines.last == "stdout 5")
    await bench.end()
  }

  @Test("after an interrupt something harmless is asked first: it takes a signal that is late")
  func lateInterrupt() async throws {
    let script = BridgeBench.perl
      .replacingOccurrences(of: "['complete']", with: "['complete', 'is_complete']")
      .replacingOccurrences(
        of: "my $ok = do",
        with: """
          if ($head->{msg_type} eq 'is_complete_request') {
            $state .= ' asked';
            frame({msg_type => 'is_complete_reply', id => $head->{id}}, {status => 'complete'});
            next;
          }
          my $ok = do
          """)
    let bench = try BridgeBench(script)
    let cell = await bench.start("$state = 'kept,'; print 'started'; sleep 100")
    bench.backend.interrupt()
    #expect(await cell.value == "error PerlError: interrupted\n")
    for _ in 1...2 { #expect(await bench.run("print $state") == "ok") }
    #expect(bench.output.lines.last == "stdout kept, askedkept, asked")
    await bench.end()
  }

  @Test("one that ignores interrupts is told about, pressed, and ended by the third")
  func ladder() async throws {
    let bench = try BridgeBench(more: #""interrupt_grace": 0.1,"#)
    let cell = await bench.start("$SIG{INT} = $SIG{TERM} = 'IGNORE'; print 'started'; sleep 100 while 1")
    bench.backend.interrupt()
    await bench.output.wait { bench.output.text.contains("still runs") }
    bench.backend.interrupt()
    #expect(bench.backend.isRunning)
    bench.backend.interrupt()
    #expect(await cell.value.hasPrefix("failed BackendTerminated: toy: signal 9 (SIGKILL)"))
    #expect(await bench.run("1") == "ok")
    await bench.end()
  }

  @Test("an interrupt before the handshake reaches no process; the cell does not run, the language lives")
  func interruptWhileStarting() async throws {
    // SIGINT would end this one: it has no handler before its handshake.
    let script = "kill 'STOP', $$;\n" + BridgeBench.perl
    let bench = try BridgeBench(script)
    let execution = bench.execution("print 'never'")
    let cell = Task { @KernelActor in await bench.run(execution) }
    let process = await bench.processID()
    execution.isInterrupted = true
    bench.backend.interrupt()
    kill(process, SIGCONT)
    // It may not have stopped yet: wake it until it has shaken hands.
    while bench.backend.description.banner.isEmpty, bench.output.endings == 0 {
      kill(process, SIGCONT)
      await Task.yield()
    }
    #expect(await cell.value.hasPrefix("failed KeyboardInterrupt"))
    #expect(bench.output.endings == 0 && bench.backend.processIDs == [process])
    #expect(await bench.run("print 'lives'") == "ok")
    await bench.end()
  }

  @Test(
    "the end leaves no process behind: idle, busy, deaf to signals, and grandchildren in sessions of their own"
  )
  func nothingLeft() async throws {
    let grandchild =
      #"my $pid = fork; if (!$pid) { POSIX::setsid(); $SIG{$_} = 'IGNORE' for qw(TERM HUP INT); "#
      + #"my $p = fork; print "pid=$$ " if $p; sleep 100 while 1 } "#
    for (number, rest) in ["", "$SIG{TERM} = 'IGNORE'; print 'started'; sleep 100 while 1"].enumerated() {
      let bench = try BridgeBench()
      let execution = bench.execution("print \"pid=$$ \"; \(grandchild)\(rest)")
      let cell = Task { @KernelActor in await bench.run(execution) }
      if number == 0 { #expect(await cell.value == "ok") }
      await bench.output.wait { bench.output.text.split(separator: "pid=").count == 3 }
      let processes = bench.output.text.split(separator: "pid=").compactMap {
        Int32($0.prefix { $0.isNumber })
      }
      #expect(processes.count == 2)
      #expect(processes.allSatisfy { kill($0, 0) == 0 })
      let began = ContinuousClock.now
      await bench.backend.shutdown(within: .milliseconds(300))
      #expect(ContinuousClock.now - began < .seconds(20), "a sleep of 100 s was waited for")
      for process in processes { #expect(kill(process, 0) == -1 && errno == ESRCH, "\(process) is left") }
      if number == 1 { #expect(await cell.value != "ok", "nothing of an ended cell went well") }
      #expect(await bench.run("1").hasPrefix("failed KernelShutdown"))
    }
  }

  @Test("a kill of the language takes its grandchildren along")
  func grandchildren() async throws {
    let bench = try BridgeBench()
    #expect(
      await bench.run(
        #"my $pid = fork; if (!$pid) { POSIX::setsid(); print "pid=$$ "; sleep 100; POSIX::_exit(0) } "#
          + "1 until -e '/proc/'.$pid; ") == "ok")
    await bench.output.wait { bench.output.text.contains("pid=") }
    let process = try #require(
      bench.output.text.split(separator: "pid=").last.flatMap { Int32($0.prefix { $0.isNumber }) })
    #expect(kill(process, 0) == 0)
    #expect(await bench.run("kill 9, $$").hasPrefix("failed BackendTerminated"))
    #expect(kill(process, 0) == -1 && errno == ESRCH)
    await bench.end()
  }
}
