"""What goes to S3, request by request: signatures recomputed by botocore, and answers that moto never gives."""

import datetime
import urllib.parse

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from conftest import large_notebook, notebook, read
from servers import Shelf

HELLO = notebook("echo hello")
KEYS = dict(AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY="se/cr+et=", AWS_SESSION_TOKEN="to/ken+=", AWS_REGION="eu-west-1")


def error(status, code, message="why", **headers):
    return status, headers, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


def authorization(url, asked):
    """The header as botocore's own signer makes it from what has arrived."""
    fields = dict(part.split("=", 1) for part in asked.headers["authorization"].split(" ", 1)[1].split(", "))
    names = fields["SignedHeaders"].split(";")
    scope = fields["Credential"].split("/")
    path, _, query = asked.target.partition("?")
    request = AWSRequest(asked.method, f"{url}{path}{'?' + query if query else ''}", data=asked.body)
    for name in names:
        request.headers[name] = asked.headers[name]
    request.context["timestamp"] = asked.headers["x-amz-date"]
    credentials = Credentials("AKIDEXAMPLE", "se/cr+et=", "to/ken+=")
    moment = datetime.datetime.strptime(asked.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
    original = botocore.auth.get_current_datetime
    botocore.auth.get_current_datetime = lambda *_, **__: moment
    try:
        botocore.auth.S3SigV4Auth(credentials, "s3", scope[2]).add_auth(request)
    finally:
        botocore.auth.get_current_datetime = original
    return request.headers["Authorization"], names


@pytest.mark.parametrize(
    "key",
    ["plain", "with space", "a+b=c", "ünï/日本語/😀", "a//b///c", "./a/../b/./c", "/leading", "~t~", "100%", "%41%2F", "a?b#c&d;*'()"])
def test_botocore_signs_the_same(run, serve, key):
    shelf = Shelf()
    server = serve(lambda asked: (200, {"ETag": '"1"'}, HELLO) if asked.method == "GET" else shelf(asked))
    ended = run(f"s3://bucket/{key}", f"s3://bucket/{key}", AWS_ENDPOINT_URL_S3=server.url, **KEYS)
    assert ended.code == 0, ended.errors
    assert server.methods() == ["GET", "HEAD", "PUT", "PUT"]
    for asked in server.asked:
        expected, names = authorization(server.url, asked)
        assert asked.headers["authorization"] == expected
        signed = {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"}
        if asked.method == "PUT":
            signed |= {"content-type", "if-none-match" if "if-none-match" in asked.headers else "if-match"}
        assert set(names) == signed


def test_botocore_signs_the_parts_of_an_upload_the_same(run, serve, tmp_path):
    identity = "a+b/c=d"

    def answer(asked):
        if asked.method == "HEAD":
            return 404, {}, b""
        if asked.target.endswith("?uploads="):
            return 200, {}, f"<X><UploadId>{identity}</UploadId></X>".encode()
        if asked.method == "POST":
            return 200, {}, b"<R><ETag>&quot;done&quot;</ETag></R>"
        return 200, {"ETag": '"part"'}, b""

    server = serve(answer)
    (tmp_path / "in.ipynb").write_bytes(large_notebook())
    ended = run("in.ipynb", "s3://bucket/k y", AWS_ENDPOINT_URL_S3=server.url, **KEYS)
    assert ended.code == 0, ended.errors
    assert server.methods() == ["HEAD", *(["POST", *["PUT"] * 5, "POST"] * 2)]
    for asked in server.asked:
        assert asked.headers["authorization"] == authorization(server.url, asked)[0]
    completions = [asked for asked in server.asked if asked.method == "POST" and "uploadId" in asked.target]
    assert completions[0].headers["if-none-match"] == "*"
    assert completions[1].headers["if-match"] == '"done"'


def test_an_upload_that_fails_is_taken_away(run, serve, tmp_path):
    def answer(asked):
        if asked.method == "HEAD":
            return 404, {}, b""
        if asked.target.endswith("?uploads="):
            return 200, {}, b"<X><UploadId>u</UploadId></X>"
        if asked.method == "DELETE":
            return 204, {}, b""
        return error(403, "AccessDenied", "no parts") if "partNumber=2" in asked.target else (200, {"ETag": '"p"'}, b"")

    server = serve(answer)
    (tmp_path / "in.ipynb").write_bytes(large_notebook())
    ended = run("in.ipynb", "s3://bucket/k", AWS_ENDPOINT_URL_S3=server.url, **KEYS)
    assert ended.code == 74
    assert "cannot write s3://bucket/k: AccessDenied: no parts" in ended.errors
    assert server.asked[-1].method == "DELETE" and server.asked[-1].target == "/bucket/k?uploadId=u"


def test_a_bucket_as_part_of_the_host(run, serve):
    server = serve(lambda asked: (200, {}, HELLO))
    ended = run(
        "s3://bucket/a/b", "out.ipynb", http_proxy=server.url, AWS_ENDPOINT_URL_S3="http://s3.invalid:81",
        PARLEY_S3_ADDRESSING="virtual", **KEYS)
    assert ended.code == 0, ended.errors
    assert server.asked[0].target == "http://bucket.s3.invalid:81/a/b"
    assert server.asked[0].headers["host"] == "bucket.s3.invalid:81"


def once(reply):
    """The reply to the first PUT; what a shelf says to everything else."""
    shelf = Shelf({"/bucket/in": HELLO})
    replies = [reply]

    def answer(asked):
        if asked.method == "PUT" and replies:
            return replies.pop()
        return shelf(asked)

    return shelf, answer


@pytest.mark.parametrize(
    "reply",
    [error(409, "ConditionalRequestConflict"), error(503, "SlowDown"), error(500, "InternalError"), error(400, "RequestTimeout"), None])
def test_what_passes_is_tried_again(run, serve, reply):
    shelf, answer = once(reply)
    server = serve(answer)
    ended = run("s3://bucket/in", "s3://bucket/out", AWS_ENDPOINT_URL_S3=server.url, **KEYS)
    assert ended.code == 0, ended.errors
    assert server.methods() == ["GET", "HEAD", "PUT", "PUT", "PUT"]
    assert read(shelf.objects["/bucket/out"]).metadata.parley.reason == "ok"


def test_a_refusal_is_not_repeated(run, serve):
    _, answer = once(error(403, "AccessDenied", "User: arn is not authorized"))
    server = serve(answer)
    ended = run("s3://bucket/in", "s3://bucket/out", AWS_ENDPOINT_URL_S3=server.url, **KEYS)
    assert ended.code == 74
    assert server.methods() == ["GET", "HEAD", "PUT"]
    assert "cannot write s3://bucket/out: AccessDenied: User: arn is not authorized; ask for the right" in ended.errors


def test_a_store_without_conditions_is_checked_by_us(run, serve):
    shelf = Shelf({"/bucket/in": HELLO})

    def answer(asked):
        if "if-match" in asked.headers or "if-none-match" in asked.headers:
            return error(501, "NotImplemented", "A header you provided implies functionality that is not implemented")
        return shelf(asked)

    server = serve(answer)
    ended = run("s3://bucket/in", "s3://bucket/out", AWS_ENDPOINT_URL_S3=server.url, **KEYS)
    assert ended.code == 0, ended.errors
    assert server.methods() == ["GET", "HEAD", *["PUT", "HEAD", "PUT"] * 2]


def test_who_may_only_write_writes(run, serve, tmp_path):
    stored = []

    def answer(asked):
        if asked.method != "PUT" or "if-match" in asked.headers:
            return error(403, "AccessDenied")
        stored.append(asked.body)
        return 200, {"ETag": '"1"'}, b""

    server = serve(answer)
    (tmp_path / "in.ipynb").write_bytes(HELLO)
    ended = run("in.ipynb", "s3://bucket/out", AWS_ENDPOINT_URL_S3=server.url, **KEYS)
    assert ended.code == 0, ended.errors
    assert server.methods() == ["HEAD", "PUT", "PUT", "HEAD", "PUT"]
    assert read(stored[-1]).metadata.parley.reason == "ok"


def test_the_bucket_says_its_region(run, serve):
    def answer(asked):
        if "/ap-south-1/" not in asked.headers["authorization"]:
            return error(400, "AuthorizationHeaderMalformed", **{"x-amz-bucket-region": "ap-south-1"})
        return 200, {}, HELLO

    server = serve(answer)
    ended = run("s3://bucket/in", "out.ipynb", AWS_ENDPOINT_URL_S3=server.url, **KEYS)
    assert ended.code == 0, ended.errors
    assert len(server.asked) == 2


def test_a_clock_that_is_wrong_is_set_by_the_server(run, serve):
    def answer(asked):
        if not asked.headers["x-amz-date"].startswith("20300102T0304"):
            return error(403, "RequestTimeTooSkewed", Date="Wed, 02 Jan 2030 03:04:05 GMT")
        return 200, {}, HELLO

    server = serve(answer)
    ended = run("s3://bucket/in", "out.ipynb", AWS_ENDPOINT_URL_S3=server.url, **KEYS)
    assert ended.code == 0, ended.errors
    assert len(server.asked) == 2


def test_credentials_that_have_ended_are_looked_up_again(run, serve, tmp_path):
    credentials = tmp_path / "credentials"
    credentials.write_text("[default]\naws_access_key_id = OLD\naws_secret_access_key = x\n")

    def answer(asked):
        if "Credential=OLD/" in asked.headers["authorization"]:
            credentials.write_text("[default]\naws_access_key_id = NEW\naws_secret_access_key = x\n")
            return error(400, "ExpiredToken", "The provided token has expired.")
        return 200, {}, HELLO

    server = serve(answer)
    ended = run("s3://bucket/in", "out.ipynb", AWS_ENDPOINT_URL_S3=server.url, AWS_SHARED_CREDENTIALS_FILE=str(credentials))
    assert ended.code == 0, ended.errors
    assert "Credential=NEW/" in server.asked[-1].headers["authorization"]


def test_a_pod_has_its_role_by_a_token(run, serve, tmp_path):
    (tmp_path / "token").write_text("very-secret\n")
    granted = ("<R><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
               "<SessionToken>t/+=</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></R>")

    def answer(asked):
        if asked.method == "POST":
            return 200, {}, granted.encode()
        return 200, {}, HELLO

    server = serve(answer)
    role = dict(
        AWS_ENDPOINT_URL=server.url, AWS_ROLE_ARN="arn:aws:iam::1:role/r", AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"))
    ended = run("s3://bucket/in", "out.ipynb", **role)
    assert ended.code == 0, ended.errors
    form = urllib.parse.parse_qs(server.asked[0].body.decode())
    assert form["WebIdentityToken"] == ["very-secret"] and form["RoleArn"] == ["arn:aws:iam::1:role/r"]
    assert form["Action"] == ["AssumeRoleWithWebIdentity"]
    assert "Credential=ASIA/" in server.asked[1].headers["authorization"]
    assert server.asked[1].headers["x-amz-security-token"] == "t/+="

    refusing = serve(lambda asked: error(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"))
    ended = run("s3://bucket/in", "out.ipynb", **{**role, "AWS_ENDPOINT_URL": refusing.url})
    assert ended.code == 74
    assert "the role arn:aws:iam::1:role/r is not given: AccessDenied" in ended.errors and "very-secret" not in ended.errors


def test_many_cells_make_few_writes(run, serve, tmp_path):
    shelf = Shelf()
    server = serve(shelf)
    (tmp_path / "in.ipynb").write_bytes(notebook(*["echo hello"] * 50))
    ended = run("in.ipynb", "s3://bucket/out", AWS_ENDPOINT_URL_S3=server.url, **KEYS)
    assert ended.code == 0, ended.errors
    assert server.methods() == ["HEAD", "PUT", "PUT"]
