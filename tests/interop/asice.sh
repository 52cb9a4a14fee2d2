#!/bin/bash
# A message's package in form asice, as the relay sealed it: openssl and Java
# verify the relay's signature and every file; what was altered they refuse.

. "$(dirname "$0")/../support/tap.sh"
. "$TOP/tests/support/pdf.sh"
need_tool javac java jar openssl unzip jq
JARS=/usr/share/java/bcprov.jar:/usr/share/java/bcpkix.jar:/usr/share/java/bcutil.jar
for jar in ${JARS//:/ }; do
	[ -e "$jar" ] && continue
	skip "asice" "missing tool: $jar (libbcpkix-java)"
	finish
done
check "the Java reader compiles" javac -cp "$JARS" -d "$T" "$TOP/tests/interop/Asice.java" || finish
start_relay
ca=$RELAY_DIR/ca.crt
java_read() {
	java -cp "$JARS:$T" Asice "$ca" "$1"
}
openssl_verify() { # FOLDER
	openssl cms -verify -cades -binary -inform DER -in "$1"/META-INF/signature-*.p7s \
		-content "$1/META-INF/asicmanifest.xml" -CAfile "$ca" -purpose any -out /dev/null
}

make_pdf "$T/brev.pdf" "et brev"
make_pdf "$T/blåbær & rømme.pdf" "et vedlegg"
exits 0 "a message with an attachment is sent" "$BUDSTIKKE" send -c "$(client nav)" --to oslo \
	--type document --json "$T/brev.pdf" "$T/blåbær & rømme.pdf"
id=$(jq -r .id "$T/out")
exits 0 "Oslo fetches it and finds its signature good" "$BUDSTIKKE" fetch -c "$(client oslo)" \
	--out "$T/in" --keep-sealed --json
package=$T/in/$id/package.zip
is "$(head -c 69 "$package" | tail -c 31)" "application/vnd.etsi.asic-e+zip" \
	"the media type stands at byte 38"
mkdir "$T/opened"
check "unzip opens it" unzip -q "$package" -d "$T/opened"
check "openssl finds the signature to be CAdES and good" openssl_verify "$T/opened"
check "Java verifies signature and files" java_read "$package"
is "$(java_read "$package" | paste -sd'|')" \
	"manifest.json|payload.pdf|attachments/blåbær & rømme.pdf" "and every file is covered"

# ---- altered -----------------------------------------------------------------
sed -i 's/payload.pdf/payload.PDF/' "$T/opened/META-INF/asicmanifest.xml"
exits 4 "openssl refuses another list" openssl_verify "$T/opened"
sed -i 's/payload.PDF/payload.pdf/' "$T/opened/META-INF/asicmanifest.xml"
cp "$package" "$T/altered.zip"
printf 'x' >>"$T/opened/payload.pdf"
jar uf "$T/altered.zip" -C "$T/opened" payload.pdf
exits 1 "Java refuses another file" java_read "$T/altered.zip"

# ---- another relay's word ------------------------------------------------------
"$BUDSTIKKE" init "$T/other" --demo >/dev/null 2>&1
exits 0 "a second message is sent" "$BUDSTIKKE" send -c "$(client nav)" --to oslo \
	--type document "$T/brev.pdf"
sed "s|^ *ca *=.*|&\nevidence-ca = $T/other/ca.crt|" "$(client oslo)" >"$RELAY_DIR/clients/doubt.conf"
exits 6 "who does not trust the signer does not take it" "$BUDSTIKKE" fetch \
	-c "$RELAY_DIR/clients/doubt.conf" --out "$T/doubt" --json
like "$(cat "$T/err")" "the package's signature" "and says why"

# ---- form zip ----------------------------------------------------------------
exits 0 "a mailbox may want plain packages" "$BUDSTIKKE" party set -c "$(client operator)" \
	"$(orgnr bergen)" --form zip --types document
exits 0 "a message is sent to it" "$BUDSTIKKE" send -c "$(client nav)" --to bergen \
	--type document --json "$T/brev.pdf"
plain=$(jq -r .id "$T/out")
exits 0 "and fetched" "$BUDSTIKKE" fetch -c "$(client bergen)" --out "$T/plain" --keep-sealed
is "$(unzip -Z1 "$T/plain/$plain/package.zip" | paste -sd' ')" \
	"mimetype manifest.json payload.pdf" "without a signature"
stop_relay
finish
