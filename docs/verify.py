#!/usr/bin/env python3
"""Check an evidence bundle of Side by Side, with nothing but Python's standard library.

Written from docs/evidence.md, which says what every byte of a bundle is. It shares no code with the program that made the
bundle, asks no server, and takes no key, rule or opinion from the bundle. Keep your own copy.

    python3 verify.py --bundle FOLDER --key NAME+ID+KEY [--held CHECKPOINT] [--old-key NAME+ID+KEY] [--receipt INDEX:LEAF] [--witness NAME+ID+KEY]
                      [--not-older-than TIME]

Exit codes: 0 everything holds; 30 it is not the log you were shown before; 40 it is not valid; 50 it is old; 2 asked wrongly.
"""

import argparse
import base64
import datetime
import hashlib
import json
import os
import re
import stat
import sys

OK, DIVERGES, INVALID, STALE, USAGE = 0, 30, 40, 50, 2

FILES = ["README.txt", "checkpoint.txt", "erasures.csv", "events.ndjson", "handovers.txt", "journal.csv", "keys.txt", "ledger.csv",
         "manifest.json", "proofs.ndjson", "rules.csv", "witnessed.txt"]
DISCLOSED = {"authority", "fund", "grant", "inclusion_table", "partner", "payment_run", "programme", "publication",
             "record"}
README = b"""An evidence bundle of Side by Side, version 1.

It holds the record up to the checkpoint in checkpoint.txt: every event, with what it says where auditors may read it, and the
books that follow from the events. Nothing in this folder tells you whether it is true. Check it on your own computer, with
your own copy of a verifier, and with the key and the checkpoints that you took down before:

    python3 verify.py --bundle THIS-FOLDER --key NAME+ID+KEY --held YOUR-CHECKPOINT

What every file is, what is promised and what is not, and how to write a verifier yourself: docs/evidence.md.
"""
FORM = "sidebyside evidence v1"
SAMPLE = 25

WAY = {
    "allocate": ("funder", "available"), "reduce": ("available", "funder"), "reserve": ("available", "reserved"),
    "void": ("reserved", "available"), "commit": ("reserved", "committed"), "release": ("committed", "available"),
    "pay": ("committed", "spent"), "return": ("spent", "committed"), "recover": ("spent", "available"),
    "transfer_out": ("available", "other_fund"), "transfer_in": ("other_fund", "available"),
    "carry_out": ("available", "other_year"), "carry_in": ("other_year", "available"),
    "move_out": ("committed", "other_year"), "move_in": ("other_year", "committed"),
}
RULES = {
    "fund.budget_allocated": ("amount", ["allocate"]),
    "fund.budget_reduced": ("amount", ["reduce"]),
    "fund.commitment_reserved": ("shares", ["reserve"]),
    "fund.reservation_voided": ("shares", ["void"]),
    "fund.commitment_confirmed": ("shares", ["commit"]),
    "fund.commitment_increased": ("shares", ["commit"]),
    "fund.commitment_released": ("shares", ["release"]),
    "fund.expenditure_posted": ("instalment", ["pay"]),
    "fund.expenditure_returned": ("instalment", ["return"]),
    "fund.recovery_posted": ("shares", ["recover"]),
    "fund.budget_transferred_out": ("amount", ["transfer_out"]),
    "fund.budget_transferred_in": ("amount", ["transfer_in"]),
    "fund.budget_carried_forward": ("carried", ["carry_out", "carry_in"]),
    "fund.commitment_carried_forward": ("carried", ["move_out", "move_in"]),
}
STILL = {"fund.opened", "fund.year_closed", "fund.closed"}

LEDGER = "index,line,fund,programme,partner,grant,instalment,year,corrects,movement,from,to,amount,effective_on,recorded_at\n"
JOURNAL = ("index,recorded_at,effective_on,event,fund,grant,instalment,amount,recorded_by,role,prepared_by,same_person,"
           "out_of_hours,round_sum,late,command,with\n")
