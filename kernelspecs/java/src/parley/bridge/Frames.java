package parley.bridge;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;

/**
 * The frames of the bridge protocol.
 *
 * An interrupt may throw an exception into the user's thread at any instruction, so that thread never
 * writes to descriptor 4 itself and never holds a lock here: it adds a whole frame to a lock-free queue,
 * which another thread writes out.
 */
public final class Frames {
    private static final ConcurrentLinkedQueue<byte[]> outgoing = new ConcurrentLinkedQueue<>();
    private static final ConcurrentLinkedQueue<Pending> pending = new ConcurrentLinkedQueue<>();
    private static final AtomicLong numbers = new AtomicLong();
    private static Thread writer;

    /** The execute request that runs, or ran last. */
    public static volatile Long current;

    /** Somebody who waits for an ack or an answer. */
    private static final class Pending {
        final String type;
        final long number = numbers.incrementAndGet();
        final Thread waiting = Thread.currentThread();
        volatile Map<String, Object> answer;

        Pending(String type) {
            this.type = type;
        }
    }

    private Frames() { }

    /** The descriptors are opened anew: the JVM closes what it has opened itself in the children it starts. */
    static void start() throws IOException {
        FileOutputStream events = new FileOutputStream("/dev/fd/4");
        writer = daemon("parley events", () -> {
            while (true) {
                byte[] frame = outgoing.poll();
                if (frame == null) {
                    LockSupport.park();
                    continue;
                }
                try {
                    events.write(frame);
                } catch (IOException gone) {
                    Runtime.getRuntime().halt(0);
                }
            }
        });
    }

    static Thread daemon(String name, Runnable body) {
        Thread thread = new Thread(Thread.currentThread().getThreadGroup(), body, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Reads requests from a descriptor for ever; acks and answers go to whoever waits for them. */
    static void read(String descriptor, BiConsumer<Map<String, Object>, Map<String, Object>> handler) {
        daemon("parley requests " + descriptor, () -> {
            try (InputStream in = new BufferedInputStream(new FileInputStream(descriptor), 1 << 16)) {
                while (true) {
                    Map<String, Object> head = object(line(in));
                    Map<String, Object> content = object(line(in));
                    if (head.get("buffers") instanceof List<?> lengths) {
                        for (Object length : lengths) {
                            in.skipNBytes(((Number) length).longValue());
                        }
                    }
                    switch ((String) head.get("msg_type")) {
                        case "ack" -> answered("ack", head.get("seq"), content);
                        case "input_reply" -> answered("input_request", head.get("id"), content);
                        default -> handler.accept(head, content);
                    }
                }
            } catch (IOException gone) {
                Runtime.getRuntime().halt(0);
            }
        });
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(String line) {
        return (Map<String, Object>) Json.parse(line);
    }

    private static String line(InputStream in) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int b; (b = in.read()) != '\n'; ) {
            if (b < 0) {
                throw new IOException("the server is gone");
            }
            bytes.write(b);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static void answered(String type, Object number, Map<String, Object> content) {
        for (Pending one : pending) {
            if (one.type.equals(type) && number instanceof Long n && n == one.number) {
                one.answer = content;
                LockSupport.unpark(one.waiting);
            }
        }
    }

    // -- sending -----------------------------------------------------------------------------------

    static void send(Map<String, Object> head, Object content) {
        outgoing.add((Json.write(head) + "\n" + Json.write(content) + "\n").getBytes(StandardCharsets.UTF_8));
        LockSupport.unpark(writer);
    }

    static void reply(String type, Object id, Object content) {
        send(map("msg_type", type, "id", id), content);
    }

    /** An output event, without an ack. */
    static void event(String type, Object content) {
        send(map("msg_type", type, "id", current), content);
    }

    /** An output event; returns when the server has taken it and everything printed before. */
    public static void publish(String type, Object content) {
        Pending ack = new Pending("ack");
        pending.add(ack);
        send(map("msg_type", type, "id", current, "ack", true, "seq", ack.number), content);
        await(ack);
    }

    /** A question to the user; returns the content of the answer. */
    static Map<String, Object> ask(Object content) {
        Pending question = new Pending("input_request");
        pending.add(question);
        send(map("msg_type", "input_request", "id", question.number), content);
        return await(question);
    }

    /** The cell has ended: nobody will answer its questions. */
    static void cancelQuestions() {
        for (Pending one : pending) {
            if (one.type.equals("input_request")) {
                one.answer = Map.of("status", "error", "evalue", "the cell that asked has ended");
                LockSupport.unpark(one.waiting);
            }
        }
    }

    private static Map<String, Object> await(Pending one) {
        boolean interrupted = false;
        try {
            while (one.answer == null) {
                LockSupport.park();
                // Else park would return at once for ever. Only a question may be given up: its answer may never come.
                if (Thread.interrupted()) {
                    interrupted = true;
                    if (one.type.equals("input_request")) {
                        throw new IllegalStateException("interrupted while waiting for an answer");
                    }
                }
            }
            return one.answer;
        } finally {
            pending.remove(one);
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** A map from keys and values in turn; entries without a value are left out. */
    public static Map<String, Object> map(Object... entries) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < entries.length; i += 2) {
            if (entries[i + 1] != null) {
                map.put((String) entries[i], entries[i + 1]);
            }
        }
        return map;
    }
}
