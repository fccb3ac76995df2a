"""What `build.py` of the templates in Python installs, and when."""

import importlib.util
import io
import os
import shutil
import sys
import tempfile
import unittest
from contextlib import redirect_stderr
from pathlib import Path
from unittest import mock

BUILD = Path(sys.argv.pop(1)).absolute()


def load():
    spec = importlib.util.spec_from_file_location("build", BUILD)
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    return build


class Install(unittest.TestCase):
    def setUp(self) -> None:
        self.top = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.top)
        self.addCleanup(os.chdir, os.getcwd())
        self.enter("app")
        Path("requirements.txt").write_text("one\n")

    def enter(self, name: str) -> None:
        (self.top / name).mkdir(exist_ok=True)
        os.chdir(self.top / name)

    def installs(self) -> bool:
        """Whether it does, with a virtual environment that is made of this Python."""
        build, made = load(), []

        def create(venv: Path, **_: object) -> None:
            made.append(venv)
            shutil.rmtree(venv, ignore_errors=True)
            build.BIN.mkdir(parents=True)
            (build.BIN / "python").symlink_to(sys.executable)

        with mock.patch.object(build.venv, "create", create), mock.patch.object(build, "run"):
            with redirect_stderr(io.StringIO()):
                build.install()
        return bool(made)

    def test_once(self) -> None:
        self.assertEqual([self.installs(), self.installs()], [True, False])
        Path("requirements.txt").write_text("two\n")
        self.assertTrue(self.installs())

    def test_again_where_the_folder_moved_or_was_copied(self) -> None:
        self.installs()
        shutil.copytree(self.top / "app", self.top / "copy", symlinks=True)
        self.enter("copy")
        self.assertEqual([self.installs(), self.installs()], [True, False])
        (self.top / "app").rename(self.top / "moved")
        self.enter("moved")
        self.assertEqual([self.installs(), self.installs()], [True, False])

    def test_again_where_python_is_gone_or_another(self) -> None:
        self.installs()
        python = Path(".venv/bin/python")
        python.unlink()
        python.symlink_to("/gone/python")
        self.assertEqual([self.installs(), self.installs()], [True, False])
        with mock.patch.object(sys, "version_info", type("Version", (tuple,), {"major": 3, "minor": 99})((3, 99))):
            self.assertTrue(self.installs())

    def test_says_what_is_missing(self) -> None:
        build = load()
        with mock.patch.object(build.importlib.util, "find_spec", return_value=None):
            with self.assertRaises(SystemExit) as raised:
                build.install()
        self.assertIn("apt install python3-venv", str(raised.exception))
        with mock.patch.object(sys, "version_info", (3, 9)):
            with self.assertRaises(SystemExit) as raised:
                load()
        self.assertIn("is too old; build with Python 3.10 or later", str(raised.exception))


if __name__ == "__main__":
    unittest.main()
