import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/** Compiles the bridge into a jar: java Build.java FOLDER JAR. The jar appears whole or not at all. */
public class Build {
    public static void main(String[] args) throws IOException {
        Path sources = Path.of(args[0]);
        Path jar = Path.of(args[1]);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        if (compiler == null || ModuleLayer.boot().findModule("jdk.jshell").isEmpty()) {
            System.err.println("The Java bridge needs a JDK, not only a Java runtime; this is " + System.getProperty("java.home"));
            System.exit(78);
        }
        Path classes = Files.createTempDirectory(jar.getParent(), "classes");
        try {
            List<String> options = new ArrayList<>(List.of("-nowarn", "-Xlint:-removal", "-Xlint:-deprecation", "-XDignore.symbol.file", "-proc:none", "-d", classes.toString()));
            List<Path> files = new ArrayList<>(files(sources.resolve("src")));
            if (Runtime.version().feature() < 20) {
                files.addAll(files(sources.resolve("src17")));
                options.addAll(List.of("--add-exports", "java.base/jdk.internal.org.objectweb.asm=ALL-UNNAMED"));
            }
            files.forEach(file -> options.add(file.toString()));
            if (compiler.run(null, null, null, options.toArray(new String[0])) != 0) {
                System.exit(70);
            }
            Path unfinished = Files.createTempFile(jar.getParent(), "jar", null);
            try (OutputStream out = Files.newOutputStream(unfinished); JarOutputStream jarOut = new JarOutputStream(out)) {
                for (Path file : files(classes)) {
                    jarOut.putNextEntry(new JarEntry(classes.relativize(file).toString()));
                    Files.copy(file, jarOut);
                }
            }
            Files.move(unfinished, jar, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            for (Path file : files(classes)) {
                Files.delete(file);
            }
            try (Stream<Path> folders = Files.walk(classes)) {
                for (Path folder : folders.sorted((a, b) -> b.compareTo(a)).toList()) {
                    Files.delete(folder);
                }
            }
        }
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile).sorted().toList();
        }
    }
}
