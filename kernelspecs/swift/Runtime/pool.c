// The threads on which tasks run that belong to no actor of the main thread, in place of the runtime's own.
//
// The runtime has as many threads as processors, for good: a trap that parked one, or a loop without end, would leave
// tasks waiting for ever. Here a job that traps is given up and its thread takes the next.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define MAXIMUM_WORKERS 64
#define LEAVING_ATTEMPTS 100

typedef struct {
  pthread_t thread;
  sigjmp_buf landing;
  ParleyStorage storage;
  volatile sig_atomic_t is_running;
  volatile sig_atomic_t must_leave;
  volatile sig_atomic_t tries;
  double since;
} Worker;

typedef struct Timer {
  double when;
  void *job;
  struct Timer *next;
} Timer;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more_jobs, more_timers;
static void **jobs;
static size_t first_job, job_count, job_room;
static Timer *timers;
static Worker workers[MAXIMUM_WORKERS];
static int worker_count;
static bool is_started;
static __thread Worker *me;
static void (*job_run)(void *, void *, const void *);

static double now(void) { return parley_now(); }

// MARK: - Jobs

static void *take_job(void) {
  void *job = jobs[first_job++];
  if (--job_count == 0) first_job = 0;
  return job;
}

static void *work(void *own) {
  me = own;
  parley_prepare_thread();
  parley_keep_storage(&me->storage);
  if (sigsetjmp(me->landing, 1) != 0) parley_restore_storage(&me->storage);
  for (;;) {
    me->is_running = 0;
    me->must_leave = 0;
    pthread_mutex_lock(&lock);
    while (job_count == 0) pthread_cond_wait(&more_jobs, &lock);
    void *job = take_job();
    pthread_mutex_unlock(&lock);
    me->since = now();
    me->is_running = 1;
    job_run(job, NULL, NULL);
  }
  return NULL;
}

static void put_job(void *job) {
  if (first_job + job_count == job_room) {
    if (first_job > 0) {
      memmove(jobs, jobs + first_job, sizeof(void *) * job_count);
      first_job = 0;
    } else {
      jobs = realloc(jobs, sizeof(void *) * (job_room = job_room * 2 + 64));
    }
  }
  jobs[first_job + job_count++] = job;
  pthread_cond_signal(&more_jobs);
}

static void *run_timers(void *nothing) {
  pthread_mutex_lock(&lock);
  for (;;) {
    if (!timers) {
      pthread_cond_wait(&more_timers, &lock);
    } else if (timers->when <= now()) {
      Timer *timer = timers;
      timers = timer->next;
      put_job(timer->job);
      free(timer);
    } else {
      double when = timers->when;
      struct timespec deadline = {(time_t)when, (long)((when - (double)(time_t)when) * 1e9)};
      pthread_cond_timedwait(&more_timers, &lock, &deadline);
    }
  }
  return NULL;
}

static void start_threads(void) {
  is_started = true;
  pthread_t thread;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  pthread_create(&thread, NULL, run_timers, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  worker_count = processors < 2 ? 2 : processors > MAXIMUM_WORKERS ? MAXIMUM_WORKERS : (int)processors;
  for (int i = 0; i < worker_count; i++) pthread_create(&workers[i].thread, NULL, work, &workers[i]);
}

// MARK: - The runtime's hooks

static void enqueue(void *job, void *original) {
  parley_enter_critical();
  pthread_mutex_lock(&lock);
  if (!is_started) start_threads();
  put_job(job);
  pthread_mutex_unlock(&lock);
  parley_leave_critical();
}

static void enqueue_at(double when, void *job) {
  parley_enter_critical();
  pthread_mutex_lock(&lock);
  if (!is_started) start_threads();
  Timer *timer = malloc(sizeof *timer);
  Timer **place = &timers;
  while (*place && (*place)->when <= when) place = &(*place)->next;
  *timer = (Timer){when, job, *place};
  *place = timer;
  pthread_cond_signal(&more_timers);
  pthread_mutex_unlock(&lock);
  parley_leave_critical();
}

static void enqueue_with_delay(unsigned long long nanoseconds, void *job, void *original) {
  enqueue_at(now() + (double)nanoseconds * 1e-9, job);
}

// The clock is 1 for the one that goes on while the machine sleeps, and 2 for the other.
static void enqueue_with_deadline(long long seconds, long long nanoseconds, long long tolerance_seconds,
                                  long long tolerance_nanoseconds, int clock, void *job, void *original) {
  struct timespec time;
  clock_gettime(clock == 1 ? CLOCK_BOOTTIME : CLOCK_MONOTONIC, &time);
  double delay = (double)(seconds - time.tv_sec) + (double)(nanoseconds - time.tv_nsec) * 1e-9;
  enqueue_at(now() + (delay > 0 ? delay : 0), job);
}

void parley_pool_start(void) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&more_timers, &attributes);
  pthread_cond_init(&more_jobs, NULL);
  job_run = (void (*)(void *, void *, const void *))dlsym(RTLD_DEFAULT, "swift_job_run");
  parley_set_hook("swift_task_enqueueGlobal_hook", (void *)enqueue);
  parley_set_hook("swift_task_enqueueGlobalWithDelay_hook", (void *)enqueue_with_delay);
  parley_set_hook("swift_task_enqueueGlobalWithDeadline_hook", (void *)enqueue_with_deadline);
}

// MARK: - Giving up a job

// Called where a job has trapped. Returns on threads of others.
void parley_give_up_job(void) {
  if (me && me->is_running) siglongjmp(me->landing, 1);
}

// Called by the signal that asks a thread to leave what it runs.
void parley_leave_job_when_safe(const void *context) {
  if (!me || !me->is_running || !me->must_leave || !parley_may_leave(context, me->tries++)) return;
  parley_release_output();
  siglongjmp(me->landing, 1);
}

// A cell was interrupted and did not end: jobs that have computed ever since, without a pause, are given up.
void parley_end_jobs(double before, int signal) {
  for (int attempt = 0; attempt < LEAVING_ATTEMPTS; attempt++) {
    bool waits = false;
    for (int i = 0; i < worker_count; i++) {
      Worker *worker = &workers[i];
      if (!worker->is_running || worker->since > before) continue;
      if (!worker->must_leave) worker->tries = 0;
      worker->must_leave = 1;
      pthread_kill(worker->thread, signal);
      waits = true;
    }
    if (!waits) return;
    struct timespec pause = {0, 2000000};
    nanosleep(&pause, NULL);
  }
}
