#include "CSQLBridge.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static atomic_int interrupted;
static int descriptor = -1;
static _Atomic(void *) argument_of_cancel;
static _Atomic(void (*)(void *)) cancel_call;

static void on_interrupt(int signal) {
  (void)signal;
  int saved = errno;
  atomic_store(&interrupted, 1);
  uint64_t one = 1;
  // Full only after 2^64 interrupts that nobody took.
  (void)!write(descriptor, &one, sizeof one);
  void (*cancel)(void *) = atomic_load(&cancel_call);
  if (cancel) cancel(atomic_load(&argument_of_cancel));
  errno = saved;
}

int sqlbridge_catch_interrupts(void) {
  descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (descriptor < 0) return errno;
  struct sigaction action = {.sa_handler = on_interrupt};
  sigemptyset(&action.sa_mask);
  // No SA_RESTART: a wait must notice. Those that must not, try again.
  return sigaction(SIGINT, &action, NULL) ? errno : 0;
}

int sqlbridge_interrupt_descriptor(void) { return descriptor; }

int sqlbridge_interrupted(void) { return atomic_load(&interrupted); }

void sqlbridge_forget_interrupt(void) {
  uint64_t count;
  (void)!read(descriptor, &count, sizeof count);
  atomic_store(&interrupted, 0);
}

void sqlbridge_cancel_with(void (*cancel)(void *), void *argument) {
  // In this order the handler never sees a call with another's argument.
  atomic_store(&cancel_call, NULL);
  atomic_store(&argument_of_cancel, argument);
  atomic_store(&cancel_call, cancel);
}

int sqlbridge_progress(void *unused) {
  (void)unused;
  return sqlbridge_interrupted();
}
