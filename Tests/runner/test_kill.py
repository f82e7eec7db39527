"""`kill -9` of the runner and of the language at any moment, full disks, folders that nobody can write.

The moments are drawn with a fixed seed. Whatever happens the output is a whole, valid notebook that says what happened.
"""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import nbformat
import pytest
from conftest import Run, notebook, parley, valid

CELLS = [
    "import time",
    *[f"print('begin {n}')\ntime.sleep(0.03)\ndisplay({n})\nprint('x' * 20000)" for n in range(1, 9)],
]
MOMENTS = [random.Random(f"moment {n}").random() for n in range(50)]


def recover(path):
    return subprocess.run([parley(), "recover", str(path)], capture_output=True, text=True, timeout=20)


def whole(number: int, cell) -> bool:
    """Whether the cell has put out all that it should, and nothing else."""
    if number == 0:
        return cell.outputs == []
    shown = [o.text if o.output_type == "stream" else o.data["text/plain"] for o in cell.outputs]
    return shown == [f"begin {number}\n", str(number), "x" * 20000 + "\n"]


class Reader(threading.Thread):
    """Reads the file over and over, as a front end or a sync program does."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.reads, self.broken = path, 0, []
        self._over = threading.Event()

    def run(self):
        while not self._over.wait(0.001):
            try:
                text = self.path.read_bytes()
            except FileNotFoundError:
                continue
            try:
                assert json.loads(text)["nbformat"] == 4
                self.reads += 1
            except Exception as problem:
                self.broken.append((repr(problem), len(text)))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        self._over.set()
        self.join()
        assert not self.broken


@pytest.fixture(scope="module")
def duration(tmp_path_factory):
    """What a run takes on this machine, so that the moments cover all of it and a little more."""
    began = time.monotonic()
    assert Run(tmp_path_factory.mktemp("first"), notebook(*CELLS)).wait().code == 0
    return (time.monotonic() - began) * 1.1


def languages(pid: int) -> list[int]:
    """The children of the runner."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text().split()]
        except OSError:
            pass
    return found


@pytest.mark.parametrize("moment", MOMENTS, ids=[f"{m:.3f}" for m in MOMENTS])
def test_the_runner_is_killed(tmp_path, duration, moment):
    with Reader(tmp_path / "out.ipynb"):
        going = Run(tmp_path, notebook(*CELLS))
        time.sleep(moment * duration)
        going.process.kill()
        going.process.communicate()
        if not going.output.exists():
            # Too early: nothing has been promised. The next run finds no trace that stands in its way.
            assert Run(tmp_path, notebook("1")).wait().code == 0
            return
        valid(going.output)
        if going.reason == "running":
            told = recover(going.output)
            assert told.returncode == 0, told.stderr
        # Killed after its last save: the record is whole, what is left of the journal changes nothing.
        elif (tmp_path / "out.ipynb.journal").exists():
            assert recover(going.output).returncode == 0
            assert going.reason == "ok"

    statuses, done = going.statuses, going.statuses.count("ok")
    assert statuses[:done] == ["ok"] * done
    assert statuses[done:] in (
        [], ["interrupted"] + ["not_reached"] * (len(CELLS) - done - 1), ["not_reached"] * (len(CELLS) - done)
    )
    assert going.reason == ("ok" if done == len(CELLS) and going.reason == "ok" else "platform_error")
    assert all(whole(n, cell) for n, cell in enumerate(going.notebook.cells[:done]))
    # Nothing that stays, besides what the killed process could not remove.
    assert not list(tmp_path.glob("out.ipynb.journal"))


@pytest.mark.parametrize("moment", MOMENTS, ids=[f"{m:.3f}" for m in MOMENTS])
def test_the_language_is_killed(tmp_path, duration, moment):
    with Reader(tmp_path / "out.ipynb") as reader:
        going = Run(tmp_path, notebook(*CELLS))
        time.sleep(moment * duration)
        victims = languages(going.process.pid)
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        going.wait()

    assert going.reason == going.result["reason"]
    # Before its handshake a language that dies has not started; after the last cell nobody needs it.
    code = {"ok": 0, "kernel_died": 138, "start_failed": 69}[going.reason]
    assert going.code == code == going.result["exit_code"]
    statuses, done = going.statuses, going.statuses.count("ok")
    if going.reason == "ok":
        assert done == len(CELLS)
    elif going.reason == "kernel_died":
        assert victims
        rest = ["not_reached"] * (len(CELLS) - done)
        assert statuses[done:] == rest or statuses[done:] == ["died"] + rest[1:]
        if "died" in statuses:
            assert going.outputs(done)[-1].output_type == "error"
    else:
        assert victims and done == 0
    cells = going.notebook.cells[:done]
    assert all(whole(n, cell) for n, cell in enumerate(cells))
    assert not list(tmp_path.glob("out.ipynb.*"))
    assert reader.reads > 0


