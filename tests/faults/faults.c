/* SPDX-License-Identifier: MIT
 *
 * A library for LD_PRELOAD that makes the n-th call of a kind fail. Another process controls it
 * through the file that TLSECHO_FAULTS names, which both map: see struct control, and control.py.
 */
#include "faults.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

enum { FRAMES = 40, SKIPPED = 2, MODULES = 48, NAME_BYTES = 112, SITES = 8192, GROUP = 8 };
enum { PROGRAM = 1 }; /* the first module */

struct module {
    uint64_t base, end;
    char name[NAME_BYTES];
};

struct site {
    _Atomic uint64_t hash; /* of its frames and its kind; 0: free */
    int64_t kind;
    _Atomic int64_t count;
    int64_t first;           /* which call of its kind it was */
    uint64_t frames[FRAMES]; /* module << 48 | offset; 0: no more */
};

struct control {
    _Atomic int64_t kind;      /* of the calls that fail; -1: none */
    _Atomic int64_t code;      /* errno, or one of the codes above, or seconds */
    _Atomic int64_t countdown; /* 1: the next call */
    _Atomic int64_t repeat;    /* how many calls fail, one after the other */
    _Atomic uint64_t site;     /* only calls from there; 0: from anywhere */
    _Atomic int64_t skip;      /* calls that are not from there; to look costs time */
    _Atomic int64_t record;    /* whether sites are recorded */
    _Atomic int64_t fired;     /* calls that have failed */
    uint64_t frames[FRAMES];   /* of the first of them */
    _Atomic int64_t calls[64]; /* by kind */
    int64_t module_count;
    struct module modules[MODULES];
    struct site sites[SITES];
    _Atomic int64_t grouped;       /* whether only calls from `group` fail, the first from each */
    _Atomic uint64_t group[GROUP]; /* 0: none, or has failed */
    _Atomic int64_t own_frames;    /* so many of the program tell a stack from others; 0: all */
};

static struct control *control;
static __thread bool inside __attribute__((tls_model("initial-exec")));

static int module_add(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    if (control->module_count == MODULES)
        return 1;
    struct module *module = &control->modules[control->module_count++];
    module->base = info->dlpi_addr;
    module->end = 0; /* not that of the process before */
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uint64_t end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && end > module->end)
            module->end = end;
    }
    snprintf(module->name, sizeof module->name, "%s", info->dlpi_name);
    return 0;
}

/* An address that is the same in each run. */
static uint64_t stable(uint64_t address)
{
    for (int64_t i = 0; i < control->module_count; i++) {
        const struct module *module = &control->modules[i];
        if (address >= module->base && address < module->end)
            return (uint64_t)(i + 1) << 48 | (address - module->base);
    }
    return UINT64_MAX;
}

struct trace {
    int skip;     /* frames of this library */
    int64_t left; /* frames of the program still to take; below 1: any number */
    int count;
    uint64_t *frames;
};

