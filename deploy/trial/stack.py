"""The deployment of README.md on loopback: three "machines" with all their programs, and a proxy in front."""
import json
import os
import pathlib
import pwd
import secrets
import shutil
import subprocess
import urllib.error
import urllib.request

import configuration
from processes import FreePorts, Program, await_state, kill_postgres

LOCAL = "127.0.0.1"
# redis-tools has the server in it, under another name; what it is called by says what it is.
REDIS = "/usr/bin/redis-check-rdb"
NEEDED = {"/usr/bin/etcd": "etcd-server", "/usr/bin/patroni": "patroni", "/usr/sbin/haproxy": "haproxy", REDIS: "redis-tools",
          "/usr/bin/redis-cli": "redis-tools", "/usr/lib/postgresql/15/bin/postgres": "postgresql-15"}


class Machine:
    def __init__(self, name, values, folder, binary):
        self.name, self.values, self.folder = name, values, pathlib.Path(folder)
        etc = self.folder / "etc"
        log = self.folder / "log"
        etcd = dict(line.split("=", 1) for line in (etc / "default/etcd").read_text().splitlines() if line[:1] == "E")
        self.etcd = Program(f"etcd {name}", ["/usr/bin/etcd"], log / "etcd", environment=etcd)
        self.patroni = Program(f"patroni {name}", ["/usr/bin/patroni", etc / "patroni/15-tenon.yml"], log / "patroni", as_postgres=True)
        self.redis = Program(f"redis {name}", [REDIS, etc / "redis/redis.conf"], log / "redis", argv0="redis-server")
        self.sentinel = Program(f"sentinel {name}", [REDIS, etc / "redis/sentinel.conf", "--sentinel"], log / "sentinel",
                                argv0="redis-server")
        self.node = Program(f"node {name}", [binary, "serve", "--config", etc / "tenon/node.toml"], log / "node")

    @property
    def programs(self):
        return [self.node, self.sentinel, self.redis, self.patroni, self.etcd]

    @property
    def url(self):
        return f"http://{LOCAL}:{self.values['NODE_PORT']}"

    def kill_database(self):
        """As when the machine loses power: the supervisor first, so that it does not see its server die."""
        self.patroni.kill()
        kill_postgres(self.values["POSTGRES_DATA"])

    def ready(self):
        try:
            return json.load(urllib.request.urlopen(f"{self.url}/readyz", timeout=5))
        except (OSError, ValueError):
            return None

    def limits_shared(self):
        ready = self.ready()
        return ready is not None and ready["limiter"] == "working"