ERASURES = "index,event,person,recorded_at\n"

ID = re.compile(r"[0-9a-f-]{36}")
AMOUNT = re.compile(r"(0|[1-9][0-9]{0,8})\.([0-9]{2})")
YEAR = re.compile(r"[0-9]{4}/[0-9]{2}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ROLE = re.compile(r"[a-z_]+")
HASH = re.compile(r"[0-9a-f]{64}")
NONCE = re.compile(r"[0-9a-f]{32}")
TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{6})Z")
SIZE = re.compile(r"[1-9][0-9]{0,15}")


class Finding(Exception):
    """What is wrong, and the exit code that says of what kind it is."""

    def __init__(self, code, sentence):
        super().__init__(sentence)
        self.code = code


def invalid(sentence):
    return Finding(INVALID, sentence)


def must(holds, sentence):
    if not holds:
        raise invalid(sentence)


def sha256(data):
    return hashlib.sha256(data).digest()


# RFC 8032: Ed25519, verification only.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    """The x that goes with y (RFC 8032, section 5.1.3), or None."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P != 0:
        return None
    return P - x if x & 1 != sign else x


def add(one, other):
    """Two points in extended coordinates (section 5.1.4)."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, point)
        point = add(point, point)
        number >>= 1
    return result


def decompress(data):
    number = int.from_bytes(data, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def compress(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def is_signed(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    point, number = decompress(public), int.from_bytes(signature[32:], "little")
    if point is None or number >= ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    minus = (P - point[0], point[1], 1, P - point[3])
    return compress(add(times(number, BASE), times(challenge, minus))) == signature[:32]


# Keys and checkpoints.


def from_base64(text):
    """The bytes, if the text is the one way to write them."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return data if base64.b64encode(data).decode() == text else None


class Key:
    """A verifier key: name+id+key. The first byte of the key says what it signs: 1 for a log, 4 for a witness."""

    def __init__(self, text, kind=1):
        self.text = text
        name, plus, rest = text.partition("+")
        number, plus_too, key = rest.partition("+")
        data = from_base64(key) if plus and plus_too else None
        sound = (data is not None and len(data) == 33 and data[0] == kind and re.fullmatch(r"[0-9a-f]{8}", number)
                 and re.fullmatch(r"[!-*,-~]+", name) and sha256(name.encode() + b"\n" + data)[:4].hex() == number
                 and decompress(data[1:]) is not None)
        if not sound:
            raise Finding(USAGE, "The key cannot be read: it has the form NAME+ID+KEY.")
        self.name, self.id, self.public = name, bytes.fromhex(number), data[1:]


