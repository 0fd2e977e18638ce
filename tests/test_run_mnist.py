#!/usr/bin/env python3
"""What tools/run-mnist.sh does before it hands over to clade-mnist, in a tree of its own where
clade-mnist is a script that prints its arguments: test_run_mnist.py SOURCE_ROOT"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(sys.argv.pop(1)) if len(sys.argv) > 1 else Path(__file__).parent.parent
FASHION = "/usr/share/datasets/fashion-mnist"

NINJA = """
rule make
  command = printf '#!/bin/sh\\nprintf "%%s|" "$$PWD" "$$@"\\n' > $out && chmod +x $out
build tools/clade-mnist: make
build tools/clade: make
"""


class RunMnist(unittest.TestCase):
    def setUp(self):
        self.home = Path(tempfile.mkdtemp()).resolve()
        self.addCleanup(shutil.rmtree, self.home)
        self.root = self.home / "a tree"
        self.fashion = self.home / "fashion"
        (self.root / "tools").mkdir(parents=True)
        (self.root / "build").mkdir()
        (self.root / "build/build.ninja").write_text(NINJA)
        for name in ("setup.sh", "fetch-mnist.sh"):
            shutil.copy(ROOT / "tools" / name, self.root / "tools")
        text = (ROOT / "tools/run-mnist.sh").read_text()
        self.assertIn(FASHION, text)
        self.script = self.root / "tools/run-mnist.sh"
        self.script.write_text(text.replace(FASHION, str(self.fashion)))
        # Neither meson nor a package manager may be started when nothing is missing.
        bin = self.home / "bin"
        bin.mkdir()
        for name in ("apt-get", "dnf", "pacman", "brew", "meson", "sudo"):
            (bin / name).write_text(f"#!/bin/sh\necho {name} was started\nexit 3\n")
            (bin / name).chmod(0o755)
        self.env = {
            "PATH": f"{bin}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "CLADE_MNIST_MIRRORS": "http://127.0.0.1:1",
        }

    def run_mnist(self, *args, **env):
        run = subprocess.run(
            ["bash", str(self.script), *args], cwd=self.home, env={**self.env, **env},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120,
        )
        self.assertEqual(run.returncode, 0, run.stderr)
        folder, *rest = run.stdout.split("|")[:-1]
        self.assertEqual(folder, str(self.home))
        return rest, run.stderr

    def fill(self, folder, suffix=""):
        folder.mkdir(parents=True)
        for a in ("train", "t10k"):
            for b in ("images-idx3", "labels-idx1"):
                (folder / f"{a}-{b}-ubyte{suffix}").touch()

    def check_silent(self, *args, **env):
        self.assertEqual(self.run_mnist(*args, **env), (list(args), ""))

    def test_data_given(self):
        self.check_silent("--data", "some where", "--epochs", "1")
        self.check_silent("--data=here")
        self.check_silent("--quiet", CLADE_DATA_DIR="there")

    def test_no_data_needed(self):
        self.check_silent("predict", "x.png")
        for option in ("--help", "--version", "--list-devices"):
            self.check_silent(option)

    def test_standard_places(self):
        self.fill(self.fashion, ".gz")
        self.check_silent("--epochs", "2")
        shutil.rmtree(self.fashion)
        self.fill(self.home / ".local/share/clade/mnist")
        self.check_silent()
        self.fill(self.home / "xdg/clade/mnist", ".gz")
        shutil.rmtree(self.home / ".local")
        self.check_silent(XDG_DATA_HOME=str(self.home / "xdg"))

    def test_falls_back_to_the_subset(self):
        args, said = self.run_mnist("--epochs", "1")
        subset = str(self.root / "tests/data/mnist-subset")
        self.assertEqual(args, ["--epochs", "1", "--data", subset])
        self.assertIn("127.0.0.1:1", said)
        self.assertIn("6,000 training and 1,000 test images", said)
        self.assertFalse((self.home / ".local/share/clade/mnist").exists())

    def test_a_broken_build_stops(self):
        (self.root / "build/build.ninja").write_text(NINJA.replace("printf", "nosuch", 1))
        run = subprocess.run(
            ["bash", str(self.script), "--help"], env=self.env, cwd=self.home,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        self.assertNotEqual(run.returncode, 0)
        self.assertEqual(run.stdout, "")
        self.assertIn("nosuch", run.stderr)


class InstallMissing(unittest.TestCase):
    """tools/setup.sh names the packages of each manager."""

    def install(self, manager, *needs, before=""):
        """In a PATH where only `manager` and coreutils are."""
        with tempfile.TemporaryDirectory() as bin:
            for tool in ("dirname", "id", "cat", "env", "bash"):
                os.symlink(shutil.which(tool), f"{bin}/{tool}")
            for name in filter(None, [manager, "sudo"]):
                body = 'exec "$@"' if name == "sudo" else f'echo {name} "$@" >&2'
                Path(bin, name).write_text(f"#!/bin/bash\n{body}\n")
                Path(bin, name).chmod(0o755)
            return subprocess.run(
                ["bash", "-c", f"source '{ROOT}/tools/setup.sh'; {before} install_missing {' '.join(needs)}"],
                env={"PATH": bin}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )

    def test_managers(self):
        for manager, package in (
            ("apt-get", "libjansson-dev"), ("dnf", "jansson-devel"), ("pacman", "jansson"),
            ("brew", "jansson"),
        ):
            run = self.install(manager, "jansson", "meson")
            self.assertEqual(run.returncode, 0, run.stdout)
            self.assertRegex(run.stdout, rf"{manager} .*install.* meson {package}\n|"
                                         rf"{manager} -S .* meson {package}\n")

    def test_no_manager(self):
        run = self.install(None, "jansson", "meson")
        self.assertEqual(run.returncode, 1)
        self.assertIn("meson libjansson-dev", run.stdout)

    def test_no_package(self):
        run = self.install("brew", "rusticl", before="have_driver() { false; };")
        self.assertEqual(run.returncode, 1)
        self.assertIn("brew has no package for: rusticl", run.stdout)


if __name__ == "__main__":
    unittest.main()
