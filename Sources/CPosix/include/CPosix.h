/* What Swift's Glibc module lacks, and the two processes a bridge needs: its guard and itself. */
#ifndef PARLEY_CPOSIX_H
#define PARLEY_CPOSIX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* --- event descriptors ------------------------------------------------- */
int parley_eventfd(void);                 /* non-blocking, close-on-exec */
int parley_signalfd(const int *signals, int count); /* blocks them and returns a descriptor */
int parley_signalfd_next(int fd);         /* the next signal number, 0 when there is none */
int parley_pidfd_open(pid_t pid);         /* -1 and errno */
int parley_epoll_create(void);
int parley_epoll_add(int epoll, int fd, int readable, int writable, uint64_t token);
int parley_epoll_modify(int epoll, int fd, int readable, int writable, uint64_t token);
int parley_epoll_remove(int epoll, int fd);
enum { PARLEY_READABLE = 1, PARLEY_WRITABLE = 2, PARLEY_HANG_UP = 4 };
typedef struct { uint64_t token; uint32_t events; } parley_event; /* events: the bits above */
int parley_epoll_wait(int epoll, parley_event *events, int capacity, int64_t timeout_ns);
void parley_name_thread(const char *name); /* the calling one; 15 bytes */
int parley_set_nonblocking(int fd);
int parley_set_cloexec(int fd, int on);
int parley_become_subreaper(void);

/* Raises the soft limit of descriptors towards `wanted`; returns what it is then. */
long parley_allow_descriptors(long wanted);

/* 1 when somebody accepts connections at the path of a local socket. */
int parley_is_listening(const char *path);
int parley_pipe(int *ends);              /* reading and writing end, close-on-exec */
int parley_pipe_grow(int fd, int bytes);

void parley_limit_arenas(void);   /* two heaps for all threads instead of eight a processor */
void parley_return_memory(void);  /* gives free pages of the heaps back to the system */

/* --- guarded children -------------------------------------------------- */

/* What the guard writes on its channel, one struct a message (a SOCK_SEQPACKET pair). */
enum {
  PARLEY_GUARD_STARTED = 1,   /* value = pid of the bridge */
  PARLEY_GUARD_FAILED = 2,    /* value = errno of exec */
  PARLEY_GUARD_EXITED = 3,    /* value = wait status; usage filled */
  PARLEY_GUARD_GONE = 4       /* every descendant is dead and reaped */
};
typedef struct {
  int32_t kind;
  int32_t value;
  int64_t user_microseconds;
  int64_t system_microseconds;
  int64_t max_rss_kib;
} parley_guard_message;

/* What the guard reads on its channel: one byte a command. End of file kills everything. */
enum {
  PARLEY_GUARD_INTERRUPT = 'i',       /* SIGINT to the bridge's process group */
  PARLEY_GUARD_INTERRUPT_LEADER = 'l',/* SIGINT to the bridge alone */
  PARLEY_GUARD_TERMINATE_OTHERS = 'o',/* SIGTERM to the group's members but the bridge */
  PARLEY_GUARD_TERMINATE = 't',       /* SIGTERM to the group */
  PARLEY_GUARD_KILL = 'k',            /* SIGKILL to every descendant */
  PARLEY_GUARD_QUIT = 'q'             /* SIGQUIT to the bridge: a dump, where it makes one */
};

typedef struct {
  const char *path;             /* resolved program */
  char *const *argv;
  char *const *envp;
  const char *directory;        /* NULL: inherit */
  const int *descriptors;       /* descriptors[i] becomes i in the child; -1: the null device for 0, closed else */
  int descriptor_count;
  int64_t memory_limit;         /* RLIMIT_AS in bytes, 0: none */
  int64_t cpu_limit;            /* RLIMIT_CPU in seconds, 0: none */
} parley_spawn_request;

/* Starts a guard and, under it, the bridge. Returns the guard's pid and in *channel our end of its
   channel (non-blocking, close-on-exec), or -1 and errno. Call from the process's longest-lived thread. */
pid_t parley_spawn_guarded(const parley_spawn_request *request, int *channel);

/* Reads one message; 1, 0 at the end, -1 and errno. */
int parley_guard_read(int channel, parley_guard_message *message);
int parley_guard_command(int channel, char command);

/* Kills and reaps every child of the calling process (descendants follow, since it is their reaper). */
void parley_kill_all_children(void);

int parley_wait_status_exited(int status);
int parley_wait_status_code(int status);
int parley_wait_status_signal(int status);
int parley_wait_status_core(int status);

#endif
