"""Fixtures: a private home for everything Jupyter writes, kernels, clients, an installed kernelspec."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

HOME = Path(tempfile.mkdtemp(prefix="parley-it-"))


def _private_environment():
    """Nothing that the tests start reads or writes the files of whoever runs them."""
    for name in list(os.environ):
        if name.startswith(("JUPYTER", "XDG_", "JPY_", "IPYTHON")) or name in (
            "VIRTUAL_ENV",
            "CONDA_PREFIX",
            "PYTHONPATH",
            "PYTHONSTARTUP",
            "BASH_ENV",
        ):
            del os.environ[name]
    places = {
        "HOME": "",
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "XDG_CACHE_HOME": ".cache",
        "XDG_RUNTIME_DIR": "run",
        "JUPYTER_CONFIG_DIR": "jupyter/config",
        "JUPYTER_DATA_DIR": "jupyter/data",
        "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
        "IPYTHONDIR": "ipython",
        "MPLCONFIGDIR": "matplotlib",
    }
    for name, place in places.items():
        folder = HOME / place
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        os.environ[name] = str(folder)
    os.environ["PARLEY_PYTHON"] = sys.executable
    os.environ["PATH"] = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]


_private_environment()

from parley_client import Kernel, parley_binary  # noqa: E402


def pytest_sessionfinish(session, exitstatus):
    shutil.rmtree(HOME, ignore_errors=True)


def pytest_report_header(config):
    return f"kernel under test: {parley_binary()}"


@pytest.fixture(scope="session")
def home() -> Path:
    return HOME


class Launcher:
    """Starts kernels and sees to it that all of them, and all of theirs, are gone at the end."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.kernels: list[Kernel] = []

    def __call__(self, **kw) -> Kernel:
        kernel = Kernel(self.folder, **kw)
        self.kernels.append(kernel)
        return kernel.start()

    def stop(self):
        failures = []
        for kernel in reversed(self.kernels):
            try:
                kernel.stop()
            except AssertionError as failure:
                failures.append(str(failure))
        assert not failures, "\n".join(failures)


@pytest.fixture
def launch(tmp_path):
    """launch(info=..., args=..., env=...) starts one more kernel for this test."""
    launcher = Launcher(tmp_path / "kernels")
    yield launcher
    launcher.stop()


@pytest.fixture(scope="module")
def _module_kernels(tmp_path_factory):
    launcher = Launcher(tmp_path_factory.mktemp("kernel"))
    yield launcher
    launcher.stop()


@pytest.fixture
def kernel(_module_kernels):
    """One kernel for all tests of a module; after a test that killed it the next one gets another."""
    living = [kernel for kernel in _module_kernels.kernels if kernel.is_running()]
    return living[-1] if living else _module_kernels()


@pytest.fixture
def client(kernel):
    """A fresh client on the module's kernel, ready to use."""
    client = kernel.client()
    yield client
    _calm(kernel, client)
    kernel.clients.remove(client)
    client.close()


def _calm(kernel, client):
    """A test that failed in mid-cell must not fail the next one: interrupts, and if need be ends, the kernel."""
    if not kernel.is_running():
        raise AssertionError("the kernel died" + kernel.describe())
    try:
        for _ in range(3):
            if client.ask("kernel_info_request", channel="control", timeout=3).content.get("execution_state") != "busy":
                return
            client.ask("interrupt_request", channel="control", timeout=3)
            client.settle(0.3)
    except AssertionError:
        pass
    kernel.process.kill()
    kernel.process.wait()


@pytest.fixture
def second(kernel, client):
    """A second client on the same kernel."""
    other = kernel.client()
    yield other
    kernel.clients.remove(other)
    other.close()


@pytest.fixture
def fresh(launch):
    """A client on a kernel of this test's own."""
    kernel = launch()
    client = kernel.client()
    client.kernel = kernel
    return client


# --- kernelspecs --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def specs(home) -> dict[str, str]:
    """A kernelspec folder made by hand: what jupyter_client starts, by language."""
    names = {"python": "parley-it", "bash": "parley-it-bash"}
    for language, name in names.items():
        folder = Path(os.environ["JUPYTER_DATA_DIR"]) / "kernels" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "kernel.json").write_text(
            json.dumps(
                {
                    "argv": [parley_binary(), "kernel", "-f", "{connection_file}", "--language", language],
                    "display_name": name,
                    "language": language,
                    "interrupt_mode": "message",
                    "kernel_protocol_version": "5.6.0",
                    "metadata": {"supported_encryption": ["curve"]},
                }
            )
        )
    return names


@pytest.fixture(scope="session")
def installed(home) -> str:
    """The name of the kernelspec that `parley install` registers for the polyglot kernel."""
    from installed import installed_kernelspec

    return installed_kernelspec("parley")


class Managed:
    """A kernel under jupyter_client's KernelManager and a client of it."""

    def __init__(self, name: str, **traits):
        from jupyter_client.manager import KernelManager

        from parley_client import Family

        self.family = Family()
        self.manager = KernelManager(kernel_name=name, **traits)
        self.manager.shutdown_wait_time = 5
        self.client = None

    def start(self, **kw):
        env = {**os.environ, **self.family.environment()}
        self.manager.start_kernel(env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kw)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=30)
        return self

    @property
    def pid(self) -> int:
        return self.manager.provisioner.process.pid

    def stop(self):
        if self.client:
            self.client.stop_channels()
        if self.manager.has_kernel:
            self.family.look(self.pid)
            self.manager.shutdown_kernel()
        left = self.family.gone(3)
        self.family.kill()
        assert not left, f"left behind: {left}"


@pytest.fixture
def managed(specs):
    """managed(language, **KernelManager traits) starts a kernel through jupyter_client."""
    started: list[Managed] = []

    def start(language: str = "python", **traits) -> Managed:
        kernel = Managed(specs[language], **traits)
        started.append(kernel)
        return kernel.start()

    yield start
    for kernel in started:
        kernel.stop()
