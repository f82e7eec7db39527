"""python Tests/parity [FILE[/CELL]...]: runs the cells of these files in both kernels and prints what differs.

For a single cell both transcripts are printed in full.
"""

import sys
import tempfile
from pathlib import Path

import cells
import peers


def main():
    names = sys.argv[1:]
    total = differing = 0
    for name, group in cells.read_all().items():
        wanted = [n for n in names if n.partition("/")[0] == name]
        if names and not wanted:
            continue
        with tempfile.TemporaryDirectory(prefix="parity-") as folder:
            found = peers.run_both(group, Path(folder))
        for cell in group:
            theirs, ours = (found[kernel][cell.id] for kernel in ("ipykernel", "parley"))
            total += 1
            lines = peers.difference(theirs, ours)
            differing += bool(lines)
            if cell.id in wanted:
                lines = ["ipykernel:", *theirs, "", "Parley:", *ours]
            elif name not in wanted and names or not lines:
                continue
            print(f"\n=== {cell.id}")
            print("\n".join(line[:400] for line in lines), flush=True)
    print(f"\n{total} cells, {differing} differ")


main()
