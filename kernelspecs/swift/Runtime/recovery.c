// A cell runs below sigsetjmp; a trap, an error at its top level or an interrupt jumps back here.
//
// Nothing is unwound: what the cell held at that moment leaks, as in any program that stops there. What must not
// survive is the runtime's own note of who runs on this thread, which is in thread-local storage: it is put back.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "internal.h"

#define MAXIMUM_FRAMES 128
#define STACK_RED_ZONE (256 * 1024)
#define ALTERNATE_STACK (64 * 1024)

volatile sig_atomic_t parley_active, parley_pumping, parley_critical;
pthread_t parley_main_thread;

static sigjmp_buf landing;
static void *thrown_error;
static int trap_signal;
static volatile sig_atomic_t trap_elsewhere;
static uintptr_t frames[MAXIMUM_FRAMES];
static volatile sig_atomic_t frame_count;
static __thread uintptr_t stack_low, stack_high;
static char fatal_message[2048];

typedef struct {
  uintptr_t start, end;
} Range;
static Range *cells;
static int cell_count;
static Range libc_text, loader_text, core_text;

bool parley_on_main(void) { return pthread_equal(pthread_self(), parley_main_thread); }
int parley_trap_signal(void) { return trap_signal; }
bool parley_trap_was_elsewhere(void) { return trap_elsewhere; }
bool parley_trapped_elsewhere(void) { return trap_elsewhere; }
void *parley_thrown_error(void) { return thrown_error; }
int parley_frame_count(void) { return frame_count; }
uintptr_t parley_frame(int index) { return frames[index]; }
const char *parley_fatal_message(void) { return fatal_message; }

// MARK: - Where code is

typedef struct {
  uintptr_t address;
  Range found;
} Search;

static int find_text(struct dl_phdr_info *info, size_t size, void *data) {
  Search *search = data;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t start = info->dlpi_addr + header->p_vaddr;
    if (header->p_type == PT_LOAD && (header->p_flags & PF_X) && search->address >= start &&
        search->address < start + header->p_memsz) {
      search->found = (Range){start, start + header->p_memsz};
      return 1;
    }
  }
  return 0;
}

static Range text_of(const void *address) {
  Search search = {(uintptr_t)address, {0, 0}};
  if (address) dl_iterate_phdr(find_text, &search);
  return search.found;
}

static bool holds(Range range, uintptr_t address) { return address >= range.start && address < range.end; }

// The library of a cell has been loaded: code there may be left at any moment.
void parley_add_image(const void *entry) {
  parley_enter_critical();
  Range *larger = realloc(cells, sizeof(Range) * (size_t)(cell_count + 1));
  if (larger) {
    cells = larger;
    cells[cell_count++] = text_of(entry);
  }
  parley_leave_critical();
}

// Where the library that holds an address was loaded; 0 if there is none.
uintptr_t parley_library_base(uintptr_t address) {
  Dl_info info;
  return dladdr((void *)address, &info) ? (uintptr_t)info.dli_fbase : 0;
}

static bool is_cell_code(uintptr_t address) {
  for (int i = cell_count - 1; i >= 0; i--)
    if (holds(cells[i], address)) return true;
  return false;
}

static uintptr_t program_counter(const ucontext_t *context) {
#if defined(__x86_64__)
  return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#else
  return (uintptr_t)context->uc_mcontext.pc;
#endif
}

// Whether the kernel cut off a call that waits for something else, which holds nothing of the C library.
// A call that will be started again has its number in place and the counter on the instruction.
static bool is_waiting_call(const ucontext_t *context) {
  uintptr_t counter = program_counter(context);
  if (!holds(libc_text, counter) && !holds(loader_text, counter) && !is_cell_code(counter)) return false;
  long number = -1;
#if defined(__x86_64__)
  const unsigned char *at = (const unsigned char *)counter;
  if (at[0] == 0x0f && at[1] == 0x05) number = (long)context->uc_mcontext.gregs[REG_RAX];
  else if (at[-2] == 0x0f && at[-1] == 0x05) return context->uc_mcontext.gregs[REG_RAX] == -EINTR;
#else
  const unsigned *at = (const unsigned *)counter;
  if (at[0] == 0xd4000001) number = (long)context->uc_mcontext.regs[8];
  else if (at[-1] == 0xd4000001) return context->uc_mcontext.regs[0] == (unsigned long)-EINTR;
#endif
  switch (number) {
    case SYS_read: case SYS_readv: case SYS_wait4: case SYS_waitid: case SYS_futex: case SYS_accept:
    case SYS_accept4: case SYS_connect: case SYS_recvfrom: case SYS_recvmsg: case SYS_flock: case SYS_openat:
      return true;
    default:
      return false;
  }
}

