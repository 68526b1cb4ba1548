"""What is broken, in which order, when it counts as mended, and the account at the end."""
import collections
import json
import os
import signal
import subprocess
import time
import urllib.request
import uuid

from account import Account
from load import Load, Seen, Unexpected
from processes import await_state, kill_postgres

# In the order in which they are run.
STEPS = {
    "node": "a node is killed",
    "redis": "the Redis primary is killed",
    "server": "the primary's server process dies",
    "database": "the primary and its Patroni die",
    "machine": "the machine of the primary is lost",
    "switchover": "planned switch-over of the database",
    "restart": "nodes restarted one by one",
    # Last: for a while after, Patroni hears of nothing between its rounds, and a switch-over would take three of them.
    "etcd": "all of etcd is lost for longer than the lease",
}
ITEMS = 20
CALM_SECONDS = 4.0
RECOVERY_SECONDS = 150.0  # how long a state may take to come: a busy machine is slow, and slow is not wrong


class Trial:
    def __init__(self, stack, clients, say, cut_off=False):
        self.stack, self.say, self.cut_off = stack, say, cut_off
        self.lines, self.load = [], None
        self.clients = clients

    # --- the course of it ---------------------------------------------------------------------------------------------

    def run(self, steps):
        """Returns the report and the verdict."""
        self.load = Load(self.stack.proxy_port, self.stack.token("staff"), self.make_items(), self.clients)
        self.load.start()
        try:
            self.observe("nothing", lambda: None)
            for step in STEPS:
                if step in steps:
                    self.observe(STEPS[step], getattr(self, f"break_{step}"))
        finally:
            self.load.stop()
        self.load.raise_wrong()
        account = self.account_of_the_control() if self.cut_off else self.account()
        return self.table() + "\n\n" + account.text, account.verdict(control=self.cut_off)

    def table(self):
        return Seen.HEAD + "\n" + "\n".join(self.lines)

    def observe(self, what, break_it):
        self.say(what)
        begin = time.monotonic()
        self.until(CALM_SECONDS / 2)
        self.require_running(f"before {what}")
        fault = time.monotonic()
        mend = break_it()
        answered = self.load.acknowledged()
        self.await_state(f"after {what}: clients are answered", lambda: self.load.acknowledged() > answered + 5 * self.clients)
        self.until(CALM_SECONDS / 2)
        end = time.monotonic()
        seen = Seen(self.load.sales(), begin, end, fault)
        self.lines.append(seen.line(what))
        self.say(f"    {len(seen.sales)} acknowledged, {seen.retried} of them sent again; longest gap {seen.longest_gap:.2f} s")
        if mend:
            mend()
        self.require_running(f"after {what}")

    def require_running(self, when):
        """Nothing ends but what a step ended, which it has started again."""
        ended = [program for program in self.stack.programs if not program.running]
        if ended:
            raise Unexpected(f"{when}: {', '.join(program.name for program in ended)} ended by itself:\n" +
                             "\n".join(program.last_words() for program in ended))

    def until(self, seconds):
        """The load runs for a while."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.load.raise_wrong()
            time.sleep(0.05)

    def await_state(self, what, reached):
        def or_wrong():
            self.load.raise_wrong()
            return reached()
        return await_state(what, or_wrong, RECOVERY_SECONDS)

    def make_items(self):
        token, ids = self.stack.token("admin"), []
        for number in range(ITEMS):
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.stack.proxy_port}/api/inventory", method="POST",
                data=json.dumps({"name": f"Chair {number}", "price": 10, "quantity_available": 10**9}).encode(),
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())})
            ids.append(json.load(urllib.request.urlopen(request, timeout=20))["id"])
        return ids

    # --- faults: each breaks something, waits until it had its effect and is over, and returns how to mend it -----------

    def break_node(self):
        node = self.stack.machines["a"]
        node.node.kill()
        return lambda: self.start_node(node)

    def start_node(self, machine):
        machine.node.start()
        self.await_state(f"node {machine.name} is ready", machine.ready)

    def break_redis(self):
        old = self.await_state("one Redis primary", self.stack.redis_primary)
        old.redis.kill()
        # Sentinels make another one primary; nodes find it by themselves.
        self.await_state("another Redis is primary", lambda: (new := self.stack.redis_primary()) and new is not old)
        self.await_state("all nodes count in it", lambda: all(each.limits_shared() for each in self.stack.machines.values()))

        def mend():
            old.redis.start()
            self.await_state("the old Redis primary is a replica", lambda: self.stack.redis_role(old) == "slave")
        return mend

    def break_server(self):
        old = self.await_state("a whole database cluster", self.stack.database_whole)
        kill_postgres(old.values["POSTGRES_DATA"])
        # Patroni lives and sees it: it hands over rather than start it again.
        self.await_state("another machine has the primary", lambda: (new := self.stack.primary()) and new is not old)
        return lambda: self.await_state("the old primary is a standby", self.stack.database_whole)

    def break_database(self):
        old = self.await_state("a primary", self.stack.primary)
        stopped = self.cut_standbys_off(old) if self.cut_off else []
        old.kill_database()
        # What the primary had sent is in their sockets' buffers: it goes with them, as it would with a cut cable.
        for pid in stopped:
            os.kill(pid, signal.SIGKILL)
        self.await_state("another machine has the primary", lambda: (new := self.stack.primary()) and new is not old)

        def mend():
            old.patroni.start()
            self.await_state("the old primary is a standby", lambda: self.stack.database_whole(not self.cut_off))
        return mend

    def cut_standbys_off(self, primary):
        """The control's: standbys get nothing any more, while the primary goes on acknowledging."""
        stopped = []
        for machine in self.stack.machines.values():
            if machine is primary:
                continue
            for pid in [int(line) for line in self.stack.sql("SELECT pid FROM pg_stat_wal_receiver", machine).split()]:
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
        if len(stopped) != 2:
            raise RuntimeError(f"{len(stopped)} of 2 standbys were cut off")
        answered = self.load.acknowledged()
        self.await_state("the primary acknowledges alone", lambda: self.load.acknowledged() > answered + 100)
        return stopped

    def break_machine(self):
        old = self.await_state("a primary", self.stack.primary)
        old.kill_database()
        for program in old.programs:
            program.kill()
        self.await_state("another machine has the primary", lambda: (new := self.stack.primary()) and new is not old)

        def mend():
            for program in (old.etcd, old.redis, old.sentinel, old.patroni):
                program.start()
            self.await_state("the machine's database is a standby", self.stack.database_whole)
            self.start_node(old)
        return mend

    def break_etcd(self):
        primary = self.await_state("a whole database cluster", self.stack.database_whole)
        for machine in self.stack.machines.values():
            machine.etcd.kill()
        self.until(self.stack.ttl + 10)
        if self.stack.sql("SELECT pg_is_in_recovery()", primary) != "f":
            raise Unexpected("without etcd the primary stepped down")

        def mend():
            for machine in self.stack.machines.values():
                machine.etcd.start()
            self.await_state("a whole database cluster", self.stack.database_whole)
        return mend

    def break_switchover(self):
        old = self.await_state("a whole database cluster", self.stack.database_whole)
        roles = self.stack.cluster()
        standby = next(name for name, role in roles.items() if role == "sync_standby")
        done = subprocess.run(["/usr/bin/patronictl", "-c", str(old.folder / "etc/patroni/15-tenon.yml"), "switchover", "--force",
                               "--master", old.name, "--candidate", standby, "tenon"], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "LC_ALL": "C.UTF-8"})
        if done.returncode != 0:
            raise RuntimeError(f"patronictl switchover: {done.stdout} {done.stderr}")
        self.await_state("the standby is primary", lambda: self.stack.primary() is self.stack.machines[standby])
        return lambda: self.await_state("a whole database cluster", self.stack.database_whole)

    def break_restart(self):
        for machine in self.stack.machines.values():
            machine.node.ask_to_end()
            if not machine.node.wait_for_end(30):
                raise Unexpected(f"node {machine.name} had to be killed")
            if machine.node.process.returncode != 0:
                raise Unexpected(f"node {machine.name} ended with {machine.node.process.returncode}")
            self.start_node(machine)
            self.until(1.5)  # the proxy has seen it twice
        return None

    # --- the account ----------------------------------------------------------------------------------------------------

    def sealed(self):
        return self.stack.sql("SELECT (SELECT max(size) FROM tenon.audit_checkpoints) = (SELECT count(*) FROM audit_logs)") == "t"

    def entries(self, machine):
        return collections.Counter(self.stack.sql("SELECT idempotency_key FROM audit_logs WHERE action = 'STOCK_DECREMENT'", machine).split())

    def count(self, account, machine):
        sold = int(self.stack.sql("SELECT coalesce(sum(quantity_sold), 0) FROM inventory", machine))
        account.database(machine.name, sold, self.entries(machine))

    def account(self):
        account = Account(self.load.sales(), self.load.unanswered())
        self.await_state("the audit log is sealed to its end", self.sealed)
        wanted = self.stack.sql("SELECT pg_current_wal_lsn()")
        for machine in self.stack.machines.values():
            self.await_state(f"the database of {machine.name} has all", lambda m=machine: self.stack.sql(
                f"SELECT NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= '{wanted}'", m) == "t")
            self.count(account, machine)
            holds, verdict = self.stack.verdict(machine)
            account.judge(holds, f"audit log of {machine.name}: {verdict['entries']} entries, all sealed and as they were, "
                          f"{verdict['checkpoints']['outside']} checkpoints outside agree" if holds else f"audit log of {machine.name}: {verdict['findings']}")
        return account

    def account_of_the_control(self):
        """Of the primary alone. Its log was set back, and nodes do not seal on over what they published: nothing to wait for."""
        account = Account(self.load.sales(), self.load.unanswered())
        self.count(account, self.await_state("a primary", self.stack.primary))
        return account
