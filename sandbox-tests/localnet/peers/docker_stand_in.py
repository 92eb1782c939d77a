#!/usr/bin/env python3
"""Stands in for Docker where tests start NEAR's sandbox as a container and there is no Docker, as near/intents' do.

It answers what the crate testcontainers asks of Docker (create, start, inspect, stop and delete a container), whatever the image
is named, and runs charter-localnet as a process in each container's place, started as the entry point of nearprotocol/sandbox
starts near-sandbox.

    python3 docker_stand_in.py charter-localnet 2375 &          # a binary or a script, and a free port
    ln -s "$PWD/docker_stand_in.py" ~/bin/docker                # for `docker rm -f -v ID`, with which the tests clean up
    PATH=~/bin:$PATH DOCKER_HOST=tcp://127.0.0.1:2375 cargo test

It listens on this machine only, and ends its chains when it is stopped. Python 3.9, nothing else.
"""

import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

START_SECONDS_MAX = 10


class Container:
    """A chain in a container's place."""

    def __init__(self, binary, environment):
        self.binary = binary
        self.environment = dict(line.split("=", 1) for line in environment)
        self.home = tempfile.mkdtemp(prefix="sandbox-")
        self.port = None
        self.process = None

    def start(self):
        root = self.environment.get("NEAR_ROOT_ACCOUNT", "sandbox")
        chain_id = self.environment.get("NEAR_CHAIN_ID", "sandbox")
        init = ["init", "--fast", "--account-id", root, "--test-seed", "sandbox", "--chain-id", chain_id]
        subprocess.run([self.binary, "--home", self.home, *init], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        run = ["run", "--rpc-addr", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen([self.binary, "--home", self.home, *run])
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the chain does not listen") from None
                time.sleep(0.02)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        if self.is_running():
            self.process.terminate()
            self.process.wait()

    def remove(self):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def inspected(self, container_id):
        health = "healthy" if self.is_running() else "unhealthy"
        state = {"Status": "running", "Running": self.is_running(), "Health": {"Status": health}}
        ports = {"3030/tcp": [{"HostIp": "0.0.0.0", "HostPort": str(self.port)}]}
        return {"Id": container_id, "State": state, "NetworkSettings": {"Ports": ports}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    binary = None
    containers = {}

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while True:
            length = int(self.rfile.readline(), 16)
            body += self.rfile.read(length)
            self.rfile.readline()
            if length == 0:
                return body

    def answer(self, status, value=None):
        self.send_response(status)
        content = b"" if value is None else json.dumps(value).encode()
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def handle_request(self):
        body = self.body()
        path = self.path.split("?")[0].strip("/").split("/")
        if path[0].startswith("v1"):
            path = path[1:]
        container = self.containers.get(path[1]) if path[0] == "containers" and len(path) > 1 else None
        request = (self.command, *path[:1], *path[2:])
        if path[0] in ("_ping", "version", "info"):
            self.answer(200, {"ApiVersion": "1.52", "Version": "29"})
        elif (self.command, path) == ("POST", ["containers", "create"]):
            container_id = uuid.uuid4().hex * 2
            self.containers[container_id] = Container(self.binary, json.loads(body).get("Env") or [])
            self.answer(201, {"Id": container_id, "Warnings": []})
        elif container is None:
            self.answer(404, {"message": f"{self.command} {self.path} is not known here"})
        elif request == ("POST", "containers", "start"):
            container.start()
            self.answer(204)
        elif request in (("POST", "containers", "stop"), ("POST", "containers", "kill")):
            container.stop()
            self.answer(204)
        elif request == ("GET", "containers", "json"):
            self.answer(200, container.inspected(path[1]))
        elif request == ("DELETE", "containers"):
            self.containers.pop(path[1]).remove()
            self.answer(204)
        else:
            self.answer(404, {"message": f"{self.command} {self.path} is not known here"})

    do_GET = do_POST = do_DELETE = handle_request


def remove(container_id):
    """What `docker rm -f -v ID` does."""
    server = os.environ["DOCKER_HOST"].replace("tcp://", "http://")
    urllib.request.urlopen(urllib.request.Request(f"{server}/containers/{container_id}", method="DELETE"))


def serve(binary, port):
    Handler.binary = binary
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        for container in Handler.containers.values():
            container.remove()


if __name__ == "__main__":
    if len(sys.argv) == 3:
        serve(sys.argv[1], int(sys.argv[2]))
    elif len(sys.argv) > 3 and sys.argv[1] == "rm":
        remove(sys.argv[-1])
    else:
        sys.exit(__doc__)
