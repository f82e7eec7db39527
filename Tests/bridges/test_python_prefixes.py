"""What jedi offers is the same whether it looks at every name or, as in the bridge, at those that can match."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jedi")

BRIDGE = Path(__file__).resolve().parents[2] / "kernelspecs" / "python"
CODES = [
    "import os; os.pa", "import os; os.", "os.pa", "os.path.js", "os.PA", "pri", "Val", "in", "_", "__na",
    "x = [1]; x.ap", "'abc'.star", "{}.ite", "(1).re", "thing.f", "thing.n", "thing.__in", "Thing.", "Thing.fir", "thing.made.up",
    "import json; json.du", "import collections as c; c.Ord", "import logging.handlers as h; h.Sys", "import jso",
    "from os import getp", "from collections import OrderedDict, nam", "import xml.dom.mini", "made(len", "made(first=1, sec",
    "def f(argument):\n    loc = 1\n    def g():\n        nonlocal loc\n        lo", "class A(Thing):\n    def fir",
    "class B:\n    def __init__(self):\n        self.one = 1\n    def m(self):\n        self.on", "for item in range(3):\n    ite",
    "if 0:\n    hidden = 1\nhid", "try:\n    tried = 1\nexcept E:\n    tried = ''\ntri", "del thing\nthi", "lambda argu: arg",
    "import dataclasses\n@dataclasses.dataclass\nclass D:\n    alpha: int\n    beta: str\nD(al", "Made(alph", "Made(1, 'b').bet",
    "import subprocess; subprocess.Pop", "import enum\nclass E(enum.Enum):\n    RED = 1\nE.R", "Σο", "ΟΔΟΣ",
]
PROGRAM = '''
import sys
codes, changed, folder = eval(sys.stdin.read())
sys.path.insert(0, folder)
import jedi, jedi.api.completion
if changed:
    from parley_bridge import prefixes
    prefixes.install(jedi.api.completion)
    assert jedi.api.completion.Completion._complete_python.__module__ == "parley_bridge.prefixes"
exec("""
import os, dataclasses
class Thing:
    name = "x"
    def first(self, a, b=1): "Doc."
    @property
    def fine(self) -> str: return ""
    def made(self): return Thing()
def made(first, *, second=2): pass
@dataclasses.dataclass
class Made:
    alpha: int
    beta: str
thing = Thing()
\u039f\u0394\u039f\u03a3\u0391 = \u03a3\u03bf\u03c6\u03af\u03b1 = 1
""")
for sensitive in (True, False):
    for code in codes:
        jedi.settings.case_insensitive_completion = not sensitive
        found = jedi.Interpreter(code, [globals()]).complete()
        print(repr((sensitive, code, [(c.name_with_symbols, c.complete, c.type, [s.to_string() for s in c.get_signatures()]
                                       if c.type == "function" else None) for c in found if not c.name.startswith("__")])))
'''


def offered(changed):
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=repr((CODES, changed, str(BRIDGE))), capture_output=True,
                          text=True, encoding="utf-8", check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_every_completion_is_what_unchanged_jedi_makes_of_it():
    plain, changed = offered(False), offered(True)
    assert len(plain) == 2 * len(CODES)
    assert sum(not line.endswith("[])") for line in plain) > len(CODES)
    assert changed == plain
