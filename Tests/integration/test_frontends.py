"""The clients people use, each on a small polyglot notebook, from the installed kernelspec."""

import contextlib
import json
import os
import re
import subprocess
import sys
import urllib.request
import uuid

import nbformat
import pytest

from parley_client import Family, free_ports, poll

pytestmark = pytest.mark.slow

CELLS = [
    "#!bash\ngreeting='from bash'; echo $greeting",
    "x = 6 * 7\nx",
    "from IPython.display import HTML\nHTML('<b>rich</b>')",
    "#!bash\necho again $greeting",
    "print('python', x)",
]


def notebook(kernel_name: str, cells=CELLS, **tags):
    nb = nbformat.v4.new_notebook()
    nb.metadata["kernelspec"] = {"name": kernel_name, "display_name": "Parley", "language": "python"}
    for i, code in enumerate(cells):
        cell = nbformat.v4.new_code_cell(code)
        cell.metadata["tags"] = tags.get(f"cell{i}", [])
        nb.cells.append(cell)
    return nb


def outputs(nb) -> list:
    """Per code cell: the stream text and the richest of the rest."""
    result = []
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        text = "".join(o["text"] for o in cell.outputs if o.output_type == "stream")
        rich = [sorted(o["data"]) for o in cell.outputs if o.output_type in ("execute_result", "display_data")]
        result.append((text, rich))
    return result


EXPECTED = [
    ("from bash\n", []),
    ("", [["text/plain"]]),
    ("", [["text/html", "text/plain"]]),
    ("again from bash\n", []),
    ("python 42\n", []),
]


@pytest.fixture
def kernel_name(installed):
    return installed


@pytest.fixture
def family():
    """Marks all that a test starts; whoever is left afterwards fails it."""
    family = Family()
    os.environ.update(family.environment())
    yield family
    del os.environ[Family.VARIABLE]
    left = family.gone(3)
    family.kill()
    assert not left, f"left behind: {left}"


@pytest.fixture
def saved(tmp_path, kernel_name):
    path = tmp_path / "in.ipynb"
    nbformat.write(notebook(kernel_name), path)
    return path


def run(*argv, cwd):
    done = subprocess.run([sys.executable, "-m", *argv], cwd=cwd, capture_output=True, text=True, timeout=55)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


def test_nbclient(kernel_name, family, tmp_path):
    from nbclient import NotebookClient

    nb = notebook(kernel_name)
    NotebookClient(nb, kernel_name=kernel_name, timeout=30, iopub_timeout=2, raise_on_iopub_timeout=True).execute()
    assert outputs(nb) == EXPECTED
    assert [cell.execution_count for cell in nb.cells] == [1, 2, 3, 4, 5]
    nbformat.validate(nb)


def test_nbclient_stops_at_an_error(kernel_name, family):
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    nb = notebook(kernel_name, ["1", "#!bash\nexit 3", "'never'"])
    with pytest.raises(CellExecutionError):
        NotebookClient(nb, kernel_name=kernel_name, timeout=30).execute()
    assert nb.cells[1].outputs[-1].output_type == "error"
    assert nb.cells[2].outputs == []


def test_nbclient_allows_errors(kernel_name, family):
    from nbclient import NotebookClient

    nb = notebook(kernel_name, ["import os; os._exit(3)", "'after'", "#!bash\necho after"])
    NotebookClient(nb, kernel_name=kernel_name, timeout=30, allow_errors=True).execute()
    assert nb.cells[0].outputs[-1].output_type == "error"
    assert nb.cells[1].outputs[-1]["data"]["text/plain"] == "'after'"
    assert nb.cells[2].outputs[-1]["text"] == "after\n"


def test_nbclient_timeout_interrupts(kernel_name, family):
    from nbclient import NotebookClient

    nb = notebook(kernel_name, ["import time; time.sleep(60)", "'after'"])
    NotebookClient(nb, kernel_name=kernel_name, timeout=1, interrupt_on_timeout=True, allow_errors=True).execute()
    assert nb.cells[0].outputs[-1].ename == "KeyboardInterrupt"
    assert nb.cells[1].outputs[-1]["data"]["text/plain"] == "'after'"


