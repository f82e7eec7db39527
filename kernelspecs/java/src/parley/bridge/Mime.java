package parley.bridge;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import parley.Displayable;

/** Values as MIME bundles. */
public final class Mime {
    private static final Map<Class<?>, Function<Object, Map<String, ?>>> renderers = new LinkedHashMap<>();

    private Mime() { }

    @SuppressWarnings("unchecked")
    public static synchronized <T> void register(Class<T> type, Function<? super T, ? extends Map<String, ?>> renderer) {
        renderers.remove(type);
        renderers.put(type, (Function<Object, Map<String, ?>>) (Function<?, ?>) renderer);
    }

    /** How a value is shown. The text is how jshell would print it; null means String.valueOf. */
    public static Map<String, Object> bundle(Object value, String text) {
        Map<String, Object> bundle = new LinkedHashMap<>();
        Map<String, ?> own = rich(value);
        if (own != null) {
            own.forEach((type, data) -> bundle.put(type, encoded(type, data)));
        }
        bundle.putIfAbsent("text/plain", text == null ? String.valueOf(value) : text);
        return bundle;
    }

    /** One type, with a text for front ends that show nothing else. */
    public static Map<String, Object> data(String type, Object data) {
        Map<String, Object> bundle = new LinkedHashMap<>();
        if (!type.matches("[\\w.+-]+/[\\w.+-]+")) {
            throw new IllegalArgumentException("not a MIME type: " + type);
        }
        Object encoded = encoded(type, data);
        bundle.put(type, encoded);
        bundle.putIfAbsent("text/plain", data instanceof byte[] bytes ? "<" + type + ", " + bytes.length + " bytes>"
                : encoded instanceof String string ? string : Json.write(encoded));
        return bundle;
    }

    private static Map<String, ?> rich(Object value) {
        Function<Object, Map<String, ?>> renderer = null;
        synchronized (Mime.class) {
            for (Map.Entry<Class<?>, Function<Object, Map<String, ?>>> entry : renderers.entrySet()) {
                if (entry.getKey().isInstance(value)) {
                    renderer = entry.getValue();
                }
            }
        }
        if (renderer != null) {
            return renderer.apply(value);
        }
        if (value instanceof Displayable displayable) {
            return displayable.mimeBundle();
        }
        // By name: naming the class would load java.desktop for every value.
        return isImage(value) ? Map.of("image/png", pngOf(value)) : null;
    }

    private static boolean isImage(Object value) {
        for (Class<?> c = value == null ? null : value.getClass(); c != null; c = c.getSuperclass()) {
            if (c.getName().equals("java.awt.image.BufferedImage")) {
                return true;
            }
        }
        return false;
    }

    public static byte[] pngOf(Object image) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            javax.imageio.ImageIO.setUseCache(false);
            if (!javax.imageio.ImageIO.write((java.awt.image.RenderedImage) image, "png", bytes)) {
                throw new IllegalArgumentException("this image cannot be written as PNG");
            }
        } catch (IOException never) {
            throw new IllegalStateException(never);
        }
        return bytes.toByteArray();
    }

    private static Object encoded(String type, Object data) {
        if (data instanceof byte[] bytes) {
            return Base64.getEncoder().encodeToString(bytes);
        }
        if (type.equals("application/json") || type.endsWith("+json")) {
            return data instanceof String text ? Json.parse(text) : data;
        }
        return String.valueOf(data);
    }
}
