#include "cyaml.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

// libyaml's structures stay in this file: unions with anonymous members are no pleasure from Swift.

static int tell(yaml_event_t *event, parley_yaml_handler handler, void *context) {
  switch (event->type) {
  case YAML_SCALAR_EVENT:
    return handler(
        context, PARLEY_YAML_SCALAR, (const char *)event->data.scalar.value, event->data.scalar.length,
        event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE, (const char *)event->data.scalar.anchor,
        (const char *)event->data.scalar.tag);
  case YAML_ALIAS_EVENT:
    return handler(context, PARLEY_YAML_ALIAS, "", 0, 0, (const char *)event->data.alias.anchor, NULL);
  case YAML_SEQUENCE_START_EVENT:
    return handler(
        context, PARLEY_YAML_SEQUENCE_START, "", 0, 0, (const char *)event->data.sequence_start.anchor,
        (const char *)event->data.sequence_start.tag);
  case YAML_SEQUENCE_END_EVENT:
    return handler(context, PARLEY_YAML_SEQUENCE_END, "", 0, 0, NULL, NULL);
  case YAML_MAPPING_START_EVENT:
    return handler(
        context, PARLEY_YAML_MAPPING_START, "", 0, 0, (const char *)event->data.mapping_start.anchor,
        (const char *)event->data.mapping_start.tag);
  case YAML_MAPPING_END_EVENT:
    return handler(context, PARLEY_YAML_MAPPING_END, "", 0, 0, NULL, NULL);
  case YAML_DOCUMENT_START_EVENT:
    return handler(context, PARLEY_YAML_DOCUMENT_START, "", 0, 0, NULL, NULL);
  default:
    return 1;
  }
}

int parley_yaml_read(
    const unsigned char *text, size_t length, parley_yaml_handler handler, void *context, size_t *line,
    size_t *column, char *problem, size_t size) {
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser)) {
    *line = *column = 1;
    snprintf(problem, size, "out of memory");
    return -1;
  }
  yaml_parser_set_input_string(&parser, text, length);
  int result = 1;
  for (;;) {
    yaml_event_t event;
    if (!yaml_parser_parse(&parser, &event)) {
      // Errors of the reader have no mark.
      *line = parser.problem_mark.line + 1;
      *column = parser.problem_mark.column + 1;
      snprintf(problem, size, "%s", parser.problem ? parser.problem : "not valid YAML");
      result = -1;
      break;
    }
    int is_end = event.type == YAML_STREAM_END_EVENT;
    int goes_on = tell(&event, handler, context);
    yaml_event_delete(&event);
    if (!goes_on) {
      result = 0;
      break;
    }
    if (is_end) break;
  }
  yaml_parser_delete(&parser);
  return result;
}
