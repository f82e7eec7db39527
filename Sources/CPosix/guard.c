/* The guard: a small process between the server and a bridge, so that nothing a bridge started outlives
   the server, not even a grandchild in a session of its own.

   It is forked without exec, is the reaper of all its descendants, and holds one end of a channel. When
   the server is gone the channel ends (whatever killed the server), and the guard kills until it has no
   child left. It also sends the signals: it is the bridge's parent, so a process id cannot have been
   reused before the guard itself has reaped it. */
#define _GNU_SOURCE
#include "CPosix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void close_from(int first) {
  if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) == 0) return;
  int limit = (int)sysconf(_SC_OPEN_MAX);
  for (int fd = first; fd < limit; fd++) close(fd);
}

static void default_signals(void) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  for (int number = 1; number < NSIG; number++) sigaction(number, &action, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What was sent to the server's group between the fork and our setsid was not meant for us: to ignore it drops it. */
static void drop_pending_signals(void) {
  struct sigaction action = {.sa_handler = SIG_IGN};
  for (int number = 1; number < NSIG; number++) sigaction(number, &action, NULL);
}

static void send_message(int channel, int kind, int value, const struct rusage *usage) {
  parley_guard_message message = {.kind = kind, .value = value};
  if (usage) {
    message.user_microseconds = usage->ru_utime.tv_sec * 1000000LL + usage->ru_utime.tv_usec;
    message.system_microseconds = usage->ru_stime.tv_sec * 1000000LL + usage->ru_stime.tv_usec;
    message.max_rss_kib = usage->ru_maxrss;
  }
  while (send(channel, &message, sizeof message, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

/* Calls visit for each child of this process, by the kernel's list of them or by the whole process table. */
static void each_child(void (*visit)(pid_t, void *), void *context) {
  char path[64], text[4096];
  pid_t self = getpid();
  snprintf(path, sizeof path, "/proc/self/task/%d/children", self);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    size_t have = 0;
    ssize_t n;
    while ((n = read(fd, text + have, sizeof text - 1 - have)) > 0) {
      have += (size_t)n;
      text[have] = 0;
      char *at = text;
      for (;;) {
        char *end;
        long pid = strtol(at, &end, 10);
        if (end == at || *end == 0) break; /* a number cut by the buffer's end waits for the rest */
        visit((pid_t)pid, context);
        at = end;
      }
      have = strlen(at);
      memmove(text, at, have + 1);
    }
    close(fd);
    return;
  }
  DIR *directory = opendir("/proc");
  if (!directory) return;
  struct dirent *entry;
  while ((entry = readdir(directory))) {
    pid_t pid = (pid_t)atoi(entry->d_name);
    if (pid <= 0) continue;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) continue;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) continue;
    text[n] = 0;
    char *close_paren = strrchr(text, ')');
    int parent = 0;
    if (close_paren && sscanf(close_paren + 1, " %*c %d", &parent) == 1 && parent == self) visit(pid, context);
  }
  closedir(directory);
}

static void kill_one(pid_t pid, void *context) {
  if (kill(pid, SIGKILL) == 0) ++*(int *)context;
}

void parley_kill_all_children(void) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  int fruitless = 0;
  for (;;) {
    int killed = 0;
    each_child(kill_one, &killed);
    /* What is left after half a second may not be killed by us (sudo): better leave it than wait for ever. */
    fruitless = killed ? 0 : fruitless + 1;
    if (fruitless > 100) return;
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
    }
    if (pid < 0 && errno == ECHILD) return;
    /* The kernel's list may miss a child while others come and go, and the children of the killed are ours by now:
       so look again soon, not only when somebody has died. */
    struct timespec soon = {0, 5 * 1000 * 1000};
    sigtimedwait(&child, NULL, &soon);
  }
}

/* Descendants of the bridge that share its process group are found through /proc, one level at a time is not
   enough here, so the whole table is read: this is the rare, second step of the interrupt ladder. */
static void terminate_others(pid_t leader) {
  DIR *directory = opendir("/proc");
  if (!directory) return;
  struct dirent *entry;
  while ((entry = readdir(directory))) {
    pid_t pid = (pid_t)atoi(entry->d_name);
    if (pid > 0 && pid != leader && getpgid(pid) == leader) kill(pid, SIGTERM);
  }
  closedir(directory);
}

static int reap(int channel, pid_t bridge, int *alive) {
  int status;
  struct rusage usage;
  pid_t pid;
  while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
    if (pid == bridge) {
      *alive = 0;
      send_message(channel, PARLEY_GUARD_EXITED, status, &usage);
    }
  }
  return pid < 0 && errno == ECHILD; /* nobody left */
}

static void end_guard(int channel) {
  parley_kill_all_children();
  send_message(channel, PARLEY_GUARD_GONE, 0, NULL);
  _exit(0);
}

