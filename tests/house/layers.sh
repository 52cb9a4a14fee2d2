#!/bin/bash
# The rooms keep their order, and the check that says so can say no.
. "$(dirname "$0")/../support/tap.sh"
layers=$TOP/tests/layers.sh

check "every include line keeps the order of the rooms" bash "$layers" "$TOP"

# plant FILE INCLUDE-LINE SENTENCE: a tree with this line is refused
plant() {
	rm -rf "$T/tree"
	mkdir -p "$T/tree"/{base,formats,keys,spool,relay,tools}
	echo "$2" >"$T/tree/$1"
	if out=$(bash "$layers" "$T/tree" 2>&1); then
		not_ok "$3" "not seen: $1: $2"
	else
		like "$out" "^$1:1: " "$3"
	fi
}

plant base/a.c '#include "formats/wire.h"' "base that calls formats is found"
plant formats/a.h '#include "keys/seal.h"' "formats that calls keys is found"
plant keys/a.c '#include "spool/spool.h"' "keys that calls spool is found"
plant spool/a.c '  # include "keys/sign.h"' "spool that calls keys is found, spaces and all"
plant relay/a.c '#include "tools/client.h"' "relay that calls tools is found"
plant relay/a.c '#include <lmdb.h>' "lmdb outside spool is found"
plant relay/net.c '#include <curl/curl.h>' "libcurl in a role that listens is found"
plant formats/a.c '#include <openssl/sha.h>' "OpenSSL in formats is found"
plant tools/a.c '#include <zlib.h>' "zlib outside formats is found"
plant spool/a.c '#include <jansson.h>' "JSON in spool is found"
plant relay/a.c '#include <hb.h>' "HarfBuzz outside formats is found"

mkdir -p "$T/good"/{relay,spool}
echo '#include <curl/curl.h>' >"$T/good/relay/courier_http.c"
echo '#include <lmdb.h>' >"$T/good/spool/store.c"
check "what the rules allow is not refused" bash "$layers" "$T/good"
finish
