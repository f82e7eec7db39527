// What the host asks of C: running a cell so that whatever happens in it ends in the host again, signals,
// the queue of the main actor, frames and child processes.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How a cell ended.
enum {
  parley_finished = 1,     // it ran to its end
  parley_threw = 2,        // an error was thrown at its top level: parley_thrown_error()
  parley_interrupted = 3,  // the user asked for it
  parley_trapped = 4,      // Swift's own checks, or the processor: parley_trap_signal()
};

// recovery.c
void parley_recovery_start(void);
int parley_run(int (*entry)(int, char **));
void parley_leave(int outcome) __attribute__((noreturn));
int parley_trap_signal(void);
bool parley_trap_was_elsewhere(void);
void *parley_thrown_error(void);
int parley_frame_count(void);
uintptr_t parley_frame(int index);
const char *parley_fatal_message(void);
void parley_add_image(const void *entry);
uintptr_t parley_library_base(uintptr_t address);
void parley_watch_recovery(void);
void parley_recovery_done(void);
bool parley_on_main(void);

// interrupts.c
void parley_interrupts_start(void);
bool parley_interrupt_pending(void);
void parley_clear_interrupt(void);
int parley_interrupt_descriptor(void);
void parley_enter_critical(void);
void parley_leave_critical(void);

// executor.c
void parley_executor_start(void *identity, const void *witness, void (*run)(void *job));
void parley_enqueue(void *job);
bool parley_wait_idle(int descriptor);
void parley_cell_begins(void);
void parley_cell_ends(void);

// wire.c
void parley_wire_start(void);
bool parley_read_line(char **line, size_t *length);
bool parley_has_line(void);
bool parley_wait_for_request(void);
void parley_write(const void *bytes, size_t length);
void parley_flush(void);

// streams.c
void parley_streams_start(void);
void parley_streams_restore(void);

// spawn.c
int parley_execute(char *const argv[], int *status, char **output, size_t *length);
int parley_spawn_piped(char *const argv[], int *input, int *output);
void parley_interrupt_children(void);
void parley_note_children(void);