def read_note(data, key):
    """Size and root of a checkpoint that the key has signed. Lines are split at LF only."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid("it is not text") from None
    plain = all(sign in "\n\u2014" or " " <= sign <= "~" for sign in text)
    lines = text.split("\n")
    must(plain and len(lines) >= 6 and lines[3] == "" and lines[-1] == "", "it does not have the form of a checkpoint")
    signatures = lines[4:-1]
    must(1 <= len(signatures) <= 100, "it has no signature, or too many")
    ours = []
    for line in signatures:
        parts = line.split(" ")
        must(len(parts) == 3 and parts[0] == "\u2014" and re.fullmatch(r"[!-*,-~]+", parts[1]), "a signature line is not of that form")
        signed = from_base64(parts[2])
        must(signed is not None and len(signed) >= 5, "a signature cannot be read")
        if parts[1] == key.name and signed[:4] == key.id:
            ours.append(signed[4:])
    must(len(ours) == 1, "it is not signed by your key, once")
    body = "\n".join(lines[:3]) + "\n"
    must(is_signed(key.public, body.encode(), ours[0]), "the signature of your key does not hold")
    must(lines[0] == key.name, "it is of another log")
    root = from_base64(lines[2])
    must(SIZE.fullmatch(lines[1]) and int(lines[1]) < 2**53 and root is not None and len(root) == 32,
         "its size or root cannot be read")
    return int(lines[1]), root


# Witnesses.


class Witnessed:
    """A checkpoint that witnesses have signed beside the key of the log."""

    def __init__(self, data, keys, size, tree):
        for key in keys:
            try:
                self.size, root = read_note(data, key)
                break
            except Finding as finding:
                why = finding
        else:
            raise why
        must(self.size <= size and tree.root(0, self.size) == root, "a checkpoint in it is of other events")
        text, _, lines = data.partition(b"\n\n")
        self.text, self.lines = text + b"\n", lines.decode().splitlines()

    def seen_by(self, witness):
        """When the witness signed it, or None."""
        parts = [line.split(" ") for line in self.lines]
        signed = [from_base64(part[2]) for part in parts if part[1] == witness.name]
        ours = [one[4:] for one in signed if one[:4] == witness.id]
        must(len(ours) <= 1, f"{witness.name} has signed a checkpoint in it twice")
        if not ours:
            return None
        time, signature = int.from_bytes(ours[0][:8], "big"), ours[0][8:]
        message = f"cosignature/v1\ntime {time}\n".encode() + self.text
        must(0 < time < 253_402_300_800 and is_signed(witness.public, message, signature),
             f"the cosignature of {witness.name} does not hold")
        at = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=time)
        return f"{at.isoformat()}.000000Z"


def last_seen(notes, witness):
    """How many events the witness saw last, and when; or None."""
    seen = None
    for note in notes:
        at = note.seen_by(witness)
        seen = (note.size, at) if at else seen
    return seen


# RFC 6962: the tree.


def node(left, right):
    return sha256(b"\x01" + left + right)


class Tree:
    """The hashes of all whole subtrees, level by level, from the leaves up."""

    def __init__(self, leaves):
        self.levels = [leaves]
        while len(self.levels[-1]) > 1:
            below = self.levels[-1]
            self.levels.append([node(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])

    def root(self, start, size):
        """Of `size` leaves from `start` on."""
        if size == 0:
            return sha256(b"")
        if size & (size - 1) == 0 and start % size == 0:
            return self.levels[size.bit_length() - 1][start // size]
        half = 1 << ((size - 1).bit_length() - 1)
        return node(self.root(start, half), self.root(start + half, size - half))

    def path(self, index, start, size):
        if size == 1:
            return []
        half = 1 << ((size - 1).bit_length() - 1)
        if index < start + half:
            return self.path(index, start, half) + [self.root(start + half, size - half)]
        return self.path(index, start + half, size - half) + [self.root(start, half)]


# RFC 8785, for what a log may hold.


def refuse_number(_):
    raise ValueError("only whole numbers")


def read_json(line):
    """The value of a line that is RFC 8785 text, or a finding."""
    try:
        value = json.loads(line.decode("utf-8"), parse_float=refuse_number, parse_constant=refuse_number)
        must(is_storable(value, 1), "it holds a value that no log holds")
        same = write_json(value).encode("utf-8") == line
    except (ValueError, RecursionError):
        raise invalid("it is not RFC 8785 text") from None
    must(same, "it is not RFC 8785 text")
    return value


def is_storable(value, level):
    if level > 64:
        return False
    if isinstance(value, str):
        return "\0" not in value
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int):
        return abs(value) < 2**53
    if isinstance(value, list):
        return all(is_storable(item, level + 1) for item in value)
    return all("\0" not in key and all(sign <= "\uffff" for sign in key) and is_storable(item, level + 1)
               for key, item in value.items())


def write_json(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


# Events.

HEADER = ["aggregate_id", "aggregate_type", "body_hash", "event_type", "event_version", "index", "recorded_at", "sequence", "v"]


def fits(form, value):
    return isinstance(value, str) and form.fullmatch(value) is not None


def is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def instant(text):
    parts = TIME.fullmatch(text) if isinstance(text, str) else None
    must(parts, "its time cannot be read")
    try:
        return datetime.datetime(*(int(part) for part in parts.groups()))
    except ValueError:
        raise invalid("its time cannot be read") from None


class Event:
    """A line of events.ndjson, checked as far as it goes by itself."""

    def __init__(self, line, index):
        whole = read_json(line)
        must(isinstance(whole, dict) and sorted(whole) in (["body", "header"], ["header"]), "it is not a header with or without a body")
        header = whole["header"]
        must(isinstance(header, dict) and sorted(header) == HEADER, "its header has other entries")
        must(all(isinstance(header[name], str) and header[name] for name in ("aggregate_id", "aggregate_type", "event_type", "event_version")),
             "its header has an empty entry")
        must(is_whole(header["v"]) and header["v"] == 1, "its leaf is of another version")
        must(is_whole(header["index"]) and header["index"] == index, "it stands in the wrong place")
        must(is_whole(header["sequence"]) and header["sequence"] >= 1, "its sequence is no place in a stream")
        must(fits(HASH, header["body_hash"]), "its body hash cannot be read")
        self.index, self.sequence = index, header["sequence"]
        self.type, self.id, self.name = header["aggregate_type"], header["aggregate_id"], header["event_type"]
        self.recorded_at, self.at = header["recorded_at"], instant(header["recorded_at"])
        self.leaf = sha256(b"\x00" + write_json(header).encode())
        self.body = whole.get("body")
        must((self.body is not None) == (self.type in DISCLOSED), "a body is shown that should be withheld, or withheld that should be shown")
        if self.body is None:
            must("body" not in whole, "its body is nothing")
            return
        must(isinstance(self.body, dict) and sorted(self.body) == ["metadata", "nonce", "payload"], "its body has other entries")
        must(sha256(write_json(self.body).encode()).hex() == header["body_hash"], "its body is not the one that was hashed")
        self.metadata, payload = self.body["metadata"], self.body["payload"]
        must(fits(NONCE, self.body["nonce"]) and isinstance(self.metadata, dict) and isinstance(payload, dict), "its body cannot be read")
        must(list(payload) == [self.name] and isinstance(payload[self.name], dict), "its payload is of another event")
        self.fields = payload[self.name]
        self.actor, self.command = self.optional("actor", ID), self.optional("command_id", ID)

    def optional(self, name, form):
        value = self.metadata.get(name, "")
        must(name not in self.metadata or fits(form, value), f"its {name} cannot be read")
        return value


def pence(text):
    parts = AMOUNT.fullmatch(text) if isinstance(text, str) else None
    must(parts, "an amount cannot be read")
    amount = int(parts[1]) * 100 + int(parts[2])
    must(amount > 0, "an amount is nothing")
    return amount


def cell(fields, name, form):
    must(fits(form, fields.get(name)), f"its {name} cannot be read")
    return fields[name]


def corrected(fields):
    return "" if fields.get("corrects") is None else cell(fields, "corrects", YEAR)


def is_out_of_hours(at):
    """In London. `at` is UTC."""

    def last_sunday(month):
        day = datetime.datetime(at.year, month, 31, 1)
        return day - datetime.timedelta(days=(day.weekday() + 1) % 7)

    summer = last_sunday(3) <= at < last_sunday(10)
    local = at + datetime.timedelta(hours=1) if summer else at
    return local.weekday() >= 5 or not 8 <= local.hour < 18


def yes(answer):
    return "yes" if answer else "no"


class Books:
    """Everything that follows from the events."""

    def __init__(self):
        self.ledger, self.journal, self.erasures = [LEDGER], [], [ERASURES]
        self.commands, self.recommended, self.authorised = {}, {}, {}

    def take(self, event):
        if event.type == "person" and event.name in ("person.erased", "person.erasure_confirmed"):
            must(fits(ID, event.id), "its stream has no id")
            self.erasures.append(f"{event.index},{event.name},{event.id},{event.recorded_at}\n")
        if event.body is None:
            return
        if event.command:
            self.commands.setdefault(event.command, []).append(event.index)
        if event.type == "grant" and event.name == "grant.recommended":
            self.recommended[event.id] = event.actor
        if event.type == "grant" and event.name == "grant.instalment_authorised":
            self.authorised[cell(event.fields, "instalment", ID)] = event.actor
        if event.type == "fund" and event.name not in STILL:
            must(event.name in RULES, "it is an event of a fund that no rule knows")
            self.post(event)

    def post(self, event):
        fields, (shape, movements) = event.fields, RULES[event.name]
        must(fits(ID, event.id), "its stream has no id")
        effective_on = cell(event.metadata, "effective_on", DATE)
        role = event.optional("role", ROLE)
        grant = programme = partner = instalment = ""
        if shape in ("shares", "instalment") or (shape == "carried" and "link" in fields):
            link = fields.get("link")
            must(isinstance(link, dict), "its link cannot be read")
            grant, programme, partner = (cell(link, name, ID) for name in ("grant", "programme", "partner"))
        if shape == "shares":
            shares = fields.get("shares")
            must(isinstance(shares, list) and all(isinstance(share, dict) for share in shares), "its shares cannot be read")
            lines = [(movements[0], cell(share, "year", YEAR), corrected(share), pence(share.get("amount"))) for share in shares]
        elif shape == "carried":
            amount = pence(fields.get("amount"))
            lines = [(movements[0], cell(fields, "from", YEAR), "", amount), (movements[1], cell(fields, "to", YEAR), "", amount)]
        else:
            late = ""
            if shape == "instalment":
                instalment, late = cell(fields, "instalment", ID), corrected(fields)
            lines = [(movements[0], cell(fields, "year", YEAR), late, pence(fields.get("amount")))]
        for number, (movement, year, corrects, amount) in enumerate(lines):
            way = WAY[movement]
            self.ledger.append(
                f"{event.index},{number},{event.id},{programme},{partner},{grant},{instalment},{year},{corrects},{movement},"
                f"{way[0]},{way[1]},{amount // 100}.{amount % 100:02},{effective_on},{event.recorded_at}\n")
        if not lines:
            return
        amount = lines[0][3] if shape == "carried" else sum(line[3] for line in lines)
        prepared = self.authorised.get(instalment, "") if shape == "instalment" else self.recommended.get(grant, "")
        same = bool(prepared) and prepared == event.actor
        row = (f"{event.index},{event.recorded_at},{effective_on},{event.name},{event.id},{grant},{instalment},"
               f"{amount // 100}.{amount % 100:02},{event.actor},{role},{prepared},{yes(same)},{yes(is_out_of_hours(event.at))},"
               f"{yes(amount % 100_000 == 0)},{yes(any(line[2] for line in lines))},{event.command},")
        self.journal.append((event.index, event.command, row))

    def journal_text(self):
        rows = [JOURNAL]
        for index, command, row in self.journal:
            others = " ".join(str(other) for other in self.commands.get(command, []) if other != index)
            rows.append(f"{row}{others}\n")
        return "".join(rows)

    def sampled(self, root):
        """The events that the root draws from the journal."""
        drawn, turn = set(), 0
        while len(drawn) < min(SAMPLE, len(self.journal)):
            number = int.from_bytes(sha256(b"sidebyside sample v1\n" + root + turn.to_bytes(8, "big"))[:8], "big")
            drawn.add(number % len(self.journal))
            turn += 1
        return sorted(self.journal[place][0] for place in drawn)


def rules_text():
    rows = ["event,shape,movement,from,to\n"]
    for event, (shape, movements) in RULES.items():
        rows += [f"{event},{shape},{movement},{WAY[movement][0]},{WAY[movement][1]}\n" for movement in movements]
    return "".join(rows)


# The keys, one after the other.


class Chain:
    """The keys that sealed the log since it began or was restored, and the events that announce a change."""

    def __init__(self):
        self.keys, self.changes = [], []

    def take(self, event):
        if event.type != "record" or event.body is None:
            return
        if event.name == "record.restored":
            self.keys, self.changes = [], []
        if event.name == "record.key_changed":
            former, key = (self.read(event.fields.get(name)) for name in ("former", "key"))
            follows = not self.keys or self.keys[-1].text == former.text
            must(former.name == key.name and follows, "its keys do not follow")
            self.keys += [key] if self.keys else [former, key]
            self.changes.append(event.index)

    @staticmethod
    def read(text):
        try:
            return Key(text if isinstance(text, str) else "")
        except Finding:
            raise invalid("a key of it cannot be read") from None

    def head(self, data, held):
        """The checkpoint of the bundle, by the last key: one that went may be in the hands of a thief by now."""
        if not self.keys:
            return read_note(data, held)
        must(held.text in [key.text for key in self.keys], "your key is none of those that sealed this log")
        try:
            return read_note(data, self.keys[-1])
        except Finding as finding:
            raise invalid(f"of the keys that sealed this log the last one counts: {finding}") from None

    def check(self, data, size, tree):
        """Each change was sealed by the key that went."""
        notes = split_notes(data)
        must(len(notes) == len(self.changes), "it has not a checkpoint for each change of the key")
        for note, key, index in zip(notes, self.keys, self.changes):
            covered, root = read_note(note, key)
            must(covered > index, f"the old key did not seal event {index}, which announces the new one")
            must(covered <= size and tree.root(0, covered) == root, "a checkpoint in it is of other events")


def split_notes(data):
    """Notes one after the other: a note ends with the last of its signature lines."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid("it is not text") from None
    notes, lines, signed = [], 0, True
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        signature = lines >= 4 and line.startswith("\u2014")
        if signed and not signature:
            notes.append("")
            lines = 0
        signed = signature
        lines += 1
        notes[-1] += line
    return [note.encode() for note in notes]


