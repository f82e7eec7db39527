"""What is left out of the comparison, and why. Nothing else is."""

from __future__ import annotations

import hashlib
import json
import re

# Each rule: (what the text has to hold, pattern, replacement, reason). They are applied to every string of every
# message, in this order. The first member keeps long texts cheap.
RULES = [
    ("0x", r"0x[0-9a-fA-F]{6,16}", "0xADDRESS", "addresses of objects differ from process to process"),
    (
        "/work-",
        r"/[\w./+-]{0,200}/work-(?:parley|ipykernel)",
        "WORKING-FOLDER",
        "each kernel has a working folder of its own",
    ),
    ("/home-", r"/[\w./+-]{0,200}/home-(?:parley|ipykernel)", "HOME", "each kernel has a home of its own"),
    (
        ".py",
        r"(?:/[\w.+-]{1,80}){0,8}/(?:ipykernel|parley)_\d+\w*/\d+\.py",
        "CELL-FILE",
        "the name under which a cell is compiled holds the process id",
    ),
    (".py, line", r"(?<=\()\d+\.py(?=, line)", "CELL-FILE", "the same in the text of a SyntaxError"),
]

# Applied only to cells that ask for them by {"normalise": [...]}.
OPTIONAL = {
    "times": (
        r"\d+(?:\.\d+)?(?:e[+-]?\d+)? (?:ns|[µμu]s|ms|s|min)\b|\b\d[\d,]* loops?\b|[\d.]+ *s/it|[\d.,]+ *it/s",
        "DURATION",
        "measured durations, and the number of loops that follows from them",
    ),
    "numbers": (r"\d+(?:\.\d+)?", "N", "process ids, memory sizes and the like"),
}

# Also only on demand: the lines of each stream, wherever they stand in the cell, sorted. ipykernel reads what child
# processes print in a thread of its own, and sends what threads print when it comes to it: its order is chance.
# Parley's order is exact, and tested elsewhere.
STREAMS = "streams"

# Also only on demand: the types and signatures of completions, where there are so many that ipykernel's time for them
# is over before it has come to all.
TYPES = "types"

UUID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-f])")
SHORT_ID = re.compile(r"[0-9a-f]{16}")  # progress bars

# Keys that are left out.
DROPPED = {
    "date": "time of day",
    "engine_info": "ipykernel adds it to replies with an error, for ipyparallel alone",
}


class Normaliser:
    """Makes the messages of one kernel comparable. Ids are numbered in the order of their appearance."""

    def __init__(self):
        self._ids: dict[str, str] = {}
        self._rules = [(needle, re.compile(pattern), to) for needle, pattern, to, _ in RULES]
        self._optional = {name: (re.compile(pattern), to) for name, (pattern, to, _) in OPTIONAL.items()}

    def text(self, text: str, extra=()) -> str:
        text = UUID.sub(lambda match: self._id(match.group()), text)
        for needle, pattern, to in self._rules:
            if needle in text:
                text = pattern.sub(to, text)
        for name in set(extra) - {STREAMS, TYPES}:
            pattern, to = self._optional[name]
            text = pattern.sub(to, text)
        return text

    def _id(self, value: str) -> str:
        return self._ids.setdefault(value, f"ID-{len(self._ids) + 1}")

    def value(self, value, extra=()):
        """A JSON value with every string made comparable; long texts by lines, large binary data by its hash."""
        if isinstance(value, str):
            if len(value) > 2000 and re.fullmatch(r"[A-Za-z0-9+/=\n]+", value):
                return f"{len(value)} characters, sha256 {hashlib.sha256(value.encode()).hexdigest()[:16]}"
            text = self.text(value, extra)
            if len(text) > 20000:
                digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
                return [text[:500], f"{len(text)} characters, sha256 {digest}"]
            return text.splitlines(True) if "\n" in text[:-1] else text
        if isinstance(value, dict):
            return {
                self.text(key): self._id(item)
                if key == "display_id" and SHORT_ID.fullmatch(str(item))
                else self.value(item, extra)
                for key, item in value.items()
                if key not in DROPPED and not (TYPES in extra and key in ("type", "signature"))
            }
        if isinstance(value, list):
            return [self.value(item, extra) for item in value]
        return value

    def messages(self, messages, extra=()) -> list[str]:
        """Messages of one channel as lines. Neighbouring text of one stream is one message: how much a kernel
        sends at a time is a matter of speed."""
        entries: list[dict] = []
        texts = {"stdout": "", "stderr": ""}
        for message in messages:
            if STREAMS in extra and message.type == "stream":
                texts[message.content["name"]] += message.content["text"]
                continue
            entry = {"type": message.type, "content": message.content}
            if message.type == "execute_result":
                # Parley always says {}: front ends have crashed over null
                entry["content"] = {"transient": {}, **message.content}
            if message.type != "execute_reply" and message.metadata:
                # execute_reply: when it started and which engine it was, for ipyparallel alone
                entry["metadata"] = message.metadata
            if message.buffers:
                entry["buffers"] = [
                    f"{len(b)} bytes, sha256 {hashlib.sha256(b).hexdigest()[:16]}" for b in map(bytes, message.buffers)
                ]
            last = entries[-1] if entries else None
            if (
                last
                and message.type == last["type"] == "stream"
                and message.content["name"] == last["content"]["name"]
            ):
                last["content"] = dict(last["content"], text=last["content"]["text"] + message.content["text"])
            else:
                entries.append(entry)
        for name, text in texts.items():
            if text:
                lines = sorted(text.splitlines(True))
                entries.append({"type": "stream", "content": {"name": name, "text": "".join(lines)}})
        lines = []
        for entry in entries:
            content = self.value(entry.pop("content"), extra)
            entry = {**entry, "content": content}
            entry = self.value(entry) if "metadata" in entry else entry
            lines += json.dumps(entry, indent=1, sort_keys=True, ensure_ascii=False).split("\n")
        return lines
