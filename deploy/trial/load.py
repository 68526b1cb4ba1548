"""Clients that sell pieces and keep their key until they are answered: what each request saw, attempt by attempt."""
import collections
import http.client
import json
import random
import socket
import threading
import time
import uuid

# Longer than the proxy waits for a node, and that is longer than a node takes at most.
ATTEMPT_SECONDS = 20
# The key must still be known when the last retry comes: far below key-lifetime.
GIVE_UP_SECONDS = 240
PAUSE_SECONDS = 0.05
MOST_PAUSE_SECONDS = 1.0

Attempt = collections.namedtuple("Attempt", "at what")  # what: a status, or how the connection failed
Sale = collections.namedtuple("Sale", "key quantity began answered attempts replayed")


class Unexpected(Exception):
    """An answer that no retry may turn into a good one."""


class Client(threading.Thread):
    def __init__(self, load, number):
        super().__init__(name=f"client {number}", daemon=True)
        self.load, self.random = load, random.Random(number)
        self.connection = None
        self.sales, self.unanswered, self.wrong = [], [], None

    def run(self):
        while not self.load.stopping.is_set():
            self.load.may_run.wait()
            try:
                self.sell()
            except Unexpected as wrong:
                self.wrong = str(wrong)
                return

    def sell(self):
        key, quantity = str(uuid.uuid4()), self.random.randint(1, 3)
        item = self.random.choice(self.load.items)
        began, attempts, pause = time.monotonic(), [], PAUSE_SECONDS
        while True:
            status, headers, body = self.attempt(item, key, quantity)
            now = time.monotonic()
            if status == 200:
                self.sales.append(Sale(key, quantity, began, now, attempts, headers.get("Idempotency-Status") == "replayed"))
                return
            attempts.append(Attempt(now, status))
            retry = isinstance(status, str) or status >= 500 or status == 429 or (status == 409 and b"in_progress" in body)
            if not retry:
                raise Unexpected(f"{status} to key {key}: {body[:300]!r}")
            if now - began > GIVE_UP_SECONDS:
                self.unanswered.append(key)
                return
            asked = headers.get("Retry-After")
            time.sleep(min(float(asked), MOST_PAUSE_SECONDS) if asked else pause)
            pause = min(2 * pause, MOST_PAUSE_SECONDS)

    def attempt(self, item, key, quantity):
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.load.port, timeout=ATTEMPT_SECONDS)
            self.connection.request("PATCH", f"/api/inventory/{item}", json.dumps({"decrement": quantity}),
                                    {"Authorization": f"Bearer {self.load.token}", "Idempotency-Key": key, "Content-Type": "application/json"})
            answer = self.connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException) as failure:
            self.connection.close()
            self.connection = None
            return self.how(failure), {}, b""

    @staticmethod
    def how(failure):
        if isinstance(failure, (socket.timeout, TimeoutError)):
            return "timeout"
        if isinstance(failure, ConnectionRefusedError):
            return "refused"
        return "connection lost"


class Load:
    def __init__(self, port, token, items, clients):
        self.port, self.token, self.items = port, token, items
        self.stopping, self.may_run = threading.Event(), threading.Event()
        self.may_run.set()
        self.clients = [Client(self, number) for number in range(clients)]

    def start(self):
        for client in self.clients:
            client.start()

    def stop(self):
        """Every key has its answer when this returns, or is among `unanswered`."""
        self.stopping.set()
        self.may_run.set()
        for client in self.clients:
            client.join(GIVE_UP_SECONDS + ATTEMPT_SECONDS)

    def raise_wrong(self):
        for client in self.clients:
            if client.wrong:
                raise Unexpected(client.wrong)

    def acknowledged(self):
        return sum(len(client.sales) for client in self.clients)

    def sales(self):
        return sorted((sale for client in self.clients for sale in list(client.sales)), key=lambda sale: sale.answered)

    def unanswered(self):
        return [key for client in self.clients for key in client.unanswered]


class Seen:
    """What clients saw between two moments; `fault`: when something was broken in between, if anything was."""

    def __init__(self, sales, begin, end, fault=None):
        self.sales = [sale for sale in sales if begin <= sale.answered < end]
        self.seconds = end - begin
        self.retried = sum(1 for sale in self.sales if sale.attempts)
        self.replayed = sum(1 for sale in self.sales if sale.replayed)
        failures = [attempt for sale in sales for attempt in sale.attempts if begin <= attempt.at < end]
        self.failures = collections.Counter(str(attempt.what) for attempt in failures)
        self.longest_wait = max((sale.answered - sale.began for sale in self.sales), default=0)
        moments = [begin, *(sale.answered for sale in self.sales), end]
        self.longest_gap = max(b - a for a, b in zip(moments, moments[1:]))
        # From the fault until no request failed or waited any more: the last answer to a request that had to be sent again.
        late = [sale.answered for sale in self.sales if sale.attempts and fault]
        self.recovered_after = max(late) - fault if late else 0.0

    def line(self, what):
        failures = ", ".join(f"{count} x {name}" for name, count in sorted(self.failures.items())) or "none"
        return (f"| {what} | {len(self.sales)} | {len(self.sales) / self.seconds:.0f} | {self.retried} | {self.replayed} | {failures} | "
                f"{self.longest_gap:.2f} | {self.longest_wait:.2f} | {self.recovered_after:.2f} |")

    HEAD = ("| what happened | acknowledged | a second | sent again | of these had been executed | failed attempts | longest gap s | "
            "longest wait s | last one made good after s |\n|---|---|---|---|---|---|---|---|---|")
