"""Reads the files of cells.

    # %% name {"option": ...}
    code

Options: any key of an execute_request's content, and
    request     execute (default), complete, inspect, is_complete, history, comm_info, comm_msg, comm_open
    answers     what is replied to each input_request; two lists by kernel where they ask differently
    wait        text that has to appear in the outputs of this file before the next cell is sent
    interrupt   text; when it appears the kernel is interrupted
    normalise   names of further rules, see normalise.py
In a completion or inspection the cursor is at the character ¦.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "cells"
MARK = re.compile(r"^# %% +([\w-]+) *(\{.*\})?$", re.M)


@dataclass
class Cell:
    file: str
    name: str
    code: str
    options: dict = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.file}/{self.name}"


def read(path: Path) -> list[Cell]:
    parts = MARK.split(path.read_text("utf-8"))
    cells = [
        Cell(path.stem, name, code.strip("\n"), json.loads(options or "{}"))
        for name, options, code in zip(parts[1::3], parts[2::3], parts[3::3])
    ]
    names = [cell.name for cell in cells]
    assert cells and len(set(names)) == len(names), f"{path}: a name is used twice, or there is no cell"
    return cells


def read_all() -> dict[str, list[Cell]]:
    return {path.stem: read(path) for path in sorted(FOLDER.glob("*.txt"))}
