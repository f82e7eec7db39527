"""Plain Python passes by IPython's input transformations: never with another result than theirs."""

import ast
import sys
import sysconfig
from pathlib import Path

import pytest

pytest.importorskip("IPython")

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "kernelspecs" / "python"))
from IPython.core.inputtransformer2 import TransformerManager  # noqa: E402
from parley_bridge.transform import Transformers  # noqa: E402


class Counting(Transformers):
    """Counts the cells that IPython's own method had to look at."""

    def __init__(self):
        super().__init__()
        self.slow = 0

    def do_token_transforms(self, lines):
        self.slow += 1
        return super().do_token_transforms(lines)


def of_ipython(manager, cell):
    return TransformerManager.transform_cell(manager, cell)


def statements():
    """The statements of some modules of the standard library, each as a cell."""
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("[a-f]*.py")):
        source = path.read_text("utf-8")
        for node in ast.parse(source).body:
            cell = ast.get_source_segment(source, node)
            if len(cell) < 2000:
                yield cell


def test_plain_python_is_what_ipython_makes_of_it():
    ours = Counting()
    cells = list(statements())
    results = [ours.transform_cell(cell) for cell in cells]
    assert len(cells) > 500 and ours.slow < len(cells) / 3
    assert results == [of_ipython(ours, cell) for cell in cells]


@pytest.mark.parametrize("cell", [
    "%time 1", "x = %pwd", "!ls", "x = !ls", "len?", "?len", "/f 1", "  /f 1", ",f a", ";f a b", ">>> 1\n1", "... 1",
    "In [1]: 1", "[ins] In [1]: 1", "[nav] 1", "  x = 1\n  y = 2", "\n\n  x", "%%bash\nls", "if x:\n    !ls", "1 % 2", "'?'",
    "x\r\ny", "x\fy", "'''\n/ \n'''", "def f(:", "'open", "\ttab", "f(\n  ?", "x\n\n", "", " ", "# %%\nx",
])
def test_whatever_looks_like_more_goes_through_ipython(cell):
    ours = Transformers()
    assert ours.transform_cell(cell) == of_ipython(ours, cell)


def test_the_users_own_transformations_are_kept():
    ours = Transformers()
    ours.cleanup_transforms.append(lambda lines: [line.replace("one", "1") for line in lines])
    assert ours.transform_cell("one") == "1\n"
