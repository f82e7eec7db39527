package parley.bridge;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import sun.misc.Signal;

/** The bridge: from the handshake to the end, request by request. */
public final class Bridge {
    /** The group that user code runs in. JShell's own handler for exceptions of threads would hide them. */
    static final ThreadGroup GROUP = new ThreadGroup("cells") {
        @Override public void uncaughtException(Thread thread, Throwable exception) {
            if (!(exception instanceof ThreadDeath)) {
                System.err.print(Faults.inThread(thread, exception));
            }
        }
    };

    private record Request(Map<String, Object> head, Map<String, Object> content) {
        String type() {
            return (String) head.get("msg_type");
        }
    }

    private static final CompletableFuture<Session> session = new CompletableFuture<>();
    private static final Semaphore earlierSignals = new Semaphore(0);
    private static volatile boolean busy;

    private Bridge() { }

    public static void main(String[] args) throws Exception {
        if (args.length > 0 && args[0].equals("--train")) {
            Training.run();
            return;
        }
        Signal.handle(new Signal("INT"), signal -> interrupt());   // in a thread of its own
        Signal.handle(new Signal("WINCH"), signal -> earlierSignals.release());
        Frames.start();
        Frames.reply("kernel_info_reply", 0, handshake());
        Output.install();
        System.setIn(new Input());
        LinkedBlockingQueue<Request> requests = new LinkedBlockingQueue<>();
        LinkedBlockingQueue<Runnable> questions = new LinkedBlockingQueue<>();
        Frames.read("/dev/fd/3", (head, content) -> {
            if ("shutdown_request".equals(head.get("msg_type"))) {
                // The user's shutdown hooks run; the server does not wait long for them.
                Frames.daemon("parley end", () -> System.exit(0));
            } else {
                requests.add(new Request(head, content));
            }
        });
        Frames.read("/dev/fd/5", (head, content) -> questions.add(() -> answer(new Request(head, content))));
        Frames.daemon("parley questions", () -> work(questions));
        session.complete(new Session());
        while (true) {
            answer(requests.take());
        }
    }

    private static void work(LinkedBlockingQueue<Runnable> queue) {
        while (true) {
            try {
                queue.take().run();
            } catch (InterruptedException | RuntimeException next) {
                // The next one may do better.
            }
        }
    }

    /**
     * Whether the cell was interrupted. The SIGINT also ends the programs that the cell waits for, and the cell may
     * be done before the JVM has handled its own; a signal sent to ourselves comes after it.
     */
    private static boolean wasInterrupted(Engine engine) {
        awaitSignals();
        return engine.interrupted;
    }

    /** Returns when what has come as SIGINT has been dealt with. The JVM starts a thread for each, in their order. */
    private static void awaitSignals() {
        try {
            for (long end = System.nanoTime() + 1_000_000_000L; isOnItsWay() && System.nanoTime() < end;) {
                Thread.yield();
            }
            earlierSignals.drainPermits();   // of one that took too long
            Signal.raise(new Signal("WINCH"));
            earlierSignals.tryAcquire(1, TimeUnit.SECONDS);
            ThreadGroup all = Thread.currentThread().getThreadGroup();
            while (all.getParent() != null) {
                all = all.getParent();
            }
            Thread[] threads = new Thread[all.activeCount() + 16];
            int count = all.enumerate(threads);
            for (int i = 0; i < count; i++) {
                if (threads[i].getName().equals("SIGINT handler")) {
                    threads[i].join(1000);
                }
            }
        } catch (InterruptedException never) {
            // Then what is known so far counts.
        }
    }

    /** Whether the system has a SIGINT for us that no thread has taken yet: bit 1 of ShdPnd, in hexadecimal. */
    private static boolean isOnItsWay() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.anyMatch(line -> line.startsWith("ShdPnd:") && "2367abef".indexOf(line.charAt(line.length() - 1)) >= 0);
        } catch (IOException | RuntimeException elsewhere) {
            return false;
        }
    }

    private static void interrupt() {
        if (busy) {
            session.join().engine.interrupt();
        }
    }

    private static Map<String, Object> handshake() {
        return Frames.map("bridge_protocol", 1,
                "language_info", Frames.map("name", "java", "version", System.getProperty("java.version"),
                        "mimetype", "text/x-java", "file_extension", ".java", "codemirror_mode", "text/x-java",
                        "pygments_lexer", "java", "nbconvert_exporter", "script"),
                "banner", "Java " + System.getProperty("java.version") + " (" + System.getProperty("java.vendor") + "), JShell",
                "capabilities", List.of("complete", "inspect", "is_complete"));
    }

    private static void answer(Request request) {
        String type = request.type();
        Map<String, Object> content = request.content();
        Object id = request.head().get("id");
        Map<String, Object> reply;
        try {
            reply = switch (type) {
                case "execute_request" -> execute(id, content);
                case "complete_request" -> new Questions(session.join()).complete(code(content), position(content));
                case "inspect_request" -> new Questions(session.join()).inspect(code(content), position(content));
                case "is_complete_request" -> {
                    if (!busy) {
                        // The server asks this behind an interrupt, so that one which is late does not end the next cell.
                        awaitSignals();
                    }
                    yield new Questions(session.join()).isComplete(code(content));
                }
                default -> null;
            };
        } catch (RuntimeException | Error fault) {
            StackTraceElement[] trace = fault.getStackTrace();
            reply = Faults.error("BridgeError", fault + (trace.length > 0 ? " at " + trace[0] : ""), List.of());
            if (type.equals("execute_request")) {
                Frames.event("error", reply);
            }
            reply.put("status", "error");
        }
        if (reply != null) {
            Frames.reply(type.replace("_request", "_reply"), id, reply);
        }
    }

    private static Map<String, Object> execute(Object id, Map<String, Object> content) {
        Engine engine = session.join().engine;
        Frames.current = (Long) id;
        engine.interrupted = false;
        busy = true;
        try {
            boolean silent = Boolean.TRUE.equals(content.get("silent"));
            Map<String, Object> error = session.join().run(content.get("execution_count"), code(content), silent);
            if (wasInterrupted(engine)) {
                error = Faults.interrupted();
            }
            if (error != null) {
                Frames.event("error", error);
                error.put("status", "error");
                return error;
            }
            Map<String, Object> values = new LinkedHashMap<>();
            if (content.get("user_expressions") instanceof Map<?, ?> expressions) {
                expressions.forEach((key, source) -> values.put((String) key, session.join().expression(String.valueOf(source))));
            }
            return Frames.map("status", "ok", "user_expressions", values, "payload", List.of());
        } finally {
            busy = false;
            Frames.cancelQuestions();
        }
    }

    private static String code(Map<String, Object> content) {
        return String.valueOf(content.getOrDefault("code", ""));
    }

    /** The cursor in UTF-16 units, which is what Java counts; the protocol counts code points. */
    private static int position(Map<String, Object> content) {
        String code = code(content);
        int points = code.codePointCount(0, code.length());
        int cursor = content.get("cursor_pos") instanceof Number n ? n.intValue() : points;
        return code.offsetByCodePoints(0, Math.max(0, Math.min(cursor, points)));
    }
}