/* The guard's life, behind the fork. */
static void guard(int channel, pid_t bridge) {
  close(0);
  close(1);
  close(2);
  prctl(PR_SET_NAME, "parley-guard");
  /* Every descriptor but the channel is closed: the bridge's pipes must end when the bridge does. */
  int kept = dup2(channel, 3) < 0 ? channel : 3;
  fcntl(kept, F_SETFD, FD_CLOEXEC);
  close_from(4);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  int signals = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
  int alive = 1;
  send_message(kept, PARLEY_GUARD_STARTED, bridge, NULL);
  for (;;) {
    if (reap(kept, bridge, &alive) || !alive) end_guard(kept);
    struct pollfd polled[2] = {{.fd = kept, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    if (poll(polled, 2, -1) < 0 && errno != EINTR) end_guard(kept);
    struct signalfd_siginfo drained[8];
    while (read(signals, drained, sizeof drained) > 0) {
    }
    if (!(polled[0].revents & (POLLIN | POLLHUP | POLLERR))) continue;
    char command;
    ssize_t n = recv(kept, &command, 1, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) end_guard(kept);
    if (n < 0) continue;
    switch (command) {
    case PARLEY_GUARD_INTERRUPT:
      kill(-bridge, SIGINT);
      /* By this a shell that waits for a child learns of the interrupt even when the child survives it. Who has
         no handler for it never notices. docs/bridge-protocol.md, section 7. */
      kill(bridge, SIGURG);
      break;
    case PARLEY_GUARD_INTERRUPT_LEADER: kill(bridge, SIGINT); break;
    case PARLEY_GUARD_TERMINATE: kill(-bridge, SIGTERM); break;
    case PARLEY_GUARD_TERMINATE_OTHERS: terminate_others(bridge); break;
    case PARLEY_GUARD_QUIT: kill(bridge, SIGQUIT); break;
    case PARLEY_GUARD_KILL: {
      /* Reported like any death; whoever is left follows in end_guard. */
      kill(bridge, SIGKILL);
      break;
    }
    default: break;
    }
  }
}

/* The bridge, up to its exec. */
static void become_bridge(const parley_spawn_request *request, int report, pid_t parent) {
  setsid();
  default_signals();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  /* First out of the way, then into place, so that no target overwrites a source. Not farther than needed: some
     systems allow few descriptors. */
  int moved[16], count = request->descriptor_count > 16 ? 16 : request->descriptor_count;
  for (int i = 0; i < count; i++) {
    int source = request->descriptors[i];
    moved[i] = source < 0 ? -1 : fcntl(source, F_DUPFD_CLOEXEC, 16);
    if (source >= 0 && moved[i] < 0) goto failed;
  }
  if ((report = fcntl(report, F_DUPFD_CLOEXEC, 16)) < 0) _exit(127);
  for (int i = 0; i < count; i++) {
    if (moved[i] >= 0) {
      if (dup2(moved[i], i) < 0) goto failed;
    } else if (i == 0) {
      int null = open("/dev/null", O_RDONLY);
      if (null < 0) goto failed;
      if (null != 0) {
        dup2(null, 0);
        close(null);
      }
    } else {
      close(i);
    }
  }
  if (report != count) {
    if (dup3(report, count, O_CLOEXEC) < 0) goto failed;
    report = count;
  }
  close_from(count + 1);
  if (request->memory_limit > 0) {
    struct rlimit limit = {(rlim_t)request->memory_limit, (rlim_t)request->memory_limit};
    setrlimit(RLIMIT_AS, &limit);
  }
  if (request->cpu_limit > 0) {
    struct rlimit limit = {(rlim_t)request->cpu_limit, (rlim_t)request->cpu_limit + 5};
    setrlimit(RLIMIT_CPU, &limit);
  }
  if (request->directory && chdir(request->directory) < 0) goto failed;
  execve(request->path, request->argv, request->envp);
failed:;
  int code = errno;
  while (write(report, &code, sizeof code) < 0 && errno == EINTR) {
  }
  _exit(127);
}

pid_t parley_spawn_guarded(const parley_spawn_request *request, int *channel) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) return -1;
  /* Signals wait until the guard has its own dispositions. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t guard_pid = fork();
  if (guard_pid == 0) {
    setsid(); /* out of the server's group: a signal sent to that group must not reach the guard */
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    drop_pending_signals();
    default_signals();
    signal(SIGPIPE, SIG_IGN);
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0) {
      send_message(pair[1], PARLEY_GUARD_FAILED, errno, NULL);
      _exit(127);
    }
    pid_t self = getpid();
    pid_t bridge = fork();
    if (bridge == 0) become_bridge(request, report[1], self);
    close(report[1]);
    int code = errno;
    ssize_t n = 0;
    if (bridge > 0) {
      while ((n = read(report[0], &code, sizeof code)) < 0 && errno == EINTR) {
      }
    }
    if (bridge < 0 || n > 0) {
      send_message(pair[1], PARLEY_GUARD_FAILED, code, NULL);
      if (bridge > 0) waitpid(bridge, NULL, 0);
      _exit(127);
    }
    guard(pair[1], bridge);
    _exit(0);
  }
  int code = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(pair[1]);
  if (guard_pid < 0) {
    close(pair[0]);
    errno = code;
    return -1;
  }
  parley_set_nonblocking(pair[0]);
  *channel = pair[0];
  return guard_pid;
}

int parley_guard_read(int channel, parley_guard_message *message) {
  ssize_t n;
  while ((n = recv(channel, message, sizeof *message, MSG_DONTWAIT)) < 0 && errno == EINTR) {
  }
  if (n == 0) return 0;
  return n == (ssize_t)sizeof *message ? 1 : -1;
}

int parley_guard_command(int channel, char command) {
  ssize_t n;
  while ((n = send(channel, &command, 1, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 && errno == EINTR) {
  }
  return n == 1 ? 0 : -1;
}
