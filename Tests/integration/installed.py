"""The kernelspecs that `parley install` makes, where jupyter_client finds them, and jupyter_kernel_test on them."""

import functools
import os
import subprocess

from conftest import HOME
from parley_client import parley_binary

PREFIX = HOME / "prefix"
KERNELS = PREFIX / "share" / "jupyter" / "kernels"


@functools.cache
def installed_kernelspec(language: str) -> str:
    """The name of the kernelspec of a language; "parley" is the one that speaks them all."""
    chosen = [] if language == "parley" else [language]
    done = subprocess.run(
        [parley_binary(), "install", "--prefix", str(PREFIX), *chosen], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    os.environ["JUPYTER_PATH"] = str(KERNELS.parent)
    name = "-".join(["parley", *chosen])
    assert (KERNELS / name / "kernel.json").exists(), done.stdout
    return name


class Installed:
    """Stands before a class of jupyter_kernel_test: runs its tests on the kernelspec of `language`."""

    language: str
    support_iopub_welcome = True

    @classmethod
    def setUpClass(cls):
        cls.kernel_name = installed_kernelspec(cls.language)
        super().setUpClass()
