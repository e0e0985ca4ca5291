"""Put together the sandbox's root file system: Python, numpy, the fork server, nothing else.

Runs inside the base system, whose Python becomes the sandbox's. Modules are compiled and their
sources left behind: half the files to read, and nothing to write at import. There is no
shell, no tool, no package data. Wherever the base keeps things, the result is laid out alike.

Usage: assemble_root.py CONTEXT ROOT   (CONTEXT holds site/, the unpacked numpy, and sandbox/)
"""

from __future__ import annotations

import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
STDLIB = Path("usr/lib") / VERSION
HOME = Path("opt/yimian")
EMPTY_FOLDERS = ("dev", "etc", "proc", "sys", "tmp", HOME / "empty/folder")
MERGED = ("bin", "lib", "lib64")  # links into /usr, as on every Debian

# Screens, terminals, tests, packaging, and what only serves these.
UNUSED_MODULES = frozenset(
    {
        *("curses", "idlelib", "readline", "rlcompleter", "tkinter", "turtle", "turtledemo"),
        *("__phello__", "__hello__", "antigravity", "pydoc_data", "test", "this"),
        *("distutils", "_distutils_system_mod", "ensurepip", "lib2to3", "venv", "zipapp"),
        *("dist-packages", "site-packages", "sitecustomize"),
    }
)
# Of these, numpy needs none at run time.
UNUSED_FOLDERS = frozenset(
    {"tests", "test", "include", "f2py", "distutils", "doc", "_examples", "_pyinstaller"}
)
# OpenSSL among them: Python has hashes of its own.
UNUSED_LIBRARIES = re.compile(
    r"_hashlib|_ssl|_curses|_dbm|_gdbm|_tkinter|nis|readline|ossaudiodev|_test|_ctypes_test|_?xx|\w+_tests\.|_simd\."
)
# They would be a tenth of a sandbox's memory, and each call copies the tables of that. Asserts of
# the libraries go with them; the candidate's own stay.
WITHOUT_DOCSTRINGS = 2
NEEDED_LATE = "libgcc_s.so.1"  # the C library opens it when a thread ends
CODE, LIBRARIES = ".py", re.compile(r"\.so(\.|$)")
PYTHON = Path(sys.executable).resolve()
# The one that this very process was loaded by.
LOADER = next(re.finditer(r"/\S*/ld-\S+", Path("/proc/self/maps").read_text()))[0]


def assemble(context: Path, root: Path) -> None:
    """Fill `root`."""
    for name in EMPTY_FOLDERS:
        (root / name).mkdir(parents=True)
    (root / HOME / "empty/file").touch()
    (root / "tmp/unused").touch()  # over an empty /tmp gVisor would put one that can be written
    copy_tree(Path(sysconfig.get_path("stdlib")), root / STDLIB, top=UNUSED_MODULES)
    copy_tree(context / "site", root / HOME / "site", top=frozenset())
    copy_tree(context / "sandbox", root / HOME / "lib/sandbox", top=frozenset())
    for name in MERGED:
        (root / name).symlink_to(f"usr/{name}")
        (root / "usr" / name).mkdir(exist_ok=True)
    shutil.copyfile(PYTHON, root / "usr/bin/python3")
    copy_libraries(root)
    for path in root.rglob("*"):
        settle(path)


def copy_tree(source: Path, target: Path, *, top: frozenset[str]) -> None:
    """Copy compiled modules and libraries below `source`, but for `top` and what is unused."""
    for folder, folders, files in os.walk(source):
        here = Path(folder)
        unused = top if here == source else UNUSED_FOLDERS
        folders[:] = [name for name in folders if not unwanted(name, unused)]
        for name in files:
            if here != source or name.split(".")[0] not in top:
                copy_file(here / name, target / here.relative_to(source) / name)


def unwanted(folder: str, unused: frozenset[str]) -> bool:
    """Return whether a folder of that name stays behind; one called config-… is for compilers."""
    return folder in unused or folder == "__pycache__" or folder.startswith("config-")


def copy_file(source: Path, target: Path) -> None:
    """Copy a module, compiled, or a library; leave anything else."""
    if source.suffix == CODE:
        py_compile.compile(
            f"{source}",
            cfile=f"{target.with_suffix('.pyc')}",
            dfile=f"/{target.name}",
            doraise=True,
            optimize=WITHOUT_DOCSTRINGS,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    elif LIBRARIES.search(source.name) and not UNUSED_LIBRARIES.match(source.name):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def copy_libraries(root: Path) -> None:
    """Copy what the binaries in `root` are linked with, to where the loader looks by itself."""
    home = root / "usr/lib" / sysconfig.get_config_var("MULTIARCH")
    home.mkdir(parents=True)
    libraries = [path for path in root.rglob("*") if LIBRARIES.search(path.name)]
    needed = {name: path for binary in libraries for name, path in linked(binary)}
    program = dict(linked(PYTHON))
    (interpreter,) = (name for name in program if name.startswith("/"))  # written in the program
    shutil.copyfile(program.pop(interpreter), root / "usr" / interpreter.lstrip("/"))
    for name, path in (needed | program).items():
        # Those of numpy are there already, and the loader is no library.
        if not (path.is_relative_to(root) or name.startswith("/")):
            shutil.copyfile(path, home / name)


def linked(binary: Path) -> Iterator[tuple[str, Path]]:
    """Give name and place of each library that `binary` is linked with."""
    command = [LOADER, "--preload", NEEDED_LATE, "--list", f"{binary}"]
    told = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout  # noqa: S603 - our own words
    for line in told.splitlines():
        name, _, rest = line.strip().partition(" ")
        if "not found" in rest:
            raise FileNotFoundError(f"{binary} needs {name}")
        if rest.startswith("=> "):
            yield name, Path(rest.split()[1])
        elif name.startswith("/"):
            yield name, Path(name)


def settle(path: Path) -> None:
    """Let everybody read it and nobody write it but its owner."""
    if not path.is_symlink():
        runs = path.parent.name == "bin" or path.name.startswith("ld-")
        path.chmod(0o755 if runs or path.is_dir() else 0o644)


if __name__ == "__main__":
    assemble(Path(sys.argv[1]), Path(sys.argv[2]))
