/* SPDX-License-Identifier: MIT */
#include "config_yaml.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "tlsecho/base/text.h"

struct reading {
    yaml_parser_t parser;
    const char *name;
    const char *text;
    size_t size;
    struct error *err;
};

static struct config_place place_of(yaml_mark_t mark)
{
    return (struct config_place){(int)mark.line + 1, (int)mark.column + 1};
}

static int refuse(struct reading *r, struct config_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(struct reading *r, struct config_place place, const char *format, ...)
{
    char message[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return error_set(r->err, ERROR_INPUT, "%s:%d:%d: %s", r->name, place.line, place.column,
                     message);
}

/* For a byte that libyaml cannot decode it reports only the offset. */
static struct config_place place_at(const struct reading *r, size_t offset)
{
    struct config_place place = {1, 1};
    for (size_t i = 0; i < offset && i < r->size; i++) {
        if (r->text[i] == '\n')
            place = (struct config_place){place.line + 1, 1};
        else if (((unsigned char)r->text[i] & 0xc0) != 0x80)
            place.column++;
    }
    return place;
}

static int refuse_syntax(struct reading *r)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return error_sys(r->err, "read %s", r->name);
    if (p->error == YAML_READER_ERROR)
        return refuse(r, place_at(r, p->problem_offset),
                      "%s: save the file as UTF-8 text without control characters", p->problem);
    if (!p->context)
        return refuse(r, place_of(p->problem_mark),
                      "%s: check indentation (spaces, no tabs), brackets and quotes", p->problem);
    return refuse(r, place_of(p->problem_mark),
                  "%s %s from line %d: check indentation (spaces, no tabs), brackets and quotes",
                  p->problem, p->context, place_of(p->context_mark).line);
}

/* The reason to refuse an event: a feature of YAML that is not supported. NULL if none. */
static const char *find_extra(const yaml_event_t *event)
{
    static const char anchor[] = "anchors are not supported: remove it";
    static const char tag[] = "tags are not supported: remove it";

    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return "aliases are not supported: write the value itself, and quote a text that begins "
               "with *";
    case YAML_DOCUMENT_START_EVENT:
        return event->data.document_start.tag_directives.start !=
                       event->data.document_start.tag_directives.end
                   ? tag
                   : NULL;
    case YAML_SCALAR_EVENT:
        /* libyaml drops the tag "!", but then an unquoted text is no longer implicit. */
        if (event->data.scalar.tag || (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                                       !event->data.scalar.plain_implicit))
            return tag;
        return event->data.scalar.anchor ? anchor : NULL;
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.tag)
            return tag;
        return event->data.sequence_start.anchor ? anchor : NULL;
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.tag)
            return tag;
        return event->data.mapping_start.anchor ? anchor : NULL;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return NULL;
    }
    return NULL;
}

/* The next event, which the caller deletes. */
static int next_event(struct reading *r, yaml_event_t *ret)
{
    if (!yaml_parser_parse(&r->parser, ret))
        return refuse_syntax(r);
    const char *extra = find_extra(ret);
    if (!extra)
        return 0;
    struct config_place place = place_of(ret->start_mark);
    yaml_event_delete(ret);
    return refuse(r, place, "%s", extra);
}

static bool is_printable(const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    return !memchr(value, '\0', event->data.scalar.length) && text_printable(value);
}

static int copy_text(struct reading *r, const yaml_event_t *event, char **ret)
{
    char *copy = strdup((const char *)event->data.scalar.value);
    if (!copy)
        return error_sys(r->err, "read %s", r->name);
    *ret = copy;
    return 0;
}

static int read_node(struct reading *r, const yaml_event_t *event, int depth,
                     struct config_node *ret);

/* Reads an entry: its value, in a mapping after its key. */
static int read_entry(struct reading *r, const yaml_event_t *first, int depth,
                      enum config_node_kind in, struct config_node *ret)
{
    if (in == CONFIG_NODE_LIST)
        return read_node(r, first, depth, ret);

    ret->key_place = place_of(first->start_mark);
    if (first->type != YAML_SCALAR_EVENT)
        return refuse(r, ret->key_place, "a list or a mapping cannot be a key: write a plain word");
    if (!is_printable(first))
        return refuse(r, ret->key_place, CONFIG_YAML_UNPRINTABLE);
    if (copy_text(r, first, &ret->key))
        return -1;
    yaml_event_t value;
    if (next_event(r, &value))
        return -1;
    int result = read_node(r, &value, depth, ret);
    yaml_event_delete(&value);
    return result;
}

