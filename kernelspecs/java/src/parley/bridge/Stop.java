package parley.bridge;

import java.util.concurrent.ForkJoinWorkerThread;

/** Asked by the loops of snippets whether they are to end. */
public final class Stop {
    static volatile Thread thread;

    private Stop() { }

    /** Ends the interrupted thread, and workers that may work for it; other threads of the user go on. */
    public static void check() {
        Thread stopped = thread;
        if (stopped != null && (Thread.currentThread() == stopped || Thread.currentThread() instanceof ForkJoinWorkerThread)) {
            throw new ThreadDeath();
        }
    }
}
