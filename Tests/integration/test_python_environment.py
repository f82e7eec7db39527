"""Which environment `%pip install` installs into: the one whose interpreter runs the cells."""

import base64
import hashlib
import os
import subprocess
import sys
import zipfile

import pytest


@pytest.fixture
def wheel(tmp_path):
    """A package of one module, made here, so that nothing is fetched."""
    name = "parley_tiny-1.0"
    files = {
        "parley_tiny.py": "ANSWER = 42\n",
        f"{name}.dist-info/METADATA": "Metadata-Version: 2.1\nName: parley-tiny\nVersion: 1.0\n",
        f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text)}\n"
    files[f"{name}.dist-info/RECORD"] = record + f"{name}.dist-info/RECORD,,\n"
    path = tmp_path / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
    return path


@pytest.fixture
def environment(tmp_path):
    """An environment of its own that sees IPython of the one the tests run in."""
    folder = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=50)
    import IPython

    packages = os.path.dirname(os.path.dirname(IPython.__file__))
    site = next((folder / "lib").glob("python3*")) / "site-packages"
    (site / "seen.pth").write_text(packages + "\n")
    return folder, site


@pytest.mark.parametrize("variable", ["PARLEY_PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX"])
def test_pip_installs_where_the_cells_run(launch, environment, wheel, variable):
    folder, site = environment
    names = {name: None for name in ("PARLEY_PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX")}
    names[variable] = str(folder / "bin" / "python") if variable == "PARLEY_PYTHON" else str(folder)
    client = launch(env=names).client()
    assert client.run("import sys\nprint(sys.prefix)").ok().text() == f"{folder}\n"
    assert client.run("import parley_tiny").error["ename"] == "ModuleNotFoundError"
    run = client.run(f"%pip install --no-index --no-deps --disable-pip-version-check {wheel}", timeout=50).ok()
    assert "Successfully installed parley-tiny-1.0" in run.text(), run.transcript
    assert (site / "parley_tiny.py").exists()
    assert client.run("import parley_tiny\nparley_tiny.ANSWER").ok().outputs == [("execute_result", "42")]
