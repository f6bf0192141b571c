"""A Python environment outside of the tree, with our wheel in it, as somebody else has it."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

__all__ = ["ROOT", "FreshEnvironment"]

ROOT = Path(__file__).parents[2]


class FreshEnvironment:
    """Nothing of the checkout is importable here: only wheels that were installed, and what they depend on.

    Dependencies are read from the environment that runs the tests (by a .pth file, which brings its
    packages and not its own .pth files, so not the editable checkout): installing them takes minutes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder / "venv", with_pip=False, symlinks=True)
        self._bin = folder / "venv" / "bin"
        ours = Path(self.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
        theirs = [path for path in dict.fromkeys((sysconfig.get_path("purelib"), *sys.path)) if _is_packages(path)]
        (ours / "dependencies.pth").write_text("\n".join(theirs))

    def install(self, *sources: Path) -> None:
        """Build the wheels of source trees and install them."""
        folder = self.folder / f"wheels-{len(list(self.folder.glob('wheels-*')))}"
        folder.mkdir()
        for source in sources:
            self._run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=source)
        pip = ("-m", "pip", "--disable-pip-version-check", "-q", "--python", str(self._bin / "python"))
        wheels = sorted(str(wheel) for wheel in folder.glob("*.whl"))
        assert len(wheels) == len(sources)
        self._run(sys.executable, *pip, "install", "--no-index", "--no-deps", "--no-compile", *wheels)

    def run(self, command: str, *arguments: str, cwd: Path | None = None, expect: int = 0) -> str:
        """Run a command of the environment; return what it printed."""
        return self._run(str(self._bin / command), *arguments, cwd=cwd, expect=expect)

    def environ(self) -> dict[str, str]:
        """Return variables without any that would let the checkout, or somebody's keys, in."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not re.search(r"_(KEY|TOKEN)$|^(GATEWAYZ_|PYTHON|PYTEST|VIRTUAL_ENV)", name)
        }
        return {**kept, "PATH": f"{self._bin}:/usr/bin:/bin"}

    def command(self, name: str) -> str:
        """Return the path of a command of the environment."""
        return str(self._bin / name)

    def _run(self, *command: str, cwd: Path | None = None, expect: int = 0) -> str:
        done = subprocess.run(
            command,
            cwd=cwd or self.folder,
            env=self.environ(),
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == expect, f"{command}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout


def _is_packages(path: str) -> bool:
    return path.endswith(("site-packages", "dist-packages")) and Path(path).is_dir()
