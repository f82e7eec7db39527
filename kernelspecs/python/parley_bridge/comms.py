"""Comm messages: what widgets in the front end and their objects here say to each other."""

import sys
import traceback

from .cells import CELL
from .hooks import when_imported


class Comms:
    """Connects the ``comm`` package, once a cell imports it, to the pipes."""

    def __init__(self, output):
        self._output = output
        self.manager = None

    def install(self):
        """Waits for the import of ``comm``."""
        when_imported("comm", self._take_over)

    def _take_over(self, comm):
        when_imported("comm.base_comm", lambda base: self._connect(comm, base))

    def _connect(self, comm, base):
        output = self._output

        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            content = {"data": {} if data is None else data, "comm_id": self.comm_id}
            content.update(keys)
            if not output.forked:
                output.publish(msg_type, content, metadata, buffers)

        class Comm(base.BaseComm):
            """A comm whose other end is a front end of Parley."""

        Comm.publish_msg = publish_msg

        class Manager(base.CommManager):
            """Tells the server which targets are open."""

            def register_target(self, target_name, f):
                super().register_target(target_name, f)
                output.writer.send("comm_target", {"target_name": target_name})

        manager = self.manager = Manager()
        def connect(_=None):
            comm.create_comm = Comm
            comm.get_comm_manager = lambda *args, **kwargs: manager

        def connect_old(module):
            module.BaseComm.publish_msg = publish_msg

        connect()
        # A cell may import ipykernel, which takes comms over, or use its own class of comms.
        when_imported("ipykernel.ipkernel", connect)
        when_imported("ipykernel.comm.comm", connect_old)

    def handle(self, head, content, buffers):
        """A message from the front end."""
        msg_type = head["msg_type"]
        if self.manager is None or (msg_type == "comm_open" and
                                    content.get("target_name") not in self.manager.targets):
            if msg_type == "comm_open":
                self._output.publish("comm_close", {"comm_id": content.get("comm_id"), "data": {}})
            return
        if msg_type != "comm_open" and content.get("comm_id") not in self.manager.comms:
            return       # closed in the meantime
        content.setdefault("data", {})
        cell = CELL.get()
        header = (cell.parent.get("header") if cell is not None else None) or {"msg_type": msg_type}
        message = {"header": header, "msg_id": header.get("msg_id"), "msg_type": msg_type,
                   "parent_header": {}, "metadata": head.get("metadata") or {}, "content": content,
                   "buffers": [memoryview(b) for b in buffers]}
        try:
            getattr(self.manager, msg_type)(None, None, message)
        except Exception:
            traceback.print_exc(file=sys.stderr)
