#include "relay/alarm_event.h"

#include "base/text.h"

#include <stdlib.h>

#include <jansson.h>

const char *
alarm_event_name(enum spool_notice_event event)
{
	switch (event) {
	case SPOOL_NOTICE_RAISED:
		return "raised";
	case SPOOL_NOTICE_ESCALATED:
		return "escalated";
	case SPOOL_NOTICE_RESOLVED:
		return "resolved";
	default:
		return "unknown";
	}
}

static json_t *
time_json(int64_t ms)
{
	char text[TIME_TEXT_SIZE];
	time_build(text, ms);
	return json_string(text);
}

static json_t *
alarm_json(const struct spool_alarm *alarm)
{
	char id[ID_TEXT_SIZE];
	id_build(id, &alarm->id);
	return json_pack("{s:s,s:s,s:s,s:s,s:I,s:o,s:o,s:s}", "id", id,
	    "mailbox", alarm->mailbox, "cause", spool_cause_name(alarm->cause),
	    "severity", spool_severity_name(alarm->severity), "count",
	    (json_int_t)alarm->count, "oldest", time_json(alarm->oldest_ms),
	    "raised", time_json(alarm->raised_ms), "state",
	    spool_alarm_state_name(alarm->state));
}

static int
dump(struct buf *out, json_t *take_value, struct why *why)
{
	char *text =
	    take_value == NULL
		? NULL
		: json_dumps(take_value, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(take_value);
	if (text == NULL)
		return why_set(why, WHY_NOMEM, "alarm");
	buf_add_text(out, text);
	free(text);
	return buf_ok(out) ? 0 : why_set(why, WHY_NOMEM, "alarm");
}

int
alarm_object_build(
    struct buf *out, const struct spool_alarm *alarm, struct why *why)
{
	return dump(out, alarm_json(alarm), why);
}

int
alarm_event_build(struct buf *out, const struct spool_notice *notice,
    const char *source, struct why *why)
{
	char id[ID_TEXT_SIZE];
	id_build(id, &notice->id);
	json_t *event = json_pack("{s:s,s:s,s:s+,s:s+,s:s,s:o,s:s,s:o}",
	    "specversion", "1.0", "id", id, "source",
	    "urn:budstikke:relay:", source, "type", "no.budstikke.alarm.",
	    alarm_event_name(notice->event), "subject", notice->alarm.mailbox,
	    "time", time_json(notice->time_ms), "datacontenttype",
	    "application/json", "data", alarm_json(&notice->alarm));
	/* CloudEvents forbids an empty subject: the relay's own has none */
	if (event != NULL && notice->alarm.mailbox[0] == '\0')
		(void)json_object_del(event, "subject");
	return dump(out, event, why);
}