// Whether the main thread, interrupted there, may be taken out of the cell. Locks of the C library must not stay
// locked, so code there is given time to come back; the longer it takes the less is asked.
bool parley_may_leave(const void *raw, int tries) {
  const ucontext_t *context = raw;
  uintptr_t counter = program_counter(context);
  if (is_cell_code(counter) || is_waiting_call(context)) return true;
  if (tries < 4) return false;
  if (tries < 500) return !holds(libc_text, counter) && !holds(loader_text, counter);
  return true;
}

// MARK: - Thread-local storage of the Swift runtime

static int keep_block(struct dl_phdr_info *info, size_t size, void *data) {
  ParleyStorage *storage = data;
  if (!strstr(info->dlpi_name, "libswiftCore.so") && !strstr(info->dlpi_name, "libswift_Concurrency.so")) return 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    size_t length = info->dlpi_phdr[i].p_memsz;
    if (info->dlpi_phdr[i].p_type != PT_TLS || !info->dlpi_tls_data || storage->count == 2) continue;
    if (length > sizeof storage->blocks[0].bytes) continue;
    storage->blocks[storage->count].place = info->dlpi_tls_data;
    storage->blocks[storage->count].size = length;
    memcpy(storage->blocks[storage->count].bytes, info->dlpi_tls_data, length);
    storage->count++;
  }
  return 0;
}

void parley_keep_storage(ParleyStorage *storage) {
  storage->count = 0;
  dl_iterate_phdr(keep_block, storage);
}

void parley_restore_storage(const ParleyStorage *storage) {
  for (int i = 0; i < storage->count; i++)
    memcpy(storage->blocks[i].place, storage->blocks[i].bytes, storage->blocks[i].size);
}

// MARK: - Running

int parley_run(int (*entry)(int, char **)) {
  static char *arguments[] = {"swift", NULL};
  static ParleyStorage storage;
  parley_keep_storage(&storage);
  thrown_error = NULL;
  trap_signal = 0;
  trap_elsewhere = 0;
  frame_count = 0;
  fatal_message[0] = 0;
  int outcome = sigsetjmp(landing, 1);
  if (outcome == 0) {
    parley_active = 1;
    if (parley_interrupt_pending()) parley_leave(parley_interrupted);
    entry(1, arguments);
    // A cell may come to its end before it can be left: what it waited for has ended, by the same interrupt.
    outcome = parley_interrupt_pending() ? parley_interrupted : parley_finished;
  } else {
    parley_restore_storage(&storage);
  }
  parley_active = 0;
  parley_pumping = 0;
  parley_critical = 0;
  return outcome;
}

void parley_leave(int outcome) {
  parley_active = 0;
  parley_release_output();
  if (outcome == parley_trapped) parley_watch_recovery();
  siglongjmp(landing, outcome);
}

// What was left may have been in the middle of the C library. Should the host hang on that, it ends, and the server
// says so, instead of a notebook that never answers.
void parley_watch_recovery(void) { alarm(20); }
void parley_recovery_done(void) { alarm(0); }

// MARK: - Errors

static void note_frames(uintptr_t counter, uintptr_t base) {
  int count = 0;
  if (counter) frames[count++] = counter;
  while (count < MAXIMUM_FRAMES && base >= stack_low && base + 16 <= stack_high && base % 8 == 0) {
    const uintptr_t *frame = (const uintptr_t *)base;
    if (frame[1] == 0) break;
    frames[count++] = frame[1] - 1;
    if (frame[0] <= base) break;
    base = frame[0];
  }
  frame_count = count;
}

// The runtime calls this for every error that is thrown: the last place is what the message names.
static void will_throw(void *error) {
  if (parley_active && parley_on_main()) note_frames(0, (uintptr_t)__builtin_frame_address(0));
}

