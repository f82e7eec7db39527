"""JupyterLab's debugger as a person uses it: the bug button, the gutter, the panel at the right."""

from selenium.webdriver.common.action_chains import ActionChains


class Debugger:
    def __init__(self, page):
        self.page = page

    # --- the button in the notebook's toolbar
    def button(self):
        return self.page.one(".jp-NotebookPanel-toolbar .jp-DebuggerBugButton")

    def enable(self):
        self.page.wait(lambda: self.button().get_attribute("aria-disabled") != "true", "the bug button can be pressed")
        self.button().click()
        self.wait_enabled()
        self.open_panel()

    def disable(self):
        self.button().click()
        self.page.wait(lambda: self.button().get_attribute("aria-pressed") == "false", "the debugger is off")

    def wait_enabled(self):
        self.page.wait(lambda: self.button().get_attribute("aria-pressed") == "true", "the debugger is on")

    # --- the cell
    def lines(self, cell):
        return self.page.all(".cm-line", self.page.code_cells()[cell])

    def gutter(self, cell):
        """the places for breakpoints, one a line; the first element in the page only gives the width"""
        return self.page.all(".cm-gutter.cm-breakpoint-gutter .cm-gutterElement", self.page.code_cells()[cell])[1:]

    def breakpoints(self, cell):
        return [number for number, place in enumerate(self.gutter(cell), 1)
                if self.page.all(".cm-breakpoint-icon, .cm-selected-breakpoint-icon", place)]

    def break_at(self, cell, line, off=False):
        """clicks beside a line"""
        self.page.wait(lambda: len(self.gutter(cell)) == len(self.lines(cell)), f"cell {cell} takes breakpoints")
        ActionChains(self.page.driver).move_to_element(self.gutter(cell)[line - 1]).click().perform()
        self.page.wait(lambda: (line in self.breakpoints(cell)) != off,
                       f"line {line} has {'no' if off else 'a'} breakpoint")

    def current(self, cell):
        """the line that is marked as the one to come"""
        return [number for number, line in enumerate(self.lines(cell), 1)
                if "jp-DebuggerEditor-highlight" in line.get_attribute("class")
                or self.page.all(".jp-DebuggerEditor-highlight", line)]

    def wait_stopped_at(self, cell, line):
        self.page.wait(lambda: self.current(cell) == [line], f"cell {cell} is stopped at line {line}")

    # --- the panel
    def open_panel(self):
        if not any(panel.is_displayed() for panel in self.page.all("#jp-debugger-sidebar")):
            self.page.one("[data-id='jp-debugger-sidebar']").click()
        self.page.one("#jp-debugger-sidebar")

    def places(self):
        """where each frame is, as the callstack says it"""
        return [place.text for place in self.page.all(".jp-DebuggerCallstackFrame-location")]

    def callstack(self):
        """(function, line) of each frame, the innermost first"""
        names = [name.text for name in self.page.all(".jp-DebuggerCallstackFrame-name")]
        return list(zip(names, (int(place.rpartition(":")[2]) for place in self.places())))

    def variables(self):
        """name: value, as the panel has them"""
        found = {}
        for item in self.page.all(".jp-DebuggerVariables-body .jp-TreeItem"):
            names = self.page.all(".jp-DebuggerVariables-name", item)
            values = self.page.all(".jp-DebuggerVariables-detail", item)
            if names:
                found[names[0].text] = values[0].text if values else None
        return found

    def wait_variable(self, name, value):
        self.page.wait(lambda: self.variables().get(name) == value, f"{name} is shown as {value}")

    def press(self, command):
        """`continue`, `next`, ... beside the callstack"""
        self.page.one(f"#jp-debugger-sidebar [data-command='debugger:{command}']").click()

    def resume(self):
        """presses `continue` until nothing is stopped: a reloaded page draws the panel several times, and loses a click then"""
        def gone():
            if not self.callstack():
                return True
            self.press("continue")
            try:
                return self.page.wait(lambda: not self.callstack(), "nothing is stopped any more", 5)
            except AssertionError:
                return False

        self.page.wait(gone, "the code goes on")
