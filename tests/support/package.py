"""package - makes a message's package as a relay would, or as an attacker would.

usage: package.py OUT MESSAGE RECIPIENT [NAME=FILE...] [--wrong-digest] [--link]

NAME is a name in the package. With --wrong-digest the manifest is wrong about
the last file; with --link the last entry is a symbolic link.
"""
import hashlib
import json
import os
import sys
import zipfile

options = [a for a in sys.argv[1:] if a.startswith("--")]
out, message, recipient, *files = [a for a in sys.argv[1:] if not a.startswith("--")]
MEDIA = {"pdf": "application/pdf", "json": "application/json", "xhtml": "application/xhtml+xml"}


def role(name):
    if name.startswith("payload."):
        return "payload"
    return "document" if name.startswith("document.") else "attachment"


entries, listed = [], []
for pair in files:
    name, path = pair.split("=", 1)
    data = open(path, "rb").read()
    entries.append((name, data))
    listed.append({
        "name": name,
        "role": role(name),
        "mediaType": MEDIA.get(name.rsplit(".", 1)[-1], "application/octet-stream"),
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    })
if "--wrong-digest" in options:
    listed[-1]["sha256"] = "0" * 64
manifest = {
    "version": 1,
    "nonce": os.urandom(32).hex(),
    "message": message,
    "type": "document",
    "profileVersion": "1.0.0",
    "sender": "900000006",
    "recipient": recipient,
    "prepared": "2026-11-21T19:05:00.000Z",
    "files": listed,
}
with zipfile.ZipFile(out, "w") as package:
    package.writestr(
        zipfile.ZipInfo("mimetype"), b"application/vnd.budstikke.package+zip", zipfile.ZIP_STORED)
    package.writestr(
        zipfile.ZipInfo("manifest.json"), json.dumps(manifest), zipfile.ZIP_DEFLATED)
    for number, (name, data) in enumerate(entries):
        info = zipfile.ZipInfo(name)
        if "--link" in options and number == len(entries) - 1:
            info.create_system = 3
            info.external_attr = 0o120777 << 16
        package.writestr(info, data, zipfile.ZIP_DEFLATED)
