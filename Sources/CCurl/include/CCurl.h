// HTTP through libcurl, which is loaded by dlopen when the first remote address is met: it brings dozens of libraries
// that no kernel needs. One call is one transfer; everything about it is in two structures.
#ifndef CCURL_H
#define CCURL_H

#include <stddef.h>
#include <stdint.h>

struct ccurl_request {
  const char *method;
  const char *url;
  // `Name: value`; `Name:` takes one of libcurl's own away.
  const char *const *headers;
  size_t header_count;
  // NULL when the request has no body.
  const void *body;
  size_t body_size;
  // The most bytes of a response's body.
  size_t limit;
  // A file of certificates in place of the system's, or NULL.
  const char *authorities;
  long connect_milliseconds;
  // The most seconds in which nothing moves.
  long stall_seconds;
  long total_milliseconds;
  // Whether redirects are followed; from https only to https.
  int follows_redirects;
  // Whether ~/.netrc may hold a name and password.
  int reads_netrc;
  // Whether the proxies of the environment are passed by.
  int ignores_proxies;
};

enum ccurl_outcome {
  CCURL_DONE,
  // No connection, or one that broke: the same request may work later.
  CCURL_CONNECTION,
  CCURL_TIMEOUT,
  CCURL_TOO_LARGE,
  // It will not work: the address, TLS, the protocol.
  CCURL_FAILED,
};

struct ccurl_response {
  enum ccurl_outcome outcome;
  long status;
  // Of the last response, when redirects were followed. Owned: ccurl_release.
  char *headers;
  size_t headers_size;
  char *body;
  size_t body_size;
  // What went wrong, in libcurl's words.
  char problem[256];
};

// A connection pool for one thread; NULL when the library is not there, *problem then says why.
void *ccurl_open(const char **problem);
void ccurl_perform(void *handle, const struct ccurl_request *request, struct ccurl_response *response);
void ccurl_release(struct ccurl_response *response);
void ccurl_close(void *handle);

#endif
