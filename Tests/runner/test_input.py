"""Bad input is told with what is wrong, where, and what to do; nothing is run and nothing written."""

import json
import subprocess

import nbformat
import pytest
from conftest import notebook, parley


def attempt(tmp_path, text, *options, **more):
    (tmp_path / "in.ipynb").write_bytes(text if isinstance(text, bytes) else text.encode())
    return subprocess.run(
        [parley(), "run", "in.ipynb", "out.ipynb", *options],
        capture_output=True, text=True, cwd=tmp_path, timeout=20, **more,
    )


GOOD = json.loads(nbformat.writes(notebook("1")))

BAD = {
    "empty": ("", "the file is empty"),
    "text": ("print(1)", "not JSON: line 1, column 1"),
    "cut short": (nbformat.writes(notebook("1"))[:-20], "not JSON: line"),
    "conflict": ('{\n "cells": [\n<<<<<<< HEAD\n]}', "not JSON: line 3, column 1"),
    "bytes": (b'{"cells": ["\xff"]}', "not UTF-8"),
    "list": ("[]", 'no "nbformat"'),
    "object": ("{}", 'no "nbformat"'),
    "nbformat 3": (json.dumps({"nbformat": 3, "nbformat_minor": 0, "worksheets": []}), "jupyter nbconvert"),
    "nbformat 5": (json.dumps({**GOOD, "nbformat": 5}), "nbformat 5"),
    "no minor": (json.dumps({k: v for k, v in GOOD.items() if k != "nbformat_minor"}), "nbformat_minor"),
    "no cells": (json.dumps({k: v for k, v in GOOD.items() if k != "cells"}), '"cells" is missing'),
    "cell": (json.dumps({**GOOD, "cells": [1]}), "cell 1 is not an object"),
    "cell type": (json.dumps({**GOOD, "cells": [{"cell_type": "heading"}]}), 'cell_type "heading"'),
    "source": (json.dumps({**GOOD, "cells": [{"cell_type": "code", "source": 3}]}), '"source" is neither'),
    "deep": ("[" * 100000, "nested too deeply"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_notebooks(tmp_path, name):
    text, expected = BAD[name]
    told = attempt(tmp_path, text, "--result", "result.json")
    assert told.returncode == 65
    assert told.stderr.startswith("parley: in.ipynb: ") and expected in told.stderr
    assert told.stderr.count("\n") == 1
    assert not (tmp_path / "out.ipynb").exists()
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["reason"] == "bad_input" and result["exit_code"] == 65


def test_a_missing_input(tmp_path):
    told = subprocess.run(
        [parley(), "run", "none.ipynb", "out.ipynb"], capture_output=True, text=True, cwd=tmp_path, timeout=20
    )
    assert told.returncode == 66 and "none.ipynb" in told.stderr


@pytest.mark.parametrize(
    "options, code, expected",
    [
        (["--execution-timeout", "soon"], 64, "soon"),
        (["--kernel", "klingon"], 69, '"klingon" is not installed'),
        (["--language", "klingon"], 69, "klingon"),
        (["--cwd", "nowhere"], 66, "nowhere"),
        (["--result", "fd:99"], 64, "fd:99"),
        (["--events", "no/such/file"], 73, "no/such/file"),
    ],
)
def test_bad_options(tmp_path, options, code, expected):
    told = attempt(tmp_path, nbformat.writes(notebook("1")), *options)
    assert told.returncode == code and expected in told.stderr
    assert not (tmp_path / "out.ipynb").exists()


@pytest.mark.parametrize("place", ["s4://bucket/out.ipynb", "ftp://host/out.ipynb"])
def test_an_address_that_no_store_knows(tmp_path, place):
    nbformat.write(notebook("open('ran', 'w')"), tmp_path / "in.ipynb")
    told = subprocess.run(
        [parley(), "run", "in.ipynb", place], capture_output=True, text=True, cwd=tmp_path, timeout=20
    )
    assert told.returncode == 64 and place.split(":")[0] in told.stderr
    assert not (tmp_path / "ran").exists()


def test_standard_input_and_output(tmp_path):
    done = subprocess.run(
        [parley(), "run", "-", "-", "--log-output"], input=nbformat.writes(notebook("print('seen')")),
        capture_output=True, text=True, cwd=tmp_path, timeout=20,
    )
    assert done.returncode == 0
    read = nbformat.reads(done.stdout, 4)
    nbformat.validate(read)
    assert read.cells[0].outputs[0].text == "seen\n" and done.stderr == "seen\n"
    assert not list(tmp_path.iterdir())


def test_a_device_is_written_to_not_replaced(tmp_path):
    told = attempt(tmp_path, nbformat.writes(notebook("1")))
    assert told.returncode == 0
    done = subprocess.run(
        [parley(), "run", "in.ipynb", "/dev/null"], capture_output=True, text=True, cwd=tmp_path, timeout=20
    )
    assert done.returncode == 0
    with open("/dev/null", "rb") as null:
        assert null.read() == b""