static _Unwind_Reason_Code trace_add(struct _Unwind_Context *context, void *trace)
{
    struct trace *t = trace;
    if (t->skip-- > 0)
        return _URC_NO_REASON;
    uint64_t frame = stable((uint64_t)_Unwind_GetIP(context));
    t->frames[t->count++] = frame;
    bool last = frame >> 48 == PROGRAM && --t->left == 0;
    return t->count < FRAMES && !last ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* Not backtrace(3): it loads a library. */
__attribute__((noinline)) static uint64_t trace(enum kind kind, uint64_t ret_frames[FRAMES])
{
    struct trace t = {.skip = SKIPPED, .left = control->own_frames, .frames = ret_frames};
    uint64_t hash = 0xcbf29ce484222325U + (uint64_t)kind;
    memset(ret_frames, 0, FRAMES * sizeof *ret_frames);
    _Unwind_Backtrace(trace_add, &t);
    for (int i = 0; i < t.count; i++)
        hash = (hash ^ ret_frames[i]) * 0x100000001b3U;
    return hash ? hash : 1;
}

static void record(enum kind kind, uint64_t hash, int64_t number, const uint64_t *frames)
{
    for (uint64_t i = 0; i < SITES; i++) {
        struct site *site = &control->sites[(hash + i) % SITES];
        uint64_t free = 0;
        if (atomic_compare_exchange_strong(&site->hash, &free, hash)) {
            site->kind = kind;
            site->first = number;
            memcpy(site->frames, frames, sizeof site->frames);
        }
        if (atomic_load(&site->hash) == hash) {
            atomic_fetch_add(&site->count, 1);
            return;
        }
    }
}

/* Whether a call of that kind may have to fail: not before the first from the site, nor once enough
 * have failed. */
static bool may_fail(enum kind kind)
{
    if (atomic_load(&control->kind) == kind && control->grouped)
        return atomic_fetch_sub(&control->skip, 1) <= 0;
    if (atomic_load(&control->kind) != kind || 1 - control->countdown >= control->repeat)
        return false;
    return !control->site || atomic_fetch_sub(&control->skip, 1) <= 0;
}

/* Whether it has to fail, which it does once. */
static bool is_in_group(uint64_t hash)
{
    for (int i = 0; i < GROUP; i++) {
        uint64_t wanted = hash;
        if (atomic_compare_exchange_strong(&control->group[i], &wanted, 0))
            return true;
    }
    return false;
}

static bool is_its_turn(uint64_t hash)
{
    if (control->grouped)
        return is_in_group(hash);
    if (control->site && control->site != hash)
        return false;
    int64_t left = atomic_fetch_sub(&control->countdown, 1);
    return left <= 1 && 1 - left < control->repeat;
}

/* Its frame and that of trace() are left out. */
bool faults_hit(enum kind kind, int *ret_code)
{
    uint64_t frames[FRAMES], hash = 0;
    if (!control || inside)
        return false;
    int64_t number = atomic_fetch_add(&control->calls[kind], 1);
    inside = true;
    bool armed = may_fail(kind);
    if (control->record ||
        (armed && (control->grouped || control->site || control->countdown <= 1)))
        hash = trace(kind, frames);
    if (control->record)
        record(kind, hash, number, frames);
    inside = false;
    if (!armed || !is_its_turn(hash))
        return false;
    if (atomic_fetch_add(&control->fired, 1) == 0 && hash)
        memcpy(control->frames, frames, sizeof frames);
    *ret_code = (int)control->code;
    return true;
}

void *faults_hidden(const char *name)
{
    bool before = inside;
    inside = true;
    void *found = dlsym(RTLD_NEXT, name);
    inside = before;
    if (!found)
        abort();
    return found;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("TLSECHO_FAULTS");
    inside = true;
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    struct control *page =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        abort();
    close(fd);
    control = page;
    control->module_count = 0;
    dl_iterate_phdr(module_add, NULL);
    inside = false;
}

/* Once the program has ended, its coverage is written, which no failure of a call concerns. */
static void end(void)
{
    control = NULL;
}

typedef int main_function(int argc, char **argv, char **environment);
static main_function *program_main;

static int run_program(int argc, char **argv, char **environment)
{
    if (atexit(end)) /* not sooner: what is registered first runs last, behind the destructors */
        abort();
    return program_main(argc, argv, environment);
}

/* In the place of the function of the C library that calls main(). */
int start_program(main_function *start, int argc, char **argv, void (*init)(void),
                  void (*done)(void), void (*unload)(void),
                  void *stack_end) __asm__("__libc_start_main");

int start_program(main_function *start, int argc, char **argv, void (*init)(void),
                  void (*done)(void), void (*unload)(void), void *stack_end)
{
    __typeof__(start_program) *real;
    *(void **)&real = faults_hidden("__libc_start_main");
    program_main = start;
    return real(run_program, argc, argv, init, done, unload, stack_end);
}
