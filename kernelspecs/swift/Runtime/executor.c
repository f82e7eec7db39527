// The main actor's queue. Its jobs run on the main thread: while a cell awaits something, and between cells.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

// How long a cell that is interrupted while it awaits may take to notice that its task is cancelled.
#define CANCELLATION_SECONDS 0.3

typedef struct {
  void *identity;
  const void *witness;
} Executor;

static Executor main_executor;
static void (*run_job)(void *);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void **jobs;
static size_t job_count, job_room;
static int wake = -1;
static int dispatch_handle = -1;
static void (*run_dispatch_main)(void *);

static void *cell_task;       // the task of the cell that runs, if it is asynchronous
static void **abandoned;      // tasks of cells that were interrupted: they never go on
static size_t abandoned_count;
static void *(*current_task)(void);
static void (*cancel_task)(void *);

// Executor references are returned in two registers, as a C structure of two words is.
static Executor get_main_executor(void *original) { return main_executor; }
static bool is_main_executor(Executor executor, void *original) { return executor.identity == main_executor.identity; }

void parley_set_hook(const char *name, void *function) {
  void **hook = dlsym(RTLD_DEFAULT, name);
  if (hook) *hook = function;
}

void parley_executor_start(void *identity, const void *witness, void (*run)(void *)) {
  main_executor = (Executor){identity, witness};
  run_job = run;
  wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  parley_set_hook("swift_task_getMainExecutor_hook", (void *)get_main_executor);
  parley_set_hook("swift_task_isMainExecutor_hook", (void *)is_main_executor);
  parley_pool_start();
  current_task = (void *(*)(void))dlsym(RTLD_DEFAULT, "swift_task_getCurrent");
  cancel_task = (void (*)(void *))dlsym(RTLD_DEFAULT, "swift_task_cancel");
}

// Blocks of DispatchQueue.main run here too, once the library is there.
static void find_dispatch(void) {
  if (run_dispatch_main) return;
  int (*handle)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "_dispatch_get_main_queue_handle_4CF");
  run_dispatch_main = (void (*)(void *))dlsym(RTLD_DEFAULT, "_dispatch_main_queue_callback_4CF");
  if (handle && run_dispatch_main) dispatch_handle = handle();
}

void parley_enqueue(void *job) {
  uint64_t one = 1;
  parley_enter_critical();
  pthread_mutex_lock(&lock);
  if (job_count == job_room) jobs = realloc(jobs, sizeof(void *) * (job_room = job_room * 2 + 16));
  jobs[job_count++] = job;
  pthread_mutex_unlock(&lock);
  (void)!write(wake, &one, sizeof one);
  parley_leave_critical();
}

static void *take_job(void) {
  void *job = NULL;
  parley_enter_critical();
  pthread_mutex_lock(&lock);
  while (job_count > 0 && !job) {
    job = jobs[0];
    job_count--;
    for (size_t i = 0; i < job_count; i++) jobs[i] = jobs[i + 1];
    for (size_t i = 0; i < abandoned_count; i++)
      if (abandoned[i] == job) job = NULL;
  }
  pthread_mutex_unlock(&lock);
  parley_leave_critical();
  return job;
}

static int run_jobs(int count, char **arguments) {
  uint64_t number;
  (void)!read(wake, &number, sizeof number);
  for (void *job; (job = take_job());) run_job(job);
  struct pollfd handle = {dispatch_handle, POLLIN, 0};
  if (dispatch_handle >= 0 && poll(&handle, 1, 0) > 0) run_dispatch_main(NULL);
  return 0;
}

double parley_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void wait_for_jobs(int descriptor, int milliseconds) {
  struct pollfd watched[] = {{wake, POLLIN, 0}, {dispatch_handle, POLLIN, 0}, {descriptor, POLLIN, 0}};
  poll(watched, 3, milliseconds);
}

// Called by every cell before its first line: a cell that awaits runs in a task.
void parley_cell_begins(void) { cell_task = current_task(); }

// Called behind its last line. An asynchronous cell would end the process there.
void parley_cell_ends(void) {
  if (current_task()) parley_leave(parley_finished);
}

// In place of the runtime's, which never returns: the cell awaits something for the first time.
__attribute__((noreturn)) void swift_task_asyncMainDrainQueue(void) {
  double deadline = 0, interrupted_at = 0;
  find_dispatch();
  for (;;) {
    parley_pumping = 0;
    run_jobs(0, NULL);
    parley_pumping = 1;
    bool must_end = parley_interrupt_pending() || parley_trapped_elsewhere();
    if (must_end && deadline == 0) {
      parley_flush();
      if (cell_task && cancel_task) cancel_task(cell_task);
      interrupted_at = parley_now();
      deadline = interrupted_at + (parley_trapped_elsewhere() ? 0 : CANCELLATION_SECONDS);
    } else if (must_end && parley_now() > deadline) {
      parley_pumping = 0;
      parley_end_jobs(interrupted_at, parley_retry_signal());
      abandoned = realloc(abandoned, sizeof(void *) * (abandoned_count + 1));
      abandoned[abandoned_count++] = cell_task;
      parley_leave(parley_trapped_elsewhere() ? parley_trapped : parley_interrupted);
    }
    wait_for_jobs(must_end ? -1 : parley_interrupt_descriptor(), must_end ? 20 : -1);
  }
}

// Waits for a request on the descriptor and runs, meanwhile, what cells have left to the main actor.
// Returns false when such a job trapped.
bool parley_wait_idle(int descriptor) {
  for (;;) {
    struct pollfd request = {descriptor, POLLIN, 0};
    if (poll(&request, 1, 0) > 0) return true;
    find_dispatch();
    parley_clear_interrupt();
    if (parley_run(run_jobs) == parley_trapped) return false;
    parley_flush();
    wait_for_jobs(descriptor, -1);
  }
}
