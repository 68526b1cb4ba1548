"""Programs of a trial: started with their output in a file, ended by their pid."""
import ctypes
import os
import pathlib
import pwd
import random
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def with_parent():
    """Called in the child: it is told to end when the trial dies, however that happens."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Program:
    """`as_postgres`: by the user postgres where we are root, as PostgreSQL refuses to run as root."""

    def __init__(self, name, command, log, as_postgres=False, environment=None, argv0=None):
        self.argv0 = argv0
        self.name, self.command, self.log = name, [str(part) for part in command], pathlib.Path(log)
        self.environment = {**os.environ, **(environment or {})}
        self.as_whom = {}
        if as_postgres and os.geteuid() == 0:
            postgres = pwd.getpwnam("postgres")
            self.as_whom = {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}
            self.environment["HOME"] = "/"
        self.process = None

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([self.argv0 or self.command[0], *self.command[1:]], executable=self.command[0],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                                            env=self.environment, preexec_fn=with_parent, **self.as_whom)
        return self

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """SIGKILL: as when the machine loses power, for this program."""
        if self.running:
            self.process.kill()
            self.process.wait()

    def ask_to_end(self):
        if self.running:
            self.process.terminate()

    def wait_for_end(self, seconds):
        try:
            self.process and self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def last_words(self, lines=15):
        text = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(f"    {self.name}: {line}" for line in text[-lines:])


def children_of(pid):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(entry.name))
        except (OSError, ValueError, IndexError):
            pass  # it ended meanwhile
    return found


def kill_postgres(data):
    """SIGKILL to a server and all its backends at once; nothing is flushed, nobody is told."""
    try:
        postmaster = int((pathlib.Path(data) / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    for pid in [postmaster, *children_of(postmaster)]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class FreePorts:
    """Ports of 127.0.0.1 that nobody listens on, none of them twice. Below what the system hands out to clients (Linux: from
    32768): a server that is killed finds its port free when it is started again."""

    def __init__(self):
        self.given = set()

    def take(self):
        while True:
            port = random.randrange(10000, 32000)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            if port not in self.given:
                self.given.add(port)
                return port


class TookTooLong(Exception):
    """A state was not reached in time."""


def await_state(what, reached, seconds=60.0, pause=0.05):
    """Until `reached()` is true; returns what it returned."""
    deadline = time.monotonic() + seconds
    while True:
        result = reached()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TookTooLong(f"after {seconds:.0f} s still not: {what}")
        time.sleep(pause)
