package parley.bridge;

import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import jdk.jshell.execution.LocalExecutionControl;

/**
 * Runs compiled snippets in this process, each in a thread that an interrupt can end: checks are woven
 * into the snippets' loops, by LocalExecutionControl or, before Java 20, by {@code Weaver}.
 */
final class Engine extends LocalExecutionControl {
    private static final UnaryOperator<byte[]> WEAVER = weaver();
    private static final Method STOP = stopOfThread();
    private static final Method RUN = runOfEngine();
    /** LocalExecutionControl invokes static methods only; there is one engine in a process. */
    private static volatile Engine engine;

    /** Held by whoever uses the compiler, and not while the user's code runs: so completion works then, too. */
    final ReentrantLock compiler = new ReentrantLock();
    /** Value of the last snippet, as the object and as jshell prints it, and as it is shown. */
    Object value;
    String text;
    Map<String, Object> bundle;
    Throwable thrown;
    volatile boolean interrupted;

    private final Map<String, Class<?>> holders = new HashMap<>();
    private Method snippet;
    private volatile Thread running;

    Engine() {
        engine = this;
    }

    @Override
    public void load(ClassBytecodes[] classes) throws ClassInstallException, NotImplementedException, EngineTerminationException {
        super.load(WEAVER == null ? classes : Stream.of(classes)
                .map(one -> new ClassBytecodes(one.name(), WEAVER.apply(one.bytecodes()))).toArray(ClassBytecodes[]::new));
        for (ClassBytecodes one : classes) {
            try {
                for (Field field : findClass(one.name()).getDeclaredFields()) {
                    holders.put(field.getName(), field.getDeclaringClass());
                }
            } catch (ReflectiveOperationException | LinkageError unused) {
                // A class that cannot be linked holds no variable.
            }
        }
    }

    /** The field behind a variable of the session. */
    Field field(String variable) throws ReflectiveOperationException {
        Class<?> holder = holders.get(variable);
        if (holder == null) {
            throw new NoSuchFieldException(variable);
        }
        Field field = holder.getDeclaredField(variable);
        field.setAccessible(true);
        return field;
    }

    @Override
    protected String invoke(Method method) throws Exception {
        snippet = method;
        Stop.thread = null;
        thrown = null;
        value = text = null;
        bundle = null;
        int depth = compiler.getHoldCount();
        for (int i = 0; i < depth; i++) {
            compiler.unlock();
        }
        try {
            super.invoke(RUN);
        } finally {
            for (int i = 0; i < depth; i++) {
                compiler.lock();
            }
        }
        if (interrupted) {
            throw new StoppedException();
        }
        if (thrown != null) {
            throw new InvocationTargetException(thrown);
        }
        return text;
    }

    /** In a thread of LocalExecutionControl, which hides the exceptions of all threads started from it: so, in one of ours. */
    public static void run() {
        Thread thread = new Thread(Bridge.GROUP, engine::runSnippet, "main");
        thread.setContextClassLoader(engine.snippet.getDeclaringClass().getClassLoader());
        engine.running = thread;
        if (!engine.interrupted) {
            thread.start();
        }
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException stopped) {
                thread.interrupt();
            } catch (ThreadDeath stopped) {
                continue;
            }
        }
        engine.running = null;
    }

    private void runSnippet() {
        try {
            value = snippet.invoke(null);
            if (snippet.getReturnType() != void.class) {
                text = valueString(value);
                bundle = Mime.bundle(value, text);
            }
        } catch (InvocationTargetException e) {
            thrown = e.getCause();
        } catch (Throwable e) {
            thrown = e;
        }
    }

    // -- interrupts --------------------------------------------------------------------------------

    /**
     * Ends the code that runs: loops by the checks woven into them, what waits by an interrupt, and what goes on
     * for a second all the same (long work inside a library) by Thread.stop, where Java still has it.
     */
    void interrupt() {
        interrupted = true;
        Thread thread = running;
        if (thread == null) {
            return;
        }
        Stop.thread = thread;
        try {
            for (int round = 0; round < 100 && thread.isAlive(); round++) {
                stop();
                thread.interrupt();
                if (round > 0 && STOP != null) {
                    STOP.invoke(thread);
                }
                thread.join(round == 0 ? 1000 : 100);
            }
        } catch (InterruptedException | ReflectiveOperationException given) {
            // Up: the server tells the user that the cell still runs.
        }
    }

    /** The checks of LocalExecutionControl; before Java 20 it has none, and would stop threads that are not ours. */
    @Override
    public void stop() {
        try {
            if (WEAVER == null) {
                super.stop();
            }
        } catch (InternalException | EngineTerminationException | RuntimeException nothingRuns) {
            // Then there is nothing to stop.
        }
    }

    private static Method stopOfThread() {
        try {
            return WEAVER == null ? null : Thread.class.getMethod("stop");
        } catch (ReflectiveOperationException none) {
            return null;
        }
    }

    @SuppressWarnings("unchecked")
    private static UnaryOperator<byte[]> weaver() {
        try {
            return Runtime.version().feature() >= 20 ? null
                    : (UnaryOperator<byte[]>) Class.forName("parley.bridge.Weaver").getDeclaredConstructor().newInstance();
        } catch (ReflectiveOperationException notBuilt) {
            throw new IllegalStateException(notBuilt);
        }
    }

    private static Method runOfEngine() {
        try {
            Method run = Engine.class.getMethod("run");
            run.setAccessible(true);
            return run;
        } catch (ReflectiveOperationException never) {
            throw new AssertionError(never);
        }
    }
}
