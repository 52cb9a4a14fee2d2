# pdf - makes a small, correct PDF of one line of text, for tests and the demo.
# shellcheck shell=bash

# make_pdf FILE TEXT: TEXT is plain ASCII without parentheses
make_pdf() {
	local stream="BT /F1 18 Tf 72 770 Td ($2) Tj ET"
	local -a objects=(
		"<< /Type /Catalog /Pages 2 0 R >>"
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
		"<< /Length ${#stream} >>
stream
$stream
endstream"
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
	)
	local body="%PDF-1.4
" xref="" i
	for i in "${!objects[@]}"; do
		xref+=$(printf '%010d 00000 n ' "${#body}")$'\n'
		body+="$((i + 1)) 0 obj
${objects[i]}
endobj
"
	done
	printf '%sxref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n' \
		"$body" "$xref" "${#body}" >"$1"
}
