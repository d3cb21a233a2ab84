/* SPDX-License-Identifier: MIT */
#include "explore.h"

#include <check.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsecho/base/quantity.h"

enum {
    STEP_CHOICES_MAX = 64,
    RUN_CHOICES_MAX = 4096,
    STEPS_MAX = 1024,
    NO_PARENT = -1,
    LARGE_BYTES = 128 << 10,
};

/* A state, and the choices of the step that leads to it from its parent. */
struct node {
    int parent;
    unsigned depth;
    unsigned count;
    unsigned char choices[STEP_CHOICES_MAX];
};

struct choice {
    const char *what, *option; /* option NULL: its number */
    unsigned number;
    bool first; /* of a step */
};

struct explore {
    const struct explore_machine *machine;
    struct explore_result *result;
    struct node *nodes;
    size_t count, size;
    uint64_t *seen; /* an open hash table; 0 = free */
    size_t seen_size;

    /* The step that is run now: choices up to `made` are given, those after it are 0. */
    unsigned char choices[STEP_CHOICES_MAX], options[STEP_CHOICES_MAX];
    unsigned at, made;

    int path[STEPS_MAX]; /* nodes, from the last to the first */
    struct choice run[RUN_CHOICES_MAX];
    size_t run_count;
    bool step_begins;
    jmp_buf failed;
};

bool explore_is_whole(void)
{
    const char *text = getenv("TLSECHO_EXPLORE");
    return text && strcmp(text, "whole") == 0;
}

