"""A real PostgreSQL server of a test's own: data and socket in a folder that goes with it."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

BINARIES = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/bin"), Path("/usr/local/bin")]


def folder_of_binaries():
    """The folder with initdb and pg_ctl; None when PostgreSQL is not installed."""
    return next((folder for folder in BINARIES if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


class PostgresServer:
    """Listens on a socket in its folder only; the user is `ada` with the password `s3cret&/x`."""

    PASSWORD = "s3cret&/x"

    def __init__(self):
        self.binaries = folder_of_binaries()
        # Short: the path of a socket has 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
        self.user = {}
        if os.geteuid() == 0:
            # The server refuses to run as root.
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self.user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        secret = self.folder / "password"
        secret.write_text(self.PASSWORD)
        secret.chmod(0o644)
        self._run("initdb", "-D", self.data, "-U", "ada", "-E", "UTF8", "--locale=C", "-A", "scram-sha-256",
                  "--pwfile", secret, "-N")
        self.start()

    @property
    def data(self):
        return self.folder / "data"

    def start(self):
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off -c max_connections=20"
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "30", "-o", options, "-l", self.folder / "log", "start")

    def stop(self):
        self._run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop", check=False)

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def uri(self, password="s3cret&%2Fx", database="postgres"):
        return f"postgresql://ada:{password}@/{database}?host={self.folder}"

    def _run(self, program, *arguments, check=True):
        # Into a file: the server inherits what pg_ctl prints to, and a pipe would never end.
        with open(self.folder / "output", "w+") as output:
            done = subprocess.run(
                [self.binaries / program, *map(str, arguments)], cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, timeout=60, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, **self.user)
            output.seek(0)
            assert not check or done.returncode == 0, (program, output.read())
