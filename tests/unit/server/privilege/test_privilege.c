/* SPDX-License-Identifier: MIT */
/* What is allowed and refused after privileges are dropped. Each case runs in a child process,
 * since dropping them is permanent. */
#include "tlsecho/server/privilege.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "kernel.h"
#include "privilege_internal.h"
#include "suite.h"
#include "tlsecho/server/config_load.h"

enum { NOT_THERE = 250, TEXT_BYTES = 1024 }; /* an exit status that is not an errno */

static struct folder folder, foreign;
static struct config *config;
static struct privilege_places places;

/* In yaml an @ stands for the folder's path. */
static void read_config(const char *yaml)
{
    char text[TEXT_BYTES], name[FOLDER_FILE_BYTES];
    size_t n = 0;
    struct error err;
    for (; *yaml && n < sizeof text; yaml++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%.*s", *yaml == '@' ? 64 : 1,
                              *yaml == '@' ? folder.path : yaml);
    snprintf(name, sizeof name, "%s", folder_write(&folder, "server.yaml", text, n));
    ck_assert_msg(config_load(name, &config, &err) == 0, "%s", err.text);
}

static void set_up(void)
{
    folder_new(&folder);
    folder_new(&foreign);
    folder_write(&folder, "file", "ours\n", 5);
    folder_write(&foreign, "file", "theirs\n", 7);
    config = NULL;
    places = (struct privilege_places){.count = 0};
}

static void tear_down(void)
{
    privilege_free_places(&places);
    config_free(config);
    folder_remove(&folder);
    folder_remove(&foreign);
}

static void find(const char *yaml, const char *state_directory)
{
    struct error err;
    read_config(yaml);
    ck_assert_msg(privilege_find_places(config, state_directory, &places, &err) == 0, "%s",
                  err.text);
}

/* The rights at a place beneath the folder; 0 = none. */
static unsigned rights_at(const char *name)
{
    char path[TEXT_BYTES];
    snprintf(path, sizeof path, "%s%s%s", folder.path, *name ? "/" : "", name);
    for (size_t i = 0; i < places.count; i++)
        if (strcmp(places.values[i].path, path) == 0)
            return places.values[i].rights;
    return 0;
}

static void make_folder(const char *name)
{
    ck_assert_int_eq(mkdir(folder_file(&folder, name), 0700), 0);
}

static void make_link(const char *target, const char *name)
{
    ck_assert_int_eq(symlink(target, folder_file(&folder, name)), 0);
}

static const char ticket_keys[] = "tls: { default: { ticket_keys: '@/live/key' } }\n";

START_TEST(the_folder_of_the_configuration_and_of_each_file_can_be_read)
{
    make_folder("live");
    find(ticket_keys, NULL);
    ck_assert_uint_eq(rights_at(""), PRIVILEGE_READ);
    ck_assert_uint_eq(rights_at("live"), PRIVILEGE_READ);
}
END_TEST

/* As certbot does: live/key -> ../archive/key7. */
START_TEST(the_folder_that_a_link_leads_to_can_be_read_too)
{
    make_folder("live");
    make_folder("archive");
    make_link("../archive/key7", "live/key");
    find(ticket_keys, NULL);
    ck_assert_uint_eq(rights_at("live"), PRIVILEGE_READ);
    ck_assert_uint_eq(rights_at("archive"), PRIVILEGE_READ);
}
END_TEST

/* current -> v1 becomes current -> v2. */
START_TEST(a_link_to_a_folder_beside_it_may_be_swapped)
{
    make_folder("versions");
    make_folder("versions/v1");
    make_link("v1", "versions/current");
    make_link("versions/current", "live");
    find(ticket_keys, NULL);
    ck_assert_uint_eq(rights_at("versions"), PRIVILEGE_READ);
    ck_assert_uint_eq(rights_at("versions/v1"), PRIVILEGE_READ);
}
END_TEST

