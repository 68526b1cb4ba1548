"""README.md's restore: a backup of a standby taken under load, the databases lost, the backup put back, and what the audit log
says about it."""
import os
import pwd
import shutil
import subprocess

from account import Verdict
from load import Load
from processes import await_state

PATIENCE_SECONDS = 150.0
QUIET_SECONDS = 10.0  # each node asks for the turn once a second


def as_postgres():
    if os.geteuid() != 0:
        return {}
    postgres = pwd.getpwnam("postgres")
    return {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}


def run(command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, cwd="/", **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")


class Restore:
    """On a stack that runs. `trial` makes the items and knows when the log is sealed."""

    def __init__(self, stack, trial, say):
        self.stack, self.trial, self.say = stack, trial, say
        self.backup = f"{stack.machines['a'].folder}/postgres/backup"

    def run(self):
        """Returns the report and the verdict: whether all is as README.md says."""
        load = self.trial.load = Load(self.stack.proxy_port, self.stack.token("staff"), self.trial.make_items(), 4)
        load.start()
        try:
            self.trial.until(3)
            before = {sale.key for sale in load.sales()}
            self.say("a backup is taken of a standby")
            self.take()
            self.trial.until(3)
        finally:
            load.stop()
        await_state("the audit log is sealed to its end", self.trial.sealed, PATIENCE_SECONDS)
        acknowledged = {sale.key for sale in load.sales()}
        self.say("the nodes are stopped, all three databases are lost")
        self.lose()
        self.say("the backup is put back on machine a, the others copy it")
        self.put_back()
        return self.account(before, acknowledged)

    def take(self):
        primary = self.stack.primary()
        standby = next(each for each in self.stack.machines.values() if each is not primary)
        run(["/usr/lib/postgresql/15/bin/pg_basebackup", "-h", "127.0.0.1", "-p", standby.values["POSTGRES_PORT"], "-U", "replicator", "-D",
             self.backup, "-Ft", "-z", "-X", "stream", "--checkpoint=fast"],
            env={**os.environ, "PGPASSWORD": self.stack.site["passwords"]["replication"]}, **as_postgres())

    def lose(self):
        leader = self.stack.primary().name
        for machine in self.stack.machines.values():
            machine.node.ask_to_end()
            machine.node.wait_for_end(30)
            machine.kill_database()
        for machine in self.stack.machines.values():
            shutil.rmtree(machine.values["POSTGRES_DATA"])
        # It asks for the cluster's name, for "Yes I am aware", and, while the lease runs, who the leader is.
        run(["/usr/bin/patronictl", "-c", self.stack.machines["a"].folder / "etc/patroni/15-tenon.yml", "remove", "tenon"],
            input=f"tenon\nYes I am aware\n{leader}\n", env={**os.environ, "LC_ALL": "C.UTF-8"})

    def put_back(self):
        first, *others = self.stack.machines.values()
        data = first.values["POSTGRES_DATA"]
        run(["mkdir", "-m", "700", data], **as_postgres())
        run(["tar", "-xzf", f"{self.backup}/base.tar.gz", "-C", data], **as_postgres())
        run(["tar", "-xzf", f"{self.backup}/pg_wal.tar.gz", "-C", f"{data}/pg_wal"], **as_postgres())
        first.patroni.start()
        await_state("the restored database is primary", lambda: self.stack.primary() is first, PATIENCE_SECONDS)
        for machine in others:
            machine.patroni.start()
        await_state("the others have copied it", self.stack.database_whole, PATIENCE_SECONDS)

    def sealing_is_refused(self):
        """Whether a node says so before one seals on, and none does in the seconds after."""
        sealed = "SELECT max(size) FROM tenon.audit_checkpoints"
        before = self.stack.sql(sealed)

        def told():
            if any("sealing_refused" in (machine.folder / "log/node").read_text(errors="replace") for machine in self.stack.machines.values()):
                return "refused"
            return "sealed" if self.stack.sql(sealed) != before else None
        if await_state("a node seals or refuses to", told, PATIENCE_SECONDS) == "sealed":
            return False
        self.trial.until(QUIET_SECONDS)
        return self.stack.sql(sealed) == before

    def account(self, before, acknowledged):
        there = set(self.stack.sql("SELECT idempotency_key FROM audit_logs WHERE action = 'STOCK_DECREMENT'").split())
        lines = []
        # A standby cannot tell that it was set back from being behind.
        primary = self.stack.primary()
        _, verdict = self.stack.verdict(primary)
        kinds = sorted({finding["kind"] for finding in verdict["findings"]})
        good = kinds == ["restored_backup"]
        lines.append(f"tenon audit verify, {primary.name}: {', '.join(kinds) or 'holds'}: {verdict['findings'][0]['message'] if kinds else ''}")
        lines.append(f"{len(acknowledged)} writes were acknowledged; {len(before - there)} of the {len(before)} before the backup are missing, "
                     f"{len(acknowledged - there)} that came after it")
        good = good and not before - there and bool(acknowledged - there)
        for machine in self.stack.machines.values():
            machine.node.start()
        await_state("the nodes are ready on the restored database",
                    lambda: all(machine.ready() for machine in self.stack.machines.values()), PATIENCE_SECONDS)
        refused = self.sealing_is_refused()
        lines.append(f"nodes serve again, and {'refuse to seal on' if refused else 'SEAL ON'}")
        return "\n".join(lines), Verdict.KEPT if good and refused else Verdict.BROKEN
