/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>

#include "folder.h"
#include "foreign.h"
#include "pki.h"
#include "suite.h"
#include "tls_ticket_keys.h"
#include "tlsecho/tls/tls_context.h"

enum { KEY_BYTES = 80 };

static const char *const versions[] = {"1.2", "1.3"};

static struct folder folder;
static struct pki own;
static struct foreign client;
static struct error err;
static bool random_fails;

/* OpenSSL's, for all that is linked to this program. */
int RAND_priv_bytes(unsigned char *ret, int n)
{
    return random_fails ? 0 : RAND_priv_bytes_ex(NULL, ret, (size_t)n, 0);
}

static void set_up(void)
{
    folder_new(&folder);
    own = pki_make(&(struct pki_spec){.subject = "server"});
    foreign_new(&client, "1.3");
}

static void tear_down(void)
{
    foreign_free(&client);
    pki_free(&own);
    folder_remove(&folder);
}

/* A file of one key for each letter, the newest first. */
static const char *keys_of(const char *letters)
{
    char keys[TLS_TICKET_KEYS_MAX * KEY_BYTES];
    size_t count = strlen(letters);
    for (size_t i = 0; i < count; i++)
        memset(keys + i * KEY_BYTES, letters[i], KEY_BYTES);
    return folder_write(&folder, "tickets", keys, count * KEY_BYTES);
}

/* As another process would make it: nothing is shared but the file. NULL = no file. */
static struct tls_context *new_server(const char *letters)
{
    struct tls_context *ctx;
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &ctx, &err), 0);
    pki_present(&folder, &own, ctx);
    if (letters)
        ck_assert_msg(tls_context_use_ticket_keys(ctx, keys_of(letters), &err) == 0, "%s",
                      err.text);
    ck_assert_int_eq(tls_context_set_client_auth(ctx, TLS_CLIENT_AUTH_OFF, &err), 0);
    return ctx;
}

/* Whether a server with these keys resumes the client's session; it has a new one afterwards. */
static bool resumes(const char *letters)
{
    struct tls_context *server = new_server(letters);
    struct foreign_result result = foreign_shake(&client, server);
    ck_assert_msg(result.status == IO_OK, "%s", result.err.text);
    ck_assert(result.resumed == result.peer.resumed);
    tls_context_free(server);
    return result.resumed;
}

static void begin(const char *version)
{
    foreign_free(&client);
    foreign_new(&client, version);
}

START_TEST(resumes_within_a_process_whatever_the_context)
{
    for (size_t i = 0; i < 2; i++) {
        begin(versions[i]);
        ck_assert(!resumes(NULL));
        ck_assert(resumes(NULL));
        ck_assert(resumes(NULL));
    }
}
END_TEST

/* A context with certificates for these subjectAltNames; NULL ends them. */
static struct tls_context *named(const char *const names[])
{
    struct tls_context *ctx;
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &ctx, &err), 0);
    for (size_t i = 0; names[i]; i++) {
        struct pki pki =
            pki_make(&(struct pki_spec){.subject = "server", .names = names[i], .rsa = i % 2 == 1});
        pki_present(&folder, &pki, ctx);
        pki_free(&pki);
    }
    return ctx;
}

/* Whether a ticket from a server with certificates for some names is accepted by one with
 * certificates for others. */
static bool crosses(const char *version, const char *const from[], const char *const to[])
{
    struct tls_context *first = named(from), *second = named(to);
    ck_assert_int_eq(tls_context_set_client_auth(first, TLS_CLIENT_AUTH_OFF, &err), 0);
    ck_assert_int_eq(tls_context_set_client_auth(second, TLS_CLIENT_AUTH_OFF, &err), 0);
    begin(version);
    ck_assert(!foreign_shake(&client, first).resumed);
    bool resumed = foreign_shake(&client, second).resumed;
    tls_context_free(first);
    tls_context_free(second);
    return resumed;
}

