#ifndef PARLEY_CYAML_H
#define PARLEY_CYAML_H

#include <stddef.h>

/// What comes next in a YAML text.
enum parley_yaml_kind {
  PARLEY_YAML_SCALAR,
  PARLEY_YAML_ALIAS,
  PARLEY_YAML_SEQUENCE_START,
  PARLEY_YAML_SEQUENCE_END,
  PARLEY_YAML_MAPPING_START,
  PARLEY_YAML_MAPPING_END,
  PARLEY_YAML_DOCUMENT_START,
};

/// One event. `value` is the text of a scalar; `anchor` (the name of an alias, too) and `tag` may be NULL.
/// `is_plain` is 1 for a scalar without quotes. All pointers are valid during the call. Return 0 to stop.
typedef int (*parley_yaml_handler)(
    void *context, enum parley_yaml_kind kind, const char *value, size_t length, int is_plain, const char *anchor,
    const char *tag);

/// Reads a YAML text and tells its events. Returns 1 at the end of the text, 0 when the handler has stopped, -1 when
/// the text is wrong: then `line` and `column` (from 1) and `problem` (terminated, cut to `size`) say where and what.
int parley_yaml_read(
    const unsigned char *text, size_t length, parley_yaml_handler handler, void *context, size_t *line,
    size_t *column, char *problem, size_t size);

#endif