START_TEST(a_link_to_another_folder_does_not_expose_its_own)
{
    make_folder("here");
    make_folder("there");
    make_link("../there", "here/away");
    find("tls: { default: { ticket_keys: '@/here/away/key' } }\n", NULL);
    ck_assert_uint_eq(rights_at("here"), 0);
    ck_assert_uint_eq(rights_at("there"), PRIVILEGE_READ);
}
END_TEST

/* Whether the place beneath the folder is one that must not be replaced. */
static bool is_fixed(const char *name)
{
    char path[TEXT_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder.path, name);
    for (size_t i = 0; i < places.count; i++)
        if (strcmp(places.values[i].path, path) == 0)
            return places.values[i].fixed;
    ck_abort_msg("no place %s", path);
}

static const char far_key[] = "tls: { default: { ticket_keys: '%s/top/live/key' } }\n";

/* The configuration is elsewhere, so that its folder adds no rights here. */
static void find_far(void)
{
    char text[TEXT_BYTES], name[FOLDER_FILE_BYTES];
    struct error err;
    int n = snprintf(text, sizeof text, far_key, folder.path);
    snprintf(name, sizeof name, "%s", folder_write(&foreign, "server.yaml", text, (size_t)n));
    ck_assert_msg(config_load(name, &config, &err) == 0, "%s", err.text);
    ck_assert_msg(privilege_find_places(config, NULL, &places, &err) == 0, "%s", err.text);
}

START_TEST(a_folder_without_siblings_may_be_replaced)
{
    make_folder("top");
    make_folder("top/live");
    make_link("live", "top/link");
    find_far();
    ck_assert_uint_eq(rights_at("top"), PRIVILEGE_READ);
    ck_assert_uint_eq(rights_at(""), 0);
    ck_assert(!is_fixed("top/live"));
}
END_TEST

START_TEST(a_folder_with_siblings_does_not_expose_its_parent_and_is_logged)
{
    make_folder("top");
    make_folder("top/live");
    make_folder("top/secrets");
    find_far();
    ck_assert_uint_eq(rights_at("top"), 0);
    ck_assert(is_fixed("top/live"));
}
END_TEST

START_TEST(a_loop_of_links_exposes_nothing)
{
    make_link("live", "round");
    make_link("round", "live");
    find(ticket_keys, NULL);
    ck_assert_uint_eq(rights_at("live"), 0);
}
END_TEST

START_TEST(the_root_folder_is_never_exposed_as_a_whole)
{
    /* /bin is a link to usr/bin beside it on most systems. */
    find("tls: { default: { ticket_keys: /key, client_auth: required, client_ca: /../a/../key,\n"
         "                  crl: /bin/key } }\n",
         NULL);
    bool found = false;
    for (size_t i = 0; i < places.count; i++) {
        ck_assert_str_ne(places.values[i].path, "/");
        ck_assert_str_ne(places.values[i].path, "");
        bool is_it = strcmp(places.values[i].path, "/key") == 0;
        ck_assert(!is_it || places.values[i].fixed);
        found = found || is_it;
    }
    ck_assert(found);
}
END_TEST

START_TEST(files_can_be_written_only_where_the_server_writes)
{
    char state[TEXT_BYTES];
    snprintf(state, sizeof state, "%s/state", folder.path);
    find("listeners: [ { listen: 'unix://@/run/echo' } ]\n"
         "tls: { default: { keylog: '@/keys/log' } }\n"
         "admin: { listen: 'unix://@/admin/socket' }\n",
         state);
    ck_assert_uint_eq(rights_at("run"), PRIVILEGE_SOCKETS);
    ck_assert_uint_eq(rights_at("keys"), PRIVILEGE_APPEND);
    ck_assert_uint_eq(rights_at("admin"), PRIVILEGE_SOCKETS);
    ck_assert_uint_eq(rights_at("state"), PRIVILEGE_KEEP);
    ck_assert_uint_eq(rights_at(""), PRIVILEGE_READ);
}
END_TEST

