#!/usr/bin/env python3
"""Checks a draw offline: a second checker, beside `goticket verify-draw`, of Python's standard library alone (3.8 or later).

It reads what the API says and what a fan kept, and names the first thing that is wrong; docs/DRAW.md explains each. The signature of the
beacon's round is the one thing it does not verify (that takes a pairing-friendly curve): it says so, and the other checker does.

    verify_draw.py RECORD ENTRIES [--place HEX | --place-ticket TICKET] [--receipt FILE]... [--board FILE]... [--proofs FILE]
                   [--beacon-key CHAIN=HEX[,GENESIS_S,PERIOD_S]]... [--json]
    verify_draw.py --vectors docs/draw-vectors.json

Exits 0 where nothing is wrong, 1 where something is, or could not be read.
"""

import argparse
import base64
import binascii
import datetime
import hashlib
import hmac
import json
import re
import sys
import uuid
from pathlib import Path

ALGORITHM = "goticket-draw-1"
LEAF_BYTES = 17
CLOCKS_APART_MS = 2_000
QUICKNET = ("52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971", (1_692_803_367, 3))
# The last and the first second that the other checker's clock has.
MAX_S, MIN_S = 253_402_207_200, -377_705_023_201
MAX_NS = MAX_S * 10**9 + 999_999_999


class Wrong(Exception):
    """The first thing that is wrong: its name, and what it is in this case."""

    def __init__(self, name, message):
        super().__init__(f"{name}: {message}")
        self.name = name


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def number(value, size=8):
    return value.to_bytes(size, "big", signed=value < 0)


def octets(text, length=None):
    value = binascii.unhexlify(text)
    if length is not None and len(value) != length:
        raise ValueError(f"{text!r} should have {length} bytes")
    return value


# Times are nanoseconds since 1970.


def time(text):
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", text)
    if not match:
        raise ValueError(f"{text!r} is not a time in UTC")
    whole = datetime.datetime.fromisoformat(match[1] + "+00:00")
    seconds = (whole - datetime.datetime.fromtimestamp(0, datetime.timezone.utc)) // datetime.timedelta(seconds=1)
    return seconds * 10**9 + int((match[2] or "").ljust(9, "0"))


def canonical_time(text):
    time(text)
    return re.sub(r"\.?0*Z$", "Z", text) if "." in text else text