# The bundle.


def follow(path, since):
    """Every event in its place, with the hash of the file, and how many were recorded before a time."""
    books, leaves, sequences, last, digest = Books(), [], {}, "", hashlib.sha256()
    restores, chain, before = [], Chain(), 0
    with open(path, "rb") as file:
        for index, line in enumerate(file):
            digest.update(line)
            try:
                must(line.endswith(b"\n"), "it has no end")
                event = Event(line[:-1], index)
                must(event.recorded_at > last, "it was recorded no later than the event before it")
                place = sequences.get((event.type, event.id), 0) + 1
                must(event.sequence == place, "it is not the next of its stream")
                books.take(event)
                chain.take(event)
                restores += restored(event, leaves)
            except Finding as finding:
                raise invalid(f"Event {index}: {finding}.") from None
            last = event.recorded_at
            before += last < (since or "")
            sequences[event.type, event.id] = place
            leaves.append(event.leaf)
    return books, leaves, last, before, digest.hexdigest(), restores, chain


def restored(event, leaves):
    """What an event declares to be lost: where the back-up ends, where the last checkpoint ended that was held, its root."""
    if (event.type, event.name) != ("record", "record.restored"):
        return []
    size, before, root, lost = (event.fields.get(name) for name in ("size", "lost_before", "root", "lost_root"))
    sound = is_whole(size) and is_whole(before) and before >= 0 and fits(HASH, root) and fits(HASH, lost)
    if not sound or size != event.index or Tree(leaves[:]).root(0, size).hex() != root:
        return []
    return [(size, before, bytes.fromhex(lost))]