static int read_children(struct reading *r, int depth, struct config_node *parent)
{
    if (depth > CONFIG_YAML_DEPTH)
        return refuse(r, parent->place, "nested more than %d levels deep: remove some",
                      CONFIG_YAML_DEPTH);

    for (struct config_node **end = &parent->first;; end = &(*end)->next) {
        yaml_event_t event;
        if (next_event(r, &event))
            return -1;
        if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return 0;
        }
        *end = calloc(1, sizeof **end);
        int result = *end ? read_entry(r, &event, depth, parent->kind, *end)
                          : error_sys(r->err, "read %s", r->name);
        yaml_event_delete(&event);
        if (result)
            return -1;
        parent->count++;
    }
}

static int read_node(struct reading *r, const yaml_event_t *event, int depth,
                     struct config_node *ret)
{
    ret->place = place_of(event->start_mark);
    if (event->type == YAML_SCALAR_EVENT) {
        bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        if (plain && event->data.scalar.length == 0)
            return 0;
        ret->kind = CONFIG_NODE_TEXT;
        ret->unprintable = !is_printable(event);
        return copy_text(r, event, &ret->text);
    }
    ret->kind = event->type == YAML_SEQUENCE_START_EVENT ? CONFIG_NODE_LIST : CONFIG_NODE_MAPPING;
    return read_children(r, depth + 1, ret);
}

/* Skips an event that carries no data. */
static int skip_event(struct reading *r)
{
    yaml_event_t event;
    if (next_event(r, &event))
        return -1;
    yaml_event_delete(&event);
    return 0;
}

/* STREAM-START (DOCUMENT-START node DOCUMENT-END)? STREAM-END: yaml_parser_parse(3) follows this
 * grammar, so only the number of documents needs a check. */
static int read_stream(struct reading *r, struct config_node *root)
{
    yaml_event_t event;
    if (skip_event(r) || next_event(r, &event))
        return -1;
    bool empty = event.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
    if (empty)
        return 0;

    if (next_event(r, &event))
        return -1;
    int result = read_node(r, &event, 0, root);
    yaml_event_delete(&event);
    if (result || skip_event(r) || next_event(r, &event))
        return -1;

    struct config_place place = place_of(event.start_mark);
    bool another = event.type != YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
    return another ? refuse(r, place, "a second YAML document: keep only one") : 0;
}

/* Whether the text is UTF-16 or UTF-32, by its byte order mark (that of UTF-32LE begins with that
 * of UTF-16LE) or by NULs, which UTF-8 text does not have. */
static bool is_wide(const struct reading *r)
{
    return r->size >= 2 &&
           (memcmp(r->text, "\xff\xfe", 2) == 0 || memcmp(r->text, "\xfe\xff", 2) == 0 ||
            r->text[0] == '\0' || r->text[1] == '\0');
}

int config_yaml_parse(const char *name, const char *text, size_t size, struct config_node **ret,
                      struct error *err)
{
    static const char mark[] = {'\xef', '\xbb',
                                '\xbf'}; /* U+FEFF, which some editors write first */
    if (size >= sizeof mark && memcmp(text, mark, sizeof mark) == 0) {
        text += sizeof mark;
        size -= sizeof mark;
    }
    struct reading r = {.name = name, .text = text, .size = size, .err = err};
    if (size > CONFIG_YAML_BYTES)
        return refuse(&r, (struct config_place){1, 1}, "larger than 1 MiB: make it smaller");
    if (is_wide(&r))
        return refuse(&r, (struct config_place){1, 1},
                      "the file is UTF-16 or UTF-32: save it as UTF-8");

    struct config_node *root = calloc(1, sizeof *root);
    if (!root || !yaml_parser_initialize(&r.parser)) {
        free(root);
        return error_sys(err, "read %s", name);
    }
    root->place = (struct config_place){1, 1};
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)r.text, r.size);
    int result = read_stream(&r, root);
    yaml_parser_delete(&r.parser);
    if (result) {
        config_yaml_free(root);
        return -1;
    }
    *ret = root;
    return 0;
}

void config_yaml_free(struct config_node *node)
{
    while (node) {
        struct config_node *next = node->next;
        config_yaml_free(node->first);
        free(node->text);
        free(node->key);
        free(node);
        node = next;
    }
}
