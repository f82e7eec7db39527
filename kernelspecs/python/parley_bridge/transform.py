"""IPython's input transformations, without their cost for cells that are plain Python.

IPython takes every cell apart into tokens to look for its own syntax, which costs a third of a short
cell's time. A cell without the characters that this syntax is made of cannot hold any.
"""

import re

from IPython.core.inputtransformer2 import TransformerManager, leading_empty_lines, leading_indent

# Magics, shell commands and help; quoting and calls by a line's first character; pasted prompts.
_IPYTHON_SYNTAX = re.compile(r"[!?%]|^[ \t\f]*[,;/]|>>>|\.\.\.|In \[|^\[(?:ins|nav)\]", re.MULTILINE)


class Transformers(TransformerManager):
    """The transformations of cells; line numbers stay those of the cell, also below blank lines."""

    def __init__(self):
        super().__init__()
        transforms = self.cleanup_transforms
        if leading_empty_lines in transforms:
            transforms[transforms.index(leading_empty_lines)] = _keep_line_numbers
        self._usual = self._lists()

    def _lists(self):
        return list(self.cleanup_transforms), list(self.line_transforms), list(self.token_transformers)

    def transform_cell(self, cell):
        """The cell as Python, as IPython's own method makes it."""
        if (cell[:1].isspace() or _IPYTHON_SYNTAX.search(cell) is not None
                or self.cleanup_transforms != self._usual[0] or self.line_transforms != self._usual[1]
                or self.token_transformers != self._usual[2]):
            return super().transform_cell(cell)
        return cell if cell.endswith("\n") else cell + "\n"


def _keep_line_numbers(lines):
    """Stands in for IPython's removal of leading blank lines, which shifts every line number.

    A cell magic still has to be in the first line; what it runs counts its own lines.
    """
    for first, line in enumerate(lines):
        if line.strip():
            break
    else:
        return lines
    code = lines[first:]
    if not first or code[0].startswith("%%"):
        return code
    return ["\n"] * first + leading_indent(code)
