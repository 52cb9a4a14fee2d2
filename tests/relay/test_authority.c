/*
 * The table of rights: each role's acts, whose messages, and the types in
 * each direction.
 */
#include "relay/authority.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define OWN "900000006"
#define OTHER "900000014"

static const char *const only_x[] = {"x", NULL};
static const char *const other_mailbox[] = {OTHER, NULL};

static enum denial
denial_of(const struct caller *caller, enum act act, const char *sender,
    const char *recipient, const char *type)
{
	const struct resource resource = {sender, recipient, type};
	enum denial denial;
	unsigned roles = authority_decide(caller, act, &resource, &denial);

	assert_int_equal(roles != 0, denial == DENIAL_NONE);
	return denial;
}

static void
each_role_has_its_acts_and_no_others(void **state)
{
	/* S sender, R recipient, O operator, as callers.conf(5) has them */
	static const char *const may[ACTS] = {
	    [ACT_NONE] = "",
	    [ACT_SEND] = "S",
	    [ACT_PROBE] = "O",
	    [ACT_UPLOAD] = "S",
	    [ACT_MESSAGE_SEE] = "SO",
	    [ACT_RECALL] = "S",
	    [ACT_EVIDENCE_SEE] = "SRO",
	    [ACT_EXTEND] = "O",
	    [ACT_MAILBOXES_SEE] = "O",
	    [ACT_MAILBOX_SEE] = "RO",
	    [ACT_MAILBOX_SET] = "O",
	    [ACT_LIST] = "R",
	    [ACT_FETCH] = "RO",
	    [ACT_RECEIPT] = "R",
	    [ACT_CERTIFICATES_SEE] = "RO",
	    [ACT_CERTIFICATE_ADD] = "R",
	    [ACT_CERTIFICATE_SUSPEND] = "RO",
	    [ACT_FEED] = "SRO",
	    [ACT_ALARMS_SEE] = "SRO",
	    [ACT_ALARM_CLOSE] = "O",
	    [ACT_LOG_SEE] = "SRO",
	};
	static const struct {
		char letter;
		unsigned role;
	} roles[] = {{'S', CALLER_SENDER}, {'R', CALLER_RECIPIENT},
	    {'O', CALLER_OPERATOR}};

	(void)state;
	for (int act = 0; act < ACTS; act++)
		for (size_t r = 0; r < 3; r++) {
			const struct caller caller = {
			    .organisation = OWN, .roles = roles[r].role};
			enum denial denial =
			    denial_of(&caller, (enum act)act, NULL, NULL, NULL);
			assert_int_equal(denial,
			    strchr(may[act], roles[r].letter) ? DENIAL_NONE
							      : DENIAL_ROLE);
		}
}

static void
a_sender_has_its_own_messages(void **state)
{
	const struct caller caller = {
	    .organisation = OWN, .roles = CALLER_SENDER};

	(void)state;
	assert_int_equal(
	    denial_of(&caller, ACT_RECALL, OWN, OTHER, "x"), DENIAL_NONE);
	assert_int_equal(
	    denial_of(&caller, ACT_RECALL, OTHER, OWN, "x"), DENIAL_OWNER);
	assert_int_equal(
	    denial_of(&caller, ACT_UPLOAD, OTHER, NULL, NULL), DENIAL_OWNER);
}

static void
an_operator_that_also_sends_recalls_only_its_own(void **state)
{
	const struct caller caller = {
	    .organisation = OWN, .roles = CALLER_SENDER | CALLER_OPERATOR};

	(void)state;
	assert_int_equal(
	    denial_of(&caller, ACT_RECALL, OTHER, OWN, "x"), DENIAL_OWNER);
	assert_int_equal(
	    denial_of(&caller, ACT_MESSAGE_SEE, OTHER, OWN, "x"), DENIAL_NONE);
}

static void
a_recipient_has_its_mailboxes(void **state)
{
	struct caller caller = {.organisation = OWN, .roles = CALLER_RECIPIENT};

	(void)state;
	assert_int_equal(
	    denial_of(&caller, ACT_FETCH, OTHER, OWN, "x"), DENIAL_NONE);
	assert_int_equal(
	    denial_of(&caller, ACT_FETCH, OWN, OTHER, "x"), DENIAL_OWNER);
	caller.mailboxes = other_mailbox;
	assert_int_equal(
	    denial_of(&caller, ACT_FETCH, OWN, OTHER, "x"), DENIAL_NONE);
	assert_int_equal(
	    denial_of(&caller, ACT_FETCH, OTHER, OWN, "x"), DENIAL_OWNER);
}

static void
types_count_in_their_direction(void **state)
{
	struct caller caller = {.organisation = OWN,
	    .roles = CALLER_SENDER | CALLER_RECIPIENT,
	    .types = only_x};

	(void)state;
	assert_int_equal(
	    denial_of(&caller, ACT_SEND, NULL, NULL, "x"), DENIAL_NONE);
	assert_int_equal(
	    denial_of(&caller, ACT_SEND, NULL, NULL, "y"), DENIAL_TYPE);
	assert_int_equal(
	    denial_of(&caller, ACT_RECEIPT, OTHER, OWN, "y"), DENIAL_NONE);
	caller.receives = only_x;
	assert_int_equal(
	    denial_of(&caller, ACT_RECEIPT, OTHER, OWN, "y"), DENIAL_TYPE);
	assert_int_equal(
	    denial_of(&caller, ACT_RECEIPT, OTHER, OWN, "x"), DENIAL_NONE);
	/* what the organisation sent it may see, whatever it receives */
	assert_int_equal(
	    denial_of(&caller, ACT_EVIDENCE_SEE, OWN, OWN, "y"), DENIAL_NONE);
}

static void
it_is_told_by_which_role(void **state)
{
	const struct caller caller = {
	    .organisation = OWN, .roles = CALLER_RECIPIENT | CALLER_OPERATOR};
	const struct resource own = {.recipient = OWN};
	const struct resource other = {.recipient = OTHER};

	(void)state;
	assert_int_equal(authority_decide(&caller, ACT_FETCH, &own, NULL),
	    CALLER_RECIPIENT | CALLER_OPERATOR);
	assert_int_equal(authority_decide(&caller, ACT_FETCH, &other, NULL),
	    CALLER_OPERATOR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_role_has_its_acts_and_no_others),
	    cmocka_unit_test(a_sender_has_its_own_messages),
	    cmocka_unit_test(an_operator_that_also_sends_recalls_only_its_own),
	    cmocka_unit_test(a_recipient_has_its_mailboxes),
	    cmocka_unit_test(types_count_in_their_direction),
	    cmocka_unit_test(it_is_told_by_which_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