def check(folder, key, held, receipts, witnesses, not_older_than):
    names = sorted(os.listdir(folder))
    must(names == FILES, "The folder holds other files than a bundle does.")
    must(all(stat.S_ISREG(os.lstat(os.path.join(folder, name)).st_mode) for name in names), "Not everything in it is a file.")

    def read(name):
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()

    books, leaves, last, before, events_hash, restores, chain = follow(os.path.join(folder, "events.ndjson"), not_older_than)
    try:
        size, root = chain.head(read("checkpoint.txt"), key)
    except Finding as finding:
        raise invalid(f"checkpoint.txt: {finding}.") from None
    must(len(leaves) == size, f"The checkpoint covers {size} events; the bundle has {len(leaves)}.")
    tree = Tree(leaves)
    must(tree.root(0, size) == root, "The events are not those that were signed: their root is another.")
    try:
        chain.check(read("handovers.txt"), size, tree)
    except Finding as finding:
        raise invalid(f"handovers.txt: {finding}.") from None
    proofs = [write_json({"index": index, "leaf": leaves[index].hex(), "path": [one.hex() for one in tree.path(index, 0, size)]}) + "\n"
              for index in books.sampled(root)]
    wanted = {
        "README.txt": README,
        "erasures.csv": "".join(books.erasures).encode(),
        "journal.csv": books.journal_text().encode(),
        "keys.txt": "".join(one.text + "\n" for one in chain.keys or [key]).encode(),
        "ledger.csv": "".join(books.ledger).encode(),
        "proofs.ndjson": "".join(proofs).encode(),
        "rules.csv": rules_text().encode(),
    }
    for name, content in wanted.items():
        must(read(name) == content, f"{name} does not follow from what was signed.")
    hashes = {name: sha256(read(name)).hex() for name in FILES if name not in ("manifest.json", "events.ndjson")}
    hashes["events.ndjson"] = events_hash
    manifest = write_json({"files": hashes, "form": FORM}) + "\n"
    must(read("manifest.json") == manifest.encode(), "manifest.json does not list what is here.")

    try:
        notes = [Witnessed(note, chain.keys or [key], size, tree) for note in split_notes(read("witnessed.txt"))]
        must(all(one.size < other.size for one, other in zip(notes, notes[1:])), "its checkpoints do not rise")
        seen = [last_seen(notes, witness) for witness in witnesses]
    except Finding as finding:
        raise invalid(f"witnessed.txt: {finding}.") from None

    lost, beyond = [], []
    for name, held_size, held_root in held:
        if held_size <= size and tree.root(0, held_size) == held_root:
            continue
        declared = [begin for begin, before, root_then in restores
                    if name != key.name and begin < held_size
                    and (held_size < before or (held_size == before and held_root == root_then))]
        if declared:
            lost.append((held_size, declared[0]))
        elif name != key.name:
            raise Finding(DIVERGES, "The log goes on under another name, and nothing in it declares that what the checkpoint "
                                    f"over {held_size} events covers is lost.")
        elif held_size <= size:
            raise Finding(DIVERGES, f"The first {held_size} events are not those of the checkpoint that you hold.")
        else:
            beyond.append(held_size)
    for index, leaf in receipts:
        if index < size and leaves[index] != leaf:
            raise Finding(DIVERGES, f"Event {index} is not the one of the receipt that you hold.")
    for held_size in beyond:
        raise Finding(STALE, f"You hold a checkpoint over {held_size} events; the bundle has {size}.")
    for index, _ in receipts:
        if index >= size:
            raise Finding(STALE, f"You hold a receipt of event {index}; the bundle ends before it.")
    for witness, found in zip(witnesses, seen):
        if found is None:
            raise Finding(STALE, f"{witness.name} has signed no checkpoint of this log.")
        if not_older_than and found[1] < not_older_than:
            raise Finding(STALE, f"{witness.name} has seen the log at {found[1]}, and not since.")
        if not_older_than and found[0] < before:
            raise Finding(STALE, f"{witness.name} has seen {found[0]} events; {before} were recorded before the time you ask for.")
    if not_older_than and not witnesses and last < not_older_than:
        raise Finding(STALE, f"The last event was recorded at {last}.")
    return size, root, len(books.journal), len(proofs), lost, [(witness.name, *found) for witness, found in zip(witnesses, seen)]


