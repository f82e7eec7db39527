package parley.bridge;

import java.io.File;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import jdk.jshell.DeclarationSnippet;
import jdk.jshell.ExpressionSnippet;
import jdk.jshell.JShell;
import jdk.jshell.Snippet;
import jdk.jshell.Snippet.Status;
import jdk.jshell.SnippetEvent;
import jdk.jshell.SourceCodeAnalysis;
import jdk.jshell.VarSnippet;
import jdk.jshell.spi.ExecutionControl;
import jdk.jshell.spi.ExecutionControlProvider;
import jdk.jshell.spi.ExecutionEnv;

/** The Java session: JShell, and how a cell runs in it. */
final class Session {
    /** What the jshell tool imports by default. */
    private static final List<String> IMPORTS = List.of("java.io.*", "java.math.*", "java.net.*", "java.nio.file.*", "java.util.*",
            "java.util.concurrent.*", "java.util.function.*", "java.util.prefs.*", "java.util.regex.*", "java.util.stream.*",
            "parley.Displayable", "static parley.Notebook.*");

    final Engine engine = new Engine();
    final JShell shell;
    final SourceCodeAnalysis analysis;
    private final Faults faults;

    Session() {
        shell = JShell.builder().executionEngine(new ExecutionControlProvider() {
            @Override public String name() {
                return "parley";
            }

            @Override public ExecutionControl generate(ExecutionEnv env, Map<String, String> parameters) {
                return engine;
            }
        }, null).build();
        analysis = shell.sourceCodeAnalysis();
        faults = new Faults(shell);
        addToClasspath(System.getProperty("java.class.path"));
        String own = System.getenv("CLASSPATH");
        if (own != null && !own.isEmpty()) {
            addToClasspath(own);
        }
        IMPORTS.forEach(name -> shell.eval("import " + name + ";"));
    }

    /** Adds jars and folders; folder/* means all jars in it. Returns what does not exist. */
    List<String> addToClasspath(String path) {
        List<String> missing = new ArrayList<>();
        for (String entry : path.split(File.pathSeparator)) {
            if (entry.startsWith("~/")) {
                entry = System.getProperty("user.home") + entry.substring(1);
            }
            File file = new File(entry.endsWith("/*") ? entry.substring(0, entry.length() - 2) : entry);
            if (entry.isEmpty()) {
                continue;
            }
            if (!file.exists()) {
                missing.add(entry);
            } else if (entry.endsWith("/*")) {
                File[] jars = file.listFiles((folder, name) -> name.toLowerCase().endsWith(".jar"));
                for (File jar : jars == null ? new File[0] : jars) {
                    shell.addToClasspath(jar.getAbsolutePath());
                }
            } else {
                shell.addToClasspath(file.getAbsolutePath());
            }
        }
        return missing;
    }

    // -- a cell ------------------------------------------------------------------------------------

    /** Runs a cell and returns its error, or null. */
    Map<String, Object> run(Object number, String code, boolean silent) {
        engine.compiler.lock();
        try {
            Cell cell = new Cell(number, code);
            Map<DeclarationSnippet, Status> unfinished = new LinkedHashMap<>();
            String text = directives(cell);
            Pieces pieces = Pieces.of(analysis, text);
            Map<String, Object> error = syntaxError(cell, pieces);
            for (Pieces.Piece piece : error == null ? pieces.list() : List.<Pieces.Piece>of()) {
                boolean isLast = piece == pieces.list().get(pieces.list().size() - 1);
                error = run(cell, piece, isLast && !silent, unfinished);
                if (error != null || engine.interrupted) {
                    break;
                }
            }
            tellUnfinished(unfinished);
            return error;
        } catch (Directive problem) {
            return Faults.error("ClasspathError", problem.getMessage(), List.of());
        } finally {
            engine.compiler.unlock();
        }
    }

    private static final class Directive extends RuntimeException {
        Directive(String message) {
            super(message);
        }
    }

    /** Obeys lines that begin with %classpath, and blanks them. */
    private String directives(Cell cell) {
        if (!cell.code().contains("%classpath")) {
            return cell.code();
        }
        StringBuilder rest = new StringBuilder();
        for (String line : cell.code().split("\n", -1)) {
            if (line.strip().matches("%classpath\\s.*")) {
                List<String> missing = addToClasspath(line.strip().substring("%classpath".length()).strip());
                if (!missing.isEmpty()) {
                    throw new Directive("no such jar or folder: " + String.join(", ", missing));
                }
                line = " ".repeat(line.length());
            }
            rest.append(line).append('\n');
        }
        rest.setLength(rest.length() - 1);
        return rest.toString();
    }

