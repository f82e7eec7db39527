"""order.py PARLEY PYTHON LIST: writes the functions that a kernel calls between its start and its end, in the order of
their first calls, while a client uses it in the ordinary way. PARLEY must have its symbols. See `make order`."""
import json
import os
import subprocess
import sys
import tempfile
import time

import zmq

from kernelbench.client import DELIM, Kernel, now

HERE = os.path.dirname(os.path.abspath(__file__))
CELLS = [
    "pass", "print('out')\nimport sys; print('err', file=sys.stderr)\n1 + 1", "1 / 0",
    "from IPython.display import HTML, display\nd = display(HTML('<b>'), display_id=True); d.update(HTML('<i>'))",
    "for i in range(3000): print(i)", "#!bash\necho $((1 + 1))", "x = 'ü'; x",
]
QUESTIONS = [
    ("shell", "kernel_info_request", {}), ("control", "kernel_info_request", {}), ("shell", "comm_info_request", {}),
    ("shell", "complete_request", {"code": "import os; os.pa", "cursor_pos": 16}),
    ("shell", "inspect_request", {"code": "print", "cursor_pos": 5, "detail_level": 0}),
    ("shell", "is_complete_request", {"code": "for x in y:"}),
    ("shell", "history_request", {"hist_access_type": "tail", "n": 10, "output": False, "raw": True}),
]


def use(kernel):
    client = kernel.cl

    def ask(channel, kind, content):
        client.wait_reply(client.send(channel, kind, content), now() + 60, channel)
        kernel.drain()

    for _ in range(3):
        for cell in CELLS:
            client.run(cell, 60)
        for question in QUESTIONS:
            ask(*question)
        client.hb.send(b"ping")
        client.recv("hb", now() + 10)
    cell = client.execute("import time\ntime.sleep(60)")
    time.sleep(1)
    kernel.interrupt()
    client.wait_reply(cell, now() + 20)
    cell = client.execute("x = input('?')", stdin=True)
    request = client.recv("stdin", now() + 20)
    client.send("stdin", "input_reply", {"value": "a", "status": "ok"}, parent=request[request.index(DELIM) + 2])
    client.wait_reply(cell, now() + 20)
    time.sleep(2)        # what it does when it has nothing to do


def main():
    parley, python, target = map(os.path.abspath, sys.argv[1:])
    with open(os.path.join(HERE, "kernels.json")) as file:
        spec = json.load(file)
    with tempfile.TemporaryDirectory(prefix="parley-order-") as work:
        tool, found = os.path.join(work, "touched"), os.path.join(work, "list")
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", tool, os.path.join(HERE, "touched.c")], check=True)
        kernel = dict(spec["kernels"]["parley"], env={"PARLEY_PYTHON": python})
        kernel["argv"] = [tool, found] + kernel["argv"]
        kernel = Kernel("parley", kernel, spec["languages"], {"parley": parley}, work)
        try:
            kernel.spawn(zmq.Context(), 1)
            kernel.ready()
            use(kernel)
            kernel.shutdown(20)
            kernel.proc.wait(20)
        finally:
            kernel.cleanup()
        with open(found) as file:
            names = dict.fromkeys(line.strip() for line in file)
    with open(target, "w") as file:
        file.write("".join(name + "\n" for name in names))
    print("%d functions in %s" % (len(names), target))


main()
