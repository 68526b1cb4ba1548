"""The Node service of this folder, started for bench/compare: on a cluster that is there, with a Redis of its own."""
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def unavailable():
    """Why it cannot be compared with; empty: it can."""
    for tool, package in (("node", "nodejs"), ("npm", "npm"), ("redis-check-rdb", "redis-tools")):
        if not shutil.which(tool):
            return f"there is no {tool} (Debian's {package})"
    return ""


def install(folder):
    """Its packages, by npm's lock file, into `folder`; once."""
    folder = pathlib.Path(folder)
    lock = (HERE / "package-lock.json").read_text()
    done = folder / "installed"
    if not done.exists() or done.read_text() != lock:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder / name)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        done.write_text(lock)
    shutil.copy(HERE / "service.js", folder / "service.js")


class RedisServer:
    def __init__(self, folder):
        self.port = free_port()
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
                                        executable=shutil.which("redis-check-rdb"), stdout=subprocess.DEVNULL)
        deadline = time.time() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if time.time() > deadline:
                raise RuntimeError("Redis did not start")
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)


class NodeService:
    """`node`: the bench's first node, whose cluster, secret and token it uses. Sells the items that are there."""

    def __init__(self, node, folder, redis, workers, connections):
        self.node, self.token = node, node.token
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        secret = pathlib.Path(f"{node.data}/secret").read_text().strip()
        self.process = subprocess.Popen(
            ["node", "service.js"], cwd=folder, env={**os.environ, "PORT": str(port), "DATABASE": node.socket, "SECRET": secret,
                                                     "REDIS_PORT": str(redis.port), "WORKERS": str(workers), "CONNECTIONS": str(connections),
                                                     "NODE_ENV": "production"})
        deadline = time.time() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=2).read()
                return
            except OSError:
                if time.time() > deadline or self.process.poll() is not None:
                    raise RuntimeError("the Node service did not start") from None
                time.sleep(0.1)

    def effects(self):
        sold, entries, keys = self.node.sql("SELECT (SELECT coalesce(sum(quantity_sold), 0) FROM node.inventory), (SELECT count(*) FROM "
                                            "node.audit_logs), (SELECT count(*) FROM node.idempotency_keys)").split("|")
        return int(sold), int(entries), int(keys)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()


class OneAtATime:
    """Services by their number of processes, of which one stands at a time: what stands keeps its connections, and the
    database has not enough of them for all. `start`: makes one of a number."""

    def __init__(self, start):
        self.start, self.workers, self.service = start, None, None

    def of(self, workers):
        if self.workers != workers:
            self.stop()
            self.workers, self.service = workers, self.start(workers)
        return self.service

    def stop(self):
        if self.service:
            self.service.stop()
        self.workers, self.service = None, None
