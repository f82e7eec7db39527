package parley;

import java.util.Map;

/** An object that knows how it wants to be shown, as a result or by {@link Notebook#display}. */
public interface Displayable {
    /** MIME types and data: text as String, images as byte[], JSON as maps and lists. */
    Map<String, Object> mimeBundle();
}
