"""Writes oracle.json: what JupyterHub's own scope functions answer to random questions.

    pip install jupyterhub==6.1.1
    python oracle.py [SEED]
"""

import json
import logging
import pathlib
import random
import sys
import warnings

import jupyterhub
from jupyterhub import orm, scopes

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 20240611
rng = random.Random(SEED)

# Names that differ in case only, that begin alike, and a group that is called like a user.
MEMBERS = {"ada": ["staff", "ada"], "Ada": [], "ad": ["staff"], "bob": ["lab"], "eve": []}
GROUPS = ["staff", "lab", "ada", "void"]
SERVICES = ["cull", "news"]
SERVERS = [(user, name) for user in MEMBERS for name in ("", "lab")]
BASES = sorted(set(scopes.scope_definitions) - {"self", "inherit", "(no_scope)"})
FEW = ["servers", "read:users", "access:servers", "groups"]

db = orm.new_session_factory("sqlite:///:memory:")()
groups = {name: orm.Group(name=name) for name in GROUPS}
users = {name: orm.User(name=name) for name in MEMBERS}
services = {name: orm.Service(name=name) for name in SERVICES}
db.add_all([*groups.values(), *users.values(), *services.values()])
for user, names in MEMBERS.items():
    for name in names:
        groups[name].users.append(users[user])
clients = [(None, {})]
for user, name in SERVERS:
    client = orm.OAuthClient(identifier=f"user-{user}-{name}")
    db.add(client)
    db.add(orm.Spawner(user=users[user], name=name, oauth_client=client))
    clients.append((client, {"user": user, "server": name, "is_server": True}))
for name in SERVICES:
    client = orm.OAuthClient(identifier=f"service-{name}")
    db.add(client)
    services[name].oauth_client = client
    clients.append((client, {"service": name}))
plain = orm.OAuthClient(identifier="jupyterhub")
db.add(plain)
db.commit()


def concrete():
    kind = rng.choice(["user", "group", "server", "service"])
    if kind == "user":
        return "!user=" + rng.choice(list(MEMBERS))
    if kind == "group":
        return "!group=" + rng.choice(GROUPS)
    if kind == "server":
        return "!server=" + "/".join(rng.choice(SERVERS))
    return "!service=" + rng.choice(SERVICES)


def raw_scopes(most):
    found = set()
    for _ in range(rng.randint(1, most)):
        dice = rng.random()
        if dice < 0.08:
            found.add("self")
        elif dice < 0.12:
            found.add(rng.choice(["inherit", "(no_scope)"]))
        elif dice < 0.35:
            found.add(rng.choice(BASES))
        elif dice < 0.55:
            found.add(rng.choice(BASES) + rng.choice(["!user", "!service", "!server"]))
        else:
            found.add(rng.choice(BASES) + concrete())
    return sorted(found)


def filtered_scopes(most):
    found = set()
    for _ in range(rng.randint(1, most)):
        found.add(rng.choice(FEW) + (concrete() if rng.random() < 0.92 else ""))
    return sorted(found)


def owner():
    dice = rng.random()
    if dice < 0.75:
        name = rng.choice(list(MEMBERS))
        return users[name], {"user": name}
    if dice < 0.9:
        name = rng.choice(SERVICES)
        return services[name], {"service": name}
    return None, {}


def expand_case():
    raw, (who, who_json), (client, client_json) = raw_scopes(4), owner(), rng.choice(clients)
    want = scopes.expand_scopes(raw, owner=who, oauth_client=client)
    return {"raw": raw, "owner": who_json, "client": client_json, "want": sorted(want)}


def intersect_case():
    a, b = filtered_scopes(7), filtered_scopes(7)
    if rng.random() < 0.2:
        who, _ = owner()
        a, b = (sorted(scopes.expand_scopes(raw_scopes(3), owner=who)) for _ in "ab")
    want = scopes._intersect_expanded_scopes(frozenset(a), frozenset(b), db=db)
    return {"a": a, "b": b, "want": sorted(want)}


def has_case():
    held = filtered_scopes(9)
    # Mostly about a scope that is held, or the answer is nearly always no.
    base = rng.choice(held).partition("!")[0] if rng.random() < 0.9 else rng.choice(FEW)
    needed = base + (concrete() if rng.random() < 0.9 else "")
    want = scopes.has_scope(needed, frozenset(scopes.reduce_scopes(frozenset(held))), db=db)
    return {"held": held, "needed": needed, "want": bool(want)}


def token_case():
    who, who_json = owner()
    while who is None:
        who, who_json = owner()
    client, client_json = rng.choice(clients + [(None, {})] * 8)
    raw = raw_scopes(4)
    roles = [orm.Role(name="own", scopes=raw_scopes(4))]
    who.roles = roles[:1]
    for group in getattr(who, "groups", []):
        role = orm.Role(name="of-" + group.name, scopes=raw_scopes(2))
        group.roles = [role]
        roles.append(role)
    token = orm.APIToken(scopes=raw, oauth_client=client or plain, hashed="h", prefix="p")
    if "user" in who_json:
        token.user = who
    else:
        token.service = who
    db.add(token)
    db.commit()
    want = scopes.get_scopes_for(token)
    case = {
        "raw": raw,
        "owner": who_json,
        "client": client_json,
        "roles": sorted({scope for role in roles for scope in role.scopes}),
        "want": sorted(scopes.reduce_scopes(frozenset(want))),
    }
    for gone in [token, *roles]:
        db.delete(gone)
    db.commit()
    return case


def grant_case():
    name = rng.choice(list(MEMBERS))
    client, client_json = rng.choice(clients[1:])
    requested, held = raw_scopes(3), raw_scopes(5)
    allowed, _ = scopes._resolve_requested_scopes(set(requested), set(held), users[name], client, db)
    want = scopes.expand_scopes(allowed, owner=users[name], oauth_client=client)
    return {
        "requested": requested,
        "held": held,
        "owner": {"user": name},
        "client": client_json,
        "want": sorted(want),
    }


KINDS = {
    "expand": (expand_case, 150),
    "intersect": (intersect_case, 200),
    "has": (has_case, 300),
    "token": (token_case, 120),
    "grant": (grant_case, 80),
}
parts = [
    f'"jupyterhub": {json.dumps(jupyterhub.__version__)}',
    f'"seed": {SEED}',
    f'"groups": {json.dumps(MEMBERS)}',
]
for kind, (make, count) in KINDS.items():
    lines = ",\n".join("  " + json.dumps(make()) for _ in range(count))
    parts.append(f'"{kind}": [\n{lines}\n ]')
out = pathlib.Path(__file__).with_name("oracle.json")
out.write_text("{\n " + ",\n ".join(parts) + "\n}\n")
