"""Sandboxes as Docker containers: the only module that talks to a container engine."""

from __future__ import annotations

import os
import socket
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.types import LogConfig, Ulimit
from docker.utils import kwargs_from_env, parse_host

from app.grading import wire
from app.grading.hardening import (
    DEFAULT_PIDS,
    HOST_NAME,
    IMAGE_NAME_FILE,
    MAPPED_IDS,
    MASKED_PATHS,
    MAX_FILES,
    SECCOMP,
    UNUSED_IDS,
    draw_user,
)
from app.grading.instances import is_dead, this_instance
from app.grading.runs import EngineReport, EngineUnavailableError, SandboxBrokenError
from app.grading.sandbox_session import DEFAULT_MEMORY_MB, MIB, SandboxSession, check_caps
from app.grading.streams import PumpedStream
from app.kit.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from app.kit.clock import Clock

BACKEND = "docker"
LABEL = "yimian.sandbox"
OWNER_LABEL = "yimian.owner"
API_SECONDS = 30
# gVisor's kernel runs inside the caps, which cannot change later, and has threads of its own.
GVISOR_MEMORY_MB, GVISOR_PIDS = 1536, 512
# Its PID 1 is root in that kernel, with what it takes to run calls as somebody who cannot touch it.
GVISOR_CAPABILITIES = ["SETUID", "SETGID", "KILL"]
OOM_REPORT_SECONDS = 0.5
OOM_POLL_SECONDS = 0.02

# Engines mount it so that each look at it is noted, with its time. Devices work all the same.
READONLY_PATHS = ["/dev"]


def image_tag(file: Path = IMAGE_NAME_FILE) -> str:
    """Return the name of the image that sandbox/build-image.sh built last, or "" for none."""
    return file.read_text().strip() if file.exists() else ""


