#define _GNU_SOURCE
#include "CPosix.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

int parley_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

int parley_signalfd(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
  if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0) return -1;
  return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int parley_signalfd_next(int fd) {
  struct signalfd_siginfo info;
  ssize_t n = read(fd, &info, sizeof info);
  return n == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

int parley_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int parley_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static int control(int epoll, int operation, int fd, int readable, int writable, uint64_t token) {
  struct epoll_event event = {0};
  event.events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);
  event.data.u64 = token;
  return epoll_ctl(epoll, operation, fd, &event);
}

int parley_epoll_add(int epoll, int fd, int readable, int writable, uint64_t token) {
  return control(epoll, EPOLL_CTL_ADD, fd, readable, writable, token);
}

int parley_epoll_modify(int epoll, int fd, int readable, int writable, uint64_t token) {
  return control(epoll, EPOLL_CTL_MOD, fd, readable, writable, token);
}

int parley_epoll_remove(int epoll, int fd) { return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL); }

int parley_epoll_wait(int epoll, parley_event *events, int capacity, int64_t timeout_ns) {
  struct epoll_event found[64];
  if (capacity > 64) capacity = 64;
  int ms = timeout_ns < 0 ? -1 : (int)((timeout_ns + 999999) / 1000000);
  int n = epoll_wait(epoll, found, capacity, ms);
  if (n < 0) return errno == EINTR ? 0 : -1;
  for (int i = 0; i < n; i++) {
    events[i].token = found[i].data.u64;
    uint32_t e = found[i].events, bits = 0;
    if (e & EPOLLIN) bits |= PARLEY_READABLE;
    if (e & EPOLLOUT) bits |= PARLEY_WRITABLE;
    if (e & (EPOLLHUP | EPOLLERR)) bits |= PARLEY_READABLE | PARLEY_HANG_UP;
    events[i].events = bits;
  }
  return n;
}

void parley_name_thread(const char *name) { prctl(PR_SET_NAME, name); }

int parley_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int parley_set_cloexec(int fd, int on) { return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0); }

long parley_allow_descriptors(long wanted) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return wanted;
  if (limit.rlim_cur < (rlim_t)wanted) {
    struct rlimit raised = limit;
    raised.rlim_cur = limit.rlim_max < (rlim_t)wanted ? limit.rlim_max : (rlim_t)wanted;
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur > LONG_MAX ? LONG_MAX : (long)limit.rlim_cur;
}

int parley_is_listening(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return 0;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return 0;
  /* With its queue full it would block: somebody is there all the same. */
  int found = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN;
  close(fd);
  return found;
}

int parley_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int parley_pipe(int *ends) { return pipe2(ends, O_CLOEXEC); }

int parley_pipe_grow(int fd, int bytes) { return fcntl(fd, F_SETPIPE_SZ, bytes); }

int parley_wait_status_exited(int status) { return WIFEXITED(status); }
int parley_wait_status_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }
int parley_wait_status_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }
int parley_wait_status_core(int status) { return WIFSIGNALED(status) && WCOREDUMP(status); }

void parley_limit_arenas(void) { mallopt(M_ARENA_MAX, 2); }

void parley_return_memory(void) { malloc_trim(0); }