class Stack:
    """`binary`: tenon. `synchronous`: as README.md wants it; without, a control that must lose writes."""

    def __init__(self, folder, binary, say, synchronous=True, ttl=20):
        self.folder, self.binary, self.say = pathlib.Path(folder), binary, say
        self.ttl, self.ports = ttl, FreePorts()
        names = ("a", "b", "c")
        site = {"network": f"{LOCAL}/32", "proxies": [LOCAL], "shared_buffers": "64MB", "redis_memory": "64mb", "watchdog": "off", "checkpoints": [f"{folder}/checkpoints"],
                "machines": {name: LOCAL for name in names},
                "passwords": {name: secrets.token_hex(16) for name in configuration.PASSWORDS}}
        self.proxy_port = self.ports.take()
        own = {"": {"TTL": ttl, "SYNCHRONOUS": str(synchronous).lower(), "PROXY_ADDRESS": LOCAL, "PROXY_PORT": self.proxy_port,
                    "HAPROXY_GLOBAL": "    maxconn 2000", "SECRET_FILE": f"{folder}/secret",
                    "NODE_EXTRA": 'threads = 1\nlimit = ["inventory-write=100000/s"]'}}
        for name in names:
            own[name] = {kind: self.ports.take() for kind in ("ETCD_PORT", "ETCD_PEER_PORT", "PATRONI_PORT", "POSTGRES_PORT",
                                                              "REDIS_PORT", "SENTINEL_PORT", "NODE_PORT")}
            base = f"{folder}/{name}"
            own[name] |= {"ETCD_DATA": f"{base}/etcd", "POSTGRES_DATA": f"{base}/postgres/data", "REDIS_DATA": f"{base}/redis",
                          "POSTGRES_SOCKETS": f"{base}/postgres", "POSTGRES_PASSFILE": f"{base}/postgres/pgpass",
                          "NODE_DATA": f"{base}/node", "NODE_LOG": f"{base}/log/node"}
        self.site = site
        (self.folder / "checkpoints").mkdir()
        (self.folder / "secret").touch(mode=0o600)
        (self.folder / "secret").write_text(secrets.token_hex(32))
        self.machines = {name: self._machine(name, values) for name, values in configuration.values(site, own).items()}
        self.proxy = Program("haproxy", ["/usr/sbin/haproxy", "-db", "-f", self.folder / "a/etc/haproxy/haproxy.cfg"], self.folder / "haproxy.log")

    def _machine(self, name, values):
        folder = self.folder / name
        for part in ("log", "redis", "postgres", "etcd", "node"):
            (folder / part).mkdir(parents=True, mode=0o755 if part != "etcd" else 0o700)
        (folder / "postgres").chmod(0o700)
        configuration.write(values, folder)
        if os.geteuid() == 0:
            postgres = pwd.getpwnam("postgres")
            for path in (folder / "postgres", folder / "etc/patroni/15-tenon.yml"):
                os.chown(path, postgres.pw_uid, postgres.pw_gid)
        return Machine(name, values, folder, self.binary)

    @property
    def programs(self):
        return [self.proxy, *(program for machine in self.machines.values() for program in machine.programs)]

    # --- the database -------------------------------------------------------------------------------------------------

    def cluster(self):
        """What Patroni knows: {machine: role} of those that run."""
        for machine in self.machines.values():
            if not machine.patroni.running:
                continue
            try:
                answer = json.load(urllib.request.urlopen(f"http://{LOCAL}:{machine.values['PATRONI_PORT']}/cluster", timeout=5))
            except (OSError, ValueError):
                continue
            return {member["name"]: member["role"] for member in answer["members"] if member["state"] in ("running", "streaming")}
        return {}

    def primary(self):
        leaders = [name for name, role in self.cluster().items() if role == "leader"]
        return self.machines[leaders[0]] if leaders else None

    def database_whole(self, synchronous=True):
        """The primary, when both standbys follow it and, where wanted, one of them is its synchronous one. Else none."""
        roles = self.cluster()
        if len(roles) != 3 or "leader" not in roles.values() or (synchronous and "sync_standby" not in roles.values()):
            return None
        primary = self.machines[next(name for name, role in roles.items() if role == "leader")]
        try:  # Patroni calls a standby running that still has to be rewound
            following = self.sql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", primary, "postgres")
        except RuntimeError:
            return None
        return primary if following == "2" else None

    def sql(self, text, machine=None, database="tenon"):
        """As the superuser; on the primary, or on a machine."""
        if machine:
            where = f"host={LOCAL} port={machine.values['POSTGRES_PORT']}"
        else:
            ports = ",".join(str(each.values["POSTGRES_PORT"]) for each in self.machines.values())
            where = f"host={LOCAL},{LOCAL},{LOCAL} port={ports} target_session_attrs=read-write"
        done = subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", f"{where} user=postgres dbname={database} connect_timeout=5"],
                              input=text, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PGPASSWORD": self.site["passwords"]["superuser"]})
        if done.returncode != 0:
            raise RuntimeError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def verdict(self, machine):
        """`tenon audit verify` of a machine's database: (whether it holds, what it says, as JSON)."""
        url = f"host={LOCAL} port={machine.values['POSTGRES_PORT']} user=tenon_edge dbname=tenon password={self.site['passwords']['edge']}"
        done = subprocess.run([self.binary, "audit", "verify", "--json", "--data-dir", self.machines["a"].values["NODE_DATA"],
                               "--checkpoints", self.folder / "checkpoints", "--state", self.folder / f"verified-{machine.name}",
                               "--database-url", url], capture_output=True, text=True, timeout=300)
        if done.returncode not in (0, 2):
            raise RuntimeError(f"tenon audit verify: {done.stderr.strip()}")
        return done.returncode == 0, json.loads(done.stdout)

    # --- Redis --------------------------------------------------------------------------------------------------------

    def redis_role(self, machine):
        done = subprocess.run(["redis-cli", "-h", LOCAL, "-p", str(machine.values["REDIS_PORT"]), "--no-auth-warning", "ROLE"],
                              capture_output=True, text=True, env={**os.environ, "REDISCLI_AUTH": self.site["passwords"]["redis"]})
        return done.stdout.split("\n")[0].strip()

    def redis_primary(self):
        primaries = [each for each in self.machines.values() if self.redis_role(each) == "master"]
        return primaries[0] if len(primaries) == 1 else None

    def sentinels_agreed(self):
        """Each sentinel knows both others and both replicas: from then on a primary that dies is replaced."""
        def knows(machine):
            done = subprocess.run(["redis-cli", "-h", LOCAL, "-p", str(machine.values["SENTINEL_PORT"]), "--no-auth-warning",
                                   "SENTINEL", "MASTER", "tenon"], capture_output=True, text=True,
                                  env={**os.environ, "REDISCLI_AUTH": self.site["passwords"]["redis"]})
            said = done.stdout.split("\n")
            known = dict(zip(said[::2], said[1::2]))
            return known.get("num-other-sentinels") == "2" and known.get("num-slaves") == "2"
        return all(knows(machine) for machine in self.machines.values())

    # --- up and down --------------------------------------------------------------------------------------------------

    def start(self, synchronous=True):
        for machine in self.machines.values():
            machine.etcd.start()
            machine.redis.start()
            machine.sentinel.start()
        for machine in self.machines.values():
            machine.patroni.start()
        self.say("etcd, Redis with sentinels and Patroni are started; a primary and two standbys are made")
        self.await_running("a primary and two standbys", lambda: self.database_whole(synchronous), 180)
        self.await_running("sentinels know of each other", self.sentinels_agreed, 60)
        # createdb, migrate, a password for the nodes' login: README.md's own lines.
        primary = self.primary()
        self.sql("CREATE DATABASE tenon", database="postgres")
        url = f"postgresql://postgres@{LOCAL}:{primary.values['POSTGRES_PORT']}/tenon"
        done = subprocess.run([self.binary, "migrate", "--database-url", url], capture_output=True, text=True,
                              env={**os.environ, "PGPASSWORD": self.site["passwords"]["superuser"]})
        if done.returncode != 0:
            raise RuntimeError(f"tenon migrate: {done.stderr.strip()}")
        self.sql(f"ALTER ROLE tenon_edge PASSWORD '{self.site['passwords']['edge']}'")
        self.sql(f"ALTER ROLE tenon_sealer PASSWORD '{self.site['passwords']['sealer']}'")
        # The first node makes the audit log's key; the others are given it.
        first, *others = self.machines.values()
        first.node.start()
        self.await_running("the first node is ready", first.ready, 60)
        for machine in others:
            shutil.copy(f"{first.values['NODE_DATA']}/audit-key", machine.values["NODE_DATA"])
            machine.node.start()
        self.proxy.start()
        self.await_running("all nodes are ready", lambda: all(each.ready() for each in self.machines.values()), 60)
        self.await_running("the proxy lets requests through", self.proxy_ready, 60)

    def proxy_ready(self):
        try:
            return urllib.request.urlopen(f"http://{LOCAL}:{self.proxy_port}/readyz", timeout=5).status == 200
        except urllib.error.HTTPError:
            return False
        except OSError:
            return False

    def await_running(self, what, reached, seconds):
        """As await_state, but ends at once, with their last words, when programs have ended that should run."""
        def or_dead():
            dead = [program for program in self.programs if program.process and not program.running]
            if dead:
                raise RuntimeError(f"waiting for: {what}. Ended meanwhile:\n" + "\n".join(each.last_words() for each in dead))
            return reached()
        return await_state(what, or_dead, seconds)

    def token(self, role):
        done = subprocess.run([self.binary, "token", "--data-dir", self.folder, "--sub", "clerk-1", "--role", role],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"tenon token: {done.stderr.strip()}")
        return done.stdout.strip()

    def stop(self):
        """Ends all that was started. What holds nothing worth keeping is killed, as the folder goes with it: a synchronous
        standby would wait for its primary. Returns the names of what was asked to end and did not."""
        asked = [self.proxy, *(each.node for each in self.machines.values())]
        for program in asked:
            program.ask_to_end()
        stuck = [program.name for program in asked if not program.wait_for_end(30)]
        for machine in self.machines.values():
            machine.kill_database()
        for program in self.programs:
            program.kill()
        return stuck
