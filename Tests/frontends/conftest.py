"""JupyterLab with the kernel installed, and a headless Chromium that looks at it.

Everything is made in a temporary folder: settings, data and the kernelspec of whoever runs this stay out of it.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import pytest
from selenium import webdriver

from lab import Lab

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN = "parley-frontend-tests"

# Without these, dialogs of JupyterLab's own cover the page, and cells that are out of sight have no outputs in it.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "notebook-extension/tracker": {"windowingMode": "none"},
}


@pytest.fixture(scope="session")
def parley():
    binary = os.environ.get("PARLEY_BIN")
    if not binary:
        pytest.fail("PARLEY_BIN has to name the parley binary; `make test-frontends` sets it")
    return binary


@pytest.fixture(scope="session")
def prefix(parley, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prefix")
    subprocess.run([parley, "install", "--prefix", str(folder)], check=True)
    return folder


@pytest.fixture(scope="session")
def server(prefix, tmp_path_factory):
    """(address, folder of notebooks) of a running JupyterLab"""
    home = tmp_path_factory.mktemp("home")
    notebooks = tmp_path_factory.mktemp("notebooks")
    runtime = home / "runtime"
    for name, setting in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(setting))
    environment = {
        **os.environ,
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_PATH": str(prefix / "share" / "jupyter"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        # The bridge's Python, as in an activated environment.
        "VIRTUAL_ENV": sys.prefix,
        "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root",
               f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={notebooks}"]
    log = open(home / "log", "wb")
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield address(process, runtime, home / "log"), notebooks
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def address(process, runtime, log):
    """The server chose its port; it writes it down once it listens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            try:
                return json.loads(path.read_text())["url"]
            except ValueError:  # caught while it was being written
                pass
        time.sleep(0.1)
    pytest.fail("JupyterLab did not start:\n" + log.read_text(errors="replace")[-3000:])


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    driver, browser = shutil.which("chromedriver"), shutil.which("chromium")
    if not driver or not browser:
        pytest.fail("chromium and chromedriver are needed; `make test-frontends` installs them")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--window-size=1240,1400", "--hide-scrollbars", "--disable-dev-shm-usage",
                     f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(argument)
    if os.geteuid() == 0:  # Chromium's sandbox refuses to run as root
        options.add_argument("--no-sandbox")
    service = webdriver.ChromeService(executable_path=driver)
    browser = webdriver.Chrome(options=options, service=service)
    yield browser
    browser.quit()


@pytest.fixture
def lab(server, chromium, request):
    """Opens notebooks: lab(source, source, ...) writes one and returns the page on it, kernel Parley chosen."""
    url, folder = server
    opened = []

    def open_notebook(*sources):
        notebook = nbformat.v4.new_notebook(cells=[
            nbformat.v4.new_markdown_cell(source[3:]) if source.startswith("md:") else nbformat.v4.new_code_cell(source)
            for source in sources])
        name = request.node.name.removeprefix("test_") + ".ipynb"
        nbformat.write(notebook, folder / name)
        chromium.get(f"{url}lab/tree/{name}?token={TOKEN}&reset")
        page = Lab(chromium)
        opened.append(page)
        page.choose_kernel("Parley")
        return page

    yield open_notebook
    for page in opened:
        page.shut_down_kernel()
