"""A service that shows its visitors what the hub says of them, and which cookies reached it."""

import json
import os
import signal
from urllib.parse import urlparse

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler, authenticated


class WhoAmI(HubOAuthenticated, RequestHandler):
    @authenticated
    def get(self):
        self.set_header("Content-Type", "text/html; charset=utf-8")
        seen = {"user": self.get_current_user(), "cookies": sorted(self.request.cookies)}
        self.write(f"<pre id='seen'>{json.dumps(seen)}</pre>")


def main():
    prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    app = Application(
        [(prefix, WhoAmI), (prefix + "oauth_callback", HubOAuthCallbackHandler)],
        cookie_secret=os.urandom(32),
    )
    at = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
    app.listen(at.port, at.hostname)
    loop = IOLoop.current()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.add_callback_from_signal(loop.stop))
    print("whoami serves at", prefix, flush=True)
    loop.start()


main()