def test_papermill_with_parameters(kernel_name, family, tmp_path):
    import papermill

    nb = notebook(kernel_name, ["alpha = 1\nname = 'default'", "print(alpha, name)", "#!bash\necho done"], cell0=["parameters"])
    nbformat.write(nb, tmp_path / "in.ipynb")
    papermill.execute_notebook(
        tmp_path / "in.ipynb",
        tmp_path / "out.ipynb",
        parameters={"alpha": 0.5, "name": "given"},
        kernel_name=kernel_name,
        progress_bar=False,
    )
    done = nbformat.read(tmp_path / "out.ipynb", 4)
    assert [text for text, _ in outputs(done)] == ["", "", "0.5 given\n", "done\n"]


def test_jupyter_execute(saved, family, tmp_path):
    run("jupyter", "execute", "--inplace", str(saved), cwd=tmp_path)
    assert outputs(nbformat.read(saved, 4)) == EXPECTED


def test_nbconvert(saved, family, tmp_path):
    run("jupyter", "nbconvert", "--to", "notebook", "--execute", "--output", "out.ipynb", str(saved), cwd=tmp_path)
    assert outputs(nbformat.read(tmp_path / "out.ipynb", 4)) == EXPECTED


def test_nbconvert_to_html(saved, family, tmp_path):
    run("jupyter", "nbconvert", "--to", "html", "--execute", str(saved), cwd=tmp_path)
    page = (tmp_path / "in.html").read_text()
    assert "again from bash" in page and "<b>rich</b>" in page


def test_console(kernel_name, family, tmp_path):
    import pexpect

    console = pexpect.spawn(
        sys.executable,
        ["-m", "jupyter_console", "--kernel", kernel_name, "--simple-prompt"],
        cwd=str(tmp_path),
        timeout=30,
        encoding="utf-8",
        env={**os.environ, "TERM": "dumb"},
    )
    try:
        console.expect(r"In \[1\]: ")
        console.sendline("6 * 7")
        console.expect(r"Out\[1\]: 42")
        console.expect(r"In \[2\]: ")
        console.sendline("x = input('name? ')")
        console.expect(r"name\? ")
        console.sendline("Ada")
        console.expect(r"In \[3\]: ")
        console.sendline("print('hello', x)")
        console.expect("hello Ada")
        console.expect(r"In \[4\]: ")
        console.sendline("1/0")
        console.expect("ZeroDivisionError")
        console.expect(r"In \[5\]: ")
        console.sendeof()
        console.expect(r"exit|\(\[?y\]?/n\)|\?")
        console.sendline("y")
        console.expect(pexpect.EOF)
    finally:
        console.close(force=True)


# --- jupyter_server ---


