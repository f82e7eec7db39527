// Descriptors 1 and 2 belong to all cells: one that closes or redirects them does so for itself alone.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static struct {
  int copy;
  dev_t device;
  ino_t number;
} kept[3];

void parley_streams_start(void) {
  for (int descriptor = 1; descriptor <= 2; descriptor++) {
    struct stat now;
    if (fstat(descriptor, &now) < 0) continue;
    kept[descriptor].copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 64);
    kept[descriptor].device = now.st_dev;
    kept[descriptor].number = now.st_ino;
  }
}

static bool put_back(bool elsewhere) {
  bool changed = false;
  for (int descriptor = 1; descriptor <= 2; descriptor++) {
    struct stat now;
    bool is_open = fstat(descriptor, &now) == 0;
    if (is_open && (!elsewhere || (now.st_dev == kept[descriptor].device && now.st_ino == kept[descriptor].number)))
      continue;
    if (kept[descriptor].copy > 0) changed = dup2(kept[descriptor].copy, descriptor) >= 0 || changed;
  }
  return changed;
}

// At the end of a cell. What it printed still goes where it wanted it, unless that was nowhere.
void parley_streams_restore(void) {
  parley_enter_critical();
  bool changed = put_back(false);
  parley_flush();
  if (ftrylockfile(stderr) == 0) {
    fflush(stderr);
    funlockfile(stderr);
  }
  changed = put_back(true) || changed;
  if (changed) {   // freopen has given them the buffers of a file
    clearerr(stdout);
    setvbuf(stdout, NULL, _IOLBF, 1 << 16);
    clearerr(stderr);
    setvbuf(stderr, NULL, _IONBF, 0);
  }
  parley_leave_critical();
}
