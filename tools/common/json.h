/* JSON out, on jansson: what cannot be written as asked becomes null, never a lost key. */
#ifndef CLADE_TOOLS_JSON_H
#define CLADE_TOOLS_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

void json_put_int(json_t *object, const char *key, int64_t value);
void json_put_bool(json_t *object, const char *key, bool value);
/* NaN and infinities become null. */
void json_put_real(json_t *object, const char *key, double value);
/* Bytes that are not UTF-8 become '?'. */
void json_put_text(json_t *object, const char *key, const char *text);
/* Takes the value over. */
void json_put(json_t *object, const char *key, json_t *value);

/* Writes root and a newline to the file, or to stdout where path is NULL, and frees it. Returns the
 * exit code, after a line on stderr if that failed. */
int json_finish(json_t *root, const char *path);

#endif
