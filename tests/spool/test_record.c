/* Records: what is built is read back; every cut and every flip is refused or
 * reads as what it says. With RECORD_SEEDS=DIR it writes seeds for the fuzzer.
 */
#include "spool/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
seed(const char *name, unsigned number, struct span bytes)
{
	const char *dir = getenv("RECORD_SEEDS");
	char path[200];
	if (dir == NULL)
		return;
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	(void)fputc((int)number, file);
	(void)fwrite(bytes.at, 1, bytes.size, file);
	assert_int_equal(fclose(file), 0);
}

enum {
#define X(name, version) NUMBER_##name,
	RECORDS(X)
#undef X
};

/* Build it, read it, build it again; and refuse each cut and one byte more. */
#define ROUND(name, in)                                                        \
	do {                                                                   \
		struct buf a;                                                  \
		struct buf b;                                                  \
		struct name##_record back;                                     \
		buf_init(&a, 100000);                                          \
		buf_init(&b, 100000);                                          \
		record_build_##name(&a, (in));                                 \
		assert_true(buf_ok(&a));                                       \
		assert_true(record_read_##name(buf_span(&a), &back));          \
		record_build_##name(&b, &back);                                \
		assert_true(span_equal(buf_span(&a), buf_span(&b)));           \
		seed(#name, NUMBER_##name, buf_span(&a));                      \
		for (size_t i = 0; i < a.size; i++)                            \
			assert_false(                                          \
			    record_read_##name(span_of(a.at, i), &back));      \
		buf_add_byte(&a, 0);                                           \
		assert_false(record_read_##name(buf_span(&a), &back));         \
		a.at[0]++; /* the version */                                   \
		assert_false(                                                  \
		    record_read_##name(span_of(a.at, a.size - 1), &back));     \
		buf_clear(&a);                                                 \
		buf_clear(&b);                                                 \
	} while (0)

static void
every_record_reads_back_and_no_part_of_one_does(void **state)
{
	(void)state;
	struct meta_record meta = {
	    .position = {1, 7}, .created_ms = 5, .tree = {.size = 7}};
	ROUND(meta, &meta);
	char recipients[2][SPOOL_ORG_SIZE] = {"958935420", "964338531"};
	struct message_record message = {.sender = "889640782",
	    .type = "document",
	    .version = "1",
	    .unpurged = 1,
	    .count = 2,
	    .recipients = span_of(recipients, sizeof recipients)};
	ROUND(message, &message);
	struct delivery_record delivery = {.state = SPOOL_FETCHED,
	    .size = 1000,
	    .form = SPOOL_FORM_ZIP,
	    .stage_count = 1,
	    .stages = {{9, SPOOL_DEADLINE_FETCH, SPOOL_CRITICAL, true}},
	    .range_count = 2,
	    .ranges = {{0, 5}, {7, 9}}};
	ROUND(delivery, &delivery);
	struct staged_record staged = {.size = 3, .recipient = "958935420"};
	ROUND(staged, &staged);
	struct known_record known = {.evidence = {1, 2}};
	ROUND(known, &known);
	const uint8_t nodes[2 * MERKLE_HASH_SIZE] = {1, 2};
	struct evidence_record evidence = {.level = SPOOL_LEVEL_LATE,
	    .tried = SPOOL_LEVEL_IMPORTED,
	    .is_salted = true,
	    .nodes = span_of(nodes, sizeof nodes),
	    .jws = span_text("a.b.c")};
	ROUND(evidence, &evidence);
	struct party_record party = {.state = SPOOL_MAILBOX_OPEN,
	    .form = SPOOL_FORM_ZIP,
	    .type_count = 2,
	    .types = span_text("\1a\2bc")};
	ROUND(party, &party);
	struct sender_record sender = {5, 1};
	ROUND(sender, &sender);
	struct certificate_record certificate = {
	    .state = SPOOL_CERTIFICATE_ACTIVE,
	    .policy = SPOOL_PINNED,
	    .der = span_text("DER")};
	ROUND(certificate, &certificate);
	struct alarm_record alarm = {
	    .severity = SPOOL_WARNING, .state = SPOOL_FIRING, .count = 1};
	ROUND(alarm, &alarm);
	struct notice_record notice = {.event = SPOOL_NOTICE_RAISED,
	    .cause = SPOOL_CAUSE_PROOF,
	    .alarm = alarm};
	ROUND(notice, &notice);
}

static void
a_value_out_of_range_is_neither_built_nor_read(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 10000);
	struct delivery_record delivery = {.state = SPOOL_ACCEPTED,
	    .form = SPOOL_FORM_ZIP,
	    .size = 10,
	    .range_count = 1,
	    .ranges = {{5, 11}}}; /* behind the content's end */
	record_build_delivery(&out, &delivery);
	assert_false(buf_ok(&out));
	buf_clear(&out);
	delivery.range_count = 0;
	delivery.state = (enum spool_state)7;
	record_build_delivery(&out, &delivery);
	assert_false(buf_ok(&out));
	buf_clear(&out);
	struct meta_record meta = {.created_ms = -1};
	record_build_meta(&out, &meta);
	assert_false(buf_ok(&out));
	buf_clear(&out);
	struct evidence_record evidence = {
	    .level = SPOOL_LEVEL_FETCHED, .jws = span_text("a.b.c")};
	record_build_evidence(&out, &evidence); /* without a leaf */
	assert_false(buf_ok(&out));
	buf_clear(&out);
}

static void
keys_sort_by_time_and_by_place(void **state)
{
	(void)state;
	struct due early = {.at_ms = 255, .kind = DUE_SWEEP, .owner = "1"};
	struct due late = {.at_ms = 256, .kind = DUE_ALARM, .owner = "1"};
	struct due back;
	struct key a = key_due(&early);
	struct key b = key_due(&late);
	assert_true(memcmp(a.at, b.at, a.size) < 0);
	assert_true(key_read_due(key_span(&a), &back));
	assert_int_equal(back.at_ms, 255);
	assert_string_equal(back.owner, "1");
	a.at[0] ^= 1; /* the bucket is not that of the owner */
	assert_false(key_read_due(key_span(&a), &back));
	struct key old =
	    key_org_position("1", (struct spool_position){1, UINT64_MAX});
	struct key new = key_org_position("1", (struct spool_position){2, 0});
	assert_true(memcmp(old.at, new.at, old.size) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_record_reads_back_and_no_part_of_one_does),
	    cmocka_unit_test(a_value_out_of_range_is_neither_built_nor_read),
	    cmocka_unit_test(keys_sort_by_time_and_by_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
