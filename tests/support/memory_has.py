"""Where a text stands in the writable memory of a process: memory_has.py PID TEXT.

Looked for as UTF-8, as UTF-16 and as UTF-32, in the orders of bytes that PDF
files and text engines use; and for the first letters of it, too. Prints a line
for each place that is found and how many bytes were looked at. Needs the right
to read /proc/PID/mem.
"""
import re
import sys


def writable(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ \S+ *(.*)", line)
            if found[3][:2] == "rw" and found[4] not in ("[vvar]", "[vdso]"):
                yield int(found[1], 16), int(found[2], 16), found[4]


def main():
    pid, text = int(sys.argv[1]), sys.argv[2]
    seen = 0
    forms = [(name, text.encode(name))
             for name in ("utf-8", "utf-16-be", "utf-16-le", "utf-32-be", "utf-32-le")]
    with open(f"/proc/{pid}/mem", "rb") as memory:
        for start, end, what in writable(pid):
            memory.seek(start)
            try:
                held = memory.read(end - start)
            except OSError:
                continue
            seen += len(held)
            for name, form in forms:
                for place in re.finditer(re.escape(form), held):
                    around = held[max(0, place.start() - 24):place.end() + 24]
                    print(f"{what or 'anonymous'}+{place.start():#x}: {name}: {around!r}")
    print(f"bytes {seen}")


main()
