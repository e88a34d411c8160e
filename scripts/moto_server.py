"""The S3 server of the tests: moto, with puts one after the other.

moto looks whether an object is there and writes it later, so that of several creates at the same time two can be told
that they made it, now and then. A store for Firn has one winner.
"""

import io
import threading

import moto.server

ONE_AT_A_TIME = threading.Lock()


class Atomic(moto.server.DomainDispatcherApplication):
    def __call__(self, environ, start_response):
        length = environ.get("CONTENT_LENGTH")
        if environ["REQUEST_METHOD"] != "PUT" or not length:
            return super().__call__(environ, start_response)
        # Read before: whoever sends slowly, or never ends, is waited for by nobody else.
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(length)))
        with ONE_AT_A_TIME:
            return super().__call__(environ, start_response)


moto.server.DomainDispatcherApplication = Atomic
moto.server.main()
