"""input() and getpass(): questions to the user."""

import builtins
import os
import select
import threading
from queue import SimpleQueue

from .cells import CELL
from .frames import Closed
from .hooks import when_imported
from .interrupts import TURNS


class Inputs:
    """Asks by ``input_request`` and waits for the ``input_reply``, interruptibly."""

    def __init__(self, output, not_implemented):
        self._output = output
        self._not_implemented = not_implemented
        self._id = 0
        self._asked = {}         # questions of other threads: id -> (cell, queue for the answer)
        self._poll = select.poll()
        self._poll.register(output.reader.fd, select.POLLIN)

    def install(self):
        """Replaces the builtin and the function of the getpass module."""
        builtins.input = self.input
        when_imported("getpass", self._patch_getpass)

    def _patch_getpass(self, module):
        module.getpass = self.getpass

    def input(self, prompt=""):
        """Read a line from the user, who is shown the prompt by the front end."""
        return self._ask(str(prompt), False)

    def getpass(self, prompt="Password: ", stream=None, **options):
        """Ask for a password; the front end hides it."""
        return self._ask(str(prompt), True)

    def _ask(self, prompt, password):
        output = self._output
        cell = CELL.get()
        name = "getpass" if password else "raw_input"
        if output.forked or cell is None or not cell.allow_stdin:
            raise self._not_implemented(
                "%s was called, but this frontend does not support input requests." % name)
        is_main = threading.current_thread() is threading.main_thread()
        if cell.ended or is_main and cell is not output.current:
            raise self._not_implemented("%s was called after its cell had ended." % name)
        output.flush()
        self._id += 1
        question = self._id
        content = {"prompt": prompt, "password": password}
        if is_main:
            with output.interrupts.guard:
                output.writer.send("input_request", content, question)
                content = self._wait(question)
        else:
            content = self._ask_in_thread(cell, question, content)
        status = content.get("status", "ok")
        if status == "error":
            raise self._not_implemented(content.get("evalue") or "no front end can answer")
        value = content.get("value", "")
        if status == "eof" or value == "\x04":
            raise EOFError
        return value

    def _ask_in_thread(self, cell, question, content):
        """A thread does not read requests: it names the cell, and the second lane has the answer."""
        answers = SimpleQueue()
        self._asked[question] = cell, answers
        turn = TURNS.get(threading.get_ident())
        try:
            if turn is not None:
                turn.question = lambda: answers.put(None)
            self._output.writer.send("input_request", content, question, request=cell.id)
            content = answers.get()
        finally:
            if turn is not None:
                turn.question = None
            self._asked.pop(question, None)
        if content is None:
            raise KeyboardInterrupt
        return content

    def answer(self, question, content):
        """An ``input_reply`` has come on the second lane."""
        asked = self._asked.get(question)
        if asked is not None:
            asked[1].put(content)

    def abandon(self, cell):
        """The cell has ended: its threads wait in vain."""
        cell.ended = True
        for owner, answers in list(self._asked.values()):
            if owner is cell:
                answers.put({"status": "error", "evalue": "input was not answered before the cell ended."})

    def _wait(self, question):
        output = self._output
        while True:
            frame = output.reader.next_new()
            if frame is None:
                with output.interrupts.opening():
                    self._poll.poll()
                try:
                    output.reader.fill()
                except Closed:
                    os._exit(0)
                continue
            head, content, _ = frame
            if head.get("msg_type") == "input_reply":
                if head.get("id") == question:
                    return content
            elif head.get("msg_type") != "ack":
                output.reader.put_back(frame)
