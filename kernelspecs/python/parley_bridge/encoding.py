"""Message content as one line of JSON."""

import json
import math
import numbers
from binascii import b2a_base64


def _default(value):
    """What the standard encoder does not know, in the forms Jupyter front ends expect."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return b2a_base64(value, newline=False).decode("ascii")
    if hasattr(value, "isoformat"):
        if getattr(value, "tzinfo", value) is None and hasattr(value, "astimezone"):
            value = _in_local_zone(value)
        text = value.isoformat()
        return text[:-6] + "Z" if text.endswith("+00:00") else text
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        number = float(value)
        return number if math.isfinite(number) else None
    if hasattr(value, "__iter__"):
        return list(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def _in_local_zone(moment):
    from datetime import datetime
    try:
        zone = datetime(*moment.timetuple()[:6]).astimezone().tzinfo
        return moment.replace(tzinfo=zone)
    except (TypeError, ValueError, OverflowError, OSError):
        return moment     # far from our time, or of a kind of its own


def _finite(value):
    """A copy in which NaN and the infinities, for which JSON has no word, are null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_key(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if value is None or isinstance(value, (str, int)):
        return value
    return _finite(_default(value))


def _key(key):
    if isinstance(key, str) or key is None or isinstance(key, (bool, int)):
        return key
    return str(key)


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"),
                           default=_default).encode
loads = json.loads


def dumps(content):
    """One JSON object as UTF-8 bytes, without a newline in it."""
    try:
        text = _encode(content)
    except (ValueError, TypeError):
        # NaN, or a key that is no string. A circular structure ends in RecursionError here.
        text = _encode(_finite(content))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")   # lone surrogates


_LONG = 1 << 16
_SLICE = 1 << 17
_ESCAPED = ['"', "\\", "\n"] + [chr(code) for code in range(32) if code != 10]
_quoted = json.encoder.encode_basestring


def dump_parts(content):
    """The same line in parts, with long strings of a MIME bundle (images in base64, tables) spliced in.

    Such a string is a part of its own, a `str`; what stands for it in the line comes from :func:`pieces`.
    """
    data = content.get("data")
    if type(data) is not dict:
        return [dumps(content)]
    long = {key: value for key, value in data.items()
            if type(value) is str and len(value) > _LONG and type(key) is str}
    if not long:
        return [dumps(content)]
    short = {key: value for key, value in data.items() if key not in long}
    body = dumps(dict({"data": short}, **{k: v for k, v in content.items() if k != "data"}))
    start = b'{"data":{'
    parts, between = [], start
    for key, value in long.items():
        parts += [between + dumps(key) + b':"', value]
        between = b'",'
    parts.append((between if short else b'"') + body[len(start):])
    return parts


def pieces(text):
    """The inside of a JSON string, a slice at a time: it is escaped while the server reads the slice before."""
    for start in range(0, len(text), _SLICE):
        piece = text[start:start + _SLICE]
        # One memchr per character that would have to be escaped: with the slice in the processor's cache they take less
        # time than the encoder.
        if not piece.isascii() or any(char in piece for char in _ESCAPED):
            piece = _quoted(piece)[1:-1]
        try:
            yield piece.encode()
        except UnicodeEncodeError:
            yield piece.encode("utf-8", "replace")   # lone surrogates
