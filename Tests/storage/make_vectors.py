#!/usr/bin/env python3
"""make_vectors.py: writes Tests/StorageTests/SignatureVectors.swift, what botocore makes of odd keys and queries.

Run it by hand when a vector is added, and `make format` after it; the tests themselves need no Python.
"""

import datetime
import json
from pathlib import Path

import boto3
import botocore.auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials

KEYS = [
    "plain.ipynb", "with space.ipynb", "a+b=c.ipynb", "year=2026/month=01/x.ipynb", "ünï/日本語/😀.ipynb", "e\u0301.ipynb",
    "a//b///c.ipynb", "./a/../b/./c.ipynb", "/leading.ipynb", "trailing/", "~tilde~.ipynb", "100%.ipynb", "%41%2F.ipynb",
    "a?b#c&d;e,f:g@h$i!j*k'l(m)n[o]p{q}r|s^t`u\"v<w>x\\y.ipynb",
]
QUERIES = [
    [("uploads", "")], [("partNumber", "10"), ("uploadId", "a+b/c=d ~é")], [("b", "2"), ("a", "1"), ("a", "")],
    [("prefix", "x/y z"), ("list-type", "2"), ("empty", "")],
]
MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5)
ACCESS, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "to/ken+="


class Empty:
    def stream(self, *_, **__):
        return iter([b""])


def signature(headers):
    value = headers["Authorization"]
    return (value.decode() if isinstance(value, bytes) else value).rsplit("=", 1)[1]


def keys():
    """What the whole client sends for each key: encoding and signing are both botocore's."""
    client = boto3.client(
        "s3", region_name="eu-west-1", aws_access_key_id=ACCESS, aws_secret_access_key=SECRET, aws_session_token=TOKEN,
        endpoint_url="http://s3.example:9000",
        config=Config(s3={"addressing_style": "path"}, response_checksum_validation="when_required"))
    sent = []

    def capture(request, **_):
        sent.append(request)
        return AWSResponse(request.url, 200, {}, Empty())

    client.meta.events.register("before-send.s3", capture)
    for key in KEYS:
        client.get_object(Bucket="bucket.with.dots", Key=key)
        request = sent.pop()
        yield key, request.url.removeprefix("http://s3.example:9000"), signature(request.headers)


def queries():
    for query in QUERIES:
        request = AWSRequest("GET", "http://s3.example:9000/bucket/key", params=query)
        auth = botocore.auth.S3SigV4Auth(Credentials(ACCESS, SECRET, TOKEN), "s3", "eu-west-1")
        text = auth.canonical_query_string(request)
        auth.add_auth(request)
        yield query, text, signature(request.headers)


def swift(text):
    return json.dumps(text, ensure_ascii=False)


def main():
    botocore.auth.get_current_datetime = lambda remove_tzinfo=True: MOMENT
    lines = ["/// Made by Tests/storage/make_vectors.py with botocore: key, path, signature; query, its text, signature.",
             "enum SignatureVectors {", "  static let keys: [(String, String, String)] = ["]
    lines += [f"    ({swift(key)}, {swift(path)},\n      {swift(value)})," for key, path, value in keys()]
    lines += ["  ]", "", "  static let queries: [([(String, String)], String, String)] = ["]
    for query, text, value in queries():
        pairs = ", ".join(f"({swift(name)}, {swift(item)})" for name, item in query)
        lines.append(f"    ([{pairs}], {swift(text)},\n      {swift(value)}),")
    lines += ["  ]", "}", ""]
    target = Path(__file__).resolve().parents[1] / "StorageTests/SignatureVectors.swift"
    target.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
