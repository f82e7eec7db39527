"""A JupyterLab page as the tests see it: what a person would click, type and read."""

import io
import re
import time

from PIL import Image
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait


class Lab:
    def __init__(self, driver):
        self.driver = driver

    # --- finding and waiting
    def wait(self, condition, what, seconds=60):
        """condition() until it is true; a redrawn page is looked at again"""
        waiting = WebDriverWait(self.driver, seconds, poll_frequency=0.05, ignored_exceptions=[StaleElementReferenceException])
        try:
            return waiting.until(lambda _: condition())
        except TimeoutException:
            raise AssertionError(f"not within {seconds} s: {what}\n{self.describe()}") from None

    def all(self, selector, root=None):
        return (root or self.driver).find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector, seconds=60):
        def visible():
            return next((element for element in self.all(selector) if element.is_displayed()), None)

        return self.wait(visible, f"{selector} is on the page", seconds)

    def describe(self):
        """the cells as text, for the message of a failure"""
        return "\n".join(f"--- {cell.text}" for cell in self.all(".jp-Notebook .jp-Cell"))[-3000:]

    # --- kernel
    def choose_kernel(self, name):
        """answers the dialog that a notebook without a kernelspec opens with"""
        dialog = self.one(".jp-Dialog select", 60)
        Select(dialog).select_by_visible_text(name)
        self.one(".jp-Dialog button.jp-mod-accept").click()
        self.wait(lambda: not self.all(".jp-Dialog"), "the kernel dialog is closed")
        self.wait_idle()
        shown = self.one(".jp-Toolbar-kernelName").text
        assert shown == name, shown

    def status(self):
        indicators = self.all(".jp-Notebook-ExecutionIndicator")
        return indicators[0].get_attribute("data-status") if indicators else None

    def wait_idle(self, seconds=60):
        self.wait(lambda: self.status() == "idle", "the kernel is idle", seconds)

    def toolbar(self, name):
        self.one(f".jp-NotebookPanel-toolbar [data-jp-item-name='{name}'] jp-button").click()

    def interrupt(self):
        self.toolbar("interrupt")

    def restart(self):
        self.toolbar("restart")
        self.one(".jp-Dialog button.jp-mod-accept").click()
        self.wait(lambda: not self.all(".jp-Dialog"), "the restart dialog is closed")

    def shut_down_kernel(self):
        self.menu("Kernel", "kernelmenu:shutdown")
        self.wait(lambda: "No Kernel" in self.one(".jp-Toolbar-kernelName").text, "the kernel is shut down")

    def reload(self):
        """the page anew, its notebook saved before; the kernel goes on meanwhile"""
        self.menu("File", "docmanager:save")
        self.wait(lambda: not self.all(".lm-DockPanel-tabBar .jp-mod-dirty"), "the notebook is saved")
        self.driver.refresh()
        self.wait(lambda: self.code_cells(), "the notebook is open again", 60)
        self.wait(lambda: self.status() in ("idle", "busy"), "the kernel is connected again", 60)

    # --- menus
    def menu(self, title, command):
        for label in self.all(".lm-MenuBar-itemLabel"):
            if label.text == title:
                label.click()
                break
        else:
            raise AssertionError(f"no menu {title}")
        self.one(f".lm-Menu-item[data-command='{command}']").click()

    # --- cells
    def code_cells(self):
        return self.all(".jp-Notebook .jp-CodeCell")

    def prompt(self, index):
        return self.all(".jp-InputPrompt", self.code_cells()[index])[0].text

    def run_all(self, wait=True):
        self.menu("Run", "runmenu:run-all")
        if wait:
            self.wait_done(range(len(self.code_cells())))

    def run_cell(self, index, wait=True):
        cell = self.code_cells()[index]
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", cell)
        self.all(".cm-content", cell)[0].click()
        self.all(".cm-content", cell)[0].send_keys(Keys.CONTROL, Keys.ENTER)
        if wait:
            self.wait_done([index])

    def wait_done(self, indices, seconds=60):
        for index in indices:
            self.wait(lambda: re.fullmatch(r"\[\d+\]:", self.prompt(index)), f"cell {index} is done", seconds)

    def text(self, index):
        """what the outputs of a code cell say"""
        return "\n".join(output.text for output in self.all(
            ".jp-Cell-outputArea > .jp-OutputArea-child > .jp-OutputArea-output", self.code_cells()[index]))

    def error(self, index):
        return "\n".join(output.text for output in self.all(
            ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error'],"
            ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']", self.code_cells()[index]))

    def picture(self, index):
        """(width, height) of the first picture of a cell, once the browser has decoded it"""
        def size():
            for image in self.all(".jp-OutputArea-output img", self.code_cells()[index]):
                if image.get_property("complete") and image.get_property("naturalWidth"):
                    return image.get_property("naturalWidth"), image.get_property("naturalHeight")
            return None

        return self.wait(size, f"cell {index} shows a picture")

    def source(self, index):
        return self.all(".cm-content", self.code_cells()[index])[0].text

    def type_at_end(self, index, text):
        cell = self.code_cells()[index]
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", cell)
        editor = self.all(".cm-content", cell)[0]
        editor.click()
        editor.send_keys(Keys.CONTROL, Keys.END)
        editor.send_keys(text)
        last = text.splitlines()[-1]
        self.wait(lambda: self.source(index).endswith(last), f"{last} is typed into cell {index}")

    def press(self, key):
        """a key for whatever has the focus"""
        self.driver.switch_to.active_element.send_keys(key)

    def complete(self, index):
        """presses Tab behind the text of a cell until the completer's list is there, and returns it"""
        cell = self.code_cells()[index]
        # JupyterLab waits one second for completions and then shows none; Python's first takes longer on a slow machine.
        # Tab indents until the page has noticed what was typed.
        for _ in range(20):
            self.wait(lambda: self.all(".jp-mod-completer-enabled", cell), f"cell {index} takes completions")
            self.press(Keys.TAB)
            items = self.offered_within(3)
            if items:
                return items
        raise AssertionError(f"nothing is offered in cell {index}\n{self.describe()}")

    def offered_within(self, seconds):
        """the completer's list, or nothing"""
        end = time.monotonic() + seconds
        while True:
            items = [item.text for item in self.all(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item")]
            if items or time.monotonic() > end:
                return items
            time.sleep(0.1)

    def screenshot(self, path, height=None):
        """the notebook without the file browser, its first cell at the top, down to its end or so high"""
        self.one(".jp-SideBar.jp-mod-left [data-id='filebrowser']").click()
        self.driver.execute_script("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
        end, page = self.driver.execute_script(
            "const bottom = s => document.querySelector(s).getBoundingClientRect().bottom;"
            "return [bottom('.jp-Notebook-footer') + innerHeight - bottom('#jp-main-dock-panel') + 20, innerHeight]")
        window = self.driver.get_window_size()
        self.driver.set_window_size(window["width"], window["height"] - page + min(page, round(height or end)))
        time.sleep(1)  # the page fades and scrolls
        try:
            picture = Image.open(io.BytesIO(self.driver.get_screenshot_as_png())).convert("RGB")
        finally:
            self.driver.set_window_size(window["width"], window["height"])
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.quantize(256).save(path, optimize=True)
