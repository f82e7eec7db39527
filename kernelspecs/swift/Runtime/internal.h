// Shared by the C files of the host only.
#pragma once
#include <pthread.h>
#include <signal.h>

#include "runtime.h"

extern volatile sig_atomic_t parley_active;    // a cell is on the main thread's stack
extern volatile sig_atomic_t parley_pumping;   // ... and waits for the main actor's queue
extern volatile sig_atomic_t parley_critical;  // ... and holds what must not be left half done
extern pthread_t parley_main_thread;

// The bytes that the Swift runtime keeps for a thread: who runs on it.
typedef struct {
  struct {
    void *place;
    size_t size;
    char bytes[256];
  } blocks[2];
  int count;
} ParleyStorage;

void parley_keep_storage(ParleyStorage *storage);
void parley_restore_storage(const ParleyStorage *storage);
void parley_release_output(void);
void parley_prepare_thread(void);
void parley_set_hook(const char *name, void *function);
double parley_now(void);

void parley_pool_start(void);
void parley_give_up_job(void);
void parley_leave_job_when_safe(const void *context);
void parley_end_jobs(double before, int signal);
int parley_retry_signal(void);

bool parley_may_leave(const void *context, int tries);
bool parley_trapped_elsewhere(void);
void parley_ask_main_to_leave(void);