# Disks

@pytest.fixture
def disk(tmp_path):
    """A small disk of its own; a function that mounts it."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = []

    def mount(options):
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(place)], capture_output=True).returncode:
            pytest.skip("file systems can only be mounted by root")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def command(tmp_path, disk):
    """Starts a run whose output is somewhere else. It ends before its disk goes."""
    runs = []

    def begin(output, *cells, **more):
        nbformat.write(notebook(*cells), tmp_path / "in.ipynb")
        words = [parley(), "run", "in.ipynb", str(output), "--result", "result.json"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        runs.append(subprocess.Popen(words, cwd=tmp_path, **pipes, **more))
        return runs[-1]

    yield begin
    for run in runs:
        run.kill()
        run.communicate()


def test_a_disk_that_fills_up_in_the_middle(tmp_path, disk, command):
    output = disk("size=600k") / "out.ipynb"
    with Reader(output) as reader:
        run = command(output, *["print('x' * 100000)"] * 12)
        _, told = run.communicate(timeout=30)
    assert run.returncode == 74 and "no space left" in told and str(output) in told
    assert json.loads((tmp_path / "result.json").read_text())["reason"] == "storage_error"
    # The last snapshot that found room, and no part of a later one.
    assert valid(output).metadata.parley.reason == "running"
    assert {p.name for p in output.parent.iterdir()} - {"out.ipynb.lock"} == {"out.ipynb", "out.ipynb.journal"}
    # What had been written can be had, once there is room to write it.
    kept = tmp_path / "kept"
    kept.mkdir()
    shutil.copy(output, kept)
    shutil.copy(f"{output}.journal", kept)
    assert recover(kept / "out.ipynb").returncode == 0
    statuses = [cell.metadata.parley.status for cell in valid(kept / "out.ipynb").cells]
    done = statuses.count("ok")
    assert statuses[:done] == ["ok"] * done and done > 0
    assert reader.reads > 0


def test_a_disk_that_has_room_again(tmp_path, disk, command):
    place = disk("size=2m")
    wait = "import os, time\nopen('begun', 'w').close()\nwhile not os.path.exists('go'): time.sleep(0.01)"
    run = command(place / "out.ipynb", wait, "print('x' * 400000)", "print('after')")
    deadline = time.monotonic() + 20
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    filler = place / "filler"
    with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    (tmp_path / "go").touch()
    # The journal line of the first cell could not be written; the last save can.
    filler.unlink()
    _, told = run.communicate(timeout=30)
    assert run.returncode == 0, told
    assert [c.metadata.parley.status for c in valid(place / "out.ipynb").cells] == ["ok"] * 3


def test_a_disk_nobody_can_write(tmp_path, disk, command):
    run = command(disk("ro,size=64k") / "out.ipynb", "open('ran', 'w')")
    _, told = run.communicate(timeout=20)
    assert run.returncode == 74 and "read-only" in told.lower()
    assert not (tmp_path / "ran").exists(), "no cell runs when its record cannot be kept"


def test_a_folder_without_permission(tmp_path, command):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    folder = tmp_path / "closed"
    folder.mkdir(0o500)
    run = command(folder / "out.ipynb", "open('ran', 'w')")
    _, told = run.communicate(timeout=20)
    assert run.returncode == 74 and "permission" in told.lower()
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_goes_away(tmp_path, command):
    folder = tmp_path / "gone"
    folder.mkdir()
    run = command(folder / "out.ipynb", f"import shutil\nshutil.rmtree({str(folder)!r})", "print(2)")
    _, told = run.communicate(timeout=30)
    assert run.returncode == 74 and "out.ipynb" in told
    assert json.loads((tmp_path / "result.json").read_text())["reason"] == "storage_error"
    assert not folder.exists(), "a folder that somebody has removed is not made again"


def test_a_limit_on_the_size_of_files(tmp_path, command):
    """What `ulimit -f` and batch systems set: a write beyond it is a signal that kills who does not expect it."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    output = tmp_path / "out.ipynb"
    with Reader(output) as reader:
        run = command(output, *["print('x' * 100000)"] * 6, preexec_fn=limit)
        _, told = run.communicate(timeout=30)
    assert run.returncode == 74, (run.returncode, told)
    assert "too large" in told
    assert valid(output).metadata.parley.reason == "running"
    assert reader.reads > 0