uint64_t explore_hash(uint64_t hash, uint64_t value)
{
    /* The finalizer of splitmix64. */
    uint64_t z = (hash ^ value) + 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* Check writes to a pipe for each ck_assert, which takes longer than a step. */
static void must(bool holds, const char *rule)
{
    if (!holds)
        ck_abort_msg("explore: %s", rule);
}

static void *enlarge(void *data, size_t bytes)
{
    void *larger = realloc(data, bytes);
    must(larger, "memory");
    return larger;
}

static bool insert(uint64_t *table, size_t size, uint64_t hash)
{
    size_t i = (size_t)hash & (size - 1);
    for (; table[i]; i = (i + 1) & (size - 1))
        if (table[i] == hash)
            return false;
    table[i] = hash;
    return true;
}

/* Whether the state is new. */
static bool add_state(struct explore *x, uint64_t hash)
{
    if (2 * (x->result->states + 1) > x->seen_size) {
        size_t size = x->seen_size ? 2 * x->seen_size : 1024;
        uint64_t *table = calloc(size, sizeof *table);
        must(table, "memory");
        for (size_t i = 0; i < x->seen_size; i++)
            if (x->seen[i])
                insert(table, size, x->seen[i]);
        free(x->seen);
        x->seen = table;
        x->seen_size = size;
    }
    if (!insert(x->seen, x->seen_size, hash ? hash : 1))
        return false;
    x->result->states++;
    return true;
}

static void add_node(struct explore *x, int parent)
{
    if (x->count == x->size) {
        x->size = x->size ? 2 * x->size : 256;
        x->nodes = enlarge(x->nodes, x->size * sizeof *x->nodes);
    }
    struct node *node = &x->nodes[x->count++];
    *node = (struct node){.parent = parent};
    if (parent == NO_PARENT)
        return;
    node->depth = x->nodes[parent].depth + 1;
    node->count = x->at;
    memcpy(node->choices, x->choices, x->at);
    x->result->depth = node->depth;
}

unsigned explore_choose(struct explore *x, const char *what, const char *const *options, unsigned n)
{
    must(n > 0 && n < 256, "at most 255 options");
    must(x->at < STEP_CHOICES_MAX && x->run_count < RUN_CHOICES_MAX, "fewer choices");
    if (x->at >= x->made)
        x->choices[x->made++] = 0;
    unsigned number = x->choices[x->at];
    must(number < n, "the machine does not do the same again");
    x->options[x->at++] = (unsigned char)n;
    x->run[x->run_count++] = (struct choice){
        .what = what,
        .option = options ? options[number] : NULL,
        .number = number,
        .first = x->step_begins,
    };
    x->step_begins = false;
    return number;
}

static void put(struct explore *x, size_t *used, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void put(struct explore *x, size_t *used, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(x->result->failure + *used, EXPLORE_TEXT_BYTES - *used, format, args);
    va_end(args);
    *used += n > 0 ? (size_t)n : 0;
    if (*used >= EXPLORE_TEXT_BYTES)
        *used = EXPLORE_TEXT_BYTES - 1;
}

static void put_run(struct explore *x, const char *rule)
{
    size_t used = 0;
    for (size_t i = 0; i < x->run_count; i++) {
        const struct choice *c = &x->run[i];
        put(x, &used, "%s%s ", c->first ? "\n  " : ", ", c->what);
        if (c->option)
            put(x, &used, "%s", c->option);
        else
            put(x, &used, "%u", c->number);
    }
    put(x, &used, "\n  => broken: %s", rule);
}

void explore_require(struct explore *x, bool holds, const char *rule)
{
    if (holds)
        return;
    put_run(x, rule);
    x->result->failed = true;
    longjmp(x->failed, 1);
}

static void take_step(struct explore *x, void (*step)(struct explore *x))
{
    x->at = 0;
    x->step_begins = true;
    step(x);
}

/* Runs the machine up to this node. */
static void replay(struct explore *x, int at)
{
    unsigned length = 0;
    for (int i = at; x->nodes[i].parent != NO_PARENT; i = x->nodes[i].parent) {
        must(length < STEPS_MAX, "fewer steps");
        x->path[length++] = i;
    }
    x->run_count = 0;
    x->machine->reset();
    x->result->runs++;
    while (length > 0) {
        const struct node *node = &x->nodes[x->path[--length]];
        memcpy(x->choices, node->choices, node->count);
        x->made = node->count;
        take_step(x, x->machine->step);
    }
}

/* The next list of choices, as an odometer counts. False: that was the last. */
static bool advance(struct explore *x)
{
    while (x->at > 0 && x->choices[x->at - 1] + 1 == x->options[x->at - 1])
        x->at--;
    if (x->at == 0)
        return false;
    x->choices[x->at - 1]++;
    x->made = x->at;
    return true;
}

/* Makes each list of choices of one more step from this node on. */
static void expand(struct explore *x, int node, void (*step)(struct explore *x), bool adds)
{
    unsigned char given[STEP_CHOICES_MAX];
    unsigned made = 0;
    do {
        memcpy(given, x->choices, made);
        replay(x, node);
        memcpy(x->choices, given, made);
        x->made = made;
        take_step(x, step);
        x->result->transitions += adds;
        if (adds && add_state(x, x->machine->state()))
            add_node(x, node);
        if (!advance(x))
            return;
        made = x->made;
    } while (true);
}

static void explore(struct explore *x, unsigned depth_max)
{
    x->machine->reset();
    add_state(x, x->machine->state());
    add_node(x, NO_PARENT);
    x->result->complete = true;
    for (size_t i = 0; i < x->count; i++) {
        replay(x, (int)i);
        bool over = x->machine->over();
        if (x->machine->settle)
            expand(x, (int)i, x->machine->settle, false);
        if (over)
            continue;
        if (depth_max && x->nodes[i].depth == depth_max)
            x->result->complete = false;
        else
            expand(x, (int)i, x->machine->step, true);
    }
}

static void run_to(const struct explore_machine *machine, unsigned depth_max,
                   struct explore_result *ret)
{
    struct explore *x = calloc(1, sizeof *x);
    must(x, "memory");
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES); /* else calloc clears the large tables of each run */
#endif
    x->machine = machine;
    x->result = ret;
    *ret = (struct explore_result){.states = 0};
    if (setjmp(x->failed) == 0)
        explore(x, depth_max);
    machine->reset();
    free(x->nodes);
    free(x->seen);
    free(x);
}

void explore_run(const struct explore_machine *machine, struct explore_result *ret)
{
    run_to(machine, machine->depth_max, ret);
}

bool explore_read_bound(const char *text, const struct explore_machine *machine, unsigned *ret)
{
    struct error err;
    uint64_t events;
    if (strcmp(text, "whole") == 0)
        *ret = machine->whole_depth_max;
    else if (quantity_parse_count(text, &events, &err) == 0 && events > 0 && events <= STEPS_MAX)
        *ret = (unsigned)events;
    else
        return false;
    return true;
}

static unsigned depth_of(const struct explore_machine *machine)
{
    const char *text = getenv("TLSECHO_EXPLORE");
    unsigned depth = machine->depth_max;
    if (text && !explore_read_bound(text, machine, &depth))
        ck_abort_msg("TLSECHO_EXPLORE=%s: give a number of events, 1 to %d, or whole", text,
                     STEPS_MAX);
    return depth;
}

bool explore_assert(const struct explore_machine *machine)
{
    struct explore_result result;
    run_to(machine, depth_of(machine), &result);
    printf("%s: %zu states, %zu transitions, %zu runs, depth %u%s\n", machine->name, result.states,
           result.transitions, result.runs, result.depth, result.complete ? ", complete" : "");
    ck_assert_msg(!result.failed, "%s:%s", machine->name, result.failure);
    return result.complete;
}
