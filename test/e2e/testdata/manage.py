"""What an operator's script does with the hub's API: it lists users, makes one, starts the server, waits, stops it and deletes the user."""

import os
import sys
import time

import requests

api = os.environ["HUB_API"]
hub = requests.Session()
hub.headers["Authorization"] = "token " + os.environ["HUB_TOKEN"]


def call(method, path, *wanted):
    answer = hub.request(method, api + path, timeout=30)
    if answer.status_code not in wanted:
        sys.exit(f"{method} {path}: {answer.status_code} {answer.text}")
    return answer


def wait(what, holds):
    deadline = time.monotonic() + 120
    while not holds(call("GET", "/users/eve", 200).json()["servers"]):
        if time.monotonic() > deadline:
            sys.exit(f"the server is not {what}")
        time.sleep(0.2)
    print("server is", what)


names = [user["name"] for user in call("GET", "/users", 200).json()]
print("users:", *names)
print("made:", call("POST", "/users/eve", 201).json()["name"])
call("POST", "/users/eve/server", 201, 202)
wait("ready", lambda servers: servers.get("", {}).get("ready"))
call("DELETE", "/users/eve/server", 202, 204)
wait("stopped", lambda servers: not servers)
call("DELETE", "/users/eve", 204)
call("GET", "/users/eve", 404)
print("done")
