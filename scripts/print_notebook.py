#!/usr/bin/env python3
"""print_notebook.py NOTEBOOK: prints a notebook, outputs included, readably in a terminal."""

import base64
import html
import json
import re
import struct
import sys
import textwrap

COLOUR = sys.stdout.isatty()
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def join(text):
    """nbformat allows a string or a list of lines wherever there is text."""
    return text if isinstance(text, str) else "".join(text)


def paint(text, code):
    return f"\x1b[{code}m{text}\x1b[0m" if COLOUR else text


def show(text, indent="    "):
    if not COLOUR:
        text = ANSI.sub("", text)
    print(textwrap.indent(text.rstrip("\n"), indent))


def kilobytes(size):
    return f"{size} bytes" if size < 1024 else f"{size / 1024:.1f} KiB"


def png_size(data):
    width, height = struct.unpack(">II", data[16:24])
    return f"{width} x {height}"


def html_as_text(source):
    """Rows of a table under each other, their cells in columns; other tags gone."""
    source = re.sub(r"(?s)<(style|script).*?</\1>", "", source)
    source = re.sub(r"\s*\n\s*", "", source)
    source = re.sub(r"</(tr|p|div|h\d|li)>|<br\s*/?>", "\n", source)
    source = re.sub(r"</t[dh]>", "\t", source)
    rows = [html.unescape(line).split("\t") for line in re.sub(r"<[^>]+>", "", source).splitlines()]
    widths = {}
    for row in rows:
        for column, cell in enumerate(row[:-1]):
            widths[column] = max(widths.get(column, 0), len(cell))
    return "\n".join("  ".join(f"{cell:{widths.get(column, 0)}}" for column, cell in enumerate(row)).rstrip() for row in rows)


def show_bundle(data):
    """The richest type that a terminal can show or tell of."""
    if "image/png" in data:
        image = base64.b64decode(join(data["image/png"]))
        show(paint(f"[image/png, {png_size(image)}, {kilobytes(len(image))}]", 36))
    elif "image/svg+xml" in data:
        show(paint(f"[image/svg+xml, {kilobytes(len(join(data['image/svg+xml'])))}]", 36))
    elif "text/html" in data:
        show(paint("[text/html]", 36))
        show(html_as_text(join(data["text/html"])))
    else:
        for kind in ("text/markdown", "text/plain"):
            if kind in data:
                show(join(data[kind]))
                return
        show(paint("[" + ", ".join(data) + "]", 36))


def show_output(output):
    kind = output["output_type"]
    if kind == "stream":
        text = join(output["text"])
        show(paint(text.rstrip("\n"), 33) if output["name"] == "stderr" else text)
    elif kind == "error":
        show("\n".join(output["traceback"]) or f"{output['ename']}: {output['evalue']}")
    else:
        show_bundle(output["data"])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        notebook = json.load(file)
    for cell in notebook["cells"]:
        source = join(cell["source"])
        print()
        if cell["cell_type"] != "code":
            print(paint(source, 1))
            continue
        prompt = f"In [{cell['execution_count'] or ' '}]: "
        print(paint(prompt, 32) + textwrap.indent(source, " " * len(prompt)).lstrip())
        for output in cell["outputs"]:
            show_output(output)


if __name__ == "__main__":
    main()