/* Drops everything except the user, in a build with a sanitizer too. */
static void confine(void)
{
    struct privilege_step step = {.config = config};
    struct error err;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    enum privilege_result files = privilege_restrict_files(&step, &err);
    enum privilege_result calls = privilege_restrict_calls(&step, &err);
    if (files == PRIVILEGE_MISSING || calls == PRIVILEGE_MISSING)
        _exit(NOT_THERE);
    if (files != PRIVILEGE_DONE || calls != PRIVILEGE_DONE) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

/* What `act` returns in a child process. */
static int status_of_child(int (*act)(int), int argument)
{
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(act(argument));
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "the child ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static int try_execve(void)
{
    char name[] = "true";
    char *const arguments[] = {name, NULL};
    return execv("/bin/true", arguments);
}

static int try_fork(void)
{
    return (int)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
}

static int try_ptrace(void)
{
    return (int)ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
}

static int try_kill(void)
{
    return kill(1, 0);
}

static int try_netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static int try_packet(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0);
}

/* Not setuid(3), which must succeed for every thread: a sanitizer has a thread of its own. */
static int try_setuid(void)
{
    return (int)syscall(SYS_setuid, 0);
}

static int try_unshare(void)
{
    return unshare(CLONE_NEWUSER);
}

static int try_mount(void)
{
    return mount("none", "/mnt", "tmpfs", 0, NULL);
}

static int try_io_uring(void)
{
    return (int)syscall(425 /* io_uring_setup */, 1, NULL);
}

static int try_code_from_data(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED
               ? -1
               : 0;
}

static int try_limits(void)
{
    return (int)syscall(SYS_prlimit64, 0, 7 /* RLIMIT_NOFILE */, &(uint64_t[2]){64, 64}, NULL);
}

static int try_write(void)
{
    return open(folder_file(&folder, "file"), O_WRONLY);
}

static int try_create(void)
{
    return open(folder_file(&folder, "new"), O_WRONLY | O_CREAT, 0600);
}

static int try_remove(void)
{
    return unlink(folder_file(&folder, "file"));
}

static int try_foreign(void)
{
    return open(folder_file(&foreign, "file"), O_RDONLY);
}

static int try_home(void)
{
    return open("/proc/1/environ", O_RDONLY);
}

static int try_connect(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(54)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? -1 : connect(fd, (const struct sockaddr *)&address, sizeof address);
}

static const struct {
    const char *what;
    int (*attempt)(void);
    int code;
} refused[] = {
    {"execve /bin/true", try_execve, EPERM},
    {"make a process", try_fork, EPERM},
    {"ptrace another process", try_ptrace, EPERM},
    {"send a signal to another process", try_kill, EPERM},
    {"open a netlink socket", try_netlink, EPERM},
    {"open a packet socket", try_packet, EPERM},
    {"setuid(0)", try_setuid, EPERM},
    {"unshare a user namespace", try_unshare, EPERM},
    {"mount a file system", try_mount, EPERM},
    {"set up an io_uring", try_io_uring, EPERM},
    {"map memory to write and to run", try_code_from_data, EPERM},
    {"change a limit", try_limits, EPERM},
    {"open a file of the configuration for writing", try_write, EACCES},
    {"make a file beside the configuration", try_create, EACCES},
    {"remove a file beside the configuration", try_remove, EACCES},
    {"read a foreign file", try_foreign, EACCES},
    {"read another process's environment", try_home, EACCES},
    {"connect by TCP", try_connect, EACCES},
};

enum { REFUSED = sizeof refused / sizeof refused[0] };

static int be_refused(int attempt)
{
    confine();
    return refused[attempt].attempt() == -1 ? errno : 0;
}

START_TEST(refuses)
{
    read_config("log: {}\n");
    int code = status_of_child(be_refused, _i);
    if (code == NOT_THERE) {
        printf("skipped: this system or this build has no sandbox\n");
        return;
    }
    printf("refused: %s: %s\n", refused[_i].what, strerror(code));
    ck_assert_int_eq(code, refused[_i].code);
}
END_TEST

/* The system calls that would help an intruder most and that a server that has started never needs.
 */
static const struct {
    const char *name;
    long number;
} dangerous[] = {
    {"process_vm_readv", SYS_process_vm_readv},
    {"process_vm_writev", SYS_process_vm_writev},
    {"ptrace", SYS_ptrace},
    {"kill", SYS_kill},
    {"tkill", SYS_tkill},
    {"tgkill", SYS_tgkill}, /* to another process */
    {"rt_sigqueueinfo", SYS_rt_sigqueueinfo},
    {"rt_tgsigqueueinfo", SYS_rt_tgsigqueueinfo},
#ifdef SYS_fork
    {"fork", SYS_fork},
#endif
    {"execve", SYS_execve},
    {"execveat", SYS_execveat},
    {"unshare", SYS_unshare},
    {"setns", SYS_setns},
    {"personality", SYS_personality},
    {"mount", SYS_mount},
    {"umount2", SYS_umount2},
    {"pivot_root", SYS_pivot_root},
    {"chroot", SYS_chroot},
    {"mknodat", SYS_mknodat},
    {"mkdirat", SYS_mkdirat},
    {"symlinkat", SYS_symlinkat},
    {"linkat", SYS_linkat},
    {"truncate", SYS_truncate},
    {"fchown", SYS_fchown},
    {"fchownat", SYS_fchownat},
    {"memfd_create", SYS_memfd_create},
    {"open_by_handle_at", SYS_open_by_handle_at},
    {"name_to_handle_at", SYS_name_to_handle_at},
    {"fanotify_init", SYS_fanotify_init},
    {"setuid", SYS_setuid},
    {"setgid", SYS_setgid},
    {"setgroups", SYS_setgroups},
    {"setresuid", SYS_setresuid},
    {"setresgid", SYS_setresgid},
    {"setreuid", SYS_setreuid},
    {"setregid", SYS_setregid},
    {"setfsuid", SYS_setfsuid},
    {"setfsgid", SYS_setfsgid},
    {"capset", SYS_capset},
    {"setpriority", SYS_setpriority},
    {"bpf", SYS_bpf},
    {"perf_event_open", SYS_perf_event_open},
    {"userfaultfd", SYS_userfaultfd},
    {"seccomp", SYS_seccomp},
    {"keyctl", SYS_keyctl},
    {"add_key", SYS_add_key},
    {"request_key", SYS_request_key},
#ifdef SYS_clock_settime
    {"clock_settime", SYS_clock_settime},
#endif
    {"init_module", SYS_init_module},
    {"finit_module", SYS_finit_module},
    {"delete_module", SYS_delete_module},
    {"kexec_load", SYS_kexec_load},
    {"reboot", SYS_reboot},
    {"swapon", SYS_swapon},
    {"swapoff", SYS_swapoff},
    {"acct", SYS_acct},
    {"sethostname", SYS_sethostname},
    /* newer than some C libraries, and with these numbers on every architecture */
    {"pidfd_send_signal", 424},
    {"io_uring_setup", 425},
    {"io_uring_enter", 426},
    {"io_uring_register", 427},
    {"open_tree", 428},
    {"move_mount", 429},
    {"fsopen", 430},
    {"pidfd_open", 434},
    {"pidfd_getfd", 438},
    {"process_madvise", 440},
    {"mount_setattr", 442},
    {"memfd_secret", 447},
};

enum { DANGEROUS = sizeof dangerous / sizeof dangerous[0] };

/* Without Landlock, which refuses signals too. No argument is valid, so that the kernel would
 * refuse most of the calls with another error. */
static int call_dangerous(int which)
{
    struct privilege_step step = {.config = NULL};
    struct error err;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    enum privilege_result result = privilege_restrict_calls(&step, &err);
    if (result == PRIVILEGE_MISSING)
        return NOT_THERE;
    if (result != PRIVILEGE_DONE)
        abort();
    return syscall(dangerous[which].number, -1L, -1L, -1L, -1L, -1L, -1L) == -1 ? errno : 0;
}

/* The list too, for the kernel's own EPERM could be mistaken for the filter's. */
static bool is_listed(const char *name)
{
    char names[PRIVILEGE_CALLS_BYTES], *rest = names;
    privilege_list_calls(names, sizeof names);
    for (char *word; (word = strsep(&rest, " "));)
        if (strcmp(word, name) == 0)
            return true;
    return false;
}

START_TEST(a_dangerous_system_call_is_refused)
{
    ck_assert_msg(!is_listed(dangerous[_i].name), "%s is allowed", dangerous[_i].name);
    if (!kernel_has(KERNEL_SECCOMP))
        return;
    int code = status_of_child(call_dangerous, _i);
    ck_assert_msg(code == EPERM || code == NOT_THERE, "%s: %s", dangerous[_i].name, strerror(code));
}
END_TEST

static int read_file(void)
{
    return open(folder_file(&folder, "file"), O_RDONLY);
}

static void *nothing(void *unused)
{
    return unused;
}

static int start_thread(void)
{
    pthread_t thread;
    errno = pthread_create(&thread, NULL, nothing, NULL);
    return errno == 0 ? pthread_join(thread, NULL) : -1;
}

static int look_up(void)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    errno = EHOSTUNREACH;
    return getaddrinfo("localhost", "7007", &hints, &list) == 0 ? 0 : -1;
}

