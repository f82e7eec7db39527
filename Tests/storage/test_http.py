"""http and https: what is read, what is written, what is said when it does not work."""

import subprocess
import time

import pytest

from conftest import notebook, read, text_of
from servers import Shelf

HELLO = notebook("echo hello")


def test_a_notebook_is_read_and_its_output_written(run, serve):
    shelf = Shelf({"/in.ipynb": HELLO})
    server = serve(shelf)
    ended = run(f"{server.url}/in.ipynb", f"{server.url}/out.ipynb")
    assert ended.code == 0, ended.errors
    book = read(shelf.objects["/out.ipynb"])
    assert text_of(book) == ["hello\n"]
    assert book.metadata.parley.reason == "ok"
    # Looked at once, saved before the first cell and at the end, each bound to what was there.
    puts = [asked for asked in server.asked if asked.method == "PUT"]
    assert server.methods() == ["GET", "HEAD", "PUT", "PUT"]
    assert puts[0].headers["if-none-match"] == "*"
    assert puts[1].headers["if-match"] == Shelf.tag(puts[0].body)
    assert puts[0].headers["content-type"] == "application/x-ipynb+json"


def test_redirects_are_followed_for_reading(run, serve):
    def answer(asked):
        if asked.target == "/old":
            return 302, {"Location": "/new"}, b"gone"
        return 200, {}, HELLO

    server = serve(answer)
    ended = run(f"{server.url}/old", "out.ipynb")
    assert ended.code == 0, ended.errors
    assert [asked.target for asked in server.asked] == ["/old", "/new"]


def test_a_circle_of_redirects_ends(run, serve):
    server = serve(lambda asked: (302, {"Location": "/again"}, b""))
    ended = run(f"{server.url}/again", "out.ipynb")
    assert ended.code == 74
    assert "redirects" in ended.errors
    assert len(server.asked) < 20


def test_a_redirect_to_a_file_is_not_followed(run, serve):
    server = serve(lambda asked: (302, {"Location": "file:///etc/passwd"}, b""))
    ended = run(f"{server.url}/x", "out.ipynb")
    assert ended.code == 74
    assert "file" in ended.errors


def test_a_missing_notebook_is_a_missing_input(run, serve):
    server = serve(Shelf())
    ended = run(f"{server.url}/no.ipynb", "out.ipynb")
    assert ended.code == 66
    assert ended.errors.strip() == (
        f"parley: cannot read {server.url}/no.ipynb: the server says 404, not found; check the address")


def test_a_server_that_fails_for_a_moment_is_asked_again(run, serve):
    answers = [(500, {}, b""), (503, {"Retry-After": "0"}, b""), None, (429, {}, b""), (200, {}, HELLO)]
    server = serve(lambda asked: answers.pop(0))
    ended = run(f"{server.url}/in.ipynb", "out.ipynb")
    assert ended.code == 0, ended.errors
    assert len(server.asked) == 5


def test_a_server_that_fails_for_good_is_told(run, serve):
    server = serve(lambda asked: (500, {}, b""))
    ended = run(f"{server.url}/in.ipynb", "out.ipynb", PARLEY_STORAGE_TIMEOUT="1")
    assert ended.code == 74
    assert "the server says 500; try again later" in ended.errors
    assert 2 <= len(server.asked) < 12


@pytest.mark.parametrize("status, words", [(401, "~/.netrc"), (403, "forbidden"), (418, "418")])
def test_a_refusal_is_not_repeated(run, serve, status, words):
    server = serve(lambda asked: (status, {}, b""))
    ended = run(f"{server.url}/in.ipynb", "out.ipynb")
    assert ended.code == 74
    assert words in ended.errors
    assert len(server.asked) == 1


def test_a_server_that_says_nothing_is_given_up(run, serve):
    def answer(asked):
        time.sleep(8)
        return 200, {}, HELLO

    server = serve(answer)
    ended = run(f"{server.url}/in.ipynb", "out.ipynb", PARLEY_STORAGE_TIMEOUT="1")
    assert ended.code == 74
    assert "no answer in time" in ended.errors


def test_nobody_listens(run):
    ended = run("http://127.0.0.1:9/in.ipynb", "out.ipynb", PARLEY_STORAGE_TIMEOUT="1")
    assert ended.code == 74
    assert "cannot read http://127.0.0.1:9/in.ipynb" in ended.errors


def test_what_is_too_large_is_not_fetched(run, serve):
    server = serve(lambda asked: (200, {"Content-Length": str(2 << 30)}, b""))
    ended = run(f"{server.url}/in.ipynb", "out.ipynb")
    assert ended.code == 74
    assert "larger than 1024 MiB" in ended.errors


def test_what_is_no_notebook_is_bad_input(run, serve):
    server = serve(lambda asked: (200, {}, b"<html></html>"))
    ended = run(f"{server.url}/in.ipynb", "out.ipynb")
    assert ended.code == 65