START_TEST(refuses_a_ticket_under_certificates_for_other_names)
{
    static const char *const a[] = {"DNS:a.example", NULL}, *const b[] = {"DNS:b.example", NULL},
                             *const both[] = {"DNS:a.example", "DNS:b.example", NULL},
                             *const more[] = {"DNS:a.example,DNS:b.example", NULL},
                             *const uri[] = {"URI:spiffe://td/a", NULL},
                             *const other_uri[] = {"URI:spiffe://td/A", NULL};
    for (size_t i = 0; i < 2; i++) {
        ck_assert(!crosses(versions[i], a, b));
        ck_assert(!crosses(versions[i], a, more));
        ck_assert(!crosses(versions[i], more, a));
        ck_assert(!crosses(versions[i], a, both));
        ck_assert(!crosses(versions[i], uri, other_uri));
    }
}
END_TEST

START_TEST(accepts_tickets_after_a_renewal_for_the_same_names)
{
    static const char *const two[] = {"DNS:a.example,IP:127.0.0.1,DNS:b.example", NULL},
                             *const renewed[] = {"DNS:B.example,DNS:a.Example,IP:127.0.0.1", NULL},
                             *const rsa_too[] = {"DNS:a.example,DNS:b.example",
                                                 "DNS:b.example,DNS:a.example,IP:127.0.0.1", NULL};
    for (size_t i = 0; i < 2; i++) {
        ck_assert(crosses(versions[i], two, renewed));
        ck_assert(crosses(versions[i], two, rsa_too));
    }
}
END_TEST

START_TEST(distinguishes_certificates_without_names_by_their_subjects)
{
    struct pki other = pki_make(&(struct pki_spec){.subject = "other"});
    for (size_t i = 0; i < 2; i++) {
        begin(versions[i]);
        struct tls_context *first = new_server(NULL);
        ck_assert(!foreign_shake(&client, first).resumed);
        ck_assert(foreign_shake(&client, first).resumed);
        tls_context_free(first);
        struct pki kept = own;
        own = other;
        struct tls_context *second = new_server(NULL);
        own = kept;
        ck_assert(!foreign_shake(&client, second).resumed);
        tls_context_free(second);
    }
    pki_free(&other);
}
END_TEST

/* Whether a ticket issued for one server name is accepted for another; NULL = none is sent. */
static bool survives(const char *version, const char *earned, const char *offered)
{
    struct tls_context *server = new_server("a");
    begin(version);
    client.sni = earned;
    ck_assert(!foreign_shake(&client, server).resumed);
    client.sni = offered;
    bool resumed = foreign_shake(&client, server).resumed;
    tls_context_free(server);
    return resumed;
}

enum { NAME_MAX_BYTES = 255 };

START_TEST(resumes_for_the_requested_server_name_only)
{
    char longest[NAME_MAX_BYTES + 1], other[NAME_MAX_BYTES + 1];
    memset(longest, 'a', NAME_MAX_BYTES);
    longest[NAME_MAX_BYTES] = '\0';
    strcpy(other, longest);
    other[NAME_MAX_BYTES - 1] = 'b';
    for (size_t i = 0; i < 2; i++) {
        ck_assert(survives(versions[i], "a.example", "a.example"));
        ck_assert(survives(versions[i], "a.example", "A.Example"));
        ck_assert(survives(versions[i], NULL, NULL));
        ck_assert(!survives(versions[i], "a.example", "b.example"));
        ck_assert(!survives(versions[i], "a.example", "a.example.org"));
        ck_assert(!survives(versions[i], "host.aaaaaa", "host.bbbbbb"));
        ck_assert(survives(versions[i], longest, longest));
        ck_assert(!survives(versions[i], longest, other));
        ck_assert(!survives(versions[i], "a.example", NULL));
        ck_assert(!survives(versions[i], NULL, "a.example"));
    }
}
END_TEST

START_TEST(accepts_tickets_within_a_context_without_a_scope)
{
    static const char *const names[] = {"DNS:a.example", NULL};
    for (size_t i = 0; i < 2; i++) {
        struct tls_context *first = named(names), *second = named(names);
        begin(versions[i]);
        ck_assert(!foreign_shake(&client, first).resumed);
        ck_assert(foreign_shake(&client, first).resumed);
        ck_assert(!foreign_shake(&client, second).resumed);
        tls_context_free(first);
        tls_context_free(second);
    }
}
END_TEST

