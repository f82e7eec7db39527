package parley.bridge;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import jdk.jshell.DeclarationSnippet;
import jdk.jshell.Diag;
import jdk.jshell.EvalException;
import jdk.jshell.JShell;
import jdk.jshell.JShellException;
import jdk.jshell.UnresolvedReferenceException;

/** What went wrong, in the words and lines of the cell. */
final class Faults {
    private static final String RED = "\u001b[1;31m";
    private static final String PLAIN = "\u001b[0m";

    private final JShell shell;
    /** Where each snippet came from, by the id that jshell puts into stack traces. */
    private final Map<String, Cell.Origin> origins = new HashMap<>();

    Faults(JShell shell) {
        this.shell = shell;
    }

    void cameFrom(String snippetId, Cell.Origin origin) {
        origins.put(snippetId, origin);
    }

    static Map<String, Object> error(String ename, String evalue, List<String> lines) {
        List<String> traceback = new ArrayList<>();
        traceback.add(RED + ename + PLAIN + (evalue.isEmpty() ? "" : ": " + evalue));
        traceback.addAll(lines);
        return Frames.map("ename", ename, "evalue", evalue, "traceback", traceback);
    }

    static Map<String, Object> interrupted() {
        return error("KeyboardInterrupt", "", List.of());
    }

    /** A snippet that the compiler refused. */
    Map<String, Object> rejected(List<Diag> diags, Cell cell, int start) {
        List<Diag> errors = diags.stream().filter(Diag::isError).toList();
        if (errors.isEmpty()) {
            return error("CompilationError", "this is not Java", List.of());
        }
        Diag first = errors.get(0);
        String message = first.getMessage(null).strip().lines().findFirst().orElse("");
        List<String> lines = errors.stream().map(fault -> clean(cell.describe(fault, start))).collect(Collectors.toList());
        lines.set(0, "\n" + lines.get(0));
        return error("CompilationError", clean(message), lines);
    }

    Map<String, Object> thrown(JShellException exception) {
        if (exception instanceof UnresolvedReferenceException unresolved) {
            DeclarationSnippet snippet = unresolved.getSnippet();
            return error("UnresolvedReferenceException", name(snippet) + " cannot be used until " + missing(snippet)
                    + " is declared", frames(unresolved.getStackTrace()));
        }
        List<String> lines = new ArrayList<>();
        Throwable one = exception;
        for (int depth = 0; one != null && depth < 20; depth++, one = one.getCause()) {
            if (depth > 0) {
                lines.add("Caused by: " + nameOf(one) + (messageOf(one).isEmpty() ? "" : ": " + messageOf(one)));
            }
            lines.addAll(frames(one.getStackTrace()));
        }
        return error(nameOf(exception), messageOf(exception), lines);
    }

    private static String nameOf(Throwable exception) {
        String name = exception instanceof EvalException e ? e.getExceptionClassName() : exception.getClass().getName();
        return name.startsWith("parley.bridge.") ? name.substring(name.lastIndexOf('$') + 1) : clean(name);
    }

    private static String messageOf(Throwable exception) {
        return exception.getMessage() == null ? "" : clean(exception.getMessage());
    }

    private List<String> frames(StackTraceElement[] trace) {
        List<String> lines = new ArrayList<>();
        boolean shown = false;
        int left = trace.length > 60 ? trace.length - 50 : 0;
        for (int i = 0; i < trace.length; i++) {
            StackTraceElement element = trace[i];
            if (left > 0 && i == 30) {
                lines.add("    ... " + left + " more");
                i += left - 1;
                continue;
            }
            String file = element.getFileName();
            Cell.Origin origin = file != null && file.startsWith("#") ? origins.get(file.substring(1)) : null;
            if (origin == null) {
                lines.add("    at " + clean(element.toString()));
                continue;
            }
            int line = origin.line(element.getLineNumber());
            String name = List.of(clean(element.getClassName()), element.getMethodName()).stream()
                    .filter(part -> !part.isEmpty()).collect(Collectors.joining("."));
            lines.add("    at " + name + (name.isEmpty() ? "" : " ") + "(cell " + origin.cell().number() + ", line " + line + ")");
            if (!shown) {
                lines.add("       " + origin.cell().line(line).strip());
                shown = true;
            }
        }
        return lines;
    }

    /** As Java tells the end of a thread, without the frames of JShell and the bridge. */
    static String inThread(Thread thread, Throwable exception) {
        StringWriter text = new StringWriter();
        exception.printStackTrace(new PrintWriter(text));
        return "Exception in thread \"" + thread.getName() + "\" " + text.toString().lines()
                .filter(line -> !line.matches("\\s+at (java.base/jdk.internal.reflect|parley.bridge|.*\\.do_it\\$\\().*"))
                .map(line -> clean(line) + "\n").collect(Collectors.joining());
    }

    // -- what is declared but cannot be used yet -----------------------------------------------------

    static String name(DeclarationSnippet snippet) {
        return switch (snippet.kind()) {
            case METHOD -> "method " + snippet.name() + "(" + ((jdk.jshell.MethodSnippet) snippet).parameterTypes() + ")";
            case TYPE_DECL -> ((jdk.jshell.TypeDeclSnippet) snippet).subKind().toString().contains("INTERFACE")
                    ? "interface " + snippet.name() : "class " + snippet.name();
            default -> "variable " + snippet.name();
        };
    }

    String missing(DeclarationSnippet snippet) {
        List<String> names = shell.unresolvedDependencies(snippet).collect(Collectors.toList());
        shell.diagnostics(snippet).filter(Diag::isError).map(d -> clean(d.getMessage(null)).lines().findFirst().orElse(""))
                .filter(text -> names.isEmpty()).forEach(text -> names.add("what the compiler says (" + text + ")"));
        return String.join(" and ", names);
    }

    /** Names as the user wrote them: snippets live in classes of jshell's. */
    static String clean(String text) {
        return text.replaceAll("REPL\\.\\$JShell\\$\\w+[.$]", "").replaceAll("\\$JShell\\$\\w+[.$](?=\\w)", "")
                .replaceAll(" \\((\\w+( and \\w+)*) (is|are) in unnamed module of loader [^)]*\\)", "");
    }
}
