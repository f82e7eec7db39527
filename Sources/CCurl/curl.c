#include "CCurl.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

// The part of libcurl's interface that is used, by the numbers of curl.h, which never change.
enum {
  OPT_WRITEDATA = 10001,
  OPT_URL = 10002,
  OPT_ERRORBUFFER = 10010,
  OPT_POSTFIELDS = 10015,
  OPT_LOW_SPEED_LIMIT = 19,
  OPT_LOW_SPEED_TIME = 20,
  OPT_HTTPHEADER = 10023,
  OPT_HEADERDATA = 10029,
  OPT_CUSTOMREQUEST = 10036,
  OPT_NOBODY = 44,
  OPT_NETRC = 51,
  OPT_FOLLOWLOCATION = 52,
  OPT_MAXREDIRS = 68,
  OPT_HEADERFUNCTION = 20079,
  OPT_NOSIGNAL = 99,
  OPT_TIMEOUT_MS = 155,
  OPT_CONNECTTIMEOUT_MS = 156,
  OPT_CAINFO = 10065,
  OPT_NOPROXY = 10177,
  OPT_PROTOCOLS = 181,
  OPT_REDIR_PROTOCOLS = 182,
  OPT_PATH_AS_IS = 234,
  OPT_WRITEFUNCTION = 20011,
  OPT_MAXFILESIZE_LARGE = 30117,
  OPT_POSTFIELDSIZE_LARGE = 30120,
  INFO_RESPONSE_CODE = 0x200002,
  PROTOCOL_HTTP = 1,
  PROTOCOL_HTTPS = 2,
  NETRC_OPTIONAL = 1,
  GLOBAL_DEFAULT = 3,
};

struct curl_slist;

static struct {
  int (*global_init)(long flags);
  void *(*easy_init)(void);
  void (*easy_reset)(void *);
  int (*easy_setopt)(void *, int option, ...);
  int (*easy_perform)(void *);
  int (*easy_getinfo)(void *, int info, ...);
  void (*easy_cleanup)(void *);
  const char *(*easy_strerror)(int);
  struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
  void (*slist_free_all)(struct curl_slist *);
} curl;

static const struct {
  const char *name;
  void *place;
} functions[] = {
    {"curl_global_init", &curl.global_init},   {"curl_easy_init", &curl.easy_init},
    {"curl_easy_reset", &curl.easy_reset},     {"curl_easy_setopt", &curl.easy_setopt},
    {"curl_easy_perform", &curl.easy_perform}, {"curl_easy_getinfo", &curl.easy_getinfo},
    {"curl_easy_cleanup", &curl.easy_cleanup}, {"curl_easy_strerror", &curl.easy_strerror},
    {"curl_slist_append", &curl.slist_append}, {"curl_slist_free_all", &curl.slist_free_all},
};

static int load(const char **problem) {
  static int is_loaded;
  if (is_loaded) return 1;
  // Debian has three, which differ in the TLS library; elsewhere the first name is the only one.
  static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib"};
  void *library = NULL;
  for (size_t i = 0; !library && i < sizeof names / sizeof *names; i++)
    library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    *problem = "libcurl.so.4 is not there";
    return 0;
  }
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    void *function = dlsym(library, functions[i].name);
    if (!function) {
      *problem = functions[i].name;
      return 0;
    }
    *(void **)functions[i].place = function;
  }
  if (curl.global_init(GLOBAL_DEFAULT) != 0) {
    *problem = "libcurl does not start";
    return 0;
  }
  return is_loaded = 1;
}

void *ccurl_open(const char **problem) {
  if (!load(problem)) return NULL;
  void *handle = curl.easy_init();
  if (!handle) *problem = "libcurl has no memory";
  return handle;
}

void ccurl_close(void *handle) {
  if (handle) curl.easy_cleanup(handle);
}

void ccurl_release(struct ccurl_response *response) {
  free(response->headers);
  free(response->body);
}

struct sink {
  char **bytes;
  size_t *size;
  size_t capacity;
  size_t limit;
  int is_full;
};

static size_t append(struct sink *sink, const char *data, size_t count) {
  if (count > sink->limit - *sink->size) {
    sink->is_full = 1;
    return 0;
  }
  if (*sink->size + count > sink->capacity) {
    size_t capacity = sink->capacity ? sink->capacity : 16 << 10;
    while (capacity < *sink->size + count) capacity *= 2;
    char *grown = realloc(*sink->bytes, capacity);
    if (!grown) return 0;
    *sink->bytes = grown;
    sink->capacity = capacity;
  }
  memcpy(*sink->bytes + *sink->size, data, count);
  *sink->size += count;
  return count;
}