class DockerEngine:
    """Starts sandboxes on the engine that the environment names (DOCKER_HOST or the local socket).

    `image` is a name, or is asked for one until it is there: it may be built later.
    `runtime` may name a stronger one than the engine's default (gVisor's ``runsc``). `memory_mb`
    caps all processes of a new sandbox together, in MiB (a call with another limit changes
    that first); `pids` caps processes and threads. None: what the runtime needs.

    Raises ValueError for caps under which nothing could run, or that cap nothing.
    """

    def __init__(
        self,
        image: str | Callable[[], str],
        *,
        runtime: str | None = None,
        memory_mb: int | None = None,
        pids: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._find_image = None if isinstance(image, str) else image
        self._image = image if isinstance(image, str) else ""
        self._clock = clock or SystemClock()
        self._runtime = runtime
        check_caps(
            DEFAULT_MEMORY_MB if memory_mb is None else memory_mb,
            DEFAULT_PIDS if pids is None else pids,
        )
        self._memory_mb = memory_mb
        self._pids = pids
        self._seccomp = SECCOMP.read_text()
        self._client: docker.APIClient | None = None
        self._proven = False

    def start(self) -> SandboxSession:
        """Start a sandbox and wait until its fork server is ready.

        Raises EngineUnavailableError, also where the engine does not enforce its limits.
        """
        info, problem = self._look()
        if problem is not None:
            raise EngineUnavailableError(problem)
        try:
            return self._start(self._connect(), self._walls(info))
        except (DockerException, requests.RequestException, OSError, SandboxBrokenError) as error:
            raise EngineUnavailableError(f"no sandbox could be started: {error}") from error

    def probe(self) -> EngineReport:
        """Return what the engine is; until one has been, a sandbox is started to prove it."""
        info, problem = self._look()
        return EngineReport(
            reachable=bool(info),
            problem=problem or self._prove(),
            backend=BACKEND,
            version=str(info.get("ServerVersion", "")),
            cgroup=_cgroup(info),
            memory_capped=bool(info.get("MemoryLimit")),
            swap_capped=bool(info.get("SwapLimit")),
            pids_capped=bool(info.get("PidsLimit")),
            cpu_capped=bool(info.get("CpuCfsQuota")),
            verified=self._proven,
            seccomp=_has_security(info, "seccomp"),
            image=self._image,
            runtime=self._runtime or str(info.get("DefaultRuntime", "")),
        )

    def remove_orphans(self) -> int:
        """Remove sandboxes whose process is gone; return how many.

        Those of a living process stay, and so do running ones of another machine or container that
        shares this engine: they end by themselves when their process does, with their stdin.
        """
        try:
            return sum(_remove(self._connect(), orphan) for orphan in self._orphans())
        except (DockerException, requests.RequestException, OSError) as error:
            raise EngineUnavailableError(f"no container engine answers: {error}") from error

    def close(self) -> None:
        """Give back the connections to the engine."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connect(self) -> docker.APIClient:
        environment = kwargs_from_env()
        _knock(environment.get("base_url"))
        if self._client is None:
            self._client = docker.APIClient(version="auto", timeout=API_SECONDS, **environment)
        return self._client

    def _look(self) -> tuple[dict[str, Any], str | None]:
        """Return what the engine says of itself, nothing if it is away, and what the problem is."""
        try:
            client = self._connect()
            info = client.info()
            present = self._has_image(client)
        except (DockerException, requests.RequestException, OSError) as error:
            return {}, f"no container engine answers: {error}"
        return info, problem_of(info, self._image, image_present=present, runtime=self._runtime)

    def _prove(self) -> str | None:
        """Start a sandbox unless one was, and return why that cannot be."""
        if not self._proven:
            try:
                self.start().close()
            except EngineUnavailableError as error:
                return str(error)
        return None

    def _has_image(self, client: docker.APIClient) -> bool:
        if self._find_image is not None:
            self._image = self._find_image()
        if not self._image:
            return False
        try:
            client.inspect_image(self._image)  # type: ignore[no-untyped-call]
        except ImageNotFound:
            return False
        # A later build is for the next start of this program: its own code fits this image.
        self._find_image = None
        return True

    def _orphans(self) -> list[str]:
        found = self._connect().containers(all=True, filters={"label": LABEL})
        return [entry["Id"] for entry in found if _is_orphan(entry)]

    def _start(self, client: docker.APIClient, walls: _Walls) -> SandboxSession:
        created = client.create_container(
            self._image,
            hostname=HOST_NAME,
            user=f"{walls.user}:{walls.user}",
            stdin_open=True,
            labels={LABEL: "1", OWNER_LABEL: this_instance()},
            host_config=self._host_config(client, walls),
        )
        container = Container(client, created["Id"], self._clock)
        stream = None
        try:
            _refuse_warnings(created.get("Warnings") or [])
            stream = AttachStream(_attach(client, container.id), self._clock)
            client.start(container.id)
            once = wire.await_ready(stream)
            if not self._proven:
                container.prove_caps(walls.memory_mb, walls.pids)
                self._proven = True
        except BaseException:
            if stream is not None:
                stream.close()
            container.remove()
            raise
        return SandboxSession(
            stream, container, memory_mb=walls.memory_mb, once=once, clock=self._clock
        )

    def _walls(self, info: dict[str, Any]) -> _Walls:
        gvisor = _is_gvisor(info, self._runtime)
        ids = MAPPED_IDS if _maps_users(info) else UNUSED_IDS
        return _Walls(
            user=0 if gvisor else draw_user(ids),
            capabilities=GVISOR_CAPABILITIES if gvisor else (),
            memory_mb=self._memory_mb or (GVISOR_MEMORY_MB if gvisor else DEFAULT_MEMORY_MB),
            pids=self._pids or (GVISOR_PIDS if gvisor else DEFAULT_PIDS),
        )

    def _host_config(self, client: docker.APIClient, walls: _Walls) -> dict[str, Any]:
        config = client.create_host_config(
            network_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            cap_add=list(walls.capabilities),
            security_opt=["no-new-privileges", f"seccomp={self._seccomp}"],
            ipc_mode="none",
            mem_limit=f"{walls.memory_mb}m",
            memswap_limit=f"{walls.memory_mb}m",
            pids_limit=walls.pids,
            nano_cpus=1_000_000_000,
            log_config=LogConfig(type="none"),
            auto_remove=True,
            runtime=self._runtime,
            ulimits=[
                Ulimit(name="core", soft=0, hard=0),
                Ulimit(name="nofile", soft=MAX_FILES, hard=MAX_FILES),
                Ulimit(name="fsize", soft=0, hard=0),
                Ulimit(name="memlock", soft=0, hard=0),
                Ulimit(name="msgqueue", soft=0, hard=0),
            ],
        )
        # The engine's own lists are replaced, not added to; ours contain them.
        return {**config, "MaskedPaths": list(MASKED_PATHS), "ReadonlyPaths": READONLY_PATHS}


@dataclass(frozen=True, slots=True)
class _Walls:
    """What differs between sandboxes and runtimes."""

    user: int
    capabilities: Sequence[str]
    memory_mb: int
    pids: int


def _knock(host: str | None) -> None:
    """Raise OSError where nobody listens on the engine's local socket.

    docker-py finds that out, too, but forgets to close its own end.
    """
    scheme, _, path = cast("str", parse_host(host)).partition("://")
    if scheme == "http+unix":
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(path)


def problem_of(
    info: dict[str, Any], image: str, *, image_present: bool, runtime: str | None = None
) -> str | None:
    """Return why an engine that says `info` of itself cannot hold hostile code, if it cannot."""
    caps = {"MemoryLimit": "memory", "PidsLimit": "processes"}
    if missing := [name for key, name in caps.items() if not info.get(key)]:
        hint = ": a rootless one needs cgroup v2 with memory and pids delegated to its user"
        return (
            f"the engine does not enforce a limit on {' and '.join(missing)}"
            f"{hint if _has_security(info, 'rootless') else ''}"
        )
    if not _has_security(info, "seccomp"):
        return "the engine does not filter system calls"
    if runtime is not None and runtime not in info.get("Runtimes", {}):
        return f"the engine has no runtime {runtime!r}"
    if not image_present:
        lacking = (
            f"the sandbox image {image!r} is missing" if image else "no sandbox image is built"
        )
        return f"{lacking}: run sandbox/build-image.sh"
    return None


def _has_security(info: dict[str, Any], name: str) -> bool:
    options = [str(option).split(",") for option in info.get("SecurityOptions") or []]
    return any(f"name={name}" in option for option in options)


def _maps_users(info: dict[str, Any]) -> bool:
    return _has_security(info, "rootless") or _has_security(info, "userns")


def _cgroup(info: dict[str, Any]) -> str:
    """Return the version that caps containers, and who sets it; engines without say "none"."""
    driver = str(info.get("CgroupDriver", "none"))
    return "none" if driver == "none" else f"{info.get('CgroupVersion', '1')} ({driver})"


def _is_gvisor(info: dict[str, Any], runtime: str | None) -> bool:
    """Return whether sandboxes get gVisor, by the name of its program or shim."""
    name = runtime or info.get("DefaultRuntime")
    return "runsc" in str(info.get("Runtimes", {}).get(name, ""))


def _refuse_warnings(warnings: list[str]) -> None:
    """Raise for a discarded limit, of which an engine only warns; swap may be none to cap."""
    serious = [text for text in warnings if "swap" not in text.lower()]
    if serious:
        raise EngineUnavailableError("; ".join(serious))


def _is_orphan(entry: dict[str, Any]) -> bool:
    dead = is_dead(str(entry.get("Labels", {}).get(OWNER_LABEL, "")))
    return entry.get("State") in {"exited", "dead"} if dead is None else dead


def _remove(client: docker.APIClient, container: str) -> bool:
    """Remove it and return True, or False where it was gone or going already."""
    try:
        client.remove_container(container, force=True)
    except NotFound:
        return False
    except APIError as error:
        if error.status_code == requests.codes.conflict:  # removal is under way
            return False
        raise
    return True


def _attach(client: docker.APIClient, container: str) -> socket.socket:
    """Return a socket of our own on the container's streams, to be closed by us alone."""
    params = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    borrowed = client.attach_socket(container, params=params)
    own = socket.socket(fileno=os.dup(borrowed.fileno()))
    borrowed._response.close()  # noqa: SLF001 - docker-py keeps it there, and open
    return own


class AttachStream(PumpedStream):
    """A container's streams as the engine multiplexes them: an 8-byte header, then content."""

    HEADER = struct.Struct(">BxxxI")
    STDOUT = 1
    MAX_STDERR = 4000

    def __init__(self, sock: socket.socket, clock: Clock) -> None:
        super().__init__(sock.fileno(), sock.fileno(), clock)
        self._socket = sock
        self._header = bytearray()
        self._kind, self._left = 0, 0
        self._stderr = bytearray()

    def close(self) -> None:
        """Close our end, and with it the fork server's stdin; may be called twice."""
        super().close()
        self._socket.close()

    def _arrived(self, piece: bytes) -> None:
        view = memoryview(piece)
        while view:
            if not self._left:
                view = self._open(view)
            content, view = view[: self._left], view[self._left :]
            self._left -= len(content)
            if self._kind == self.STDOUT:
                self._ready.extend(content)
            else:
                self._stderr.extend(content)
                del self._stderr[: -self.MAX_STDERR]

    def _open(self, view: memoryview) -> memoryview:
        """Take a header, or what is there of one; return the rest."""
        missing = self.HEADER.size - len(self._header)
        self._header.extend(view[:missing])
        if len(self._header) == self.HEADER.size:
            self._kind, self._left = self.HEADER.unpack(self._header)
            self._header.clear()
        return view[missing:]

    def _said(self) -> str:
        return self._stderr.decode("utf-8", "replace").strip()


class Container:
    """The walls of a sandbox: its container, as the engine knows it."""

    def __init__(self, client: docker.APIClient, container: str, clock: Clock) -> None:
        self.id = container
        self._client = client
        self._clock = clock

    def cap_memory(self, memory_mb: int) -> None:
        """Cap the MiB that all its processes use together."""
        try:
            self._client.update_container(
                self.id, mem_limit=memory_mb * MIB, memswap_limit=memory_mb * MIB
            )
        except (DockerException, requests.RequestException, OSError) as error:
            raise SandboxBrokenError(f"its memory could not be capped: {error}") from error

    def prove_caps(self, memory_mb: int, pids: int) -> None:
        """Ask the engine what the kernel says of the caps. Raises EngineUnavailableError."""
        told = self._client.stats(self.id, stream=False, one_shot=True)
        caps = (told["memory_stats"].get("limit"), told["pids_stats"].get("limit"))
        if caps != (memory_mb * MIB, pids):
            raise EngineUnavailableError(
                f"the engine took limits on memory and processes but set {caps} instead"
            )

    def was_short_of_memory(self, since: datetime) -> bool:
        """Ask the engine, which hears it from the kernel; the news may take a moment."""
        deadline = self._clock.monotonic() + OOM_REPORT_SECONDS
        while self._clock.monotonic() < deadline:
            if self._killed_for_memory(since):
                return True
            time.sleep(OOM_POLL_SECONDS)
        return False

    def remove(self) -> None:
        """Remove it. Raises EngineUnavailableError where the engine cannot be told to."""
        try:
            _remove(self._client, self.id)
        except (DockerException, requests.RequestException, OSError) as error:
            raise EngineUnavailableError(f"a sandbox could not be removed: {error}") from error

    def _killed_for_memory(self, since: datetime) -> bool:
        try:
            # As text, because docker-py would round times to seconds.
            news = self._client.events(  # type: ignore[call-overload]
                since=f"{since.timestamp():.6f}",
                until=f"{self._clock.now().timestamp():.6f}",
                filters={"container": self.id, "event": "oom"},
            )
            return bool(list(news))
        except (DockerException, requests.RequestException, OSError) as error:
            raise SandboxBrokenError(f"the engine does not know the sandbox: {error}") from error