def test_no_secret_is_shown_or_recorded(run, serve, tmp_path):
    server = serve(lambda asked: (200, {}, HELLO) if asked.method == "GET" else (403, {}, b""))
    secret = server.url.replace("//", "//me:hunter2@") + "/in.ipynb?X-Amz-Signature=abcdef"
    ended = run(secret, str(tmp_path / "out.ipynb"))
    assert ended.code == 0, ended.errors
    assert server.asked[0].headers["authorization"].startswith("Basic ")
    assert server.asked[0].target.endswith("?X-Amz-Signature=abcdef")
    everything = (tmp_path / "out.ipynb").read_text() + ended.result_file.read_text() + ended.errors
    refused = run(secret, secret)
    assert refused.code == 74
    everything += refused.errors + refused.result_file.read_text()
    assert "hunter2" not in everything and "abcdef" not in everything


def test_netrc_has_the_password(run, serve, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    server = serve(lambda asked: (200, {}, HELLO) if "authorization" in asked.headers else (401, {}, b""))
    ended = run(f"{server.url}/in.ipynb", "out.ipynb")
    assert ended.code == 0, ended.errors


def test_the_proxy_of_the_environment_is_used(run, serve):
    proxy = serve(lambda asked: (200, {}, HELLO))
    ended = run("http://notebooks.invalid/in.ipynb", "out.ipynb", http_proxy=proxy.url)
    assert ended.code == 0, ended.errors
    assert proxy.asked[0].target == "http://notebooks.invalid/in.ipynb"


@pytest.fixture
def certificate(tmp_path):
    """A key and a certificate for 127.0.0.1 that nobody vouches for."""
    both = tmp_path / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", both, "-out", tmp_path / "ca.pem"],
        check=True, capture_output=True)
    both.write_text(both.read_text() + (tmp_path / "ca.pem").read_text())
    return both


def test_a_certificate_that_nobody_vouches_for_is_refused(run, serve, certificate):
    server = serve(lambda asked: (200, {}, HELLO), certificate=certificate)
    ended = run(f"{server.url}/in.ipynb", "out.ipynb")
    assert ended.code == 74
    assert "certificate" in ended.errors
    assert server.asked == []


def test_certificates_of_ones_own_are_named_by_the_environment(run, serve, certificate):
    shelf = Shelf({"/in.ipynb": HELLO})
    server = serve(shelf, certificate=certificate)
    authorities = str(certificate.with_name("ca.pem"))
    ended = run(f"{server.url}/in.ipynb", f"{server.url}/out.ipynb", SSL_CERT_FILE=authorities)
    assert ended.code == 0, ended.errors
    assert read(shelf.objects["/out.ipynb"]).metadata.parley.reason == "ok"


def test_a_redirect_from_https_to_http_is_not_followed(run, serve, certificate):
    server = serve(lambda asked: (302, {"Location": "http://127.0.0.1:9/in.ipynb"}, b""), certificate=certificate)
    ended = run(f"{server.url}/in.ipynb", "out.ipynb", SSL_CERT_FILE=str(certificate.with_name("ca.pem")))
    assert ended.code == 74
    assert len(server.asked) == 1 and "http" in ended.errors


def test_an_address_signed_for_put_alone_is_written_to(run, serve, tmp_path):
    (tmp_path / "in.ipynb").write_bytes(HELLO)
    shelf = Shelf()
    server = serve(lambda asked: shelf(asked) if asked.method == "PUT" else (403, {}, b""))
    ended = run("in.ipynb", f"{server.url}/out.ipynb?X-Amz-Signature=s")
    assert ended.code == 0, ended.errors
    assert server.methods() == ["HEAD", "PUT", "PUT"]
    assert read(shelf.objects["/out.ipynb?X-Amz-Signature=s"]).metadata.parley.reason == "ok"


def test_a_put_that_is_sent_elsewhere_is_refused(run, serve):
    def answer(asked):
        if asked.method == "GET":
            return 200, {}, HELLO
        return (404, {}, b"") if asked.method == "HEAD" else (307, {"Location": "http://other.invalid/x"}, b"")

    server = serve(answer)
    ended = run(f"{server.url}/in.ipynb", f"{server.url}/out.ipynb")
    assert ended.code == 74
    assert "it is at http://other.invalid/x; name that address" in ended.errors


def test_a_server_without_etags_and_head_is_written_to(run, serve):
    stored = []

    def answer(asked):
        if asked.method == "GET":
            return 200, {}, HELLO
        if asked.method == "HEAD":
            return 405, {}, b""
        stored.append(asked.body)
        return 201, {}, b""

    server = serve(answer)
    ended = run(f"{server.url}/in.ipynb", f"{server.url}/out.ipynb")
    assert ended.code == 0, ended.errors
    assert read(stored[-1]).metadata.parley.reason == "ok"
    assert not any("if-match" in asked.headers or "if-none-match" in asked.headers for asked in server.asked)


def test_a_write_whose_answer_is_lost_is_known_as_ours(run, serve):
    shelf = Shelf({"/in.ipynb": HELLO})
    lost = []

    def answer(asked):
        reply = shelf(asked)
        if asked.method == "PUT" and not lost:
            lost.append(asked)
            return None
        return reply

    server = serve(answer)
    ended = run(f"{server.url}/in.ipynb", f"{server.url}/out.ipynb")
    assert ended.code == 0, ended.errors
    assert read(shelf.objects["/out.ipynb"]).metadata.parley.reason == "ok"


def test_an_address_of_another_kind_is_refused_before_anything_runs(run):
    ended = run("gs://bucket/in.ipynb", "out.ipynb")
    assert ended.code == 64
    assert "http://, https:// or s3://" in ended.errors
