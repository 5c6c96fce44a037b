"""A hub for tests, which behaves as badly as hubs do.

    hub.py LOG

prints its port and serves on 127.0.0.1 until its standard input ends. Each request becomes a line of LOG: method, path,
range, and whether it bore a token. What goes wrong is told by the owner in the name of a model:

fine/x: nothing. cut/x: the storage breaks off after 3000 bytes, each time. corrupt/x: one byte of the large file differs.
lacks/x: a shard is named but not there. whole/x: no ranges. flaky/x: each address fails once. loop/x: the storage points
to itself. denied/x: needs a token. short/x: the large file is shorter than promised. single/x: one file of weights, and no
index. Everything else is not there.
"""

import hashlib
import http.server
import json
import re
import sys
import threading

COMMIT = "0123456789abcdef0123456789abcdef01234567"
KINDS = ["fine", "cut", "corrupt", "lacks", "whole", "flaky", "loop", "denied", "short", "single"]
LARGE = bytes(i * 7919 // 256 % 256 for i in range(10000))
SHARDS = {"model-00001-of-00002.safetensors": LARGE, "model-00002-of-00002.safetensors": LARGE[::-1]}
INDEX = json.dumps({"weight_map": {"a": list(SHARDS)[0], "b": list(SHARDS)[1]}}).encode()
SMALL = {"config.json": b'{"model_type": "qwen2_vl"}', "tokenizer.json": b"{}", "README.md": b"# no model needs this"}
seen = set()
lock = threading.Lock()
log = open(sys.argv[1], "w", buffering=1)


def files(kind):
    if kind == "single":
        return dict(SMALL, **{"model.safetensors": LARGE})
    return dict(SMALL, **SHARDS, **{"model.safetensors.index.json": INDEX})


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        token = self.headers.get("Authorization", "-").replace(" ", "_")
        log.write("%s %s %s %s\n" % (self.command, self.path, self.headers.get("Range", "-"), token))

    def answer(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        try:
            self.serve()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def serve(self):
        api = re.fullmatch(r"/api/models/(\w+)/x/revision/([\w%.-]+)", self.path)
        file = re.fullmatch(r"/(\w+)/x/resolve/%s/([\w.-]+)" % COMMIT, self.path)
        storage = re.fullmatch(r"/storage/(\w+)/([\w.-]+)", self.path)
        kind = next((m[1] for m in (api, file, storage) if m), None)
        if kind not in KINDS or (api and api[2] not in ("main", "v1.0", "refs%2Fpr%2F1")):
            return self.answer(404)
        if kind == "denied" and self.headers.get("Authorization") != "Bearer secret":
            return self.answer(401)
        if kind == "flaky":
            with lock:
                fresh = (self.command, self.path) not in seen
                seen.add((self.command, self.path))
            if fresh:
                return self.answer(503)
        content = files(kind)
        if api:
            names = [n for n in content if not (kind == "lacks" and n.startswith("model-00002"))]
            return self.answer(
                200, json.dumps({"sha": COMMIT, "siblings": [{"rfilename": n} for n in names]}).encode())
        name = (file or storage)[2]
        if name not in content:
            return self.answer(404)
        body = content[name]
        is_large = len(body) >= len(LARGE)
        if file and is_large:
            place = "http://localhost:%d/storage/%s/%s" % (self.server.server_port, kind, name)
            return self.answer(
                302, Location=place, X_Linked_Size=str(len(body)),
                X_Linked_Etag='"%s"' % hashlib.sha256(body).hexdigest(), X_Repo_Commit=COMMIT)
        if file:
            return self.answer(
                200, body, ETag='"%s"' % hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest(),
                X_Repo_Commit=COMMIT)
        if kind == "loop":
            return self.answer(302, Location=self.path)
        if kind == "corrupt":
            body = body[:5000] + bytes([body[5000] ^ 1]) + body[5001:]
        if kind == "short":
            body = body[:4000]
        found = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not found or kind == "whole":
            return self.answer(200, body)
        first, last = int(found[1]), min(int(found[2] or len(body) - 1), len(body) - 1)
        if first > last:
            return self.answer(416, Content_Range="bytes */%d" % len(body))
        part = body[first : last + 1]
        sent = part[:3000] if kind == "cut" else part
        self.answer(206, sent, len(part), Content_Range="bytes %d-%d/%d" % (first, last, len(body)))
        if len(sent) < len(part):
            self.close_connection = True


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
