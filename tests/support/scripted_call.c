/* SPDX-License-Identifier: MIT */
#include "scripted_call.h"

#include <check.h>
#include <errno.h>

void scripted_call_expect(struct scripted_call *call, ssize_t result, int code)
{
    ck_assert_uint_lt(call->expected, SCRIPTED_CALLS);
    call->answers[call->expected].result = result;
    call->answers[call->expected++].code = code;
}

ssize_t scripted_call_make(struct scripted_call *call, size_t size, int flags)
{
    ck_assert_msg(call->made < call->expected, "one call too many");
    call->size = call->sizes[call->made] = size;
    call->flags = flags;
    ck_assert_int_le(call->answers[call->made].result, (ssize_t)size);
    if (call->answers[call->made].code)
        errno = call->answers[call->made].code;
    return call->answers[call->made++].result;
}

void scripted_call_check(const struct scripted_call *call)
{
    ck_assert_uint_eq(call->made, call->expected);
}