static size_t take_body(char *data, size_t size, size_t count, void *sink) { return append(sink, data, size * count); }

static size_t take_header(char *data, size_t size, size_t count, void *place) {
  struct sink *sink = place;
  // A status line begins another response: the one before was a redirect, or 100 Continue.
  if (size * count > 5 && memcmp(data, "HTTP/", 5) == 0) *sink->size = 0;
  return append(sink, data, size * count);
}

static enum ccurl_outcome outcome(int result, int is_full) {
  switch (result) {
    case 0: return CCURL_DONE;
    // Names and connections, and what ends one half-way: partial file, HTTP/2, send, receive, empty reply.
    case 5: case 6: case 7: case 16: case 18: case 52: case 55: case 56: case 92: return CCURL_CONNECTION;
    case 28: return CCURL_TIMEOUT;
    case 63: return CCURL_TOO_LARGE;
    case 23: return is_full ? CCURL_TOO_LARGE : CCURL_FAILED;
    default: return CCURL_FAILED;
  }
}

void ccurl_perform(void *handle, const struct ccurl_request *request, struct ccurl_response *response) {
  memset(response, 0, sizeof *response);
  struct sink body = {&response->body, &response->body_size, 0, request->limit, 0};
  struct sink headers = {&response->headers, &response->headers_size, 0, 1 << 20, 0};
  struct curl_slist *list = NULL;
  for (size_t i = 0; i < request->header_count; i++) list = curl.slist_append(list, request->headers[i]);

  // What is set is gone, open connections stay.
  curl.easy_reset(handle);
  curl.easy_setopt(handle, OPT_ERRORBUFFER, response->problem);
  curl.easy_setopt(handle, OPT_NOSIGNAL, 1L);
  curl.easy_setopt(handle, OPT_URL, request->url);
  curl.easy_setopt(handle, OPT_PATH_AS_IS, 1L);
  curl.easy_setopt(handle, OPT_HTTPHEADER, list);
  curl.easy_setopt(handle, OPT_PROTOCOLS, (long)(PROTOCOL_HTTP | PROTOCOL_HTTPS));
  int is_secure = strncmp(request->url, "https:", 6) == 0;
  curl.easy_setopt(handle, OPT_REDIR_PROTOCOLS, (long)(is_secure ? PROTOCOL_HTTPS : PROTOCOL_HTTP | PROTOCOL_HTTPS));
  curl.easy_setopt(handle, OPT_FOLLOWLOCATION, request->follows_redirects ? 1L : 0L);
  curl.easy_setopt(handle, OPT_MAXREDIRS, 10L);
  curl.easy_setopt(handle, OPT_CONNECTTIMEOUT_MS, request->connect_milliseconds);
  curl.easy_setopt(handle, OPT_LOW_SPEED_LIMIT, 1L);
  curl.easy_setopt(handle, OPT_LOW_SPEED_TIME, request->stall_seconds);
  curl.easy_setopt(handle, OPT_TIMEOUT_MS, request->total_milliseconds);
  if (request->authorities) curl.easy_setopt(handle, OPT_CAINFO, request->authorities);
  if (request->reads_netrc) curl.easy_setopt(handle, OPT_NETRC, (long)NETRC_OPTIONAL);
  if (request->ignores_proxies) curl.easy_setopt(handle, OPT_NOPROXY, "*");
  if (request->body) {
    curl.easy_setopt(handle, OPT_POSTFIELDS, request->body);
    curl.easy_setopt(handle, OPT_POSTFIELDSIZE_LARGE, (int64_t)request->body_size);
  }
  if (strcmp(request->method, "HEAD") == 0)
    curl.easy_setopt(handle, OPT_NOBODY, 1L);
  else
    curl.easy_setopt(handle, OPT_CUSTOMREQUEST, request->method);
  curl.easy_setopt(handle, OPT_MAXFILESIZE_LARGE, (int64_t)request->limit);
  curl.easy_setopt(handle, OPT_WRITEFUNCTION, take_body);
  curl.easy_setopt(handle, OPT_WRITEDATA, &body);
  curl.easy_setopt(handle, OPT_HEADERFUNCTION, take_header);
  curl.easy_setopt(handle, OPT_HEADERDATA, &headers);

  int result = curl.easy_perform(handle);
  curl.easy_getinfo(handle, INFO_RESPONSE_CODE, &response->status);
  response->outcome = outcome(result, body.is_full);
  if (result != 0 && !response->problem[0])
    strncpy(response->problem, curl.easy_strerror(result), sizeof response->problem - 1);
  // The handle must not keep what ends with this call.
  curl.easy_reset(handle);
  curl.slist_free_all(list);
}
