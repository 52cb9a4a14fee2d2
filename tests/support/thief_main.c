/*
 * thief - takes the first waiting delivery out of a store, and out of its
 * mailbox's counters: what somebody with the file could do behind the relay.
 *
 * usage: thief DIR
 */
#include "keys/log_hash.h"
#include "spool/spool_priv.h"

#include <stdio.h>
#include <string.h>

static bool
take(struct txn *txn)
{
	struct key place;
	struct span value;
	struct id id;
	char recipient[SPOOL_ORG_SIZE];
	struct delivery_record delivery;
	struct party_record party;

	if (!txn_first(txn, DB_MAILBOX, KEY_NONE, &place) ||
	    !txn_get(txn, DB_MAILBOX, place, &value) ||
	    !key_read_org(key_span(&place), recipient))
		return false;
	memcpy(id.at, value.at, ID_SIZE);
	struct key key = key_org_id(recipient, &id);
	if (!txn_get_delivery(txn, DB_DELIVERY, key, &delivery) ||
	    !txn_get_party(txn, DB_PARTY, key_org(recipient), &party))
		return false;
	party.counts.accepted--;
	party.counts.now[delivery.state]--;
	party.counts.waiting_bytes -= delivery.size;
	txn_put_party(txn, DB_PARTY, key_org(recipient), &party);
	return txn_del(txn, DB_DELIVERY, key) &&
	       txn_del(txn, DB_MAILBOX, place);
}

int
main(int argc, char **argv)
{
	struct spool_options options;
	struct spool *spool;
	struct txn txn;
	struct buf scratch;
	struct why why = {0};
	bool taken = false;

	spool_options_init(&options);
	options.sha256 = log_sha256;
	buf_init(&scratch, 1 << 20);
	if (argc != 2 || spool_open(argv[1], &options, &spool, &why) != 0) {
		fprintf(stderr, "thief DIR: %s\n", why.text);
		return 2;
	}
	if (txn_begin(&txn, &spool->store, true, &why) == 0) {
		txn.scratch = &scratch;
		taken =
		    take(&txn) && txn.rc == 0 && mdb_txn_commit(txn.mdb) == 0;
	}
	spool_close(spool);
	buf_clear(&scratch);
	return taken ? 0 : 1;
}
