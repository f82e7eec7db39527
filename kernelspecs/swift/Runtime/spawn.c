// Child processes of the host: the compiler, the linker, the completer. And those of cells, when interrupted.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

extern char **environ;

static int spawn(char *const argv[], const int descriptors[3]) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  for (int i = 0; i < 3; i++) {
    if (descriptors[i] < 0) posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
    else posix_spawn_file_actions_adddup2(&actions, descriptors[i], i);
  }
  // The compiler must not see the host's signals' settings; the completer outlives interrupts, in a group of its own.
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t child = -1;
  int error = posix_spawn(&child, argv[0], &actions, &attributes, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  errno = error;
  return error ? -1 : child;
}

// Runs a program and collects what it prints on both streams. Returns 0, or an error number; an interrupt ends it.
int parley_execute(char *const argv[], int *status, char **output, size_t *length) {
  int ends[2];
  *output = NULL;
  *length = 0;
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  int child = spawn(argv, (int[3]){-1, ends[1], ends[1]});
  int error = errno;
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    return error;
  }
  size_t room = 0;
  bool killed = false;
  for (;;) {
    struct pollfd watched[] = {{ends[0], POLLIN, 0}, {killed ? -1 : parley_interrupt_descriptor(), POLLIN, 0}};
    if (poll(watched, 2, -1) < 0 && errno != EINTR) break;
    if (parley_interrupt_pending() && !killed) {
      kill(child, SIGKILL);
      killed = true;
    }
    if (!(watched[0].revents & (POLLIN | POLLHUP))) continue;
    if (*length == room) *output = realloc(*output, room = room * 2 + 16384);
    ssize_t count = read(ends[0], *output + *length, room - *length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    *length += (size_t)count;
  }
  close(ends[0]);
  while (waitpid(child, status, 0) < 0 && errno == EINTR) {}
  return 0;
}

// Starts a program that reads and writes pipes; its stderr goes nowhere. Returns its process id or -1.
int parley_spawn_piped(char *const argv[], int *input, int *output) {
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) != 0) return -1;
  if (pipe2(from, O_CLOEXEC) != 0) return -1;
  int child = spawn(argv, (int[3]){to[0], from[1], -1});
  close(to[0]);
  close(from[1]);
  *input = to[1];
  *output = from[0];
  return child;
}

// MARK: - Children of cells

// Foundation gives each child a process group of its own, which an interrupt does not reach: those that a cell has
// started are told.
static pid_t known[256];
static int known_count;

static int list_children(pid_t *list, int room) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  // Children belong to the thread that started them; cells run on the main thread.
  FILE *file = fopen(path, "re");
  int count = 0;
  if (!file) return 0;
  while (count < room && fscanf(file, "%d", &list[count]) == 1) count++;
  fclose(file);
  return count;
}

void parley_note_children(void) { known_count = list_children(known, 256); }

void parley_interrupt_children(void) {
  pid_t present[256];
  int count = list_children(present, 256);
  for (int i = 0; i < count; i++) {
    bool old = false;
    for (int j = 0; j < known_count; j++) old |= known[j] == present[i];
    if (!old && getpgid(present[i]) == present[i]) kill(-present[i], SIGINT);
  }
}
