"""The second lane: requests on descriptor 5, answered while a cell runs."""

import os
import sys
import threading

from .cells import untraced
from .frames import Closed, FrameReader

BUDGET = 0.12            # seconds a completion may take before the quick answer is given


class Lane:
    """A daemon thread that serves descriptor 5."""

    def __init__(self, bridge):
        self._bridge = bridge

    def start(self):
        """Starts the thread, if the server has opened the lane."""
        try:
            os.fstat(5)
        except OSError:
            return
        untraced(threading.Thread(target=self._run, name="parley-lane", daemon=True)).start()

    def _run(self):
        reader = FrameReader(5)
        try:
            while True:
                self._serve(*reader.next())
        except (Closed, OSError):
            # The server is gone. An idle main thread notices on its own; a busy one would go on.
            if self._bridge.output.current is not None and self._bridge.interrupts.running:
                os._exit(1)

    def _serve(self, head, content, buffers):
        bridge = self._bridge
        msg_type = head.get("msg_type", "")
        if head.get("subshell_id") is not None:
            bridge.subshells.put(head["subshell_id"], (head, content, buffers))
        elif msg_type == "subshell_close":
            bridge.subshells.close(content.get("subshell_id"))
        elif msg_type == "input_reply":
            bridge.inputs.answer(head.get("id"), content)
        elif msg_type == "debug_request":
            bridge.debug(head, content)
        elif msg_type.startswith("comm_"):
            bridge.loop.add_job(lambda: bridge.comm_from_lane(head, content, buffers))
        elif msg_type in ("complete_request", "inspect_request", "is_complete_request"):
            # The running cell gives up the interpreter lock only when asked to; ask more often.
            interval = sys.getswitchinterval()
            sys.setswitchinterval(0.0005)
            try:
                bridge.reply(head, self._answer(msg_type, content))
            finally:
                sys.setswitchinterval(interval)
        elif head.get("id") is not None and msg_type.endswith("_request"):
            bridge.reply(head, {"status": "error", "ename": "NotImplementedError",
                                "evalue": msg_type, "traceback": []})

    def _answer(self, msg_type, content):
        """The full answer if it is there in time, else the quick one where there is one."""
        bridge = self._bridge
        quick = getattr(bridge.shell, "complete_quickly", None)
        if msg_type != "complete_request" or quick is None:
            return bridge.answer(msg_type, content)
        result = []
        ready = threading.Event()

        def work():
            result.append(bridge.answer(msg_type, content))
            ready.set()

        untraced(threading.Thread(target=work, name="parley-complete", daemon=True)).start()
        if ready.wait(BUDGET):
            return result[0]
        code = content.get("code") or ""
        position = content.get("cursor_pos")
        try:
            return quick(code, len(code) if position is None else min(position, len(code)))
        except Exception:
            ready.wait()
            return result[0]
