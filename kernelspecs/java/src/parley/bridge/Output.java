package parley.bridge;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;

/**
 * System.out and System.err: every call is one write to the descriptor, so that what child processes
 * print stands in its place, and nothing is left half done when the thread is stopped in the middle.
 */
final class Output extends PrintStream {
    /** What was written last. To go on with another stream, the server must have taken all of it. */
    private static volatile Object last;

    private final FileOutputStream descriptor;
    private volatile char half;   // the first half of a character beyond the Basic Multilingual Plane

    private Output(int number, FileDescriptor usual) {
        super(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
        descriptor = open(number, usual);
    }

    /** Opened anew, since code may close `FileDescriptor.out`, and Java then leads it to the null device for good. */
    private static FileOutputStream open(int number, FileDescriptor usual) {
        try {
            return new FileOutputStream("/proc/self/fd/" + number);
        } catch (IOException itIsNoPipe) {
            return new FileOutputStream(usual);
        }
    }

    static void install() {
        System.setOut(new Output(1, FileDescriptor.out));
        System.setErr(new Output(2, FileDescriptor.err));
        last = System.out;
    }

    private void emit(String text) {
        if (half != 0) {
            text = half + text;
            half = 0;
        }
        int end = text.length() - 1;
        if (end >= 0 && Character.isHighSurrogate(text.charAt(end))) {
            half = text.charAt(end);
            text = text.substring(0, end);
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        write(bytes, 0, bytes.length);
    }

    @Override public void write(byte[] bytes, int from, int count) {
        if (count == 0) {
            return;
        }
        if (last != this) {
            Frames.publish("sync", Map.of());
            last = this;
        }
        try {
            descriptor.write(bytes, from, count);
        } catch (IOException gone) {
            setError();
        }
    }

    @Override public void write(int b) {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override public void write(byte[] bytes) {
        write(bytes, 0, bytes.length);
    }

    @Override public void writeBytes(byte[] bytes) {
        write(bytes, 0, bytes.length);
    }

    /** The descriptor stays open whatever the user closes: the next cell prints, too. */
    @Override public void close() { }

    @Override public void flush() { }

    @Override public void print(boolean x) { emit(String.valueOf(x)); }
    @Override public void print(char x) { emit(String.valueOf(x)); }
    @Override public void print(int x) { emit(String.valueOf(x)); }
    @Override public void print(long x) { emit(String.valueOf(x)); }
    @Override public void print(float x) { emit(String.valueOf(x)); }
    @Override public void print(double x) { emit(String.valueOf(x)); }
    @Override public void print(char[] x) { emit(new String(x)); }
    @Override public void print(String x) { emit(String.valueOf(x)); }
    @Override public void print(Object x) { emit(String.valueOf(x)); }
    @Override public void println() { emit("\n"); }
    @Override public void println(boolean x) { emit(x + "\n"); }
    @Override public void println(char x) { emit(x + "\n"); }
    @Override public void println(int x) { emit(x + "\n"); }
    @Override public void println(long x) { emit(x + "\n"); }
    @Override public void println(float x) { emit(x + "\n"); }
    @Override public void println(double x) { emit(x + "\n"); }
    @Override public void println(char[] x) { emit(new String(x) + "\n"); }
    @Override public void println(String x) { emit(x + "\n"); }
    @Override public void println(Object x) { emit(x + "\n"); }

    @Override public PrintStream format(String format, Object... args) {
        emit(String.format(format, args));
        return this;
    }

    @Override public PrintStream format(Locale locale, String format, Object... args) {
        emit(String.format(locale, format, args));
        return this;
    }
}
