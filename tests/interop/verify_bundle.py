#!/usr/bin/env python3
"""verify_bundle - checks receipt bundles without one line of the relay's code.

usage: verify_bundle.py CA.crt LOG.key FILE
  CA.crt   the authority of the relay's certificates, in PEM
  LOG.key  the log's public key, as it is published: NAME+ID+KEY
  FILE     one bundle a line
Prints "good" or "bad: WHY" for each; status 1 when one is bad.
Written from RFC 6962, 7515, 7518, 9162, and C2SP's signed-note, tlog-checkpoint
and tlog-proof; signatures and chains are left to the openssl command.
"""
import base64, functools, hashlib, json, pathlib, re, subprocess, sys, tempfile
from datetime import datetime, timezone

CA, WORK = sys.argv[1], tempfile.TemporaryDirectory()

def need(holds, why):
    if not holds:
        raise ValueError(why)

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def unbase64(text, url=False, size=None):
    """strict: one spelling for each octet string"""
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    full = text + "=" * (-len(text) % 4) if url else text
    octets = base64.b64decode(full, b"-_" if url else None, validate=True)
    need(full == encode(octets).decode() and not (url and "=" in text), "not canonical base64")
    need(size in (None, len(octets)), f"not {size} octets")
    return octets

def number(text):
    need(re.fullmatch("0|[1-9][0-9]{0,18}", text, re.A) and int(text) < 1 << 63, "not a number")
    return int(text)

def file(name, octets):
    path = pathlib.Path(WORK.name, name)
    path.write_bytes(octets)
    return str(path)

def openssl(*words):
    return subprocess.run(["openssl", *words], capture_output=True, check=True).stdout

@functools.cache
def ed25519(key, text, signature):
    spki = bytes.fromhex("302a300506032b6570032100") + key
    openssl("pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", file("key", spki),
            "-rawin", "-in", file("text", text), "-sigfile", file("sig", signature))

def checkpoint(note, log):
    """size and root of a note that the log has signed"""
    need(not re.search("[\0-\x09\x0b-\x1f]", note), "a control character in the note")
    text, empty, below = note.rpartition("\n\n")
    need(empty and below.endswith("\n"), "no signatures")
    signed = False
    for line in below[:-1].split("\n"):
        words = re.fullmatch("\u2014 ([^\\s+]+) (.+)", line)
        need(words, "not a signature line")
        octets = unbase64(words[2])
        need(len(octets) > 4, "a signature without one")
        if (words[1], octets[:4]) == (log["name"], log["id"]):
            ed25519(log["key"], (text + "\n").encode(), octets[4:])
            signed = True
    need(signed, "the log has not signed")
    lines = text.split("\n")
    need(len(lines) >= 3 and all(lines), "not a checkpoint")
    need(lines[0] == log["name"], "another log's checkpoint")
    return number(lines[1]), unbase64(lines[2], size=32)

def included(leaf, index, hashes, size, root):
    """RFC 9162 section 2.1.3.2"""
    need(index < size, "no such leaf")
    last, node = size - 1, leaf
    for sibling in hashes:
        need(last, "the proof is too long")
        if index % 2 or index == last:
            node = sha256(b"\1", sibling, node)
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\1", node, sibling)
        index, last = index >> 1, last >> 1
    need(last == 0 and node == root, "not in the log where the proof says")

def log_proof(text, receipt, log):
    head, empty, note = text.partition("\n\n")
    lines = head.split("\n")
    need(empty and len(lines) >= 3 and lines[0] == "c2sp.org/tlog-proof@v1", "not a proof")
    need(lines[1].startswith("extra ") and lines[2].startswith("index "), "no salt or index")
    salt, index = unbase64(lines[1][6:], size=32), number(lines[2][6:])
    hashes = [unbase64(line, size=32) for line in lines[3:]]
    included(sha256(b"\0", sha256(salt, receipt.encode())), index, hashes, *checkpoint(note, log))

@functools.cache
def signer(chain, at):
    """the signer's public key, if our authority stood behind it at that time"""
    blocks = (f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(der).decode()}"
              "-----END CERTIFICATE-----\n" for der in chain)
    path = file("chain", "".join(blocks).encode())  # where one is asked for, the first is read
    openssl("verify", "-no-CApath", "-no-CAstore", "-CAfile", CA, "-attime", str(at),
            "-untrusted", path, path)
    return openssl("x509", "-in", path, "-noout", "-pubkey")

def integer(value):
    octets = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes([2, len(octets)]) + octets

@functools.cache
def jws(receipt):
    parts = receipt.split(".")
    need(len(parts) == 3, "not a JWS")
    header, payload = (json.loads(unbase64(part, url=True)) for part in parts[:2])
    signature = unbase64(parts[2], url=True, size=64)
    need(sorted(header) == ["alg", "typ", "x5c", "x5t#S256"] and header["alg"] == "ES256" and
         header["typ"] == "budstikke-evidence+jws", "not evidence signed with ES256")
    need(all(isinstance(payload.get(name), str) for name in ("id", "level", "time")), "no evidence")
    chain = tuple(unbase64(each) for each in header["x5c"])
    need(unbase64(header["x5t#S256"], url=True) == sha256(chain[0]), "x5t#S256 is another's")
    need(re.fullmatch(r"\d{4}-\d\d-\d\dT(\d\d:){2}\d\d(\.\d+)?Z", payload["time"], re.A), "no time")
    at = datetime.fromisoformat(payload["time"][:19]).replace(tzinfo=timezone.utc)
    key = file("signer", signer(chain, int(at.timestamp())))
    both = b"".join(integer(int.from_bytes(half, "big")) for half in (signature[:32], signature[32:]))
    sequence = file("sig", bytes([0x30, len(both)]) + both)
    signed = file("text", receipt.rpartition(".")[0].encode())
    openssl("dgst", "-sha256", "-verify", key, "-signature", sequence, signed)

def verify(line, log):
    pairs = json.loads(line.decode(), object_pairs_hook=tuple)  # shows a name given twice
    need(isinstance(pairs, tuple) and sorted(name for name, _ in pairs) == ["proof", "receipt"] and
         all(isinstance(text, str) for _, text in pairs), "not a bundle")
    log_proof(dict(pairs)["proof"], dict(pairs)["receipt"], log)
    jws(dict(pairs)["receipt"])

def log_key(line):
    name, key_id, key = line.strip().split("+", 2)
    key, key_id = unbase64(key, size=33), bytes.fromhex(key_id)
    need(key[0] == 1 and sha256(name.encode(), b"\n", key)[:4] == key_id, "not Ed25519, or its id")
    return {"name": name, "id": key_id, "key": key[1:]}

trusted, bad = log_key(pathlib.Path(sys.argv[2]).read_text("utf-8")), 0
for line in pathlib.Path(sys.argv[3]).read_bytes().removesuffix(b"\n").split(b"\n"):
    try:
        verify(line, trusted)
        print("good")
    except (ValueError, AttributeError, TypeError, RecursionError, subprocess.SubprocessError) as why:
        print("bad:", why)
        bad = 1
sys.exit(bad)
