"""Servers for the tests: one that is told what to answer and records what it is asked, a store on top of it, and moto."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass

import boto3


@dataclass
class Asked:
    method: str
    target: str
    headers: dict
    body: bytes


class Server:
    """`answer(asked)` returns (status, headers, body), or None to break the connection."""

    def __init__(self, answer, certificate=None):
        self.asked: list[Asked] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                outer.asked.append(asked)
                reply = answer(asked)
                if reply is None:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status, headers, content = reply
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_request

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def methods(self) -> list[str]:
        return [asked.method for asked in self.asked]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Shelf:
    """A store of objects by path, with ETags and conditions: WebDAV or S3, as far as it goes."""

    def __init__(self, objects=()):
        self.objects: dict[str, bytes] = dict(objects)

    @staticmethod
    def tag(body: bytes) -> str:
        return f'"{hashlib.md5(body).hexdigest()}"'

    def __call__(self, asked: Asked):
        present = self.objects.get(asked.target)
        if asked.method in ("GET", "HEAD"):
            return (404, {}, b"") if present is None else (200, {"ETag": self.tag(present)}, present)
        if asked.headers.get("if-none-match") == "*" and present is not None:
            return 412, {}, b""
        expected = asked.headers.get("if-match")
        if expected is not None and (present is None or expected != self.tag(present)):
            return 412, {}, b""
        self.objects[asked.target] = asked.body
        return 200, {"ETag": self.tag(asked.body)}, b""


class Moto:
    """moto's S3 in a process of its own. After the first three requests every signature is checked."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        environment = dict(os.environ, INITIAL_NO_AUTH_ACTION_COUNT="3")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/moto-api/data.json", timeout=5).read()
                break
            except OSError:
                assert time.monotonic() < deadline and self.process.poll() is None, "moto does not start"
                time.sleep(0.1)
        open_ = dict(endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        iam = boto3.client("iam", **open_)
        iam.create_user(UserName="runner")
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        iam.put_user_policy(UserName="runner", PolicyName="all", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName="runner")["AccessKey"]
        self.access, self.secret = key["AccessKeyId"], key["SecretAccessKey"]
        self.s3 = boto3.client(
            "s3", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id=self.access,
            aws_secret_access_key=self.secret)
        self.s3.create_bucket(Bucket="notebooks")

    @property
    def environment(self) -> dict:
        return {"AWS_ENDPOINT_URL_S3": self.url, "AWS_ACCESS_KEY_ID": self.access, "AWS_SECRET_ACCESS_KEY": self.secret}

    def get(self, key: str) -> bytes:
        return self.s3.get_object(Bucket="notebooks", Key=key)["Body"].read()

    def put(self, key: str, body: bytes):
        self.s3.put_object(Bucket="notebooks", Key=key, Body=body)

    def close(self):
        self.process.kill()
        self.process.wait(timeout=20)