def read_held(data, keys):
    """A checkpoint that one of the keys has signed, with the name of the log."""
    for key in keys[1:]:
        try:
            return (key.name, *read_note(data, key))
        except Finding:
            pass
    return (keys[0].name, *read_note(data, keys[0]))


def told(arguments):
    """What whoever checks has told us."""
    key = Key(arguments.key)
    keys = [key] + [Key(text) for text in arguments.old_key]
    held, receipts = [], []
    for path in arguments.held:
        try:
            with open(path, "rb") as file:
                held.append(read_held(file.read(), keys))
        except (OSError, Finding) as problem:
            raise Finding(USAGE, f"The checkpoint {path} that you hold cannot be used: {problem}.") from None
    for text in arguments.receipt:
        parts = re.fullmatch(r"([0-9]{1,15}):([0-9a-f]{64})", text)
        if parts is None:
            raise Finding(USAGE, "A receipt has the form INDEX:LEAF.")
        receipts.append((int(parts[1]), bytes.fromhex(parts[2])))
    since = arguments.not_older_than
    if since is not None:
        since += "T00:00:00.000000Z" if DATE.fullmatch(since) else ""
        try:
            instant(since)
        except Finding:
            raise Finding(USAGE, "A time has the form 2026-11-20 or 2026-11-20T09:30:00.000000Z.") from None
    if not os.path.isdir(arguments.bundle):
        raise Finding(USAGE, f"There is no folder {arguments.bundle}.")
    witnesses = [Key(text, kind=4) for text in arguments.witness]
    return key, held, receipts, witnesses, since


