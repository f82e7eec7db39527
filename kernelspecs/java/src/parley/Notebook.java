package parley;

import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import parley.bridge.Frames;
import parley.bridge.Input;
import parley.bridge.Mime;

/** What a cell can do in a notebook and not in a terminal. All of it is imported statically. */
public final class Notebook {
    private Notebook() { }

    // -- showing things ----------------------------------------------------------------------------

    /** Something shown, which can be replaced by something else. */
    public record Display(String id) {
        /** Replaces what is shown, wherever it is shown. */
        public void update(Object value) {
            publish("update_display_data", Mime.bundle(value, null), id);
        }

        public void update(String mimeType, Object data) {
            publish("update_display_data", Mime.data(mimeType, data), id);
        }

        @Override public String toString() {
            return "Display[" + id + "]";
        }
    }

    /** Shows a value as it would be shown at the end of a cell. */
    public static Display display(Object value) {
        return shown(Mime.bundle(value, null));
    }

    /** Shows data of any MIME type: text as String, binary data as byte[], JSON as maps and lists. */
    public static Display display(String mimeType, Object data) {
        return shown(Mime.data(mimeType, data));
    }

    /** Shows a value under an id of your own. */
    public static Display displayAs(String id, Object value) {
        publish("display_data", Mime.bundle(value, null), id);
        return new Display(id);
    }

    /** Replaces what is shown under that id. */
    public static void updateDisplay(String id, Object value) {
        new Display(id).update(value);
    }

    public static Display html(String html) { return display("text/html", html); }
    public static Display markdown(String text) { return display("text/markdown", text); }
    public static Display latex(String formula) { return display("text/latex", formula); }
    public static Display svg(String svg) { return display("image/svg+xml", svg); }
    public static Display javascript(String code) { return display("application/javascript", code); }

    /** JSON from a text that is JSON, or from maps, lists, arrays, numbers. */
    public static Display json(Object value) { return display("application/json", value); }

    /** A PNG image from its bytes. */
    public static Display png(byte[] image) { return display("image/png", image); }

    /** An image of java.awt as PNG. */
    public static Display png(java.awt.image.RenderedImage image) { return display("image/png", Mime.pngOf(image)); }

    public static Display jpeg(byte[] image) { return display("image/jpeg", image); }

    /** From now on values of that class are shown by what the function makes of them. */
    public static <T> void render(Class<T> type, Function<? super T, ? extends Map<String, ?>> renderer) {
        Mime.register(type, renderer);
    }

    /** Clears the output of the cell; with wait, when there is something new to show. */
    public static void clearOutput(boolean wait) {
        Frames.publish("clear_output", Map.of("wait", wait));
    }

    public static void clearOutput() { clearOutput(false); }

    // -- asking the user -----------------------------------------------------------------------------

    /** Asks the user for a line; null if there is no more input. */
    public static String readLine(String prompt) { return Input.ask(prompt, false); }

    public static String readLine() { return readLine(""); }

    /** Asks for a line that is not shown while it is typed. */
    public static String readPassword(String prompt) { return Input.ask(prompt, true); }

    // -- how -----------------------------------------------------------------------------------------

    private static Display shown(Map<String, Object> bundle) {
        String id = UUID.randomUUID().toString();
        publish("display_data", bundle, id);
        return new Display(id);
    }

    private static void publish(String type, Map<String, Object> bundle, String id) {
        Frames.publish(type, Frames.map("data", bundle, "metadata", Map.of(), "transient", Map.of("display_id", id)));
    }
}
