"""Fixtures: runs of `parley run` with nothing of the user's AWS settings, servers, notebooks in Bash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

sys.path.insert(0, str(Path(__file__).parent))
from servers import Moto, Server  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
for name in list(os.environ):
    if name.startswith(("AWS_", "BOTO", "JUPYTER", "PARLEY_S", "SSL_", "CURL_")) or name.lower().endswith("_proxy"):
        del os.environ[name]
# Nobody's credentials are looked for, and no instance is asked.
os.environ.update(
    AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE="/nonexistent/config",
    AWS_SHARED_CREDENTIALS_FILE="/nonexistent/credentials")


def notebook(*cells: str) -> bytes:
    book = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    return nbformat.writes(book).encode()


def large_notebook() -> bytes:
    """More than S3's one request takes from us: 65 MiB, and a cell."""
    cells = [v4.new_code_cell("echo hello"), v4.new_markdown_cell("x" * (65 << 20))]
    return nbformat.writes(v4.new_notebook(cells=cells)).encode()


def text_of(book) -> list[str]:
    return ["".join(output.get("text", "") for output in cell.get("outputs", [])) for cell in book.cells]


def read(data: bytes | str):
    book = nbformat.reads(data.decode() if isinstance(data, bytes) else data, as_version=4)
    nbformat.validate(book)
    return book


class Run:
    """One `parley run`, begun; `end()` waits for it."""

    def __init__(self, folder: Path, *arguments: str, **environment: str):
        self.folder = folder
        self.result_file = folder / f"result-{time.monotonic_ns()}.json"
        binary = os.environ.get("PARLEY_BIN") or str(ROOT / ".build/release/parley")
        command = [binary, "run", "-k", "parley", "-l", "bash", "--no-progress-bar", "--result", str(self.result_file)]
        variables = {**os.environ, "HOME": str(folder), "PARLEY_STORAGE_TIMEOUT": "10", **environment}
        variables.setdefault("PARLEY_LANGUAGES", str(ROOT / "kernelspecs"))
        self.process = subprocess.Popen(
            [*command, *arguments], cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def end(self, timeout: float = 60) -> "Run":
        output, errors = self.process.communicate(timeout=timeout)
        self.code, self.output, self.errors = self.process.returncode, output, errors.decode()
        self.result = json.loads(self.result_file.read_text()) if self.result_file.exists() else None
        return self

    def wait_for(self, condition, what: str, timeout: float = 30):
        deadline = time.monotonic() + timeout
        while not condition():
            assert self.process.poll() is None, f"ended before {what}: {self.process.stderr.read().decode()}"
            assert time.monotonic() < deadline, f"no {what} within {timeout} s"
            time.sleep(0.02)


@pytest.fixture
def begin(tmp_path):
    """begin(arguments, VARIABLE=...) -> Run"""
    runs = []

    def start(*arguments, **environment):
        runs.append(Run(tmp_path, *arguments, **environment))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate(timeout=10)


@pytest.fixture
def run(begin):
    return lambda *arguments, **environment: begin(*arguments, **environment).end()


@pytest.fixture
def serve():
    """serve(answer) -> Server"""
    servers = []

    def start(answer, **options):
        servers.append(Server(answer, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def moto():
    server = Moto()
    yield server
    server.close()


@pytest.fixture
def own_moto():
    """One that a test may kill."""
    server = Moto()
    yield server
    server.close()


@pytest.fixture
def gate(tmp_path):
    """A cell that says it runs, and goes on when the test says so."""

    class Gate:
        cell = f"echo arrived; touch {tmp_path}/arrived; until [ -e {tmp_path}/go ]; do sleep 0.05; done; echo gone"

        def arrived(self):
            return (tmp_path / "arrived").exists()

        def open(self):
            (tmp_path / "go").touch()

    return Gate()