// In place of the runtime's: an error has come to the top level of a cell.
__attribute__((noreturn)) void swift_errorInMain(void *error) {
  thrown_error = error;
  parley_leave(parley_interrupt_pending() ? parley_interrupted : parley_threw);
}

// MARK: - Traps

// A thread that is left in the middle of `print` holds standard output, which all others would wait for.
void parley_release_output(void) {
#ifdef __GLIBC__
  // The lock of glibc's streams: how often it is held, and by whom.
  const struct {
    int word, count;
    void *owner;
  } *held = (const void *)stdout->_lock;
  while (held->owner == (void *)pthread_self() && held->count > 0) funlockfile(stdout);
#endif
}

static void give_up(int number) {
  signal(number, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  raise(number);
}

// Another thread cannot go on: the cell ends. A thread of the pool takes its next job, another one stays where it is.
__attribute__((noreturn)) static void trap_elsewhere_than_main(int number, uintptr_t counter, uintptr_t base) {
  if (parley_active) {
    trap_signal = number;
    note_frames(counter, base);
    trap_elsewhere = 1;
    parley_ask_main_to_leave();
  }
  parley_release_output();
  parley_give_up_job();
  for (;;) pause();
}

// In place of the C library's, as the runtime says with it why it is going to trap: that belongs into the cell's
// error, without the stack that it would print next.
int fputs(const char *text, FILE *stream) {
  uintptr_t caller = (uintptr_t)__builtin_return_address(0);
  if (stream == stderr && parley_active && holds(core_text, caller) && strstr(text, "Fatal error")) {
    strncpy(fatal_message, text, sizeof fatal_message - 1);
    if (!parley_on_main()) trap_elsewhere_than_main(SIGILL, 0, (uintptr_t)__builtin_frame_address(0));
    trap_signal = SIGILL;
    note_frames(0, (uintptr_t)__builtin_frame_address(0));
    parley_leave(parley_trapped);
  }
  size_t length = strlen(text);
  return fwrite(text, 1, length, stream) == length ? (int)length : EOF;
}

static void on_trap(int number, siginfo_t *info, void *raw) {
  const ucontext_t *context = raw;
  uintptr_t counter = program_counter(context);
#if defined(__x86_64__)
  uintptr_t base = (uintptr_t)context->uc_mcontext.gregs[REG_RBP];
  uintptr_t top = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#else
  uintptr_t base = (uintptr_t)context->uc_mcontext.regs[29], top = (uintptr_t)context->uc_mcontext.sp;
#endif
  if (!parley_on_main()) trap_elsewhere_than_main(number, counter, base);
  uintptr_t fault = (uintptr_t)info->si_addr;
  bool overflow = number == SIGSEGV && fault + STACK_RED_ZONE > top && fault < top + STACK_RED_ZONE;
  bool damaged = (number == SIGSEGV || number == SIGBUS) && !overflow &&
                 (holds(libc_text, counter) || holds(loader_text, counter));
  if (!parley_active || damaged) {
    give_up(number);
    return;
  }
  trap_signal = number;
  note_frames(counter, base);
  if (overflow) {
    trap_signal = SIGILL;
    strcpy(fatal_message, "Fatal error: stack overflow");
  }
  parley_leave(parley_trapped);
}

// Where the thread's stack is, and another one for when that is full.
void parley_prepare_thread(void) {
  pthread_attr_t attributes;
  void *low;
  size_t size;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &low, &size);
    stack_low = (uintptr_t)low;
    stack_high = stack_low + size;
    pthread_attr_destroy(&attributes);
  }
  stack_t alternate = {.ss_sp = malloc(ALTERNATE_STACK), .ss_size = ALTERNATE_STACK};
  if (alternate.ss_sp) sigaltstack(&alternate, NULL);
}

void parley_recovery_start(void) {
  parley_main_thread = pthread_self();
  parley_prepare_thread();
  libc_text = text_of(dlsym(RTLD_DEFAULT, "malloc"));
  loader_text = text_of(dlsym(RTLD_DEFAULT, "__tls_get_addr"));
  core_text = text_of(dlsym(RTLD_DEFAULT, "swift_retain"));
  struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  const int traps[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE};
  for (int i = 0; i < 5; i++) sigaction(traps[i], &action, NULL);

  parley_set_hook("_swift_willThrow", (void *)will_throw);
}