class Server:
    def __init__(self, folder):
        (self.port,) = free_ports(1)
        self.token = uuid.uuid4().hex
        self.log = folder / "server.log"
        self.base = f"http://127.0.0.1:{self.port}"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                    *(f"--port={self.port}", "--ServerApp.port_retries=0", "--ip=127.0.0.1"),
                    *(f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={folder}"),
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=folder,
            )
        poll(self.answers, 30, "jupyter_server")

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError):
            return self.request("GET", "/api/status")

    def request(self, method, path, body=None):
        request = urllib.request.Request(
            self.base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            text = response.read()
        return json.loads(text) if text else True

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def server(family, installed, tmp_path):
    server = Server(tmp_path)
    yield server
    server.stop()


V1 = "v1.kernel.websocket.jupyter.org"


class Browser:
    """The websocket as a browser speaks it, in either subprotocol."""

    def __init__(self, server, kernel_id, subprotocol):
        import websocket

        self.v1 = subprotocol == V1
        self.session = uuid.uuid4().hex
        self.socket = websocket.create_connection(
            f"ws://127.0.0.1:{server.port}/api/kernels/{kernel_id}/channels?session_id={self.session}",
            header=[f"Authorization: token {server.token}"],
            subprotocols=[subprotocol] if subprotocol else None,
            timeout=20,
        )
        assert self.socket.getsubprotocol() == subprotocol

    def send(self, channel, msg_type, content):
        header = {
            "msg_id": uuid.uuid4().hex,
            "session": self.session,
            "username": "u",
            "date": "2026-01-01T00:00:00.000000Z",
            "msg_type": msg_type,
            "version": "5.4",
        }
        if not self.v1:
            self.socket.send(
                json.dumps(
                    {
                        "channel": channel,
                        "header": header,
                        "parent_header": {},
                        "metadata": {},
                        "content": content,
                        "buffers": [],
                    }
                )
            )
        else:
            parts = [channel.encode(), *(json.dumps(part).encode() for part in (header, {}, {}, content))]
            offsets = [8 * (1 + len(parts) + 1)]
            for part in parts:
                offsets.append(offsets[-1] + len(part))
            head = b"".join(n.to_bytes(8, "little") for n in [len(offsets), *offsets])
            self.socket.send_binary(head + b"".join(parts))
        return header["msg_id"]

    def receive(self):
        """(channel, header, parent, content)"""
        data = self.socket.recv()
        if isinstance(data, str):
            m = json.loads(data)
            return m["channel"], m["header"], m["parent_header"], m["content"]
        assert self.v1, "binary frame in the old subprotocol"
        count = int.from_bytes(data[:8], "little")
        offsets = [int.from_bytes(data[8 * (i + 1) : 8 * (i + 2)], "little") for i in range(count)]
        parts = [data[a:b] for a, b in zip(offsets, [*offsets[1:], None])]
        header, parent, _, content = (json.loads(part) for part in parts[1:5])
        return parts[0].decode(), header, parent, content

    def execute(self, code):
        return self.finish(self.send("shell", "execute_request", {"code": code, "silent": False, "allow_stdin": False}))

    def finish(self, msg_id):
        """(reply content, IOPub entries) of a cell"""
        reply, entries = None, []
        while reply is None or "idle" not in entries:
            channel, header, parent, content = self.receive()
            if parent.get("msg_id") != msg_id:
                continue
            if channel == "shell":
                reply = content
            elif header["msg_type"] == "status":
                entries.append(content["execution_state"])
            elif header["msg_type"] == "stream":
                entries.append(content["text"])
            else:
                entries.append(header["msg_type"])
        return reply, entries

    def close(self):
        self.socket.close()


@pytest.mark.parametrize("subprotocol", [None, V1], ids=["old subprotocol", "v1 subprotocol"])
def test_jupyter_server(server, kernel_name, subprotocol):
    specs = server.request("GET", "/api/kernelspecs")["kernelspecs"]
    assert specs[kernel_name]["spec"]["display_name"] == "Parley"
    assert "logo-64x64" in specs[kernel_name]["resources"]
    kernel_id = server.request("POST", "/api/kernels", {"name": kernel_name})["id"]
    browser = Browser(server, kernel_id, subprotocol)
    try:
        for code, text in [("print('é')", "é\n"), ("#!bash\necho 'from bash'", "from bash\n")]:
            reply, entries = browser.execute(code)
            assert reply["status"] == "ok"
            assert entries == ["busy", "execute_input", text, "idle"]
        reply, entries = browser.execute("1/0")
        assert reply["ename"] == "ZeroDivisionError" and entries[2:] == ["error", "idle"]

        poll(
            lambda: server.request("GET", f"/api/kernels/{kernel_id}")["execution_state"] == "idle",
            10,
            "idle in the server's own view",
        )
        cell = browser.send("shell", "execute_request", {"code": "import time; time.sleep(60)", "silent": False})
        poll(
            lambda: server.request("GET", f"/api/kernels/{kernel_id}")["execution_state"] == "busy",
            10,
            "busy in the server's own view",
        )
        server.request("POST", f"/api/kernels/{kernel_id}/interrupt")
        assert browser.finish(cell)[0]["ename"] == "KeyboardInterrupt"
        assert browser.execute("6 * 7")[1] == ["busy", "execute_input", "execute_result", "idle"]

        server.request("POST", f"/api/kernels/{kernel_id}/restart")
        browser.close()
        browser = Browser(server, kernel_id, subprotocol)
        assert browser.execute("'x' in globals()")[1] == ["busy", "execute_input", "execute_result", "idle"]
    finally:
        browser.close()
    server.request("DELETE", f"/api/kernels/{kernel_id}")
    assert server.request("GET", "/api/kernels") == []


def test_kernelspec_files_are_served(server, kernel_name):
    resources = server.request("GET", "/api/kernelspecs")["kernelspecs"][kernel_name]["resources"]
    for path in resources.values():
        request = urllib.request.Request(server.base + path, headers={"Authorization": f"token {server.token}"})
        with urllib.request.urlopen(request, timeout=10) as response:
            assert len(response.read()) > 100


def test_jupyter_kernelspec_lists_it(kernel_name, tmp_path):
    listed = json.loads(run("jupyter", "kernelspec", "list", "--json", cwd=tmp_path).stdout)["kernelspecs"]
    spec = listed[kernel_name]["spec"]
    assert spec["interrupt_mode"] == "message"
    assert re.fullmatch(r"5\.6\.0", spec["kernel_protocol_version"])
    assert spec["metadata"]["supported_encryption"] == ["curve"]
