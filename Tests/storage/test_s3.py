"""s3 against moto with its check of signatures on: keys, credentials, versions, parts, and S3 that goes away."""

import json
import shutil
import time

import pytest

from conftest import large_notebook, notebook, read, text_of
from servers import Shelf

HELLO = notebook("echo hello")
ODD_KEYS = [
    "plain.ipynb", "with space.ipynb", "a+b=c.ipynb", "year=2026/month=01/x.ipynb", "ünï/日本語/😀.ipynb", "e\u0301.ipynb",
    "a//b///c.ipynb", "/leading.ipynb", "~tilde~.ipynb", "100%.ipynb", "%41%2F.ipynb", "a?b#c&d;e,f:g@h$i!*k'l(m).ipynb",
]


def test_a_notebook_is_read_and_its_output_written(run, moto):
    moto.put("in.ipynb", HELLO)
    ended = run("s3://notebooks/in.ipynb", "s3://notebooks/runs/out.ipynb", **moto.environment)
    assert ended.code == 0, ended.errors
    book = read(moto.get("runs/out.ipynb"))
    assert text_of(book) == ["hello\n"]
    assert book.metadata.papermill.output_path == "s3://notebooks/runs/out.ipynb"
    assert not list(ended.folder.glob("*.ipynb"))


@pytest.mark.parametrize("key", ODD_KEYS)
def test_odd_keys_are_read_and_written_where_boto3_has_them(run, moto, key):
    moto.put(f"in/{key}", HELLO)
    ended = run(f"s3://notebooks/in/{key}", f"s3://notebooks/out/{key}", **moto.environment)
    assert ended.code == 0, ended.errors
    assert text_of(read(moto.get(f"out/{key}"))) == ["hello\n"]


def test_an_existing_output_is_replaced(run, moto):
    moto.put("again.ipynb", HELLO)
    for _ in range(2):
        assert run("s3://notebooks/again.ipynb", "s3://notebooks/again.ipynb", **moto.environment).code == 0
    assert text_of(read(moto.get("again.ipynb"))) == ["hello\n"]


# Credentials ------------------------------------------------------------------------------------------------------


def test_a_wrong_secret_is_refused(run, moto):
    ended = run("s3://notebooks/in.ipynb", "out.ipynb", **{**moto.environment, "AWS_SECRET_ACCESS_KEY": "wrong-secret"})
    assert ended.code == 74
    assert "cannot read s3://notebooks/in.ipynb: SignatureDoesNotMatch" in ended.errors
    assert "AWS_SECRET_ACCESS_KEY" in ended.errors and "wrong-secret" not in ended.errors


def test_a_wrong_secret_for_the_output_is_told_before_the_first_cell(run, moto, tmp_path):
    (tmp_path / "in.ipynb").write_bytes(notebook(f"touch {tmp_path}/ran"))
    ended = run("in.ipynb", "s3://notebooks/x.ipynb", **{**moto.environment, "AWS_SECRET_ACCESS_KEY": "wrong-secret"})
    assert ended.code == 74
    assert "cannot write s3://notebooks/x.ipynb: SignatureDoesNotMatch" in ended.errors
    assert not (tmp_path / "ran").exists()


def test_an_unknown_key_is_refused(run, moto):
    ended = run("s3://notebooks/in.ipynb", "out.ipynb", **{**moto.environment, "AWS_ACCESS_KEY_ID": "AKIAUNKNOWN"})
    assert ended.code == 74
    assert "InvalidAccessKeyId" in ended.errors


def test_no_credentials_at_all(run):
    ended = run("s3://notebooks/in.ipynb", "out.ipynb")
    assert ended.code == 74
    assert "there are no AWS credentials" in ended.errors and "AWS_PROFILE" in ended.errors


def test_a_profile_names_credentials_region_and_endpoint(run, moto, tmp_path):
    moto.put("profile.ipynb", HELLO)
    (tmp_path / "credentials").write_text(
        f"[work]\naws_access_key_id = {moto.access}\naws_secret_access_key = {moto.secret}\n")
    (tmp_path / "config").write_text(f"[profile work]\nregion = us-east-1\nendpoint_url = {moto.url}\n")
    files = dict(AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "credentials"), AWS_CONFIG_FILE=str(tmp_path / "config"))
    ended = run("s3://notebooks/profile.ipynb", "out.ipynb", AWS_PROFILE="work", **files)
    assert ended.code == 0, ended.errors
    ended = run("s3://notebooks/profile.ipynb", "out.ipynb", AWS_PROFILE="other", **files)
    assert ended.code == 74 and "the AWS profile other is neither in" in ended.errors


