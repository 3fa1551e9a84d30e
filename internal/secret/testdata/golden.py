"""Writes golden.json: what JupyterHub and its libraries make of fixed keys, names and times.

    python3 -m venv venv && venv/bin/pip install jupyterhub==6.1.1
    venv/bin/python golden.py > golden.json
"""

import base64
import hashlib
import json
from types import SimpleNamespace

import tornado.web
from cryptography.fernet import Fernet
from jupyterhub import _xsrf_utils
from jupyterhub.crypto import _validate_key
from jupyterhub.utils import hash_token
from oauthlib.oauth2.rfc6749.grant_types import authorization_code as pkce

NOW = 1795409431
SECRET = hashlib.sha256(b"cookie secret of the golden file").digest()
KEYS = [hashlib.sha256(b"key %d" % i).digest() for i in range(3)]


def text(b):
    return b.decode("ascii")


def signed(name, value, version=2, clock=NOW):
    return text(tornado.web.create_signed_value(SECRET, name, value, version=version, clock=lambda: clock))


def signed_cases():
    values = [
        ("jupyterhub-hub-login", b"c43d7f3c1a5b4f0e9d6a2b8c7e1f0a9d"),
        ("__Host-jupyterhub-hub-login", b"x"),
        ("_xsrf", b"session:cookie"),
        ("empty", b""),
        ("bytes", bytes(range(256))),
        ("na|me:3", "vålue".encode()),
    ]
    return [
        {"name": n, "value": text(base64.b64encode(v)), "signed": signed(n, v)} for n, v in values
    ]


class Handler:
    """As much of a request handler as the XSRF functions look at."""

    settings = {"cookie_secret": SECRET}
    application = SimpleNamespace(settings=settings)

    def __init__(self, ip="", headers=None):
        self.request = SimpleNamespace(remote_ip=ip, headers=headers or {})

    def create_signed_value(self, name, value):
        return tornado.web.create_signed_value(SECRET, name, value, clock=lambda: NOW)


def xsrf_cases():
    ids = [b"0f1e2d3c4b5a69788796a5b4c3d2e1f0:c43d7f3c1a5b4f0e9d6a2b8c7e1f0a9d", b"None:x", b"a:b?~"]
    return [
        {"id": text(i), "token": text(_xsrf_utils._create_signed_value_urlsafe(Handler(), "_xsrf", i))}
        for i in ids
    ]


def anonymous_cases():
    cases = []
    for session in [None, "0f1e2d3c4b5a69788796a5b4c3d2e1f0"]:
        for ip in ["192.0.2.7", "2001:db8::7"]:
            for agent in ["Mozilla/5.0 (X11; Linux x86_64)", ""]:
                handler = Handler(ip, {"User-Agent": agent} if agent else {})
                cases.append({
                    "session": session or "",
                    "ip": ip,
                    "headers": [agent],
                    "id": f"{session}:{_xsrf_utils._anonymous_xsrf_id(handler)}",
                })
    return cases


def token_cases():
    cases = []
    for token in ["0123456789abcdef0123456789abcdef", "short", "tökén-with-ünicode", "z" * 64]:
        for rounds in [1, 2, 31, 32, 33, 16384]:
            cases.append({"token": token, "rounds": rounds, "hashed": hash_token(token, salt=b"5a17" * 4, rounds=rounds)})
    return cases


def fernet_cases():
    plains = [b"", b"{}", b'{"token": "abc"}', b"x" * 15, b"x" * 16, b"x" * 1000, '{"name": "Ada Löve"}'.encode()]
    cases = []
    for i, key in enumerate(KEYS):
        box = Fernet(base64.urlsafe_b64encode(key))
        for n, plain in enumerate(plains):
            iv = hashlib.md5(b"%d %d" % (i, n)).digest()
            cases.append({
                "key": i,
                "plain": text(base64.b64encode(plain)),
                "sealed": text(box._encrypt_from_parts(plain, n * 1000000000, iv)),
            })
    return cases


def key_cases():
    raw = "raw key of exactly 32 characters"
    forms = [raw, KEYS[0].hex(), KEYS[0].hex().upper(), text(base64.b64encode(KEYS[1])), text(base64.urlsafe_b64encode(KEYS[1]))]
    return [{"text": f, "key": _validate_key(f).hex()} for f in forms]


def pkce_cases():
    verifiers = ["dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "~" * 128]
    return [{"verifier": v, "challenge": text(base64.urlsafe_b64encode(hashlib.sha256(v.encode()).digest()).rstrip(b"=")),
             "accepted": pkce.code_challenge_method_s256(
                 v, text(base64.urlsafe_b64encode(hashlib.sha256(v.encode()).digest()).rstrip(b"=")))} for v in verifiers]


print(json.dumps({
    "now": NOW,
    "cookie_secret": SECRET.hex(),
    "keys": [k.hex() for k in KEYS],
    "signed": signed_cases(),
    "signed_v1": signed("jupyterhub-hub-login", b"c43d7f3c", version=1),
    "xsrf": xsrf_cases(),
    "anonymous": anonymous_cases(),
    "tokens": token_cases(),
    "fernet": fernet_cases(),
    "key_forms": key_cases(),
    "pkce": pkce_cases(),
}, indent=1))
