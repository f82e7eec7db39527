"""The output is whole at every moment, whatever ends the run."""

import json
import random
import signal
import stat
import subprocess
import time
from pathlib import Path

import nbformat
import pytest
from conftest import Run, notebook, parley, valid

SLEEP = "open('begun', 'w').close()\nimport time\ntime.sleep(60)"


def recover(path):
    return subprocess.run([parley(), "recover", str(path)], capture_output=True, text=True, timeout=20)


def test_nothing_is_left_beside_the_output(run):
    done = run("print(1)")
    assert sorted(p.name for p in done.folder.iterdir()) == ["in.ipynb", "out.ipynb", "result.json"]


def test_a_killed_run_is_recovered(start):
    going = start("print('one')", "print('two')", SLEEP, "print('four')").until("begun")
    going.process.kill()
    going.process.communicate()
    valid(going.output)
    told = recover(going.output)
    assert told.returncode == 0 and "cell 3 was running" in told.stdout
    assert going.statuses == ["ok", "ok", "interrupted", "not_reached"]
    assert going.text(0) == "one\n" and going.text(1) == "two\n"
    assert going.reason == "platform_error"
    assert not list(going.folder.glob("out.ipynb.*"))


def test_a_killed_run_leaves_no_process(start):
    going = start("import os\nopen('pid', 'w').write(str(os.getpid()))\n" + SLEEP).until("begun")
    going.process.kill()
    going.process.communicate()
    language = Path(f"/proc/{(going.folder / 'pid').read_text()}")
    deadline = time.monotonic() + 5
    while language.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not language.exists()


def test_nothing_to_recover(run):
    done = run("1")
    told = recover(done.output)
    assert told.returncode == 66 and "no journal" in told.stderr


def test_a_run_that_was_killed_before_its_journal_began(start):
    going = start(SLEEP).until("begun")
    going.process.kill()
    going.process.communicate()
    (going.folder / "out.ipynb.journal").unlink()
    told = recover(going.output)
    assert told.returncode == 0, told.stderr
    assert going.reason == "platform_error" and going.statuses == ["not_reached"]
    assert recover(going.output).returncode == 66


def test_a_running_run_is_not_recovered(start):
    going = start(SLEEP).until("begun")
    told = recover(going.output)
    assert told.returncode == 74 and f"process {going.process.pid}" in told.stderr


def test_a_journal_that_was_cut_short(start):
    going = start("print('one')", SLEEP).until("begun")
    going.process.kill()
    going.process.communicate()
    journal = going.folder / "out.ipynb.journal"
    text = journal.read_bytes()
    journal.write_bytes(text[:-5])
    assert recover(going.output).returncode == 0
    assert going.text(0) == "one\n"


@pytest.mark.parametrize("seed", range(8))
def test_kill_at_any_moment(tmp_path, seed):
    cells = [f"print({n})" for n in range(60)]
    going = Run(tmp_path, notebook(*cells))
    time.sleep(random.Random(seed).uniform(0, 1.2))
    going.process.kill()
    going.process.communicate()
    if not going.output.exists():
        return
    valid(going.output)
    if (tmp_path / "out.ipynb.journal").exists():
        assert recover(going.output).returncode == 0
    done = [cell for cell in going.notebook.cells if cell.metadata.parley.status == "ok"]
    for number, cell in enumerate(done):
        assert cell.outputs[0].text == f"{number}\n"
    assert not {"running", "pending"} & set(going.statuses) or going.reason == "running"


def test_a_reader_never_sees_a_part(start):
    going = start(*["print('x' * 200000)\nimport time; time.sleep(0.02)"] * 30)
    seen = 0
    while going.process.poll() is None:
        if going.output.exists():
            json.loads(going.output.read_bytes())
            seen += 1
    assert going.wait().code == 0 and seen > 10


def test_a_long_cell_is_saved_while_it_runs(start):
    going = start("print('early', flush=True)\nimport time\nfor n in range(90): time.sleep(0.1); print(n, flush=True)")
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if going.output.exists() and "early" in "".join(o.text for o in valid(going.output).cells[0].outputs):
            break
        time.sleep(0.1)
    assert going.reason == "running" and going.statuses == ["running"]
    going.process.send_signal(signal.SIGTERM)
    going.wait()


def test_one_run_writes_one_output(start, tmp_path):
    first = start(SLEEP).until("begun")
    before = first.output.read_bytes()
    second = subprocess.run(
        [parley(), "run", first.input, first.output], capture_output=True, text=True, cwd=tmp_path, timeout=20
    )
    assert second.returncode == 74
    assert "another run is writing" in second.stderr and f"process {first.process.pid}" in second.stderr
    assert first.output.read_bytes() == before


def test_mode_and_link_are_kept(tmp_path):
    place = tmp_path / "elsewhere.ipynb"
    nbformat.write(notebook("1"), place)
    place.chmod(0o640)
    (tmp_path / "out.ipynb").symlink_to("elsewhere.ipynb")
    done = Run(tmp_path, notebook("print(2)")).wait()
    assert done.code == 0
    assert (tmp_path / "out.ipynb").is_symlink()
    assert stat.S_IMODE(place.stat().st_mode) == 0o640
    assert valid(place).cells[0].outputs[0].text == "2\n"


def test_a_missing_folder(tmp_path):
    nbformat.write(notebook("open('ran', 'w')"), tmp_path / "in.ipynb")
    told = subprocess.run(
        [parley(), "run", "in.ipynb", "no/out.ipynb"], capture_output=True, text=True, cwd=tmp_path, timeout=20
    )
    assert told.returncode == 74 and "make the folder" in told.stderr
    assert not (tmp_path / "ran").exists()


def test_a_full_disk_keeps_the_last_snapshot(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("file systems can only be mounted by root")
    try:
        nbformat.write(notebook("print('x' * 2000000)"), tmp_path / "in.ipynb")
        told = subprocess.run(
            [parley(), "run", "in.ipynb", str(disk / "out.ipynb")],
            capture_output=True, text=True, cwd=tmp_path, timeout=20,
        )
        assert told.returncode == 74 and "no space left" in told.stderr
        assert valid(disk / "out.ipynb").metadata.parley.reason == "running"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_many_runs_at_once(tmp_path):
    runs = []
    for number in range(12):
        folder = tmp_path / str(number)
        folder.mkdir()
        runs.append(Run(folder, notebook(f"print({number})", "#!bash\necho $PPID")))
    for number, one in enumerate(runs):
        assert one.wait(50).code == 0, one.stderr
        assert one.text(0) == f"{number}\n"
