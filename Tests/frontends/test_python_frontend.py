"""What a person in JupyterLab does with Python beyond text: widgets, figures, progress bars, the debugger."""

import os
import pathlib
import re

from selenium.webdriver.common.keys import Keys

from debugger import Debugger

IMAGES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "images"
UPDATE = os.environ.get("UPDATE_SCREENSHOTS") == "1"

SLIDER = """\
import ipywidgets as widgets

slider = widgets.IntSlider(value=3, max=8, description='Planet')
moves = widgets.Output()

@moves.capture()
def moved(change):
    print('from', change['old'], 'to', change['new'])

slider.observe(moved, 'value')
display(slider, moves)"""

BUTTON = """\
button, presses = widgets.Button(description='Launch'), widgets.Output()

def pressed(which):
    with presses:
        print(which.description, 'pressed')

button.on_click(pressed)
display(button, presses)"""

INTERACT = """\
@widgets.interact(n=(0, 10))
def square(n=4):
    print(n, 'squared is', n * n)"""

PROGRESS = """\
from tqdm.notebook import tqdm

bar = tqdm(total=200, desc='Orbits', mininterval=0)
for _ in range(80):
    bar.update()"""


def handle(page, cell):
    return page.wait(lambda: page.all(".noUi-handle", page.code_cells()[cell]), f"cell {cell} has a slider")[0]


def readouts(page, cell):
    return [element.text for element in page.all(".widget-readout", page.code_cells()[cell])]


def test_widgets(lab):
    page = lab(SLIDER, "slider.value", BUTTON, INTERACT, PROGRESS, "bar.update(120)\nbar.close()")
    page.run_cell(0)
    handle(page, 0).send_keys(Keys.ARROW_RIGHT)
    page.wait(lambda: "from 3 to 4" in page.text(0), "the callback of the slider prints")
    handle(page, 0).send_keys(Keys.ARROW_RIGHT)
    page.wait(lambda: "from 4 to 5" in page.text(0), "the callback of the slider prints again")
    assert readouts(page, 0) == ["5"]
    page.run_cell(1)
    assert page.text(1) == "5"

    page.run_cell(2)
    button = page.one(".jupyter-button")
    for presses in (1, 2):
        button.click()
        page.wait(lambda: page.text(2).count("Launch pressed") == presses, f"press {presses} is said")

    page.run_cell(3)
    page.wait(lambda: "4 squared is 16" in page.text(3), "interact calls its function")
    handle(page, 3).send_keys(Keys.ARROW_LEFT)
    page.wait(lambda: "3 squared is 9" in page.text(3), "interact calls its function again")
    assert "16" not in page.text(3)

    page.run_cell(4)
    page.wait(lambda: "40%" in page.text(4) and "80/200" in page.text(4), "the bar is at 40 %")
    page.run_cell(5)
    page.wait(lambda: "100%" in page.text(4) and "200/200" in page.text(4), "the bar is full")
    fill = page.all(".progress-bar", page.code_cells()[4])[0]
    whole = fill.find_element("xpath", "..")
    page.wait(lambda: fill.size["width"] > 0.95 * whole.size["width"] > 0, "the bar is drawn to its end")
    if UPDATE:
        page.wait_idle()
        page.screenshot(IMAGES / "widgets.png")


def test_widgets_are_there_after_a_reload(lab):
    page = lab(SLIDER)
    page.run_cell(0)
    handle(page, 0).send_keys(Keys.ARROW_RIGHT)
    page.wait(lambda: "from 3 to 4" in page.text(0), "the callback prints")
    page.reload()
    page.wait(lambda: readouts(page, 0) == ["4"], "the slider stands where it stood")
    handle(page, 0).send_keys(Keys.ARROW_RIGHT)
    page.wait(lambda: "from 4 to 5" in page.text(0), "the callback prints")


def test_tqdm_advances_while_its_cell_runs(lab):
    page = lab("from tqdm.notebook import tqdm\n"
               "for orbit in tqdm(range(100)):\n    if orbit == 30:\n        input('Go on? ')")
    page.run_cell(0, wait=False)
    field = page.one(".jp-Stdin-input")
    percent = page.wait(lambda: re.search(r"(\d+)%", page.text(0)), "the bar shows a percentage")
    assert int(percent[1]) <= 30
    field.send_keys("yes", Keys.ENTER)
    page.wait_done([0])
    page.wait(lambda: "100%" in page.text(0) and "100/100" in page.text(0), "the bar is full")


