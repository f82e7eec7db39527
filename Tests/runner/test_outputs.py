"""What cells put out is in the notebook: all of it, once, in its own cell and order."""

import nbformat
import pytest
from conftest import code, notebook


def test_text_is_folded_as_on_a_terminal(run):
    done = run(
        "import sys, time\nfor n in range(4):\n    sys.stdout.write(f'\\r{n * 25} %'); sys.stdout.flush(); time.sleep(0.05)\nprint()",
        "print('abc\\b\\bX')",
        "print('windows\\r\\nline')",
    )
    assert done.text(0) == "75 %\n"
    assert done.text(1) == "aX\n"
    assert done.text(2) == "windows\r\nline\n"


def test_text_and_displays_keep_their_order(run):
    done = run("print(1)\ndisplay('two')\nprint(3)\nimport sys\nprint(4, file=sys.stderr)\nprint(5)")
    assert [o.get("name", "display") for o in done.outputs(0)] == ["stdout", "display", "stdout", "stderr", "stdout"]


def test_a_display_is_updated_in_every_cell(run):
    done = run(
        "h = display('first', display_id='d')", "h2 = display('second', display_id='d')", "h.update('third')"
    )
    assert [o.data["text/plain"] for n in (0, 1) for o in done.outputs(n)] == ["'third'", "'third'"]
    assert done.outputs(2) == []
    assert "transient" not in done.outputs(0)[0]


def test_clear_output(run):
    done = run(
        "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('there')",
        "print('gone')\nclear_output(wait=True)\nprint('there')",
        "print('stays')\nclear_output(wait=True)",
    )
    assert [done.text(n) for n in range(3)] == ["there\n", "there\n", "stays\n"]


def test_late_output_is_its_own_cells(run):
    done = run(
        "import threading, time\ndef late():\n    go.wait(); print('late', flush=True); went.set()\n"
        "go, went = threading.Event(), threading.Event()\nthreading.Thread(target=late).start()",
        "print('now')\ngo.set(); went.wait()\nprint('then')",
    )
    assert done.text(0) == "late\n"
    assert done.text(1) == "now\nthen\n"


def test_several_languages(run):
    done = run("print('python')", "#!bash\necho bash", "print('python again')")
    assert [done.text(n) for n in range(3)] == ["python\n", "bash\n", "python again\n"]


def test_too_much_output_is_kept_beside_the_notebook(run):
    done = run("for n in range(40000): print(f'{n:049d}')", "print('small')", options=["--output-limit", "1"])
    assert done.code == 0 and done.text(1) == "small\n"
    marker = done.outputs(0)[-1].text
    assert "more bytes of output are not shown here" in marker and "out.ipynb.outputs" in marker
    whole = "".join(f"{n:049d}\n" for n in range(40000))
    assert (done.folder / "out.ipynb.outputs/cell-1.stdout.txt").read_text() == whole
    assert whole.startswith(done.text(0)) and len(done.text(0)) >= 1 << 20
    assert sorted(p.name for p in (done.folder / "out.ipynb.outputs").iterdir()) == ["cell-1.stdout.txt"]


def test_old_outputs_are_gone(run):
    cell = code("1/0")
    cell.outputs = [nbformat.v4.new_output("stream", text="old")]
    done = run("1/0", cell)
    assert done.outputs(1) == [] and done.notebook.cells[1].execution_count is None


def test_json_is_neither_joined_nor_split(run):
    done = run("display({'application/json': ['a', 'b'], 'text/plain': 'x'}, raw=True)")
    assert done.outputs(0)[0].data["application/json"] == ["a", "b"]


def test_widgets(run):
    pytest.importorskip("ipywidgets")
    done = run(
        "import ipywidgets as w\nslider = w.IntSlider(value=3)\ndisplay(slider)",
        "slider.value = 7",
        "out = w.Output()\nwith out: print('captured')\nout",
        "print(out.outputs[0]['text'])",
    )
    state = done.notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    model = done.outputs(0)[0].data["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert state[model]["model_name"] == "IntSliderModel" and state[model]["state"]["value"] == 7
    (captured,) = [m["state"]["outputs"] for m in state.values() if m["model_name"] == "OutputModel"]
    assert captured[0]["text"] == "captured\n"
    assert "captured" in done.text(3)


CELLS = [
    "import sys\nprint('out')\nprint('err', file=sys.stderr)\n41 + 1",
    "from IPython.display import HTML, SVG, Markdown, JSON, Latex\n"
    "display(HTML('<b>x</b>\\n<i>y</i>'), Markdown('# h'), Latex('$x$'), JSON({'a': [1, 2.5, None]}))",
    "display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"><g/></svg>'))",
    "h = display('a', display_id=True)",
    "h.update('b')\nNone",
    code("raise ValueError('h\u00e9 \U0001d11e')", "raises-exception"),
    "%%bash\necho from bash",
    "print('\\u2028 two lines\\x0b')\n'\u2603'",
]


@pytest.mark.parametrize("kernel", ["python3", "parley"])
def test_outputs_are_those_of_nbclient(run, kernel):
    nbclient = pytest.importorskip("nbclient")
    theirs = notebook(*CELLS, kernel="python3")
    nbclient.NotebookClient(theirs, kernel_name="python3").execute()
    done = run(*CELLS, kernel=kernel)
    assert done.code == 0, done.stderr
    for number, cell in enumerate(done.notebook.cells):
        assert normal(cell.outputs) == normal(theirs.cells[number].outputs), number


def normal(outputs):
    """Outputs for comparison: neighbouring text joined, stderr last since ipykernel reorders it, no frames of traceback."""
    joined = []
    for output in sorted(outputs, key=lambda o: o.get("name") == "stderr"):
        output = dict(output)
        output.pop("traceback", None)
        if joined and output["output_type"] == "stream" and joined[-1].get("name") == output["name"]:
            joined[-1]["text"] += output["text"]
        else:
            joined.append(output)
    return joined
