package parley.bridge;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import jdk.jshell.DeclarationSnippet;
import jdk.jshell.MethodSnippet;
import jdk.jshell.Snippet;
import jdk.jshell.SourceCodeAnalysis.Documentation;
import jdk.jshell.SourceCodeAnalysis.Suggestion;
import jdk.jshell.TypeDeclSnippet;
import jdk.jshell.VarSnippet;

/** Completion, inspection and completeness. */
final class Questions {
    /** The compiler takes seconds for what is longer, and more than its stack for what is nested deep. */
    private static final int MOST = 10_000;

    private final Session session;

    Questions(Session session) {
        this.session = session;
    }

    Map<String, Object> isComplete(String code) {
        if (code.length() > MOST) {
            return Frames.map("status", "unknown");
        }
        session.engine.compiler.lock();
        try {
            return switch (Pieces.of(session.analysis, code).completeness()) {
                case DEFINITELY_INCOMPLETE -> Frames.map("status", "incomplete", "indent", indent(code));
                case UNKNOWN -> Frames.map("status", "invalid");
                default -> Frames.map("status", "complete");
            };
        } catch (StackOverflowError | InternalError nestedTooDeep) {
            return Frames.map("status", "unknown");
        } finally {
            session.engine.compiler.unlock();
        }
    }

    private static String indent(String code) {
        String[] lines = code.split("\n");
        String last = lines[lines.length - 1];
        String space = last.substring(0, last.length() - last.stripLeading().length());
        return last.stripTrailing().endsWith("{") || last.stripTrailing().endsWith("(") ? space + "    " : space;
    }

    // -- completion ----------------------------------------------------------------------------------

    Map<String, Object> complete(String code, int cursor) {
        session.engine.compiler.lock();
        Set<String> matches = new LinkedHashSet<>();
        int start = cursor;
        try {
            if (cursor <= MOST) {
                start = complete(code, cursor, matches);
            }
        } catch (StackOverflowError | InternalError nestedTooDeep) {
            matches.clear();
        } finally {
            session.engine.compiler.unlock();
        }
        return Frames.map("status", "ok", "matches", matches, "cursor_start", code.codePointCount(0, start),
                "cursor_end", code.codePointCount(0, cursor), "metadata", Map.of());
    }

    /** Adds the matches; returns where they begin. */
    private int complete(String code, int cursor, Set<String> matches) {
        int begin = startOfSnippet(code, cursor);
        int start = complete(code.substring(begin, cursor), begin, cursor, matches);
        // Within a block the variables of the cell's earlier lines are known as well.
        start = Math.min(start, complete("{" + code.substring(0, cursor), -1, cursor, matches));
        return Math.min(start, completeDeclared(code.substring(0, cursor), matches));
    }

    /** Adds the matches for the end of a text that begins there in the cell; returns where they begin. */
    private int complete(String text, int begin, int cursor, Set<String> matches) {
        int[] anchor = {0};
        List<Suggestion> found = session.analysis.completionSuggestions(text, text.length(), anchor);
        found.stream().filter(Suggestion::matchesType).forEach(one -> matches.add(one.continuation()));
        found.forEach(one -> matches.add(one.continuation()));
        matches.removeIf(match -> match.startsWith("$"));
        return found.isEmpty() ? cursor : begin + anchor[0];
    }

    /** Adds what earlier lines of the cell declare, which the session does not know yet. */
    private int completeDeclared(String text, Set<String> matches) {
        int start = text.length();
        while (start > 0 && Character.isJavaIdentifierPart(text.charAt(start - 1))) {
            start--;
        }
        String prefix = text.substring(start);
        if (text.substring(0, start).stripTrailing().endsWith(".") || prefix.isEmpty()) {
            return text.length();
        }
        for (Pieces.Piece piece : Pieces.of(session.analysis, text.substring(0, start)).list()) {
            for (Snippet snippet : session.analysis.sourceToSnippets(piece.source())) {
                if (snippet instanceof DeclarationSnippet one && one.name().startsWith(prefix)) {
                    matches.add(snippet instanceof MethodSnippet ? one.name() + "(" : one.name());
                }
            }
        }
        return matches.isEmpty() ? text.length() : start;
    }

