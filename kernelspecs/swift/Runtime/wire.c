// Descriptors 3 and 4: lines in, bytes out. Only the main thread reads requests.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;
static char *buffer;
static size_t start, end, room;

void parley_wire_start(void) {
  for (int descriptor = 3; descriptor <= 5; descriptor++) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  setvbuf(stdout, NULL, _IOLBF, 1 << 16);
}

// Another thread that was left in the middle of printing would keep the stream's lock: it is asked for, not waited on.
void parley_flush(void) {
  parley_enter_critical();
  if (ftrylockfile(stdout) == 0) {
    fflush(stdout);
    funlockfile(stdout);
  }
  parley_leave_critical();
}

void parley_write(const void *bytes, size_t length) {
  parley_flush();
  parley_enter_critical();
  pthread_mutex_lock(&output);
  for (const char *at = bytes; length > 0;) {
    ssize_t count = write(4, at, length);
    if (count < 0) break;
    at += count;
    length -= (size_t)count;
  }
  pthread_mutex_unlock(&output);
  parley_leave_critical();
}

bool parley_has_line(void) { return end > start && memchr(buffer + start, '\n', end - start); }

// Whether something can be read before an interrupt comes.
bool parley_wait_for_request(void) {
  if (parley_has_line()) return true;
  struct pollfd watched[] = {{3, POLLIN, 0}, {parley_interrupt_descriptor(), POLLIN, 0}};
  while (poll(watched, 2, -1) < 0 && !parley_interrupt_pending()) {}
  return !parley_interrupt_pending();
}

// A line without its newline, valid until the next call; false at the end.
bool parley_read_line(char **line, size_t *length) {
  for (size_t searched = start;;) {
    char *newline = end > searched ? memchr(buffer + searched, '\n', end - searched) : NULL;
    if (newline) {
      *line = buffer + start;
      *length = (size_t)(newline - buffer) - start;
      start = (size_t)(newline - buffer) + 1;
      return true;
    }
    searched = end;
    if (start > 0 && end == room) {
      memmove(buffer, buffer + start, end - start);
      end -= start;
      searched = end;
      start = 0;
    }
    if (end == room) {
      parley_enter_critical();
      buffer = realloc(buffer, room = room * 2 + 65536);
      parley_leave_critical();
    }
    ssize_t count = read(3, buffer + end, room - end);
    if (count <= 0) return false;
    end += (size_t)count;
  }
}