START_TEST(resumes_with_the_same_key_file)
{
    for (size_t i = 0; i < 2; i++) {
        begin(versions[i]);
        ck_assert(!resumes("a"));
        ck_assert(resumes("a"));
        ck_assert(!resumes("b"));
    }
}
END_TEST

/* Whether a server with these TLS 1.2 ciphers resumes the client's session. */
static bool resumes_with(const char *ciphers)
{
    struct tls_context *server = new_server(NULL);
    ck_assert_int_eq(tls_context_set_ciphers(server, ciphers, &err), 0);
    struct foreign_result result = foreign_shake(&client, server);
    ck_assert_msg(result.status == IO_OK, "%s", result.err.text);
    tls_context_free(server);
    return result.resumed;
}

START_TEST(refuses_a_ticket_of_a_cipher_that_the_context_does_not_have)
{
    begin("1.2");
    ck_assert(!resumes_with("ECDHE-ECDSA-AES128-SHA"));
    ck_assert(resumes_with("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA"));
    ck_assert(!resumes_with("ECDHE-ECDSA-AES256-GCM-SHA384"));
    ck_assert(resumes_with("ECDHE-ECDSA-AES256-GCM-SHA384"));
}
END_TEST

START_TEST(separates_keys_of_files_from_the_key_of_the_process)
{
    for (size_t i = 0; i < 2; i++) {
        begin(versions[i]);
        ck_assert(!resumes(NULL));
        ck_assert(!resumes("a"));
        ck_assert(!resumes(NULL));
    }
}
END_TEST

START_TEST(resumes_across_a_rotation_and_renews_the_ticket)
{
    for (size_t i = 0; i < 2; i++) {
        begin(versions[i]);
        ck_assert(!resumes("a"));
        ck_assert(resumes("ba"));
        ck_assert(resumes("b"));
    }
}
END_TEST

START_TEST(decrypts_tickets_of_every_key_in_the_file)
{
    for (size_t i = 0; i < 2; i++) {
        begin(versions[i]);
        ck_assert(!resumes("a"));
        ck_assert(resumes("hgfedcba"));
    }
}
END_TEST

START_TEST(does_not_resume_after_a_key_was_removed)
{
    for (size_t i = 0; i < 2; i++) {
        begin(versions[i]);
        ck_assert(!resumes("a"));
        ck_assert(resumes("a"));
        ck_assert(!resumes("bc"));
    }
}
END_TEST

START_TEST(encrypts_with_the_newest_key)
{
    for (size_t i = 0; i < 2; i++) {
        begin(versions[i]);
        ck_assert(!resumes("ba"));
        ck_assert(!resumes("a"));
        begin(versions[i]);
        ck_assert(!resumes("ba"));
        ck_assert(resumes("b"));
    }
}
END_TEST

struct ticket {
    unsigned char data[4096];
    size_t n;
};

static struct ticket ticket(void)
{
    struct ticket copy;
    const unsigned char *data;
    SSL_SESSION_get0_ticket(client.session, &data, &copy.n);
    ck_assert_uint_le(copy.n, sizeof copy.data);
    memcpy(copy.data, data, copy.n);
    return copy;
}

static bool is_ticket(const struct ticket *other)
{
    struct ticket now = ticket();
    return now.n == other->n && memcmp(now.data, other->data, now.n) == 0;
}

START_TEST(uses_every_part_of_a_key)
{
    static const size_t inside[] = {0, 16, 48}; /* name, HMAC, AES */
    char key[KEY_BYTES];
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        begin("1.3");
        ck_assert(!resumes("a"));
        memset(key, 'a', sizeof key);
        key[inside[i]] = 'b';
        struct tls_context *server = new_server(NULL);
        const char *path = folder_write(&folder, "tickets", key, sizeof key);
        for (int times = 0; times < 2; times++) /* the last file counts */
            ck_assert_int_eq(tls_context_use_ticket_keys(server, path, &err), 0);
        ck_assert(!foreign_shake(&client, server).resumed);
        tls_context_free(server);
    }
}
END_TEST