    private int startOfSnippet(String code, int cursor) {
        List<Pieces.Piece> pieces = Pieces.of(session.analysis, code.substring(0, cursor)).list();
        return pieces.isEmpty() ? 0 : pieces.get(pieces.size() - 1).start();
    }

    // -- inspection ----------------------------------------------------------------------------------

    Map<String, Object> inspect(String code, int cursor) {
        session.engine.compiler.lock();
        try {
            int end = cursor;
            while (end < code.length() && Character.isJavaIdentifierPart(code.charAt(end))) {
                end++;
            }
            int begin = end;
            while (begin > 0 && Character.isJavaIdentifierPart(code.charAt(begin - 1))) {
                begin--;
            }
            List<String> parts = new ArrayList<>();
            boolean isMember = code.substring(0, begin).stripTrailing().endsWith(".");
            if (!isMember) {
                parts.addAll(declared(code.substring(begin, end)));
            }
            if (parts.isEmpty() && end <= MOST) {
                String alone = code.substring(startOfSnippet(code, end), end);
                String block = "{" + code.substring(0, end);
                // Of a method it knows only within the parentheses of its call.
                for (String text : List.of(alone + "(", block + "(", alone, block)) {
                    if (parts.isEmpty()) {
                        session.analysis.documentation(text, text.length(), true).forEach(one -> parts.add(describe(one)));
                    }
                }
            }
            String text = String.join("\n\n", parts);
            return Frames.map("status", "ok", "found", !text.isEmpty(), "metadata", Map.of(),
                    "data", text.isEmpty() ? Map.of() : Map.of("text/plain", text));
        } catch (StackOverflowError | InternalError nestedTooDeep) {
            return Frames.map("status", "ok", "found", false, "metadata", Map.of(), "data", Map.of());
        } finally {
            session.engine.compiler.unlock();
        }
    }

    /** What the session has declared under that name, as it was written. */
    private List<String> declared(String name) {
        List<String> parts = new ArrayList<>();
        session.shell.snippets().filter(s -> session.shell.status(s).isActive()).forEach(s -> {
            if (s instanceof VarSnippet v && v.name().equals(name)) {
                parts.add(v.typeName() + " " + name + " = " + session.shell.varValue(v));
            } else if (s instanceof MethodSnippet m && m.name().equals(name)) {
                parts.add(m.source().strip());
            } else if (s instanceof TypeDeclSnippet t && t.name().equals(name)) {
                parts.add(t.source().strip());
            }
        });
        return parts;
    }

    private static String describe(Documentation one) {
        String text = one.javadoc() == null ? "" : plain(one.javadoc());
        return Faults.clean(one.signature()) + (text.isEmpty() ? "" : "\n" + text.lines().map(l -> "    " + l).collect(Collectors.joining("\n")));
    }

    /** The text of a documentation comment without its marks. */
    private static String plain(String javadoc) {
        String text = javadoc.replaceAll("\\{@(?:code|literal|link|linkplain|value|systemProperty)\\s+([^{}]*)}", "$1").replaceAll("\\{@\\w+\\s*([^{}]*)}", "$1")
                .replaceAll("(?i)<(p|li|tr|br|pre|ul|ol|table|h\\d)\\b[^>]*>", "\n").replaceAll("<[^<>]*>", "")
                .replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&quot;", "\"").replace("&amp;", "&");
        return text.lines().map(String::stripTrailing).map(l -> l.startsWith(" ") ? l.substring(1) : l)
                .collect(Collectors.joining("\n")).replaceAll("\n{3,}", "\n\n").strip();
    }
}
