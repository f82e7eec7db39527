"""A person in JupyterLab with a polyglot notebook."""

import json
import os
import pathlib

import nbformat
from selenium.webdriver.common.keys import Keys

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "languages.ipynb"
SCREENSHOT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "images" / "jupyterlab.png"


def test_polyglot_notebook(lab):
    page = lab(
        "md:# Two languages, one notebook\nPython by default, Bash where the first line says so.",
        "planets = ['Mercury', 'Venus', 'Earth', 'Mars']\nlen(planets)",
        "#!bash\nhere=\"a shell\"\nfor n in 1 2 3; do echo \"line $n from $here\"; done",
        "import matplotlib.pyplot as plt\n\nfig, ax = plt.subplots(figsize=(5, 2))\n"
        "ax.bar(planets, [0.39, 0.72, 1, 1.52], color='#1f6f63')\nax.set_ylabel('distance, AU')\nplt.show()",
        "#!bash\ncat > box.svg <<EOF\n<svg xmlns='http://www.w3.org/2000/svg' width='120' height='40'>\n"
        "  <rect width='120' height='40' rx='8' fill='#e39b3b'/>\n</svg>\nEOF\ndisplay box.svg",
        "#!bash\necho \"still in $here\"",
        "planets[9]",
    )
    page.run_all()
    assert page.text(0) == "4"
    assert page.text(1).splitlines() == [f"line {n} from a shell" for n in (1, 2, 3)]
    width, height = page.picture(2)
    assert width > 200 and height > 100
    assert page.picture(3) == (120, 40)
    assert page.text(4) == "still in a shell"
    assert "IndexError" in page.error(5)
    page.wait_idle()
    if os.environ.get("UPDATE_SCREENSHOTS") == "1":
        page.screenshot(SCREENSHOT)


def test_input_is_asked_for_in_the_page(lab):
    page = lab("name = input('Who is there? ')\nprint('Hello,', name)")
    page.run_cell(0, wait=False)
    field = page.one(".jp-Stdin-input")
    assert "Who is there?" in page.one(".jp-Stdin-prompt").text
    field.send_keys("Ada", Keys.ENTER)
    page.wait_done([0])
    assert "Hello, Ada" in page.text(0)


def test_interrupt_button(lab):
    page = lab(
        "import time\nmark = 'kept'\nprint('begun', flush=True)\ntime.sleep(600)", "mark",
        "#!bash\nkept=yes; echo begun; sleep 600", "#!bash\necho \"kept: $kept\"")
    # Not before the cell's own code runs: an interrupt while the language still starts ends the cell unrun.
    page.run_cell(0, wait=False)
    page.wait(lambda: "begun" in page.text(0), "the Python cell runs")
    page.interrupt()
    page.wait_done([0])
    assert "KeyboardInterrupt" in page.error(0)
    page.run_cell(1)
    assert page.text(1) == "'kept'"

    page.run_cell(2, wait=False)
    page.wait(lambda: "begun" in page.text(2), "the Bash cell runs")
    page.interrupt()
    page.wait_done([2])
    page.run_cell(3)
    assert page.text(3) == "kept: yes"


def test_restart_button(lab):
    page = lab("x = 41\nx + 1", "'x' in globals()", "#!bash\ny=1", "#!bash\necho \"y: ${y:-gone}\"")
    page.run_all()
    assert page.text(0) == "42"
    assert page.text(1) == "True"
    assert page.text(3) == "y: 1"
    page.restart()
    # The page keeps the old prompts; that the count begins anew tells the new kernel from the old one.
    page.run_cell(1, wait=False)
    page.wait(lambda: page.prompt(1) == "[1]:", "the cell is the first of the new kernel")
    assert page.text(1) == "False"
    page.run_cell(3)
    assert page.text(3) == "y: gone"


def test_completion(lab):
    page = lab("import os")
    page.run_cell(0)
    page.type_at_end(0, "\nos.path.expand")
    assert any("expanduser" in item for item in page.complete(0)), page.describe()


def test_cells_behind_an_error_have_no_number(lab):
    page = lab("1 + 1", "1 / 0", "print('never')", "#!bash\necho never")
    page.run_all(wait=False)
    page.wait_done([0, 1])
    page.wait_idle()
    assert "ZeroDivisionError" in page.error(1)
    page.wait(lambda: [page.prompt(2), page.prompt(3)] == ["[ ]:", "[ ]:"], "what has not run shows no number")
    assert [page.text(2), page.text(3)] == ["", ""]


def test_a_running_cell_keeps_the_kernel_busy(lab, server):
    """whatever else is asked meanwhile, and in a page that is loaded again"""
    page = lab("import os, pathlib, time\nprint('begun', flush=True)\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.02)",
               "os.path.", "'after'")
    page.run_cell(0, wait=False)
    page.wait(lambda: "begun" in page.text(0), "the cell runs")
    page.type_at_end(1, "ex")
    assert any("expanduser" in item for item in page.complete(1))
    page.wait(lambda: page.status() == "busy", "the kernel is busy after a completion")
    page.press(Keys.ESCAPE)
    page.reload()
    page.type_at_end(1, "s")
    page.wait(lambda: page.status() == "busy", "the kernel is busy in the page that is loaded again")
    page.run_cell(2, wait=False)
    (server[1] / "go").touch()
    page.wait_done([2])
    page.wait_idle()
    assert page.text(2) == "'after'"


def test_every_language(lab, server):
    """examples/languages.ipynb, run in the browser; what it shows is read from the file that the page saves."""
    example = nbformat.read(EXAMPLE, 4)
    page = lab(*("md:" + cell.source if cell.cell_type == "markdown" else cell.source for cell in example.cells))
    page.run_all(wait=False)
    path = server[1] / "every_language.ipynb"

    def saved():
        page.menu("File", "docmanager:save")
        try:
            cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        except nbformat.reader.NotJSONError:
            return None     # just being written
        return cells if all(cell.execution_count for cell in cells) and page.status() == "idle" else None

    cells = page.wait(saved, "all cells have run and are saved", 600)
    shown = [json.dumps(cell.outputs) for cell in cells]
    assert not [text for text in shown if '"output_type": "error"' in text]
    assert not [cell.source for cell in cells if not cell.outputs]
    everything = "".join(shown)
    for part in ("129", "cheerful", "Neptune", "04a322f90ce45e3d", "versicolor", "image/png", "10.0", "Ada and Grace", "So Much To Say"):
        assert part in everything, part
