#!/usr/bin/env python3
"""A staged `meson install` serves programs outside the tree through pkg-config, and the tree serves
a Meson project as a subproject: test_install.py SOURCE_ROOT BUILD_ROOT PREFIX"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE, BUILD = Path(sys.argv[1]), Path(sys.argv[2])
PREFIX = sys.argv[3].lstrip("/")
EXAMPLES = SOURCE / "tools/examples"
PROGRAMS = (("cc", "embed_mlp.c"), ("c++", "embed.cpp"))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
PROJECT = """
project('outside', 'c', 'cpp', default_options: ['c_std=c11', 'cpp_std=c++17'])

clade = dependency('clade')
test('c', executable('in-c', 'embed_mlp.c', dependencies: clade))
test('c++', executable('in-cpp', 'embed.cpp', dependencies: clade))
"""


def run(*command, **options):
    result = subprocess.run(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, **options,
    )
    if result.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}:\n{result.stdout}")
    return result.stdout


class Outside(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Path(tempfile.mkdtemp())
        cls.stage = cls.home / "stage"
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", cls.stage)
        (pc,) = cls.stage.rglob("clade.pc")
        cls.libdir = pc.parent.parent

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.home)

    def pkg_config(self, stage, *arguments):
        libdir = stage / self.libdir.relative_to(self.stage)
        env = {**os.environ, "PKG_CONFIG_SYSROOT_DIR": str(stage),
               "PKG_CONFIG_PATH": str(libdir / "pkgconfig")}
        return run("pkg-config", *arguments, "clade", env=env).split()

    def build_and_run(self, stage, compiler, source, *arguments):
        program = self.home / "program"
        language = ["-std=c++17"] if source.endswith("cpp") else ["-std=c11"]
        run(compiler, *language, *WARNINGS, EXAMPLES / source, "-o", program,
            *self.pkg_config(stage, *arguments, "--cflags", "--libs"))
        libdir = stage / self.libdir.relative_to(self.stage)
        env = {**os.environ, "LD_LIBRARY_PATH": str(libdir)}
        run(program, env=env)
        return run("ldd", program, env=env)

    def test_files(self):
        headers = self.stage / PREFIX / "include/clade"
        self.assertEqual(
            {p.name for p in headers.iterdir()}, {p.name for p in SOURCE.glob("include/clade/*.h")}
        )
        soname = run("readelf", "-d", self.libdir / "libclade.so")
        self.assertIn("libclade.so.0]", soname)
        self.assertTrue((self.libdir / "libclade.so.0").exists())
        version = run(sys.executable, SOURCE / "include/version.py").strip()
        self.assertEqual(self.pkg_config(self.stage, "--modversion"), [version])

    def test_shared(self):
        for compiler, source in PROGRAMS:
            with self.subTest(source):
                if shutil.which(compiler):
                    self.assertIn("libclade.so.0", self.build_and_run(self.stage, compiler, source))

    def test_static(self):
        stage = self.home / "static"
        shutil.copytree(self.stage, stage, symlinks=True)
        for shared in stage.rglob("libclade.so*"):
            shared.unlink()
        for compiler, source in PROGRAMS:
            with self.subTest(source):
                if shutil.which(compiler):
                    needed = self.build_and_run(stage, compiler, source, "--static")
                    self.assertNotIn("libclade", needed)

    @unittest.skipUnless(shutil.which("c++"), "no C++ compiler")
    def test_subproject(self):
        project = self.home / "project"
        (project / "subprojects").mkdir(parents=True)
        (project / "meson.build").write_text(PROJECT)
        for _, source in PROGRAMS:
            shutil.copy(EXAMPLES / source, project)
        (project / "subprojects/clade").symlink_to(SOURCE)
        build = self.home / "project-build"
        run("meson", "setup", build, project, "-Dclade:default_library=shared",
            "-Dwarning_level=3", "-Dwerror=true")
        run("ninja", "-C", build)
        # Meson runs the project's own tests and not Clade's.
        self.assertRegex(run("meson", "test", "-C", build), r"Ok: +2\b")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
