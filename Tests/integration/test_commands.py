"""The commands beside the kernel: what they print, what they leave behind, how they fail."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from parley_client import parley_binary

COMMANDS = ["kernel", "install", "uninstall", "languages", "new-language", "check-bridge", "doctor"]


@pytest.fixture
def parley(tmp_path):
    """Runs `parley` with a home of its own; returns the finished process."""
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)

    def run(*args, **variables):
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("XDG_", "JUPYTER_", "PARLEY_L"))
        }
        environment |= {"HOME": str(home)} | {name: str(value) for name, value in variables.items()}
        return subprocess.run(
            [parley_binary(), *map(str, args)], capture_output=True, text=True, timeout=60, env=environment, cwd=tmp_path
        )

    run.home = home
    run.data = home / ".local" / "share"
    run.kernels = run.data / "jupyter" / "kernels"
    return run


def failed(done, code):
    """The one line of a failure."""
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    (line,) = done.stderr.splitlines()
    assert line.startswith("parley: ")
    return line


# --- everywhere ---


def test_version_and_help(parley):
    version = parley("--version").stdout.strip()
    assert version and version[0].isdigit()
    assert all(name in parley("--help").stdout for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_version_and_help_of_each(parley, command):
    done = parley(command, "--help")
    assert done.returncode == 0 and f"parley {command}" in done.stdout and not done.stderr
    assert parley(command, "--version").stdout == parley("--version").stdout


@pytest.mark.parametrize(
    "args, hint",
    [
        (["nonsense"], "parley --help"),
        (["--nonsense"], "parley --help"),
        (["install", "--nonsense"], "parley install --help"),
        (["install", "--user", "--sys-prefix"], "parley install --help"),
        (["install", "--only"], "parley install --help"),
        (["run", "in.ipynb", "out.ipynb", "--execution-timeout", "soon"], "parley run --help"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_wrong_usage(parley, args, hint):
    assert failed(parley(*args), 64).endswith(f"; see `{hint}`")


# --- install and uninstall ---


def test_install_and_uninstall_for_the_user(parley):
    done = parley("install", "python")
    assert done.returncode == 0, done.stderr
    spec = json.loads((parley.kernels / "parley" / "kernel.json").read_text())
    assert spec["display_name"] == "Parley" and spec["language"] == "python"
    assert spec["interrupt_mode"] == "message" and spec["kernel_protocol_version"] == "5.6.0"
    assert os.path.isabs(spec["argv"][0]) and os.access(spec["argv"][0], os.X_OK)
    assert spec["argv"][1] == "kernel" and "{connection_file}" in spec["argv"]
    spec = json.loads((parley.kernels / "parley-python" / "kernel.json").read_text())
    assert spec["display_name"] == "Python (Parley)"
    assert spec["argv"][spec["argv"].index("--language") + 1] == "python"
    for logo in ("logo-32x32.png", "logo-64x64.png", "logo-svg.svg"):
        assert (parley.kernels / "parley-python" / logo).stat().st_size > 0
    assert not [path for path in parley.kernels.iterdir() if path.name.startswith(".")]

    (parley.kernels / "other").mkdir()
    assert parley("uninstall").returncode == 0
    assert [path.name for path in parley.kernels.iterdir()] == ["other"]
    assert not (parley.data / "parley").exists()
    assert "no kernelspec of Parley" in failed(parley("uninstall"), 66)


def test_again_replaces(parley):
    assert parley("install").returncode == 0
    (parley.kernels / "parley" / "left-over").write_text("")
    assert parley("install", "--display-name", "Mine").returncode == 0
    assert not (parley.kernels / "parley" / "left-over").exists()
    assert json.loads((parley.kernels / "parley" / "kernel.json").read_text())["display_name"] == "Mine"


def test_argv_is_the_stable_link(parley, tmp_path):
    link = parley.home / "bin" / "parley"
    link.symlink_to(parley_binary())
    path = f"{link.parent}:{os.environ['PATH']}"
    assert parley("install", PATH=path).returncode == 0
    assert json.loads((parley.kernels / "parley" / "kernel.json").read_text())["argv"][0] == str(link)


def test_environment(parley, tmp_path):
    environment = tmp_path / "venv"
    environment.mkdir()
    (environment / "pyvenv.cfg").write_text("")
    assert parley("install", "--sys-prefix", VIRTUAL_ENV=environment).returncode == 0
    file = environment / "share" / "jupyter" / "kernels" / "parley" / "kernel.json"
    assert os.path.isabs(json.loads(file.read_text())["argv"][0])
    (environment / "bin").mkdir()
    (environment / "bin" / "parley").symlink_to(parley_binary())
    assert parley("install", "--sys-prefix", VIRTUAL_ENV=environment).returncode == 0
    assert json.loads(file.read_text())["argv"][0] == "{prefix}/bin/parley"


def test_refusals(parley, tmp_path):
    assert "no language 'cobol'; known are " in failed(parley("install", "cobol"), 64)
    assert "no folder" in failed(parley("install", "--prefix", "/no/such/prefix"), 66)
    (tmp_path / "file").write_text("")
    assert "cannot make the folder" in failed(parley("install", "--prefix", tmp_path / "file"), 73)
    foreign = parley.kernels / "python3"
    foreign.mkdir(parents=True)
    (foreign / "kernel.json").write_text('{"argv": ["python"], "display_name": "Python 3", "language": "python"}')
    assert "another kernel" in failed(parley("install", "--name", "python3"), 64)
    assert "is not Parley's" in failed(parley("uninstall", "python3"), 64)
    assert "Python 3" in (foreign / "kernel.json").read_text()


def test_no_permission(tmp_path):
    prefix = tmp_path / "prefix"
    prefix.mkdir()
    prefix.chmod(0o555)
    # Root may write anywhere, so somebody else must try; the folders above must let them through.
    user = {"user": 65534} if os.geteuid() == 0 else {}
    for folder in [tmp_path, *tmp_path.parents][:3] if user else []:
        folder.chmod(0o755)
    try:
        done = subprocess.run(
            [parley_binary(), "install", "--prefix", str(prefix)], capture_output=True, text=True, timeout=60, **user
        )
    except PermissionError:
        pytest.skip("the executable is in a folder that only its owner may enter")
    assert "permission denied" in failed(done, 77)


# --- languages ---


def language(done, name):
    assert done.returncode == 0, done.stderr
    return next(entry for entry in json.loads(done.stdout) if entry["name"] == name)


def manifest(folder, **members):
    folder.mkdir(parents=True, exist_ok=True)
    members = {"bridge_protocol": 1, "language": folder.name, "argv": ["true"]} | members
    (folder / "bridge.json").write_text(json.dumps(members))
    return folder


def test_languages(parley, tmp_path):
    python = language(parley("languages", "--json"), "python")
    assert python["status"] == "installed" and os.access(python["interpreter"], os.X_OK)
    table = parley("languages").stdout.splitlines()
    assert table[0].split() == ["NAME", "ALIASES", "DISPLAY", "NAME", "KIND", "STATUS"]
    assert any(line.startswith("bash ") for line in table)


def test_missing_broken_and_foreign_languages_are_listed(parley, tmp_path):
    mine = tmp_path / "mine"
    manifest(
        mine / "far",
        argv=["{interpreter}"],
        interpreter={"names": ["no-such-program"]},
        install="fetch far",
    )
    manifest(mine / "bad", argv=[])
    foreign = parley.kernels / "julia-1.9"
    foreign.mkdir(parents=True)
    (foreign / "kernel.json").write_text('{"argv": ["julia"], "display_name": "Julia 1.9", "language": "Julia"}')
    done = parley("languages", "--json", PARLEY_LANGUAGES=mine)
    assert language(done, "far")["status"] == "missing" and "fetch far" in language(done, "far")["problem"]
    assert language(done, "bad")["status"] == "broken" and "'argv'" in language(done, "bad")["problem"]
    assert language(done, "julia-1.9")["kind"] == "kernelspec" and language(done, "julia-1.9")["aliases"] == ["julia"]
    assert language(done, "python")["status"] == "installed"
    assert "fetch far" in parley("languages", PARLEY_LANGUAGES=mine).stdout


# --- doctor ---


def graded(done):
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert all(grade in ("OK", "WARN", "FAIL") for grade, _ in lines)
    return lines


def test_doctor_is_content(parley):
    assert parley("install").returncode == 0
    done = parley("doctor")
    lines = graded(done)
    assert done.returncode == 0 and not [text for grade, text in lines if grade == "FAIL"]
    for subject in ("libzmq: ", "OpenSSL: ", "runtime folder: ", "history: ", "python: ", "bash: ", "kernel parley: "):
        assert any(text.startswith(subject) for _, text in lines), subject


def test_doctor_finds_what_is_wrong(parley, tmp_path):
    assert parley("install").returncode == 0
    file = parley.kernels / "parley" / "kernel.json"
    spec = json.loads(file.read_text())
    spec["argv"][0] = "/gone/parley"
    file.write_text(json.dumps(spec))
    mine = manifest(tmp_path / "mine" / "bad", argv=[]).parent
    done = parley("doctor", PARLEY_LANGUAGES=mine, JUPYTER_RUNTIME_DIR="/proc/none", PARLEY_HISTORY=file)
    assert done.returncode == 1
    lines = graded(done)
    assert any(grade == "FAIL" and "/gone/parley" in text for grade, text in lines)
    assert any(grade == "FAIL" and text.startswith("bad: wrong manifest") for grade, text in lines)
    assert any(grade == "WARN" and text.startswith("runtime folder: /proc/none is not") for grade, text in lines)
    assert any(grade == "WARN" and text.startswith("history: ") for grade, text in lines)


def test_without_home_and_almost_without_environment(tmp_path):
    """A gateway may start us with PATH alone."""
    done = subprocess.run(
        [parley_binary(), "doctor"], capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"]}
    )
    assert done.returncode in (0, 1) and not done.stderr
    assert any(text.startswith("runtime folder: ") for _, text in graded(done))