def test_a_container_asks_its_endpoint(run, moto, serve, tmp_path):
    moto.put("container.ipynb", HELLO)
    (tmp_path / "token").write_text("let-me-in\n")
    answer = {"AccessKeyId": moto.access, "SecretAccessKey": moto.secret, "Token": "", "Expiration": "2099-01-01T00:00:00Z"}
    server = serve(lambda asked: (200, {}, json.dumps(answer).encode()))
    ended = run(
        "s3://notebooks/container.ipynb", "s3://notebooks/container-out.ipynb", AWS_ENDPOINT_URL=moto.url,
        AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{server.url}/role", AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(tmp_path / "token"))
    assert ended.code == 0, ended.errors
    # A store each for reading and writing, and the credentials of each hold for all its requests.
    assert [(asked.target, asked.headers["authorization"]) for asked in server.asked] == [("/role", "let-me-in")] * 2


def test_an_instance_asks_for_its_role_with_a_token(run, moto, serve):
    moto.put("instance.ipynb", HELLO)
    answer = {"AccessKeyId": moto.access, "SecretAccessKey": moto.secret, "Token": "", "Expiration": "2099-01-01T00:00:00Z"}
    root = "/latest/meta-data/iam/security-credentials/"

    def instance(asked):
        if asked.method == "PUT" and asked.target == "/latest/api/token":
            return 200, {}, b"session"
        if asked.headers.get("x-aws-ec2-metadata-token") != "session":
            return 401, {}, b""
        return 200, {}, {root: b"role", f"{root}role": json.dumps(answer).encode()}[asked.target]

    server = serve(instance)
    ended = run(
        "s3://notebooks/instance.ipynb", "out.ipynb", AWS_ENDPOINT_URL=moto.url, AWS_EC2_METADATA_DISABLED="false",
        AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url)
    assert ended.code == 0, ended.errors
    assert server.methods() == ["PUT", "GET", "GET"]


# What is missing --------------------------------------------------------------------------------------------------


def test_a_missing_notebook_is_a_missing_input(run, moto):
    ended = run("s3://notebooks/no.ipynb", "out.ipynb", **moto.environment)
    assert ended.code == 66
    assert "s3://notebooks/no.ipynb: NoSuchKey" in ended.errors and "check the key" in ended.errors


def test_a_missing_bucket_is_told_before_the_first_cell(run, moto, tmp_path):
    (tmp_path / "in.ipynb").write_bytes(notebook(f"touch {tmp_path}/ran"))
    ended = run("in.ipynb", "s3://no-such-bucket/out.ipynb", **moto.environment)
    assert ended.code == 74
    assert "NoSuchBucket" in ended.errors
    assert not (tmp_path / "ran").exists()


# Versions ---------------------------------------------------------------------------------------------------------


def test_of_two_runs_at_once_exactly_one_wins(begin, moto, gate):
    moto.put("race-in.ipynb", notebook("sleep 1; echo done"))
    arguments = ("s3://notebooks/race-in.ipynb", "s3://notebooks/race.ipynb")
    runs = [begin(*arguments, "--run-id", name, **moto.environment) for name in ("first", "second")]
    codes = sorted(run.end().code for run in runs)
    assert codes == [0, 74]
    winner = next(run for run in runs if run.code == 0)
    loser = next(run for run in runs if run.code == 74)
    assert read(moto.get("race.ipynb")).metadata.parley.run_id == winner.result["run_id"]
    # Whichever it meets first: the other's version when it writes, or the other's record when it begins a little later.
    assert any(text in loser.errors for text in ("somebody else has written it meanwhile", "it belongs to the run"))
    assert loser.result["reason"] == "storage_error"


def test_what_somebody_else_has_written_meanwhile_is_not_destroyed(begin, moto, gate):
    moto.put("theirs-in.ipynb", notebook(gate.cell))
    run = begin("s3://notebooks/theirs-in.ipynb", "s3://notebooks/theirs.ipynb", "--run-id", "mine", **moto.environment)
    run.wait_for(gate.arrived, "the cell")
    moto.put("theirs.ipynb", b"somebody else's")
    gate.open()
    run.end()
    assert run.code == 74
    assert moto.get("theirs.ipynb") == b"somebody else's"
    kept = run.folder / "theirs.mine.ipynb"
    assert str(kept) in run.errors
    assert text_of(read(kept.read_text())) == ["arrived\ngone\n"]


def test_an_output_that_was_removed_meanwhile_is_not_made_again(begin, moto, gate):
    moto.put("gone-in.ipynb", notebook(gate.cell))
    run = begin("s3://notebooks/gone-in.ipynb", "s3://notebooks/gone.ipynb", "--run-id", "mine", **moto.environment)
    run.wait_for(gate.arrived, "the cell")
    moto.s3.delete_object(Bucket="notebooks", Key="gone.ipynb")
    gate.open()
    run.end()
    assert run.code == 74, run.errors
    assert (run.folder / "gone.mine.ipynb").exists()


def test_s3_that_goes_away_loses_nothing(begin, own_moto, gate):
    own_moto.put("in.ipynb", notebook(gate.cell, "echo more"))
    run = begin(
        "s3://notebooks/in.ipynb", "s3://notebooks/out.ipynb", "--run-id", "mine",
        **{**own_moto.environment, "PARLEY_STORAGE_TIMEOUT": "2"})
    run.wait_for(gate.arrived, "the cell")
    own_moto.close()
    gate.open()
    run.end()
    assert run.code == 74
    assert run.result["reason"] == "storage_error" and run.result["exit_code"] == 74
    kept = run.folder / "out.mine.ipynb"
    assert f"the notebook is kept in {kept}" in run.errors
    book = read(kept.read_text())
    assert text_of(book) == ["arrived\ngone\n", "more\n"]
    assert [cell.metadata.parley.status for cell in book.cells] == ["ok", "ok"]
    assert book.metadata.parley.reason == "storage_error"


def test_a_failed_cell_stays_the_reason_in_the_kept_notebook(begin, own_moto, gate):
    own_moto.put("in.ipynb", notebook(gate.cell, "#!python\n1/0"))
    run = begin(
        "s3://notebooks/in.ipynb", "s3://notebooks/out.ipynb", "--run-id", "a/b",
        **{**own_moto.environment, "PARLEY_STORAGE_TIMEOUT": "1"})
    run.wait_for(gate.arrived, "the cell")
    own_moto.close()
    gate.open()
    run.end()
    assert run.code == 74
    assert "user_error in cell 2" in run.errors
    assert read((run.folder / "out.ab.ipynb").read_text()).metadata.parley.reason == "user_error"


def test_the_kept_notebook_goes_to_the_temporary_folder_when_the_present_one_is_gone(begin, own_moto, gate, tmp_path):
    own_moto.put("in.ipynb", notebook(gate.cell))
    (tmp_path / "tmp").mkdir()
    (tmp_path / "here").mkdir()
    run = begin(
        "s3://notebooks/in.ipynb", "s3://notebooks/out.ipynb", "--run-id", "x", "--cwd", str(tmp_path / "here"),
        **{**own_moto.environment, "PARLEY_STORAGE_TIMEOUT": "1", "TMPDIR": str(tmp_path / "tmp")})
    run.wait_for(gate.arrived, "the cell")
    shutil.rmtree(tmp_path / "here")
    own_moto.close()
    gate.open()
    run.end()
    assert run.code == 74
    assert text_of(read((tmp_path / "tmp/out.x.ipynb").read_text())) == ["arrived\ngone\n"]


def test_a_signal_saves_what_there_is(begin, moto, gate):
    moto.put("signal-in.ipynb", notebook(gate.cell))
    run = begin("s3://notebooks/signal-in.ipynb", "s3://notebooks/signal.ipynb", **moto.environment)
    run.wait_for(gate.arrived, "the cell")
    run.process.terminate()
    run.end()
    assert run.code == 143, run.errors
    book = read(moto.get("signal.ipynb"))
    assert book.metadata.parley.reason == "cancelled"
    assert text_of(book)[0].startswith("arrived\n")


def test_a_signal_waits_three_seconds_for_s3_that_went_away(begin, own_moto, gate):
    own_moto.put("in.ipynb", notebook(gate.cell))
    run = begin(
        "s3://notebooks/in.ipynb", "s3://notebooks/out.ipynb", "--run-id", "mine",
        **{**own_moto.environment, "PARLEY_STORAGE_TIMEOUT": "300"})
    run.wait_for(gate.arrived, "the cell")
    own_moto.close()
    run.process.terminate()
    run.end(timeout=30)
    assert run.code == 74
    assert read((run.folder / "out.mine.ipynb").read_text()).metadata.parley.reason == "cancelled"


def test_a_snapshot_comes_after_half_a_minute(begin, serve, gate):
    shelf = Shelf({"/bucket/in": notebook(gate.cell)})
    server = serve(shelf)
    run = begin(
        "s3://bucket/in", "s3://bucket/out", AWS_ENDPOINT_URL_S3=server.url, AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
    began = time.monotonic()
    run.wait_for(lambda: server.methods().count("PUT") == 2, "a snapshot", timeout=50)
    assert time.monotonic() - began > 28
    assert text_of(read(shelf.objects["/bucket/out"])) == ["arrived\n"]
    gate.open()
    run.end()
    assert run.code == 0, run.errors
    assert server.methods() == ["GET", "HEAD", "PUT", "PUT", "PUT"]


# Parts ------------------------------------------------------------------------------------------------------------


def test_more_than_64_mib_goes_in_parts(run, moto, tmp_path):
    (tmp_path / "in.ipynb").write_bytes(large_notebook())
    ended = run("in.ipynb", "s3://notebooks/large.ipynb", **moto.environment)
    assert ended.code == 0, ended.errors
    data = moto.get("large.ipynb")
    assert len(data) > 64 << 20 and text_of(read(data))[0] == "hello\n"
    assert moto.s3.head_object(Bucket="notebooks", Key="large.ipynb")["ETag"].endswith('-5"')
    assert "Uploads" not in moto.s3.list_multipart_uploads(Bucket="notebooks")
