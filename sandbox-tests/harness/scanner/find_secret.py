"""Looks for a secret in what an agent received, however it is spelled. It shares no code and no idea with the host's
redaction, which it judges: that one looks for spellings of the secret, this one undoes every encoding it knows wherever it
could be one, again and again, and looks for the secret itself, or any eight bytes of it.

Reads {"secret": TEXT, "texts": [[NAME, BASE64], ...]} from standard input, and writes the names of the texts that hold it.
With {"secret": TEXT, "folder": PATH} it looks into all files there, for the usual spellings only: databases are large.
"""

import base64
import html
import json
import os
import quopri
import re
import sys
import urllib.parse
import zlib

# A piece of this length in what was received is a leak, too.
PIECE_BYTES = 8
# How many encodings may lie over each other, and how many readings of one text are tried at most.
LAYERS_MAX = 4
READINGS_MAX = 100000

BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{11,}")
HEX_RUN = re.compile(rb"(?:[0-9A-Fa-f]{2}){8,}")
DECIMAL_RUN = re.compile(rb"\d{1,3}(?:[,;\s]+\d{1,3}){7,}")
SCRIPT_ESCAPE = re.compile(rb"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([0-7]{3})|([^ux0-7]))")
BROWSER_ESCAPE = re.compile(rb"%u([0-9A-Fa-f]{4})")


def of_number(digits, radix):
    number = int(digits, radix)
    return bytes([number]) if number < 256 else b"?"


def without_script_escapes(text):
    def one(match):
        braced, four, two, octal, other = match.groups()
        if other is not None:
            return b"" if other in b"nrt\n" else other
        return of_number(octal, 8) if octal else of_number(braced or four or two, 16)

    return SCRIPT_ESCAPE.sub(one, text)


def inflated(text):
    for frame in (31, 15, -15):
        try:
            yield zlib.decompressobj(frame).decompress(text, 1 << 24)
        except zlib.error:
            pass


def readings(text):
    """Whatever a text may mean, one encoding less."""
    yield urllib.parse.unquote_to_bytes(text)
    yield BROWSER_ESCAPE.sub(lambda match: of_number(match.group(1), 16), text)
    yield html.unescape(text.decode("latin-1")).encode("latin-1", "replace")
    yield without_script_escapes(text)
    if b"=" in text:
        yield quopri.decodestring(text)
    yield text.replace(b"\0", b"")
    yield re.sub(rb"[\s:,-]|0x", b"", text)
    yield re.sub(rb"\s", b"", text)
    yield from inflated(text)
    for run in HEX_RUN.findall(text):
        for start in (0, 1):
            yield bytes.fromhex(run[start : start + (len(run) - start) // 2 * 2].decode())
    for run in DECIMAL_RUN.findall(text):
        numbers = [int(number) for number in re.findall(rb"\d+", run)]
        if all(number < 256 for number in numbers):
            yield bytes(numbers)
    for run in BASE64_RUN.findall(text):
        letters = run.replace(b"-", b"+").replace(b"_", b"/")
        for start in range(4):
            whole = letters[start : start + (len(letters) - start) // 4 * 4]
            rest = letters[start + len(whole) :]
            if len(rest) > 1:
                whole += rest + b"=" * (4 - len(rest))
            yield base64.b64decode(whole)


def holds(text, secret):
    pieces = {secret[at : at + PIECE_BYTES].lower() for at in range(max(1, len(secret) - PIECE_BYTES + 1))}
    seen = {text}
    layer = [text]
    for _ in range(LAYERS_MAX):
        following = []
        for reading in layer:
            for way in (reading.lower(), reading[::-1].lower()):
                if any(piece in way for piece in pieces):
                    return True
            for other in readings(reading):
                if len(other) >= PIECE_BYTES and other not in seen:
                    if len(seen) == READINGS_MAX:
                        # Not "no secret": nobody has looked to the end.
                        sys.exit(f"a text has more than {READINGS_MAX} readings")
                    seen.add(other)
                    following.append(other)
        layer = following
    return False


def files_with(folder, secret):
    forms = [secret, secret[::-1], secret.hex().encode(), secret.hex().upper().encode()]
    forms += [base64.b64encode(b"x" * before + secret)[4:-4] for before in range(3)]
    forms.append(urllib.parse.quote(secret, safe="").encode())
    searched, found = 0, []
    for place, _, names in os.walk(folder):
        for path in (os.path.join(place, name) for name in names):
            if os.path.isfile(path) and not os.path.islink(path):
                searched += 1
                with open(path, "rb") as file:
                    text = file.read()
                if any(form in text for form in forms):
                    found.append(path)
    return {"searched": searched, "found": found}


def main():
    asked = json.load(sys.stdin)
    secret = asked["secret"].encode()
    if "folder" in asked:
        json.dump(files_with(asked["folder"], secret), sys.stdout)
        return
    json.dump([name for name, text in asked["texts"] if holds(base64.b64decode(text), secret)], sys.stdout)


if __name__ == "__main__":
    main()