def ms(ns):
    return -(-ns // 10**6) if ns < 0 else ns // 10**6


# Ed25519, as RFC 8032 has it: points of -x² + y² = 1 + d x² y² as (X : Y : Z : T), T = XY/Z.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def encode(point):
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(key):
    y, sign = int.from_bytes(key, "little") & (1 << 255) - 1, key[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = decode(number(4 * pow(5, -1, P) % P, 32)[::-1])


def is_signed(signer, message, signature):
    key, signature = octets(signer, 32), octets(signature, 64)
    point, s = decode(key), int.from_bytes(signature[32:], "little")
    if point is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    minus = (P - point[0], point[1], 1, P - point[3])
    return encode(add(multiply(s, BASE), multiply(k, minus))) == signature[:32]


# Merkle trees as RFC 6962 has them.


class MerkleLog:
    def __init__(self):
        self.size, self.peaks = 0, []

    def push(self, content):
        node, size = sha256(b"\0", content), self.size
        while size & 1:
            node, size = sha256(b"\1", self.peaks.pop(), node), size >> 1
        self.peaks.append(node)
        self.size += 1

    def root(self):
        if not self.peaks:
            return sha256()
        root = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            root = sha256(b"\1", peak, root)
        return root


def root_of_path(proof, size, content):
    index, path = proof["index"], [octets(node, 32) for node in proof["path"]]
    if index >= size:
        return None
    last, node = size - 1, sha256(b"\0", content)
    while last > 0:
        if index % 2 == 1 or index < last:
            if not path:
                return None
            sibling = path.pop(0)
            node = sha256(b"\1", sibling, node) if index % 2 == 1 else sha256(b"\1", node, sibling)
        index, last = index // 2, last // 2
    return None if path else node


# What is signed and hashed.


def event_bytes(event):
    return uuid.UUID(event).bytes


def terms_json(terms):
    """The terms as their hash is over them: members in this order, no white space."""
    beacon = terms.get("beacon")
    if beacon is not None:
        beacon = {member: beacon[member] for member in ("chain", "genesis_s", "period_s", "margin_s", "round")}
    told = {
        "algorithm": terms["algorithm"],
        "event": str(uuid.UUID(terms["event"])),
        "commitment": octets(terms["commitment"], 32).hex(),
        "closes_at": canonical_time(terms["closes_at"]),
        "beacon": beacon,
        "signer": octets(terms["signer"], 32).hex(),
    }
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


def head_bytes(head, terms):
    said = number(head["size"]) + octets(head["root"], 32) + number(ms(time(head["at"]))) + bytes([head["closed"]])
    return b"goticket lobby head 1" + event_bytes(terms["event"]) + said + sha256(terms_json(terms))


def receipt_bytes(receipt):
    said = octets(receipt["place"], 16) + number(receipt["position"]) + number(ms(time(receipt["at"])))
    return b"goticket receipt 1" + event_bytes(receipt["event"]) + said + octets(receipt["terms"], 32)


def outcome_bytes(outcome, event):
    said = octets(outcome["seed"], 32) + number(outcome["places"]) + octets(outcome["ranks_root"], 32)
    return b"goticket draw outcome 1" + event_bytes(event) + said


def time_of(beacon):
    """When the round comes; the end of time where it cannot be said."""
    seconds = beacon["genesis_s"] + (beacon["round"] - 1) * beacon["period_s"]
    return seconds * 10**9 if beacon["round"] > 0 and MIN_S <= seconds <= MAX_S else MAX_NS


def round_of(beacon, closes_at, announced_at):
    """The only round that these terms may name: the first one at the margin's end or later."""
    after = min(max(closes_at, announced_at) + beacon["margin_s"] * 10**9, MAX_NS)
    since_ms = max(ms(after) - beacon["genesis_s"] * 1_000, 0)
    return -(-since_ms // (max(beacon["period_s"], 1) * 1_000)) + 1


# The checks, in the other checker's order.


def check_terms(record, chains):
    if not record["announced"]:
        raise Wrong("no_terms", "no terms were announced")
    first, before = record["announced"][0]["terms"], None
    for n, this in enumerate(record["announced"], 1):
        terms, at, beacon = this["terms"], time(this["at"]), this["terms"].get("beacon")
        who = f"announcement {n}"
        if uuid.UUID(terms["event"]) != uuid.UUID(record["event"]):
            raise Wrong("terms_of_another_event", who)
        if terms["algorithm"] != ALGORITHM:
            raise Wrong("unknown_algorithm", f"{who} names {terms['algorithm']!r}")
        for member in ("commitment", "signer"):
            if octets(terms[member], 32) != octets(first[member], 32):
                raise Wrong(f"{member}_changed", f"{who} has another {member} than the first one")
        if chain_of(beacon) != chain_of(first.get("beacon")):
            raise Wrong("beacon_changed", f"{who} drops the first one's beacon, or names another one")
        if before and at <= time(before["at"]):
            raise Wrong("announcements_out_of_order", f"{who} is not later than the one before it")
        if beacon:
            if beacon["margin_s"] == 0:
                raise Wrong("no_margin", f"{who} leaves no time between the lobby's end and the beacon's round")
            times = chains.get(beacon["chain"])
            if times and times != (beacon["genesis_s"], beacon["period_s"]):
                raise Wrong("round_times", f"{who} says that the beacon's rounds come at other times than they do")
            expected = round_of(beacon, time(terms["closes_at"]), at)
            if beacon["round"] != expected:
                raise Wrong("wrong_round", f"{who} names round {beacon['round']}, but {expected} follows from its closing time")
        if before and before["terms"].get("beacon") and at >= time_of(before["terms"]["beacon"]):
            raise Wrong("late_announcement", f"{who} came when the round of the one before was out already")
        before = this


def chain_of(beacon):
    return beacon and (beacon["chain"], beacon["genesis_s"], beacon["period_s"])


def much_later(at, than):
    return ms(at) > ms(than) + CLOCKS_APART_MS


def check_signature(who, head, terms):
    if not is_signed(terms["signer"], head_bytes(head, terms), head["signature"]):
        raise Wrong("forged_head", f"the signer has not signed {who}, or not over its terms")


def out_of_time(who):
    return Wrong("terms_out_of_time", f"{who} was signed when its terms were not in force")


def check_closing(record):
    closed = record.get("closed")
    if closed is None:
        if record.get("outcome") is not None:
            raise Wrong("not_closed", "something was drawn, but the lobby was not closed")
        return None
    last = record["announced"][-1]
    if not closed["closed"]:
        raise Wrong("head_not_last", "the closed lobby's head is not marked as its last one")
    check_signature("the closed lobby's head", closed, last["terms"])
    if much_later(time(last["at"]), time(closed["at"])):
        raise out_of_time("the closed lobby's head")
    at, beacon = time(closed["at"]), last["terms"].get("beacon")
    if ms(at) < ms(time(last["terms"]["closes_at"])):
        raise Wrong("closed_early", f"the lobby was closed at {closed['at']}, before the announced end")
    if beacon and at >= time_of(beacon):
        raise Wrong("closed_late", f"the lobby was closed at {closed['at']}, when the beacon's round was out already")
    return closed


class Lobby:
    """The closed lobby's list."""

    def __init__(self, closed, leaves, fan):
        self.closed, self.leaves, self.places, self.left, self.roots = closed, leaves, set(), None, {}
        log, wanted = MerkleLog(), {board["lobby"]["size"] for board in fan["boards"] if board.get("lobby")}
        for start in range(0, len(leaves), LEAF_BYTES):
            if log.size in wanted:
                self.roots[log.size] = log.root()
            leaf = leaves[start : start + LEAF_BYTES]
            if len(leaf) != LEAF_BYTES or leaf[0] not in (1, 2):
                raise Wrong("broken_entry", f"the list of entries ends within an entry, or entry {log.size} is none")
            place = leaf[1:]
            if leaf[0] == 1:
                self.places.add(place)
            elif place in self.places:
                self.places.remove(place)
                self.left = log.size if place == fan["place"] else self.left
            log.push(leaf)
        self.roots[log.size] = log.root()
        if log.size != closed["size"]:
            raise Wrong("wrong_size", f"the list has {log.size} entries, the closed lobby {closed['size']}")
        if log.root() != octets(closed["root"], 32):
            raise Wrong("wrong_root", "the list of entries is not the one that the closed lobby's head is over")


def check_boards(record, lobby, boards):
    announced = [terms_json(announced["terms"]) for announced in record["announced"]]
    for n, board in enumerate(boards, 1):
        who, terms = f"board {n}", terms_json(board["terms"])
        if terms not in announced:
            raise Wrong("terms_moved", f"{who} is of terms that were never announced: they were moved silently")
        if board.get("lobby"):
            check_signature(who, board["lobby"], board["terms"])
            if not was_in_force(record, announced, terms, time(board["lobby"]["at"])):
                raise out_of_time(who)
            check_prefix(who, board["lobby"], lobby)
        drawn = (record.get("outcome") or {}).get("seed")
        if board.get("seed") and octets(board["seed"], 32) != (drawn and octets(drawn, 32)):
            raise Wrong("seed_changed", f"{who} shows a seed, the record another one or none")


def was_in_force(record, announced, terms, at):
    """Terms are in force from their announcement to the next one, and may be announced again later."""
    since = [time(this["at"]) for this in record["announced"]]
    spans = zip(announced, since, since[1:] + [MAX_NS])
    return any(these == terms and not much_later(start, at) and not much_later(at, end) for these, start, end in spans)


def check_prefix(who, head, lobby):
    size, root = head["size"], octets(head["root"], 32)
    closed = lobby and lobby.closed
    said = closed and (closed["size"], octets(closed["root"], 32), ms(time(closed["at"])))
    if head["closed"] and (size, root, ms(time(head["at"]))) != said:
        raise Wrong("closed_twice", f"{who} shows a lobby that was closed in another way than the record says")
    if lobby and size > closed["size"]:
        raise Wrong("entries_dropped", f"{who} shows {size} entries, the closed lobby {closed['size']}: some were dropped")
    if lobby and lobby.roots[size] != root:
        raise Wrong("entries_changed", f"{who} shows other first {size} entries: some were added, dropped or moved afterwards")


def check_receipts(record, lobby, receipts):
    hashes, late = [sha256(terms_json(announced["terms"])) for announced in record["announced"]], 0
    for n, receipt in enumerate(receipts, 1):
        who, at, entry = f"receipt {n}", time(receipt["at"]), receipt["position"]
        if uuid.UUID(receipt["event"]) != uuid.UUID(record["event"]):
            raise Wrong("receipt_of_another_event", who)
        if not is_signed(record["announced"][0]["terms"]["signer"], receipt_bytes(receipt), receipt["signature"]):
            raise Wrong("forged_receipt", f"the signer has not signed {who}")
        if octets(receipt["terms"], 32) not in hashes:
            raise Wrong("terms_moved", f"{who} is of terms that were never announced: they were moved silently")
        if much_later(time(record["announced"][hashes.index(octets(receipt["terms"], 32))]["at"]), at):
            raise out_of_time(who)
        if lobby and entry >= lobby.closed["size"]:
            if much_later(time(record["announced"][-1]["terms"]["closes_at"]), at):
                raise Wrong("receipt_cut_off", f"{who} is from before the closing, and its entry {entry} is left out of the list")
            late += 1
        elif lobby and lobby.leaves[entry * LEAF_BYTES :][:LEAF_BYTES] != b"\1" + octets(receipt["place"], 16):
            raise Wrong("receipt_ignored", f"{who} says that entry {entry} took its place, the list says something else")
    return late


def check_outcome(record, lobby, chains):
    outcome = record.get("outcome")
    if outcome is None or lobby is None:
        return None
    event, terms = event_bytes(record["event"]), record["announced"][-1]["terms"]
    try:
        secret = octets(outcome["secret"], 32)
    except ValueError:
        raise Wrong("secret_malformed", "the secret is not 32 bytes in hexadecimal") from None
    if sha256(b"goticket draw commitment 1", event, secret) != octets(terms["commitment"], 32):
        raise Wrong("secret_not_committed", "the secret is not the one that the terms commit to")
    signature = check_round(terms.get("beacon"), outcome.get("beacon_signature"), chains)
    closed = octets(lobby.closed["root"], 32) + number(lobby.closed["size"])
    seed = sha256(b"goticket draw seed 1", event, closed, secret, signature)
    if seed != octets(outcome["seed"], 32):
        raise Wrong("wrong_seed", "another seed follows from the closed lobby, the secret and the round")
    if outcome["places"] != len(lobby.places):
        raise Wrong("wrong_places", f"{outcome['places']} were drawn, but {len(lobby.places)} took part")
    order, ranks = sorted(lobby.places, key=lambda place: (hmac.digest(seed, place, "sha256"), place)), MerkleLog()
    for rank, place in enumerate(order):
        ranks.push(number(rank) + place)
    if ranks.root() != octets(outcome["ranks_root"], 32):
        raise Wrong("wrong_ranks", "another order follows from the seed than was published")
    if not is_signed(terms["signer"], outcome_bytes(outcome, record["event"]), outcome["signature"]):
        raise Wrong("forged_outcome", "the signer has not signed the outcome")
    return order


def check_round(beacon, signature, chains):
    """Its form. Whether it is the chain's takes the other checker."""
    if beacon is None and signature is None:
        return b""
    if beacon is None:
        raise Wrong("beacon_not_in_terms", "the draw was made with a beacon that the terms do not name")
    if signature is None:
        raise Wrong("beacon_missing", "the terms name a beacon, and the draw was made without it")
    if beacon["chain"] not in chains:
        raise Wrong("unknown_chain", f"the public key of the beacon's chain {beacon['chain']} is not known here")
    try:
        point = octets(signature, 48)
    except ValueError:
        point = bytes(48)
    if not point[0] & 0x80:
        raise Wrong("bad_round", "the round's signature is not a compressed point of 48 bytes")
    return point


def check_proofs(record, lobby, order, fan):
    ranks = {place: rank for rank, place in enumerate(order or [])}
    proofs, outcome = fan["proofs"], record.get("outcome")
    if fan["rank"] is not None and fan["rank"] != ranks.get(fan["place"]):
        raise Wrong("rank_not_drawn", f"the ticket says that its place has rank {fan['rank']}, the draw says something else")
    if proofs is None:
        return ranks.get(fan["place"])
    place = octets(proofs["place"], 16)
    if fan["place"] not in (None, place):
        raise Wrong("proofs_of_another_place", f"the proofs are of the place {place.hex()}")
    if lobby and proofs.get("entry"):
        if root_of_path(proofs["entry"], lobby.closed["size"], b"\1" + place) != octets(lobby.closed["root"], 32):
            raise Wrong("entry_not_proved", "the proof of an entry does not lead to the closed lobby's root")
    if outcome:
        proof = proofs.get("rank")
        leaf = proof and number(proof["index"]) + place
        if root_of_path(proof, outcome["places"], leaf) != octets(outcome["ranks_root"], 32) if proof else place in ranks:
            raise Wrong("rank_not_proved", "the proof of the rank does not lead to the published root, or is missing")
    return ranks.get(fan["place"])


def check(record, leaves, fan, chains):
    """Everything, in order. What is right, and what that is worth."""
    check_terms(record, chains)
    closed = check_closing(record)
    lobby = closed and Lobby(closed, leaves, fan)
    check_boards(record, lobby, fan["boards"])
    late = check_receipts(record, lobby, fan["receipts"])
    order = check_outcome(record, lobby, chains)
    rank = check_proofs(record, lobby, order, fan)
    place = found(lobby, rank, fan["place"]) if lobby and fan["place"] else None
    outcome = record.get("outcome")
    return {
        "event": record["event"],
        "stage": "drawn" if outcome else "closed" if closed else "announced",
        "entries": closed and closed["size"],
        "participants": len(lobby.places) if lobby else None,
        "seed": outcome and outcome["seed"],
        "place": place,
        "late_receipts": late,
        "weak": weak(record, fan, chains, place),
    }


def found(lobby, rank, place):
    standing = {"standing": "absent"}
    if rank is not None:
        standing = {"standing": "drawn", "rank": rank}
    elif place in lobby.places:
        standing = {"standing": "takes_part"}
    elif lobby.left is not None:
        standing = {"standing": "left", "entry": lobby.left}
    return {"place": place.hex(), **standing}


WEAK = {
    "steerable": "the draw has no beacon: whoever knows the secret can choose the order by adding places before the lobby closes",
    "unwitnessed": "no receipt and no board was given: all of this could have been made up after the draw",
    "closing_unwitnessed": "no board was given that shows the closed lobby: its last entries could be chosen once the round is known",
    "round_times_unknown": "when the beacon's rounds come is taken from the record: it is not known here",
    "chain_unknown": "the beacon's key is not known here: give it before the draw is checked",
    "leave_unsigned": "that the place was given back is the operators' word: no one signs that",
    "round_unverified": "the signature of the beacon's round was not verified: `goticket verify-draw` does it",
}


def weak(record, fan, chains, place):
    beacon = record["announced"][-1]["terms"].get("beacon")
    known = beacon and beacon["chain"] in chains
    shown = any(board.get("lobby") and board["lobby"]["closed"] for board in fan["boards"])
    applies = {
        "steerable": not beacon,
        "unwitnessed": not fan["boards"] and not fan["receipts"],
        "closing_unwitnessed": beacon and record.get("closed") and not shown,
        "round_times_unknown": known and chains[beacon["chain"]] is None,
        "chain_unknown": beacon and not known,
        "leave_unsigned": place and place["standing"] == "left",
        "round_unverified": beacon and record.get("outcome"),
    }
    return [name for name in WEAK if applies[name]]


# The command.


def beacon_key(text):
    match = re.fullmatch(r"([0-9a-f]+)=[0-9a-fA-F]{192}(?:,(-?\d+),(\d+))?", text)
    if not match:
        raise ValueError(f"{text!r} is not CHAIN=HEX[,GENESIS_S,PERIOD_S]")
    return match[1], (int(match[2]), int(match[3])) if match[2] else None


def read_ticket(ticket, event):
    """The place that a ticket is of, and the rank that it says. Only the waiting room can check its MAC."""
    prefix, payload, _mac = ticket.split(".")
    payload = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    if prefix != "p2" or len(payload) != 66:
        raise ValueError("this is no place ticket")
    if payload[17:33] != event_bytes(event):
        raise ValueError("the place ticket is of another event")
    return payload[1:17], int.from_bytes(payload[50:58], "big") if payload[49] == 2 else None


def fan_of(asked, receipts, boards, proofs):
    """What a fan kept. Receipts may stand in the answer to a join, what boards say of the draw in them, proofs beside a record."""
    place, rank = asked
    proofs = proofs.get("proofs") if proofs and "proofs" in proofs else proofs
    receipts = [receipt.get("receipt") or receipt for receipt in receipts]
    boards = [board.get("draw") if "draw" in board else board for board in boards]
    if place is None and proofs:
        place = octets(proofs["place"], 16)
    if place is None and len({receipt["place"] for receipt in receipts}) == 1:
        place = octets(receipts[0]["place"], 16)
    return {"place": place, "rank": rank, "receipts": receipts, "boards": [board for board in boards if board], "proofs": proofs}


def report(found):
    lines = [f"nothing is wrong: event {found['event']} is {found['stage']}"]
    if found["entries"] is not None:
        lines.append(f"the lobby has {found['entries']} entries, {found['participants']} places take part")
    if found["seed"]:
        lines.append(f"the seed is {found['seed']}")
    if found["place"]:
        lines.append(", ".join(f"{what} {value}" for what, value in found["place"].items()))
    if found["late_receipts"]:
        lines.append(f"{found['late_receipts']} of the receipts are of places behind the lobby: the draw is not about them")
    return "\n".join(lines + [f"{name}: {WEAK[name]}" for name in found["weak"]])


def merged(base, change):
    """RFC 7396."""
    if not isinstance(change, dict):
        return change
    base = dict(base) if isinstance(base, dict) else {}
    for member, value in change.items():
        base[member] = merged(base.get(member), value)
    return {member: value for member, value in base.items() if value is not None}


def run_vectors(vectors):
    """One line for each vector; whether all are as expected."""
    right = True
    for case in vectors["cases"]:
        given = merged(vectors["base"], case["change"])
        chains = dict([QUICKNET] + [beacon_key(text) for text in given.get("beacon_keys", [])])
        asked = octets(given["place"], 16) if given.get("place") else None, None
        if given.get("place_ticket"):
            asked = read_ticket(given["place_ticket"], given["record"]["event"])
        fan = fan_of(asked, given.get("receipts", []), given.get("boards", []), given.get("proofs"))
        try:
            said = check(given["record"], octets(given["entries"]), fan, chains)
            verified = {**said, "weak": [name for name in said["weak"] if name != "round_unverified"]}
        except Wrong as wrong:
            said = verified = {"wrong": wrong.name}
        right &= verified == case["expected"] or bool(case.get("needs_pairing")) and "round_unverified" in said.get("weak", [])
        print(json.dumps({"name": case["name"], "said": said}))
    return right


def read(file):
    return json.loads(file.read_text(encoding="utf-8"))


def run(args):
    if args.vectors:
        return run_vectors(read(args.vectors))
    record, chains = read(args.record), dict([QUICKNET, *args.beacon_key])
    asked = read_ticket(args.place_ticket, record["event"]) if args.place_ticket else (args.place, None)
    proofs = read(args.proofs) if args.proofs else {"proofs": record.get("proofs")}
    fan = fan_of(asked, [read(file) for file in args.receipt], [read(file) for file in args.board], proofs)
    try:
        said = check(record, args.entries.read_bytes(), fan, chains)
    except Wrong as wrong:
        print(json.dumps({"wrong": wrong.name}) if args.json else f"WRONG: {wrong}")
        return False
    print(json.dumps(said) if args.json else report(said))
    return True


def main():
    parser = argparse.ArgumentParser(description="Checks a draw offline, all but the signature of the beacon's round.")
    parser.add_argument("record", type=Path, nargs="?", help="the answer of GET …/queue/draw")
    parser.add_argument("entries", type=Path, nargs="?", help="the octets of GET …/queue/draw/entries, all pages in order")
    parser.add_argument("--place", type=lambda place: octets(place, 16), help="whose rank to tell")
    parser.add_argument("--place-ticket", help="the same, from the ticket")
    for name in ("receipt", "board"):
        parser.add_argument(f"--{name}", type=Path, action="append", default=[], help=f"a {name} that was kept")
    parser.add_argument("--proofs", type=Path, help="another answer with proofs")
    parser.add_argument("--beacon-key", type=beacon_key, action="append", default=[], metavar="CHAIN=HEX[,GENESIS_S,PERIOD_S]")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--vectors", type=Path, help="check the checker itself")
    args = parser.parse_args()
    if not args.vectors and not args.entries:
        parser.error("RECORD and ENTRIES are needed")
    try:
        return 0 if run(args) else 1
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        print(f"this is not what the API says: {error!r}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