/* In TLS 1.3 each is used once. */
START_TEST(renews_a_ticket_of_tls_1_2_only_where_there_is_a_newer_key)
{
    begin("1.2");
    ck_assert(!resumes("a"));
    struct ticket first = ticket();
    ck_assert(resumes("a"));
    ck_assert(is_ticket(&first));
    ck_assert(resumes("ba"));
    ck_assert(!is_ticket(&first));
    begin("1.3");
    ck_assert(!resumes("a"));
    first = ticket();
    ck_assert(resumes("a"));
    ck_assert(!is_ticket(&first));
}
END_TEST

START_TEST(refuses_a_ticket_that_was_tampered_with)
{
    begin("1.2");
    ck_assert(!resumes("a"));
    unsigned char der[8192], *end = der;
    const unsigned char *in = der;
    struct ticket genuine = ticket();
    ck_assert_int_le(i2d_SSL_SESSION(client.session, NULL), (int)sizeof der);
    int n = i2d_SSL_SESSION(client.session, &end);
    unsigned char *inside = memmem(der, (size_t)n, genuine.data, genuine.n);
    ck_assert_ptr_nonnull(inside);
    inside[genuine.n / 2] ^= 1;
    SSL_SESSION_free(client.session);
    client.session = d2i_SSL_SESSION(NULL, &in, n);
    ck_assert_ptr_nonnull(client.session);
    ck_assert(!resumes("a"));
}
END_TEST

