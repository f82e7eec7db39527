"""Fixtures: one bridge per test, and where to find interpreters with and without IPython."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge_driver import Bridge

ROOT = Path(__file__).resolve().parents[2]
KERNELSPECS = ROOT / "kernelspecs"


def python_with_ipython():
    """PARLEY_TEST_PYTHON, or the interpreter that runs the tests."""
    return os.environ.get("PARLEY_TEST_PYTHON", sys.executable)


def has(python, module):
    """Whether an interpreter can import a module."""
    return subprocess.run([python, "-c", "import " + module], stderr=subprocess.DEVNULL).returncode == 0


@pytest.fixture
def start(tmp_path):
    """Starts bridges by language; ends them after the test."""
    bridges = []

    def start(language, **variables):
        env = dict(os.environ, HOME=str(tmp_path), IPYTHONDIR=str(tmp_path / "ipython"))
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONSTARTUP", "MPLBACKEND"):
            env.pop(name, None)
        env.update(variables)
        bridge = Bridge.from_folder(KERNELSPECS / language, env=env, cwd=tmp_path)
        bridges.append(bridge)
        return bridge

    yield start
    for bridge in bridges:
        if bridge._fds:
            bridge.kill()


@pytest.fixture
def gate(tmp_path):
    """A file that work in the background waits for; the test makes it, by touch(), when the cell is over."""
    return tmp_path / "gate"


@pytest.fixture
def python(start):
    """A Python bridge with IPython."""
    if not has(python_with_ipython(), "IPython"):
        pytest.skip("needs IPython; name an interpreter in PARLEY_TEST_PYTHON")
    return start("python", PARLEY_PYTHON=python_with_ipython())


@pytest.fixture
def plain(start):
    """A Python bridge that must do without IPython."""
    return start("python", PARLEY_PYTHON=python_with_ipython(), PARLEY_PYTHON_PLAIN="1")