static int listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return -1;
    return listen(fd, 1);
}

static int replace_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", folder_file(&folder, "socket"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return -1;
    return unlink(address.sun_path);
}

static int log_keys(void)
{
    int fd = open(folder_file(&folder, "keys"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    return fd < 0 || write(fd, "x", 1) != 1 ? -1 : 0;
}

/* As abort(3) does. */
static int signal_itself(void)
{
    return raise(SIGURG) == 0 ? 0 : -1; /* which is ignored by default */
}

static int (*const allowed[])(void) = {read_file,      start_thread, look_up,      listen_anywhere,
                                       replace_socket, log_keys,     signal_itself};

enum { ALLOWED = sizeof allowed / sizeof allowed[0] };

static int be_allowed(int attempt)
{
    confine();
    return allowed[attempt]() == -1 ? errno : 0;
}

START_TEST(allows_everything_that_a_reload_needs)
{
    read_config("listeners: [ { listen: 'unix://@/socket' } ]\n"
                "tls: { default: { keylog: '@/keys' } }\n");
    int code = status_of_child(be_allowed, _i);
    ck_assert_msg(code == 0 || code == NOT_THERE, "%s", strerror(code));
    unlink(folder_file(&folder, "keys"));
}
END_TEST

static int list_folder(void)
{
    return open(folder.path, O_RDONLY | O_DIRECTORY);
}

static int truncate_file(void)
{
    return truncate(folder_file(&folder, "file"), 0);
}

/* With mknod(2), as open(2) would need the right to write to the file too. */
static int make_node(mode_t kind)
{
    return mknod(folder_file(&folder, "new"), kind | 0600, 0);
}

static int make_file(void)
{
    return make_node(S_IFREG);
}

static int make_socket(void)
{
    return make_node(S_IFSOCK);
}

static int make_fifo(void)
{
    return make_node(S_IFIFO);
}

static int make_character_device(void)
{
    return make_node(S_IFCHR);
}

static int make_block_device(void)
{
    return make_node(S_IFBLK);
}

static int make_symbolic_link(void)
{
    return symlink("file", folder_file(&folder, "new"));
}

static int make_subfolder(void)
{
    return mkdir(folder_file(&folder, "new"), 0700);
}

static int remove_subfolder(void)
{
    return rmdir(folder_file(&folder, "sub"));
}

static int rename_file(void)
{
    char from[FOLDER_FILE_BYTES];
    snprintf(from, sizeof from, "%s", folder_file(&folder, "file"));
    return rename(from, folder_file(&folder, "new"));
}

/* The kernel answers EXDEV if all that is missing is the right to change folders. */
static int move_to_subfolder(void)
{
    char from[FOLDER_FILE_BYTES];
    snprintf(from, sizeof from, "%s", folder_file(&folder, "file"));
    int result = rename(from, folder_file(&folder, "sub/file"));
    if (result < 0 && errno == EXDEV)
        errno = EACCES;
    return result;
}

/* The text in it is no program: ENOEXEC if it may be executed. */
static int execute_file(void)
{
    char name[] = "program";
    char *const arguments[] = {name, NULL};
    return execv(folder_file(&folder, "program"), arguments);
}

static const struct {
    unsigned rights;
    const char *name;
} kinds[] = {
    {0, "elsewhere"},         {PRIVILEGE_READ, "read"},       {PRIVILEGE_APPEND, "append"},
    {PRIVILEGE_KEEP, "keep"}, {PRIVILEGE_SOCKETS, "sockets"},
};

static const struct {
    const char *what;
    int (*attempt)(void);
    unsigned where; /* the rights that allow it */
    long abi;       /* of Landlock, which restricts it from this one on */
} uses[] = {
    {"read a file", read_file, PRIVILEGE_READ | PRIVILEGE_KEEP, 1},
    {"write to a file", try_write, PRIVILEGE_APPEND | PRIVILEGE_KEEP, 1},
    {"truncate a file", truncate_file, PRIVILEGE_KEEP, 3},
    {"execute a file", execute_file, 0, 1},
    {"make a file", make_file, PRIVILEGE_APPEND | PRIVILEGE_KEEP, 1},
    {"make a socket", make_socket, PRIVILEGE_SOCKETS, 1},
    {"make a FIFO", make_fifo, 0, 1},
    {"make a character device", make_character_device, 0, 1},
    {"make a block device", make_block_device, 0, 1},
    {"make a symbolic link", make_symbolic_link, 0, 1},
    {"remove a file", try_remove, PRIVILEGE_KEEP | PRIVILEGE_SOCKETS, 1},
    {"rename a file", rename_file, PRIVILEGE_KEEP, 1},
    {"move a file to another folder", move_to_subfolder, 0, 1},
    {"list the folder", list_folder, 0, 1},
    {"make a folder", make_subfolder, 0, 1},
    {"remove a folder", remove_subfolder, 0, 1},
};

enum { KINDS = sizeof kinds / sizeof kinds[0], USES = sizeof uses / sizeof uses[0] };

/* Without seccomp, whose refusals would hide those of Landlock. */
static int use_at_place(int combination)
{
    unsigned rights = kinds[combination / USES].rights;
    int use = combination % USES;
    struct privilege_place place = {.path = folder.path, .rights = rights};
    const struct privilege_places one = {.values = &place, .count = rights ? 1 : 0};
    char detail[256];
    struct error err;
    long abi = 0;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    enum privilege_result result = privilege_landlock(&one, detail, &err);
    if (result == PRIVILEGE_MISSING)
        return NOT_THERE;
    if (result != PRIVILEGE_DONE || sscanf(detail, "ABI %ld", &abi) != 1)
        abort();
    if (abi < uses[use].abi)
        return NOT_THERE;
    return uses[use].attempt() == -1 ? errno : 0;
}

START_TEST(each_kind_of_place_has_its_rights_and_no_others)
{
    unsigned rights = kinds[_i / USES].rights;
    int use = _i % USES;
    make_folder("sub");
    folder_write(&folder, "program", "text\n", 5);
    ck_assert_int_eq(chmod(folder_file(&folder, "program"), 0700), 0);
    int code = status_of_child(use_at_place, _i), expected = uses[use].where & rights ? 0 : EACCES;
    ck_assert_msg(code == expected || code == NOT_THERE, "%s: %s: %s", kinds[_i / USES].name,
                  uses[use].what, strerror(code));
}
END_TEST

/* Written beside and renamed into place: another file, with the name that is known. */
static int read_renamed(void)
{
    char byte;
    while (read(STDIN_FILENO, &byte, 1) < 0)
        ;
    return read_file();
}

START_TEST(reads_a_file_that_was_renamed_into_place)
{
    int ends[2];
    read_config("log: {}\n");
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[0], STDIN_FILENO);
        confine();
        _exit(read_renamed() == -1 ? errno : 0);
    }
    char from[FOLDER_FILE_BYTES];
    snprintf(from, sizeof from, "%s", folder_write(&folder, "file.new", "newer\n", 6));
    ck_assert_int_eq(rename(from, folder_file(&folder, "file")), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == NOT_THERE);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* So many descriptors are left. */
static enum privilege_result restrict_with(int left, struct error *err)
{
    char detail[256];
    struct rlimit usual, few;
    int lowest = dup(STDIN_FILENO);
    close(lowest);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
    few = usual;
    few.rlim_cur = (rlim_t)lowest + (rlim_t)left;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    enum privilege_result result = privilege_landlock(&places, detail, err);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
    return result;
}

/* One is for the rules, one for the place that each is about. */
START_TEST(a_shortage_of_descriptors_does_not_mean_that_landlock_is_missing)
{
    struct error err;
    find("workers: 1", NULL);
    ck_assert_uint_gt(places.count, 0);
    for (int left = 0; left < 2; left++) {
        enum privilege_result result = restrict_with(left, &err);
        if (result == PRIVILEGE_MISSING && strstr(err.text, "Landlock is not supported"))
            return;
        ck_assert_msg(result == PRIVILEGE_FAILED, "%d left: %d", left, result);
        ck_assert_msg(strstr(err.text, "Landlock: Too many open files: raise the limit") != NULL,
                      "%s", err.text);
    }
}
END_TEST

START_TEST(lists_the_allowed_system_calls)
{
    char names[PRIVILEGE_CALLS_BYTES];
    unsigned count = privilege_list_calls(names, sizeof names);
    printf("allowed: %s\n%u system calls\n", names, count);
    ck_assert_uint_lt(count, 120);
    ck_assert((count > 0) == (privilege_seccomp_version() != NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("privilege");
    TCase *tcase = tcase_create("places");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_folder_of_the_configuration_and_of_each_file_can_be_read);
    tcase_add_test(tcase, the_folder_that_a_link_leads_to_can_be_read_too);
    tcase_add_test(tcase, a_link_to_a_folder_beside_it_may_be_swapped);
    tcase_add_test(tcase, a_link_to_another_folder_does_not_expose_its_own);
    tcase_add_test(tcase, a_folder_without_siblings_may_be_replaced);
    tcase_add_test(tcase, a_folder_with_siblings_does_not_expose_its_parent_and_is_logged);
    tcase_add_test(tcase, a_loop_of_links_exposes_nothing);
    tcase_add_test(tcase, the_root_folder_is_never_exposed_as_a_whole);
    tcase_add_test(tcase, files_can_be_written_only_where_the_server_writes);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("sandbox");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, refuses, 0, REFUSED);
    tcase_add_loop_test(tcase, a_dangerous_system_call_is_refused, 0, DANGEROUS);
    tcase_add_loop_test(tcase, allows_everything_that_a_reload_needs, 0, ALLOWED);
    tcase_add_loop_test(tcase, each_kind_of_place_has_its_rights_and_no_others, 0, KINDS * USES);
    tcase_add_test(tcase, reads_a_file_that_was_renamed_into_place);
    tcase_add_test(tcase, a_shortage_of_descriptors_does_not_mean_that_landlock_is_missing);
    tcase_add_test(tcase, lists_the_allowed_system_calls);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
