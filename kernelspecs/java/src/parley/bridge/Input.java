package parley.bridge;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** System.in: whoever reads more than there is asks the user for a line. */
public final class Input extends InputStream {
    private byte[] line = {};
    private int at;

    /** Nobody can answer. Unchecked, since Scanner would turn an IOException into "No line found". */
    public static final class StdinNotImplementedError extends IllegalStateException {
        StdinNotImplementedError(String message) {
            super(message);
        }
    }

    /** The user's answer, or null at the end of the input. */
    public static String ask(String prompt, boolean password) {
        Map<String, Object> answer = Frames.ask(Frames.map("prompt", prompt, "password", password));
        return switch (String.valueOf(answer.get("status"))) {
            case "ok" -> String.valueOf(answer.get("value"));
            case "eof" -> null;
            default -> throw new StdinNotImplementedError(String.valueOf(answer.get("evalue")));
        };
    }

    private boolean fill() {
        if (at < line.length) {
            return true;
        }
        String text = ask("", false);
        if (text == null) {
            return false;
        }
        line = (text + "\n").getBytes(StandardCharsets.UTF_8);
        at = 0;
        return true;
    }

    @Override public int read() {
        return fill() ? line[at++] & 0xff : -1;
    }

    @Override public int read(byte[] bytes, int from, int count) {
        if (count == 0) {
            return 0;
        }
        if (!fill()) {
            return -1;
        }
        int n = Math.min(count, line.length - at);
        System.arraycopy(line, at, bytes, from, n);
        at += n;
        return n;
    }

    @Override public int available() {
        return line.length - at;
    }

    @Override public void close() { }
}
