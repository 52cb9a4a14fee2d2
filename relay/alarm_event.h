/*
 * alarm_event - an alarm as others see it: the object of the API and of
 * `budstikke alarms`, and the CloudEvent (1.0, structured JSON) that webhooks
 * get. It names the mailbox and counts; never a message or a person.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "spool/spool.h"

/* Append {"id","mailbox","cause","severity","count","oldest","raised","state"}.
 */
int alarm_object_build(
    struct buf *out, const struct spool_alarm *alarm, struct why *why);

/* Append the CloudEvent "no.budstikke.alarm.raised|escalated|resolved";
 * source: the relay's name. Its id is the notice's: a repeat has the same. */
int alarm_event_build(struct buf *out, const struct spool_notice *notice,
    const char *source, struct why *why);

/* "raised", "escalated", "resolved". Static. */
const char *alarm_event_name(enum spool_notice_event event);
