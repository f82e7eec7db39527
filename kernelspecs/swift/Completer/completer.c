// Runs the toolchain's sourcekitd: `completer LIBRARY`. Each request on stdin is its length in decimal, a newline and
// that many bytes of YAML; each answer on stdout is the same with JSON. It ends when stdin does.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// From sourcekitd.h, which toolchains do not ship.
typedef struct {
  uint64_t data[3];
} Variant;

#define FUNCTION(name, result, ...)                                   \
  result (*name)(__VA_ARGS__) = (result(*)(__VA_ARGS__))dlsym(library, #name); \
  if (!name) return 2

int main(int count, char **arguments) {
  if (count != 2) return 2;
  void *library = dlopen(arguments[1], RTLD_NOW);
  if (!library) return 2;
  FUNCTION(sourcekitd_initialize, void, void);
  FUNCTION(sourcekitd_request_create_from_yaml, void *, const char *, char **);
  FUNCTION(sourcekitd_request_release, void, void *);
  FUNCTION(sourcekitd_send_request_sync, void *, void *);
  FUNCTION(sourcekitd_response_is_error, _Bool, void *);
  FUNCTION(sourcekitd_response_get_value, Variant, void *);
  FUNCTION(sourcekitd_response_dispose, void, void *);
  FUNCTION(sourcekitd_variant_json_description_copy, char *, Variant);
  sourcekitd_initialize();
  for (size_t length; scanf("%zu", &length) == 1;) {
    if (getchar() != '\n') return 1;
    char *text = calloc(length + 1, 1);
    if (!text || fread(text, 1, length, stdin) != length) return 1;
    char *answer = NULL;
    void *request = sourcekitd_request_create_from_yaml(text, NULL);
    if (request) {
      void *response = sourcekitd_send_request_sync(request);
      if (!sourcekitd_response_is_error(response))
        answer = sourcekitd_variant_json_description_copy(sourcekitd_response_get_value(response));
      sourcekitd_response_dispose(response);
      sourcekitd_request_release(request);
    }
    const char *shown = answer ? answer : "{}";
    printf("%zu\n", strlen(shown));
    fputs(shown, stdout);
    fflush(stdout);
    free(answer);
    free(text);
  }
  return 0;
}
