#!/usr/bin/env python3
"""Compares the README's tables of settings with `PROGRAM --help-markdown`.

settings.py README PROGRAM...          fails when a table differs
settings.py --write README PROGRAM...  puts the tables in place
"""
import re
import subprocess
import sys
from pathlib import Path


def main() -> int:
    arguments = sys.argv[1:]
    write = arguments[0] == "--write"
    readme = Path(arguments[1 if write else 0])
    text = readme.read_text()
    failures = 0
    for program in map(Path, arguments[2 if write else 1:]):
        table = subprocess.run([program, "--help-markdown"], capture_output=True, text=True, check=True).stdout.strip()
        marked = re.compile(rf"(<!-- config {re.escape(program.name)} -->\n).*?(\n<!-- config -->)", re.DOTALL)
        if not marked.search(text):
            print(f"{readme}: no table for {program.name}")
            failures += 1
            continue
        now = marked.sub(lambda match: match[1] + table + match[2], text, count=1)
        if now != text and not write:
            print(f"{readme}: the table of {program.name} is not what the program says; run {sys.argv[0]} --write")
            failures += 1
        text = now
    if write:
        readme.write_text(text)
    return 1 if failures else 0


sys.exit(main())
