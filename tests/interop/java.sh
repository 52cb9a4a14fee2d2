#!/bin/bash
# What we seal opens with the Java library that municipal systems use
# (BouncyCastle 1.72) and with openssl, in both suites; Java's stream reader
# lists the package inside.
#
# usage: tests/interop/java.sh [PACKAGE]
#   PACKAGE  a file to seal besides the ones made here; a zip is listed as well
# And what Java seals as KS's library does, we open.

. "$(dirname "$0")/../support/tap.sh"
need_tool javac java openssl unzip
cd "$TOP" || exit 1
JARS=/usr/share/java/bcprov.jar:/usr/share/java/bcpkix.jar:/usr/share/java/bcutil.jar
for jar in ${JARS//:/ }; do
	[ -e "$jar" ] && continue
	skip "java" "missing tool: $jar (libbcpkix-java)"
	finish
done

SEAL=$T/seal_file
check "the sealing program compiles" ${CC:-gcc} -std=gnu17 -D_GNU_SOURCE -I. \
	tests/keys/seal_file.c "$BUILD/libkeys.a" "$BUILD/libbase.a" -lcrypto -o "$SEAL" || finish
check "the package program compiles" ${CC:-gcc} -std=gnu17 -D_GNU_SOURCE -I. \
	tests/interop/make_package.c "$BUILD/libformats.a" "$BUILD/libbase.a" \
	-ljansson -larchive -ldeflate -lunistring -lpcre2-8 -lz -lcrypto -o "$T/make_package" || finish
check "the Java reader compiles" javac -cp "$JARS" -d "$T" tests/interop/Open.java || finish
check "a key of RSA-3072 and its certificate are made" "$SEAL" owner "$T" mottak rsa3072 || finish
java_open() {
	java -cp "$JARS:$T" Open "$@"
}

head -c 1 /dev/urandom >"$T/one-byte"
head -c 1000000 /dev/urandom >"$T/random"
head -c 3000000 /dev/urandom >"$T/blåbær og rømme.pdf"
: >"$T/tom.txt"
check "a package is written" "$T/make_package" "$T/package.zip" \
	"$T/blåbær og rømme.pdf" "$T/tom.txt" "$T/one-byte" || finish
files=("$T/one-byte" "$T/random" "$T/package.zip" "$@")
for file in "${files[@]}"; do
	name=$(basename "$file")
	for suite in cbc gcm; do
		sealed=$T/sealed.$suite
		check "$name is sealed with cms-$suite-oaep" \
			"$SEAL" seal "$T/mottak.crt" "cms-$suite-oaep" "$file" "$sealed"
		check "Java opens it" java_open "$suite" "$T/mottak.key" "$sealed" "$T/java.out"
		check "to the same bytes" cmp "$file" "$T/java.out"
		check "openssl cms opens it" openssl cms -decrypt -inform DER -in "$sealed" \
			-inkey "$T/mottak.key" -recip "$T/mottak.crt" -out "$T/openssl.out"
		check "to the same bytes" cmp "$file" "$T/openssl.out"
		check "we open it" "$SEAL" open "$T/mottak.key" "$T/mottak.crt" "$sealed" "$T/our.out"
		check "to the same bytes" cmp "$file" "$T/our.out"
	done
done

# a message that was altered must open nowhere under GCM
size=$(stat -c %s "$T/sealed.gcm")
cp "$T/sealed.gcm" "$T/altered.gcm"
printf '\377' | dd of="$T/altered.gcm" bs=1 seek=$((size - 7)) conv=notrunc 2>/dev/null
cmp -s "$T/sealed.gcm" "$T/altered.gcm" &&
	printf '\376' | dd of="$T/altered.gcm" bs=1 seek=$((size - 7)) conv=notrunc 2>/dev/null
exits 1 "Java refuses an altered tag" java_open gcm "$T/mottak.key" "$T/altered.gcm" "$T/x"
exits 1 "and so do we" "$SEAL" open "$T/mottak.key" "$T/mottak.crt" "$T/altered.gcm" "$T/x"

# and the other way
for size in 0 1 999 1000 1001 500000; do
	head -c "$size" /dev/urandom >"$T/plain"
	check "Java seals $size bytes" java_open seal "$T/mottak.crt" "$T/plain" "$T/sealed"
	check "we open them" "$SEAL" open "$T/mottak.key" "$T/mottak.crt" "$T/sealed" "$T/our.out"
	check "to the same bytes" cmp "$T/plain" "$T/our.out"
done

# the package is listed by Java as unzip sees it
for file in "$T/package.zip" "$@"; do
	[ "$(head -c 2 "$file")" = PK ] || continue
	check "Java's stream reader reads $(basename "$file")" java_open zip "$file"
	java_open zip "$file" >"$T/java.list" 2>/dev/null
	while read -r size digest name; do
		got=$(unzip -p "$file" "${name//\[/\\[}" | sha256sum | cut -d ' ' -f 1)
		is "$got" "$digest" "an entry of $size bytes has the same digest in Java and unzip"
	done <"$T/java.list"
	is "$(wc -l <"$T/java.list")" "$(unzip -Z1 "$file" | wc -l)" "and the same number of entries"
done
finish
