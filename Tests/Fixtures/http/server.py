"""A web server that behaves as badly as servers do, for tests of inputs by address.

    server.py FILE

prints its port, serves FILE on 127.0.0.1 until its standard input ends, and logs each request to standard error.
/video: the file, with ranges. /plain: without ranges and length. /slow: a byte every 0.2 s, for ever. /endless: zeros
behind the file, for ever. /zeros: nothing else. /silent: no answer. /redirect?URL: moved there.
"""

import http.server
import os
import re
import sys
import threading
import time
import urllib.parse

CONTENT = open(sys.argv[1], "rb").read()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        sys.stderr.write("%s %s\n" % (self.headers.get("Host", ""), self.path))
        sys.stderr.flush()

    def head(self, status, length=None, **headers):
        self.send_response(status)
        if length is None:
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def do_GET(self):
        path, _, query = self.path.partition("?")
        try:
            getattr(self, "serve_" + path.strip("/"), self.serve_nothing)(query)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def serve_nothing(self, query):
        self.head(404, 0)

    def serve_video(self, query):
        found = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not found:
            self.head(200, len(CONTENT), Accept_Ranges="bytes")
            self.wfile.write(CONTENT)
            return
        first = int(found[1])
        last = min(int(found[2] or len(CONTENT) - 1), len(CONTENT) - 1)
        if first > last:
            self.head(416, 0, Content_Range="bytes */%d" % len(CONTENT))
            return
        part = CONTENT[first : last + 1]
        self.head(
            206, len(part), Accept_Ranges="bytes", Content_Range="bytes %d-%d/%d" % (first, last, len(CONTENT))
        )
        self.wfile.write(part)

    def serve_plain(self, query):
        self.head(200)
        self.wfile.write(CONTENT)

    def serve_slow(self, query):
        self.head(200)
        for byte in CONTENT:
            self.wfile.write(bytes([byte]))
            time.sleep(0.2)

    def serve_endless(self, query):
        self.head(200)
        self.wfile.write(CONTENT)
        while True:
            self.wfile.write(bytes(1 << 16))

    def serve_zeros(self, query):
        self.head(200)
        while True:
            self.wfile.write(bytes(1 << 16))

    def serve_silent(self, query):
        time.sleep(3600)

    def serve_forbidden(self, query):
        self.head(403, 0)

    def serve_broken(self, query):
        self.head(500, 0)

    def serve_redirect(self, query):
        self.head(302, 0, Location=urllib.parse.unquote(query))


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
os._exit(0)
