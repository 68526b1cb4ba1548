"""From a site to the files of its machines: fills in deploy/machine, whose files are string.Template's."""
import pathlib
import re
import string

TEMPLATES = pathlib.Path(__file__).resolve().parent.parent / "machine"

# What a machine of its own has; a trial puts several "machines" on one address.
USUAL = {
    "ETCD_PORT": 2379, "ETCD_PEER_PORT": 2380, "PATRONI_PORT": 8008, "POSTGRES_PORT": 5432,
    "REDIS_PORT": 6379, "SENTINEL_PORT": 26379, "NODE_PORT": 8080,
    "ETCD_DATA": "/var/lib/etcd/tenon", "POSTGRES_DATA": "/var/lib/postgresql/15/tenon",
    "POSTGRES_SOCKETS": "/var/run/postgresql", "POSTGRES_PASSFILE": "/var/lib/postgresql/.pgpass-patroni",
    "REDIS_DATA": "/var/lib/redis", "NODE_DATA": "/var/lib/tenon", "NODE_LOG": "-", "NODE_EXTRA": "",
    "SECRET_FILE": "/etc/tenon/secret",
    "TTL": 20, "SYNCHRONOUS": "true",
    "PROXY_ADDRESS": "*", "PROXY_PORT": 80,
    "HAPROXY_GLOBAL": "    maxconn 20000\n    user haproxy\n    group haproxy\n    log /dev/log local0\n    stats socket /run/haproxy/admin.sock mode 660 level admin",
}
PASSWORDS = ("superuser", "replication", "rewind", "edge", "sealer", "patroni", "redis")


class BadSite(Exception):
    """The site file lacks something, or says something that cannot be."""


def check(site):
    machines = site.get("machines", {})
    if len(machines) != 3:
        raise BadSite(f"[machines]: three are needed, there are {len(machines)}")
    for name in machines:
        if not re.fullmatch(r"[a-z][a-z0-9]{0,30}", name):
            raise BadSite(f"[machines]: {name!r} is no name: small letters and digits")
    for name in PASSWORDS:
        # In URLs, YAML, and files of shell variables: nothing that would have to be escaped in one of them.
        if not re.fullmatch(r"[A-Za-z0-9]{16,128}", site.get("passwords", {}).get(name, "")):
            raise BadSite(f"[passwords] {name}: 16 to 128 letters and digits: openssl rand -hex 24")
    for name in ("network", "proxies", "shared_buffers", "redis_memory", "watchdog", "checkpoints"):
        if name not in site:
            raise BadSite(f"{name} is missing")


def values(site, own=None):
    """The values of all machines, by name. `own`: what differs from USUAL, by machine ("" is for all of them)."""
    check(site)
    own = own or {}
    each = {}
    for name, address in site["machines"].items():
        each[name] = {**USUAL, **own.get("", {}), **own.get(name, {}), "NAME": name, "ADDRESS": address}
    first = next(iter(each.values()))

    def listed(form, separator=","):
        return separator.join(form.format_map(machine) for machine in each.values())

    shared = {
        "NETWORK": site["network"], "NODES": len(each), "WATCHDOG": f'"{site["watchdog"]}"',
        "CHECKPOINTS": ("checkpoint-to = [%s]" % ", ".join(f'"{place}"' for place in site["checkpoints"]) if site["checkpoints"]
                        else "# Nowhere else: checkpoint-to."),
        "PROXIES": ", ".join(f'"{proxy}"' for proxy in site["proxies"]),
        "SHARED_BUFFERS": site["shared_buffers"], "REDIS_MEMORY": site["redis_memory"],
        "ETCD_CLUSTER": listed("{NAME}=http://{ADDRESS}:{ETCD_PEER_PORT}"),
        "ETCD_HOSTS": listed("{ADDRESS}:{ETCD_PORT}"),
        "DATABASE_HOSTS": listed("{ADDRESS}:{POSTGRES_PORT}"),
        "REDIS_HOSTS": listed("{ADDRESS}:{REDIS_PORT}"),
        "REDIS_FIRST": "{ADDRESS} {REDIS_PORT}".format_map(first),
        "HAPROXY_SERVERS": listed("    server {NAME} {ADDRESS}:{NODE_PORT}", "\n"),
        **{f"{name.upper()}_PASSWORD": site["passwords"][name] for name in PASSWORDS},
    }
    for machine in each.values():
        machine.update(shared)
        machine["REDIS_REPLICAOF"] = ("# The first primary." if machine is first else
                                      "replicaof {ADDRESS} {REDIS_PORT}".format_map(first))
    return each


def write(machine, folder):
    """Fills all files in below `folder`; returns their paths."""
    written = []
    for template in sorted(TEMPLATES.rglob("*")):
        if template.is_dir():
            continue
        target = pathlib.Path(folder) / template.relative_to(TEMPLATES)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch(mode=0o600)
        target.write_text(string.Template(template.read_text()).substitute(machine))
        written.append(target)
    return written