    /** A fault of syntax anywhere in the cell is told before any of it runs. */
    private Map<String, Object> syntaxError(Cell cell, Pieces pieces) {
        if (pieces.list().isEmpty()) {
            return null;
        }
        Pieces.Piece last = pieces.list().get(pieces.list().size() - 1);
        if (last.isWhole()) {
            return null;
        }
        for (Snippet snippet : analysis.sourceToSnippets(last.source())) {
            if (snippet.kind() != Snippet.Kind.ERRONEOUS) {
                return null;
            }
        }
        for (SnippetEvent event : shell.eval(last.source())) {
            return faults.rejected(shell.diagnostics(event.snippet()).toList(), cell, last.start());
        }
        return Faults.error("CompilationError", "this is not Java", List.of());
    }

    private Map<String, Object> run(Cell cell, Pieces.Piece piece, boolean show, Map<DeclarationSnippet, Status> unfinished) {
        List<DeclarationSnippet> before = declarations();
        String source = piece.completeness() == SourceCodeAnalysis.Completeness.COMPLETE_WITH_SEMI ? piece.source() + ";" : piece.source();
        for (SnippetEvent event : shell.eval(source)) {
            Snippet snippet = event.snippet();
            if (event.causeSnippet() == null) {
                faults.cameFrom(snippet.id(), new Cell.Origin(cell, piece.start()));
                if (event.status() == Status.REJECTED) {
                    Map<String, Object> error = faults.rejected(shell.diagnostics(snippet).toList(), cell, piece.start());
                    before.forEach(this::restore);
                    return error;
                }
                if (event.exception() != null) {
                    return faults.thrown(event.exception());
                }
                if (show && isExpression(snippet) && !piece.source().endsWith(";") && engine.bundle != null) {
                    Frames.event("execute_result", Frames.map("data", engine.bundle, "metadata", Map.of()));
                }
            }
            if (snippet instanceof DeclarationSnippet declaration
                    && (event.status() == Status.RECOVERABLE_DEFINED || event.status() == Status.RECOVERABLE_NOT_DEFINED)) {
                unfinished.put(declaration, event.previousStatus());
            }
        }
        return null;
    }

    /** jshell makes a variable ($1) of the value of most expressions. */
    private static boolean isExpression(Snippet snippet) {
        return snippet instanceof ExpressionSnippet || snippet.subKind() == Snippet.SubKind.TEMP_VAR_EXPRESSION_SUBKIND;
    }

    /** As the jshell tool tells it: declared, but something it needs is not there yet. */
    private void tellUnfinished(Map<DeclarationSnippet, Status> unfinished) {
        unfinished.forEach((snippet, before) -> {
            Status now = shell.status(snippet);
            if (now == Status.RECOVERABLE_DEFINED || now == Status.RECOVERABLE_NOT_DEFINED) {
                System.err.println(Faults.name(snippet) + " cannot be used until " + faults.missing(snippet) + " is declared");
            }
        });
    }

    // -- declarations that a refused one would take away ---------------------------------------------

    private List<DeclarationSnippet> declarations() {
        return shell.snippets().filter(s -> s instanceof DeclarationSnippet && shell.status(s).isActive())
                .map(s -> (DeclarationSnippet) s).toList();
    }

    /** jshell drops a variable, method or class before it compiles what is to replace it. */
    private void restore(DeclarationSnippet old) {
        if (shell.status(old).isActive()) {
            return;
        }
        if (!(old instanceof VarSnippet variable)) {
            shell.eval(old.source());
            return;
        }
        try {
            Object value = engine.field(old.name()).get(null);
            shell.eval(variable.typeName() + " " + old.name() + ";");
            engine.field(old.name()).set(null, value);
        } catch (ReflectiveOperationException | IllegalArgumentException | LinkageError lost) {
            System.err.println("The old value of " + old.name() + " is lost.");
        }
    }

    // -- expressions ---------------------------------------------------------------------------------

    /** A user expression: its value in a bundle, or its error. */
    Map<String, Object> expression(String source) {
        engine.compiler.lock();
        try {
            for (SnippetEvent event : shell.eval(source)) {
                Snippet snippet = event.snippet();
                Map<String, Object> error = event.status() == Status.REJECTED
                        ? faults.rejected(shell.diagnostics(snippet).toList(), new Cell("expression", source), 0)
                        : event.exception() != null ? faults.thrown(event.exception())
                        : !isExpression(snippet) || engine.bundle == null
                                ? Faults.error("CompilationError", "not an expression with a value: " + source, List.of()) : null;
                if (isExpression(snippet)) {
                    shell.drop(snippet);
                }
                if (error != null) {
                    error.put("status", "error");
                    return error;
                }
                return Frames.map("status", "ok", "data", engine.bundle, "metadata", Map.of());
            }
            return Frames.map("status", "error", "ename", "CompilationError", "evalue", "empty expression", "traceback", List.of());
        } finally {
            engine.compiler.unlock();
        }
    }
}
