/* SPDX-License-Identifier: MIT */
/* Memory that is short as the configuration of OpenSSL is read does not hide its faults for good.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tls_signatures.h"

#include "allocations.h"
#include "folder.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/tls_context.h"
#include "tlsecho/tls/tls_memory.h"

START_TEST(warns_of_a_key_once_there_is_memory)
{
    static const char text[] = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
                               "SignatureAlgorithms = ECDSA+SHA256\n";
    struct folder folder;
    struct tls_context *server;
    struct error err;
    unsigned n = 0;
    size_t count = 0;
    bool failed = true;
    folder_new(&folder);
    setenv("OPENSSL_CONF", folder_write(&folder, "openssl.cnf", text, sizeof text - 1), 1);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
    struct pki leaf = pki_make(&(struct pki_spec){.subject = "a", .names = "DNS:a", .rsa = true});
    while (failed && count == 0) {
        allocations_fail_after(n++);
        tls_signatures_warn(server, leaf.certificate, "c.pem", &err);
        failed = allocations_have_failed();
        tls_context_warnings(server, &count);
    }
    ck_assert_uint_gt(n, 1);
    ck_assert_uint_eq(count, 1);
    pki_free(&leaf);
    tls_context_free(server);
    folder_remove(&folder);
}
END_TEST

int main(void)
{
    tls_memory_watch();
    Suite *suite = suite_create("tls_signatures_allocations");
    TCase *tcase = tcase_create("tls_signatures_allocations");
    tcase_add_test(tcase, warns_of_a_key_once_there_is_memory);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
