// SIGINT: out of the cell as soon as that is safe.
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define RETRY_NANOSECONDS 2000000

static volatile sig_atomic_t pending, tries;
static int wake = -1;
static timer_t retry;
static int retry_signal;

bool parley_interrupt_pending(void) { return pending; }
int parley_interrupt_descriptor(void) { return wake; }

void parley_clear_interrupt(void) {
  uint64_t count;
  pending = 0;
  tries = 0;
  while (read(wake, &count, sizeof count) > 0) {}
}

static void leave_when_safe(const void *context) {
  if (!parley_active || parley_critical || parley_pumping) return;
  if (parley_may_leave(context, tries)) {
    parley_watch_recovery();
    parley_leave(parley_trapped_elsewhere() ? parley_trapped : parley_interrupted);
  }
  tries++;
  struct itimerspec soon = {.it_value = {0, RETRY_NANOSECONDS}};
  timer_settime(retry, 0, &soon, NULL);
}

static void on_interrupt(int number, siginfo_t *info, void *context) {
  if (!parley_on_main()) {
    pthread_kill(parley_main_thread, SIGINT);
    return;
  }
  uint64_t one = 1;
  pending = 1;
  (void)!write(wake, &one, sizeof one);
  leave_when_safe(context);
}

static void on_retry(int number, siginfo_t *info, void *context) {
  if (parley_on_main()) leave_when_safe(context);
  else parley_leave_job_when_safe(context);
}

int parley_retry_signal(void) { return retry_signal; }

// Another thread has trapped: the cell ends at the next safe place.
void parley_ask_main_to_leave(void) {
  uint64_t one = 1;
  (void)!write(wake, &one, sizeof one);
  pthread_kill(parley_main_thread, retry_signal);
}

// Between these two nothing takes the main thread away; a signal that came meanwhile is noticed at the end.
void parley_enter_critical(void) {
  if (parley_on_main()) parley_critical++;
}

void parley_leave_critical(void) {
  if (!parley_on_main()) return;
  if (parley_critical > 0) parley_critical--;
  if (parley_critical == 0 && parley_active && (pending || parley_trapped_elsewhere())) raise(retry_signal);
}

void parley_interrupts_start(void) {
  wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  retry_signal = SIGRTMIN + 7;
  struct sigaction action = {.sa_sigaction = on_interrupt, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  action.sa_sigaction = on_retry;
  sigaction(retry_signal, &action, NULL);
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = retry_signal};
#ifdef sigev_notify_thread_id
  event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
#else
  event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
#endif
  timer_create(CLOCK_MONOTONIC, &event, &retry);
}