def main(argv):
    parser = argparse.ArgumentParser(description="Check an evidence bundle of Side by Side.")
    parser.add_argument("--bundle", required=True, metavar="FOLDER", help="the bundle")
    parser.add_argument("--key", required=True, metavar="NAME+ID+KEY", help="the verifier key that you took down before")
    parser.add_argument("--held", action="append", default=[], metavar="FILE", help="a checkpoint that you hold")
    parser.add_argument("--old-key", action="append", default=[], metavar="NAME+ID+KEY",
                        help="a verifier key of the log from before it was restored")
    parser.add_argument("--receipt", action="append", default=[], metavar="INDEX:LEAF", help="the receipt of a command")
    parser.add_argument("--witness", action="append", default=[], metavar="NAME+ID+KEY", help="a witness that you rely on")
    parser.add_argument("--not-older-than", metavar="TIME",
                        help="when at least something was recorded; with --witness, since when each has to have signed")
    arguments = parser.parse_args(argv)
    try:
        size, root, moved, shown, lost, seen = check(arguments.bundle, *told(arguments))
    except Finding as finding:
        words = {DIVERGES: "DIVERGES", INVALID: "INVALID", STALE: "OLD", USAGE: "ASKED WRONGLY"}[finding.code]
        print(f"{words}  {finding}")
        return finding.code
    except OSError as problem:
        print(f"ASKED WRONGLY  {problem}")
        return USAGE
    print(f"Everything holds: {size} events under the root {root.hex()}, {moved} of them moved money.")
    for covered, begin in lost:
        print(f"LOST  Of the {covered} events of a checkpoint that you hold, {begin} to {covered - 1} are lost: event {begin} "
              "declares that the record was restored from a back-up.")
    for witness, covered, at in seen:
        print(f"WITNESSED  {witness} has seen the first {covered} events, and signed that at {at}.")
    print(f"The root has drawn {shown} of these as a sample: they are in proofs.ndjson.")
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