def test_figures(lab):
    plot = "fig, ax = plt.subplots(figsize=(4, 2))\nax.plot([1, 4, 9, 16])"
    page = lab(f"import matplotlib.pyplot as plt\n{plot};", f"%matplotlib widget\n{plot};", "ax.plot([16, 9, 4, 1])\nfig.canvas.draw_idle()")
    page.run_cell(0)
    width, height = page.picture(0)
    assert width > 200 and height > 100

    page.run_cell(1)
    page.wait(lambda: colours(page, 1) > 1, "the canvas is drawn on")
    assert not page.error(1)
    before = ink(page, 1)
    page.run_cell(2)
    page.wait(lambda: ink(page, 1) > before, "the second line is drawn into the first cell's canvas")


def canvases(page, cell):
    return page.all(".jupyter-matplotlib-canvas-container canvas", page.code_cells()[cell])


def pixels(page, cell, reduce):
    """what a JavaScript expression over the first canvas' pixels (`data`) says, or 0 where there is no canvas yet"""
    found = canvases(page, cell)
    return page.driver.execute_script(
        "const c = arguments[0]; if (!c.width || !c.height) return 0;"
        "const data = new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer);"
        f"return {reduce};", found[0]) if found else 0


def colours(page, cell):
    return pixels(page, cell, "new Set(data).size")


def ink(page, cell):
    return pixels(page, cell, "data.filter(p => p !== 0xffffffff && p !== 0).length")


MEAN = """\
def mean(numbers):
    total = sum(numbers)
    count = len(numbers)
    return total / count

mean([1, 2, 6])"""


def test_debugger(lab):
    page = lab(MEAN, "'still ' + 'here'")
    debugger = Debugger(page)
    debugger.enable()
    debugger.break_at(0, 3)
    page.run_cell(0, wait=False)
    debugger.wait_stopped_at(0, 3)
    debugger.wait_variable("total", "9")
    assert "count" not in debugger.variables()
    assert debugger.callstack() == [("mean", 3), ("<module>", 6)]
    assert debugger.places() == ["Cell [*]:3", "Cell [*]:6"]  # not the names of temporary files
    if UPDATE:
        page.screenshot(IMAGES / "debugger.png", height=640)

    debugger.press("next")
    debugger.wait_stopped_at(0, 4)
    debugger.wait_variable("count", "3")
    debugger.press("continue")
    page.wait_done([0])
    assert page.text(0) == "3.0"
    page.wait(lambda: not debugger.callstack(), "nothing is stopped any more")

    # Without its breakpoint the cell runs through, and so does all after the debugger is off.
    debugger.break_at(0, 3, off=True)
    page.run_cell(0)
    debugger.disable()
    page.run_cell(1)
    assert page.text(1) == "'still here'"


def test_debugger_after_a_reload_at_a_breakpoint(lab):
    page = lab(MEAN)
    debugger = Debugger(page)
    debugger.enable()
    debugger.break_at(0, 3)
    page.run_cell(0, wait=False)
    debugger.wait_stopped_at(0, 3)
    page.reload()
    debugger.wait_enabled()
    # (The line is not marked again: JupyterLab asks where the kernel is stopped before its editors are there.)
    page.wait(lambda: debugger.callstack() == [("mean", 3), ("<module>", 6)], "the callstack is there again")
    debugger.wait_variable("total", "9")
    assert debugger.breakpoints(0) == [3]
    debugger.resume()
    page.wait_idle()


def test_interrupt_at_a_breakpoint(lab):
    page = lab(MEAN, "1 + 1")
    debugger = Debugger(page)
    debugger.enable()
    debugger.break_at(0, 3)
    page.run_cell(0, wait=False)
    debugger.wait_stopped_at(0, 3)
    page.interrupt()
    page.wait_done([0])
    assert "KeyboardInterrupt" in page.error(0)
    page.run_cell(1)
    assert page.text(1) == "2"