static void refused(const char *path, const char *text)
{
    struct tls_context *server;
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
    ck_assert_int_eq(tls_context_use_ticket_keys(server, path, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
    tls_context_free(server);
}

START_TEST(refuses_a_file_of_the_wrong_length)
{
    static const char bytes[9 * KEY_BYTES];
    refused(folder_write(&folder, "f", bytes, 0), "f has 0 bytes: write 1 to 8 keys of 80");
    refused(folder_write(&folder, "f", bytes, 48), "f has 48 bytes");
    refused(folder_write(&folder, "f", bytes, KEY_BYTES + 1), "f has 81 bytes");
    refused(folder_write(&folder, "f", bytes, 9 * KEY_BYTES), "f has 720 bytes");
}
END_TEST

START_TEST(refuses_a_file_that_does_not_contain_keys)
{
    refused(folder_file(&folder, "absent"), "absent: No such file");
    refused("/dev/zero", "not a regular file");
    ck_assert_int_eq(mkfifo(folder_file(&folder, "fifo"), 0600), 0);
    refused(folder.file, "not a regular file");
}
END_TEST

START_TEST(refuses_keys_that_others_can_read)
{
    keys_of("a");
    ck_assert_int_eq(chmod(folder.file, 0604), 0);
    refused(folder.file, "is open to others: chmod o= /");
    ck_assert_int_eq(chmod(folder.file, 0640), 0);
    struct tls_context *server;
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
    ck_assert_int_eq(tls_context_use_ticket_keys(server, folder.file, &err), 0);
    tls_context_free(server);
}
END_TEST

START_TEST(a_server_without_a_key_of_its_own_ends_the_handshake)
{
    struct tls_context *server = new_server(NULL);
    random_fails = true;
    struct foreign_result result = foreign_shake(&client, server);
    random_fails = false;
    ck_assert_int_eq(result.status, IO_FAILED);
    tls_context_free(server);
}
END_TEST

START_TEST(has_one_key_of_its_own_at_first)
{
    struct tls_ticket_keys first;
    ck_assert_int_eq(tls_ticket_keys_own(1, &first), 0);
    ck_assert_uint_eq(first.count, 1); /* a second one would be zeros */
}
END_TEST

START_TEST(accepts_keys_that_others_can_read_where_that_is_wanted)
{
    struct tls_context *server;
    keys_of("a");
    ck_assert_int_eq(chmod(folder.file, 0644), 0);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
    tls_context_set_key_files(server, TLS_KEY_FILES_ANY);
    ck_assert_msg(tls_context_use_ticket_keys(server, folder.file, &err) == 0, "%s", err.text);
    tls_context_free(server);
}
END_TEST

START_TEST(renews_its_own_key_and_keeps_the_previous_one)
{
    static const int64_t renewal = TLS_TICKET_OWN_SECONDS;
    static const int64_t start = INT64_MAX / 2; /* later than other tests of this process */
    struct tls_ticket_keys first, again, second, third;
    ck_assert_int_eq(renewal, 12L * 3600);
    ck_assert_int_eq(tls_ticket_keys_own(start, &first), 0);
    ck_assert_int_eq(tls_ticket_keys_own(start + renewal - 1, &again), 0);
    ck_assert_uint_eq(again.count, first.count);
    ck_assert_mem_eq(&again.key[0], &first.key[0], KEY_BYTES);

    ck_assert_int_eq(tls_ticket_keys_own(start + renewal, &second), 0);
    ck_assert_uint_eq(second.count, 2);
    ck_assert_mem_ne(&second.key[0], &first.key[0], KEY_BYTES);
    ck_assert_mem_eq(&second.key[1], &first.key[0], KEY_BYTES);

    ck_assert_int_eq(tls_ticket_keys_own(start + 2 * renewal, &third), 0);
    ck_assert_uint_eq(third.count, 2);
    ck_assert_mem_ne(&third.key[0], &second.key[0], KEY_BYTES);
    ck_assert_mem_eq(&third.key[1], &second.key[0], KEY_BYTES);

    again = first;
    random_fails = true;
    ck_assert_int_eq(tls_ticket_keys_own(start + 3 * renewal, &again), -1);
    random_fails = false;
    ck_assert_mem_eq(&again, &first, sizeof first);
    ck_assert_int_eq(tls_ticket_keys_own(start + 3 * renewal, &again), 0);
    ck_assert_mem_eq(&again.key[1], &third.key[0], KEY_BYTES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_tickets");
    TCase *tcase = tcase_create("first"); /* each before the process has a key */
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_server_without_a_key_of_its_own_ends_the_handshake);
    tcase_add_test(tcase, has_one_key_of_its_own_at_first);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("resumption");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, resumes_within_a_process_whatever_the_context);
    tcase_add_test(tcase, resumes_with_the_same_key_file);
    tcase_add_test(tcase, refuses_a_ticket_under_certificates_for_other_names);
    tcase_add_test(tcase, accepts_tickets_after_a_renewal_for_the_same_names);
    tcase_add_test(tcase, distinguishes_certificates_without_names_by_their_subjects);
    tcase_add_test(tcase, resumes_for_the_requested_server_name_only);
    tcase_add_test(tcase, accepts_tickets_within_a_context_without_a_scope);
    tcase_add_test(tcase, refuses_a_ticket_of_a_cipher_that_the_context_does_not_have);
    tcase_add_test(tcase, separates_keys_of_files_from_the_key_of_the_process);
    tcase_add_test(tcase, resumes_across_a_rotation_and_renews_the_ticket);
    tcase_add_test(tcase, decrypts_tickets_of_every_key_in_the_file);
    tcase_add_test(tcase, does_not_resume_after_a_key_was_removed);
    tcase_add_test(tcase, encrypts_with_the_newest_key);
    tcase_add_test(tcase, renews_a_ticket_of_tls_1_2_only_where_there_is_a_newer_key);
    tcase_add_test(tcase, uses_every_part_of_a_key);
    tcase_add_test(tcase, refuses_a_ticket_that_was_tampered_with);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("keys");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, refuses_a_file_of_the_wrong_length);
    tcase_add_test(tcase, refuses_a_file_that_does_not_contain_keys);
    tcase_add_test(tcase, refuses_keys_that_others_can_read);
    tcase_add_test(tcase, accepts_keys_that_others_can_read_where_that_is_wanted);
    tcase_add_test(tcase, renews_its_own_key_and_keeps_the_previous_one);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
