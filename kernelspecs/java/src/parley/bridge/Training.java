package parley.bridge;

/** A short life of the bridge, so that the JVM can write down which classes one needs. */
final class Training {
    private static final String CELL = """
            import java.time.LocalDate;
            int add(int a, int b) { return a + b; }
            class Point { int x = 1; }
            record Pair(String a, int b) { }
            var list = new ArrayList<String>(List.of("a", "b"));
            String text = list.stream().map(String::toUpperCase).collect(Collectors.joining(", "));
            for (int i = 0; i < 2; i++) { text += i; }
            add(1, 2)
            """;

    private Training() { }

    static void run() throws Exception {
        Session session = new Session();
        Questions questions = new Questions(session);
        Json.write(Json.parse("{\"a\":[1,2.5,true,null,\"x\"]}"));
        session.run(1, CELL, true);
        session.run(2, "int x = \"a\";", true);
        session.run(3, "throw new IllegalStateException(\"x\");", true);
        questions.complete("text.sub", 8);
        questions.inspect("text.length", 11);
        questions.isComplete("for (;;) {");
    }
}
