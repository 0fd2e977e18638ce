#!/usr/bin/env python3
"""tools/fetch-mnist.sh against servers on this machine: test_fetch.py SOURCE_ROOT"""
import gzip
import hashlib
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

ROOT = Path(sys.argv.pop(1)) if len(sys.argv) > 1 else Path(__file__).parent.parent
REAL = os.environ.get("CLADE_DATA_DIR", "")


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves server.files; server.ranges: whether a transfer can go on; server.cut: bytes after
    which the connection breaks."""

    def do_GET(self):
        data = self.server.files.get(self.path.rsplit("/", 1)[-1])
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        self.server.log.append((self.path, asked.group(1) if asked else None))
        if data is None:
            return self.send_error(404)
        start = int(asked.group(1)) if asked and self.server.ranges else 0
        if start and start >= len(data):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:][: self.server.cut])

    def log_message(self, *_):
        pass


class Fetch(unittest.TestCase):
    def setUp(self):
        self.home = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.home)
        self.folder = self.home / "mnist"
        self.partial = self.home / "mnist.partial"
        # The script with the hashes of small files of ours: what it does is the same.
        self.plain = {
            name: bytes((i * 37 + k) % 251 for i in range(5000))
            for k, name in enumerate(NAMES)
        }
        self.good = {n + ".gz": gzip.compress(d, mtime=0) for n, d in self.plain.items()}
        text = (ROOT / "tools/fetch-mnist.sh").read_text()
        rows = "".join(
            f"{n} {len(d)} {hashlib.sha256(d).hexdigest()}\n" for n, d in self.plain.items()
        )
        text, replaced = re.subn(r'(?s)(\nfiles="\n).*?"', lambda m: m[1] + rows + '"', text)
        self.assertEqual(replaced, 1)
        (self.home / "fetch-mnist.sh").write_text(text)
        shutil.copy(ROOT / "tools/setup.sh", self.home)

    def serve(self, files=None, ranges=True, cut=None):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.files, server.ranges, server.cut, server.log = files or {}, ranges, cut, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        server.url = f"http://127.0.0.1:{server.server_port}/data/"
        return server

    def fetch(self, *mirrors, path=None):
        env = {
            "PATH": path or os.environ["PATH"],
            "CLADE_MNIST_MIRRORS": " ".join(getattr(m, "url", m) for m in mirrors),
        }
        return subprocess.run(
            ["bash", str(self.home / "fetch-mnist.sh"), str(self.folder)],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
        )

    def check_whole(self, run):
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertEqual({p.name for p in self.folder.iterdir()}, set(self.good))
        for name, data in self.good.items():
            self.assertEqual((self.folder / name).read_bytes(), data)
        self.assertFalse(self.partial.exists())

    def check_nothing(self, run, *parts):
        self.assertEqual(run.returncode, 1, run.stdout)
        for part in parts:
            self.assertIn(part, run.stdout)
        self.assertFalse(self.folder.exists())

    def test_good(self):
        server = self.serve(self.good)
        self.check_whole(self.fetch(server))
        again = self.fetch("http://127.0.0.1:1")
        self.assertEqual((again.returncode, again.stdout), (0, ""))
        self.assertEqual(len(server.log), 4)

    def test_damaged_file_is_replaced(self):
        server = self.serve(self.good)
        self.fetch(server)
        (self.folder / (NAMES[2] + ".gz")).write_bytes(self.good[NAMES[2] + ".gz"][:-20])
        self.check_whole(self.fetch(server))
        self.assertEqual(len(server.log), 5)

    def test_down(self):
        run = self.fetch("http://127.0.0.1:1", self.serve())
        self.check_nothing(run, "127.0.0.1:1/", "came from no mirror")
        self.assertFalse(self.partial.exists())

    def test_second_mirror(self):
        self.check_whole(self.fetch("http://127.0.0.1:1", self.serve(), self.serve(self.good)))

    def test_wrong_bytes(self):
        other = {n: gzip.compress(b"x" * 5000) for n in self.good}
        run = self.fetch(self.serve(other))
        self.check_nothing(run, "not the bytes of MNIST")
        self.assertFalse(self.partial.exists())
        self.check_whole(self.fetch(self.serve(other), self.serve(self.good)))

    def test_truncated_at_the_server(self):
        short = {n: d[:-9] for n, d in self.good.items()}
        self.check_nothing(self.fetch(self.serve(short)), "not the bytes of MNIST")

    def test_more_than_declared(self):
        more = {n: gzip.compress(self.plain[n[:-3]] + b"x") for n in self.good}
        self.check_nothing(self.fetch(self.serve(more)), "not the bytes of MNIST")

    def check_resume(self, path=None):
        run = self.fetch(self.serve(self.good, cut=40), path=path)
        self.check_nothing(run, "cut")
        (left,) = self.partial.iterdir()
        self.assertEqual(left.read_bytes(), self.good[left.name][:40])
        server = self.serve(self.good)
        self.check_whole(self.fetch(server, path=path))
        self.assertEqual(server.log[0][1], "40")

    def test_resume(self):
        self.check_resume()

    @unittest.skipUnless(shutil.which("wget"), "no wget")
    def test_resume_with_wget(self):
        tools = self.home / "bin"
        tools.mkdir()
        for tool in ("bash", "wget", "gzip", "head", "sha256sum", "shasum", "cut", "find", "mkdir",
                     "rmdir", "rm", "mv", "dirname"):
            if shutil.which(tool):
                (tools / tool).symlink_to(shutil.which(tool))
        self.check_resume(path=str(tools))

    def test_resume_where_the_server_cannot(self):
        self.fetch(self.serve(self.good, cut=40))
        self.check_whole(self.fetch(self.serve(self.good, ranges=False)))

    def test_resume_of_other_bytes(self):
        self.partial.mkdir()
        name = NAMES[0] + ".gz"
        for left in (b"x" * 40, b"x" * 100000):
            (self.partial / name).write_bytes(left)
            self.check_whole(self.fetch(self.serve(self.good)))
            shutil.rmtree(self.folder)
            self.partial.mkdir()

    def test_down_keeps_what_there_is(self):
        self.fetch(self.serve(self.good, cut=40))
        self.fetch("http://127.0.0.1:1", self.serve())
        (left,) = self.partial.iterdir()
        self.assertEqual(left.stat().st_size, 40)

    def test_whole_partial_needs_no_transfer(self):
        self.partial.mkdir()
        for name, data in self.good.items():
            (self.partial / name).write_bytes(data)
        self.check_whole(self.fetch("http://127.0.0.1:1"))


class RealHashes(unittest.TestCase):
    """The hashes in the script are those of MNIST."""

    @unittest.skipUnless(REAL, "CLADE_DATA_DIR is not set")
    def test_real(self):
        home = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, home)
        (home / "mnist").mkdir()
        for name in NAMES:
            (home / "mnist" / (name + ".gz")).symlink_to(Path(REAL, name + ".gz").resolve())
        run = subprocess.run(
            ["bash", str(ROOT / "tools/fetch-mnist.sh"), str(home / "mnist")],
            env={**os.environ, "CLADE_MNIST_MIRRORS": "http://127.0.0.1:1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        self.assertEqual((run.returncode, run.stdout), (0, ""))


NAMES = [f"{a}-{b}-ubyte" for a in ("train", "t10k") for b in ("images-idx3", "labels-idx1")]

if __name__ == "__main__":
    unittest.main()
