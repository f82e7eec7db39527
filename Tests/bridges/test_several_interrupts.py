"""Several interrupts for one cell end it once, and nothing of them is left for the next cell.

The server's part (docs/bridge-protocol.md, section 7): SIGURG follows SIGINT, and before the cell that comes after an
interrupted one something harmless is asked, which takes an interrupt that is late.
"""

import os
import shutil
import signal

import pytest

from conftest import has, python_with_ipython

LANGUAGES = {      # an endless cell, the next one, which prints 1, and how the endless one ends
    "python": ("print('in', flush=True)\nwhile True: pass", "print(1)", "KeyboardInterrupt: "),
    "bash": ("echo in; while :; do :; done", "echo 1", "KeyboardInterrupt: "),
    "ruby": ("puts 'in'; loop {}", "puts 1", "Interrupt: interrupted"),
    "perl": ("print \"in\\n\"; while (1) {}", "print \"1\\n\"", "Interrupt: interrupted"),
    "lua": ("print('in') while true do end", "print(1)", "KeyboardInterrupt: interrupted!"),
    "tcl": ("puts in; while 1 {}", "puts 1", "KeyboardInterrupt: interrupted"),
    "r": ("cat('in\\n'); repeat {}", "cat('1\\n')", "KeyboardInterrupt: "),
    "octave": ("disp ('in'); fflush (stdout); while true, end", "printf ('1\\n')", "KeyboardInterrupt: "),
}
NEEDS = {"tcl": "tclsh", "r": "R", "octave": "octave-cli", "lua": "lua5.4"}


@pytest.fixture(params=LANGUAGES)
def language(request):
    if not shutil.which(NEEDS.get(request.param, request.param)):
        pytest.skip("needs %s" % request.param)
    if request.param == "python" and not has(python_with_ipython(), "IPython"):
        pytest.skip("needs IPython")
    return request.param


def interrupt(bridge):
    bridge.interrupt()
    os.kill(bridge.pid, signal.SIGURG)


def begin(bridge, code):
    cell = bridge.start_execute(code)
    bridge.pump(lambda: "in\n" in cell.text())
    return cell


def test_three_in_a_row(start, language):
    endless, following, error = LANGUAGES[language]
    bridge = start(language, PARLEY_PYTHON=python_with_ipython())
    for _ in range(30):
        cell = begin(bridge, endless)
        for _ in range(3):
            if cell.reply is None:
                interrupt(bridge)
                bridge._pump_once(0.0005)
        assert bridge.wait(cell).transcript == ["stdout: in\n", "error: " + error]
        bridge.settle()
        assert bridge.execute(following).transcript == ["stdout: 1\n"]
    assert bridge.late == []


def test_one_that_comes_when_the_cell_is_over(start, language):
    endless, following, _ = LANGUAGES[language]
    bridge = start(language, PARLEY_PYTHON=python_with_ipython())
    for _ in range(3):
        cell = begin(bridge, endless)
        interrupt(bridge)
        assert bridge.wait(cell).status == "error"
        # The process sees the signal and the question at the same moment, as it may on a busy machine.
        os.kill(bridge.pid, signal.SIGSTOP)
        interrupt(bridge)
        question = bridge.start("is_complete_request", {"code": ""})
        os.kill(bridge.pid, signal.SIGCONT)
        bridge.wait(question)
        assert bridge.execute(following).transcript == ["stdout: 1\n"]
