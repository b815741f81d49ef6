"""What a look finds on the machine itself: versions with known faults, the clock, the disk, permissions, limits, the port."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import shutil
import socket
import sqlite3
import stat
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from dialogs.turns import LOCAL
from handlers import reload
from handlers.settings import Settings

FREE, INODES = 500 * 2**20, 10_000
"""Bytes and files for which there should be room; with a tenth of it, it is bad."""
FILES = 4096
"""Files that a process should be allowed to hold open: each page that is looked at holds one."""
DRIFT = 2.0
"""Seconds between two clocks that are told."""
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs", "fuse.glusterfs"}
"""File systems that are another machine's."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    about: str
    grade: Literal["ok", "warn", "bad"]
    what: str
    fix: str = ""

    def __str__(self) -> str:
        mark = {"ok": "✓", "warn": "！", "bad": "✗"}[self.grade]
        return f"{mark} {self.what}" + (f"\n    {self.fix}" if self.fix else "")


_PYTHON_UNTIL = {(3, 11): date(2027, 10, 31), (3, 12): date(2028, 10, 31), (3, 13): date(2029, 10, 31), (3, 14): date(2030, 10, 31)}
"""Until when each is mended by its makers (devguide.python.org/versions)."""


def sound_sqlite(version: tuple[int, ...]) -> bool:
    """Whether a SQLite can't break a file in WAL mode when one connection commits just as another checkpoints (sqlite.org/wal.html#walresetbug)."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def versions(settings: Settings) -> Iterator[Finding]:
    """Python and SQLite."""
    until = _PYTHON_UNTIL.get(sys.version_info[:2])
    what = f"Python {platform.python_version()}，{platform.system()} {platform.machine()}"
    if until and until < datetime.now(LOCAL).date():
        yield Finding("versions", "warn", f"{what}：这一版 {until} 起不再修补", "换新一版 Python，重新运行 make run")
    else:
        yield Finding("versions", "ok", what)
    if settings.database:
        return
    if sound_sqlite(sqlite3.sqlite_version_info):
        yield Finding("versions", "ok", f"SQLite {sqlite3.sqlite_version}")
    else:
        yield Finding(
            "versions",
            "warn",
            f"SQLite {sqlite3.sqlite_version}：3.51.3 以前，两个连接恰好同时写和整理一个文件，有极小的可能写坏它",
            "一个数据文件只启动一个园企通，它只用一个连接写；别的程序不要写这个文件。运行着时 requests reply、set 的那一刻会多一个连接：请多的话换用 PostgreSQL，或装 SQLite 3.51.3 以上",
        )


def time_of_day(_: Settings) -> Iterator[Finding]:
    """The clock, as far as it can be wrong by itself, and the time zone."""
    now = datetime.now(LOCAL)
    built = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    if now < built - timedelta(days=366):
        yield Finding("clock", "bad", f"时钟不对：现在是 {now:%Y-%m-%d %H:%M}", "打开对时（timedatectl set-ntp true）；时限都按今天算")
    else:
        yield Finding("clock", "ok", f"时钟 {now:%Y-%m-%d %H:%M}（上海）")
    if now.utcoffset() != timedelta(hours=8):
        yield Finding("clock", "bad", f"时区数据不对：上海和世界时差 {now.utcoffset()}，应是 8:00:00", "重新安装依赖里的 tzdata，或检查 PYTHONTZPATH")


def disk(settings: Settings) -> Iterator[Finding]:
    """The folder of the data file: also with PostgreSQL, files of this machine lie there."""
    folder = next(p for p in (settings.store.parent, *settings.store.absolute().parents) if p.exists())
    free = shutil.disk_usage(folder).free
    room = os.statvfs(folder) if hasattr(os, "statvfs") else None
    inodes = room.f_favail if room and room.f_files else None  # some file systems don't count them
    if free < FREE:
        yield Finding("disk", "bad" if free < FREE / 10 else "warn", f"磁盘只剩 {free / 2**20:.0f} MB", f"给 {folder} 腾出空间")
    else:
        yield Finding("disk", "ok", f"磁盘还有 {free / 2**30:.1f} GB")
    if inodes is not None and inodes < INODES:
        yield Finding("disk", "bad" if inodes < INODES / 10 else "warn", f"磁盘只能再建 {inodes} 个文件", f"删掉 {folder} 所在磁盘上不用的小文件")
    if sys.platform != "win32" and folder.stat().st_mode & stat.S_IWOTH and not folder.stat().st_mode & stat.S_ISVTX:
        yield Finding("permissions", "warn", f"文件夹 {folder} 谁都能改，数据文件会被换掉", f"chmod o-w {folder}")
    if (kind := file_system(folder)) in _NETWORK and not settings.database:
        yield Finding("disk", "bad", f"数据文件在网络磁盘上（{kind}），SQLite 在上面会坏", "把 STORE 放到本机的磁盘，或者用 PostgreSQL")
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as probe:
            began = time.time()
            probe.write(b"?")
            probe.flush()
            os.fsync(probe.fileno())
            took, skew = time.time() - began, os.fstat(probe.fileno()).st_mtime - began
    except OSError as error:
        yield Finding(
            "permissions", "bad", f"写不进文件夹 {folder}：{error.strerror}", "用运行园企通的用户运行这个命令；检查文件夹的主人、权限和磁盘"
        )
        return
    yield Finding("disk", "ok", f"文件夹 {folder} 能写，存盘一次 {took * 1000:.1f} 毫秒")
    if abs(skew) > DRIFT + took:
        yield Finding("clock", "warn", f"磁盘的时钟和这台机器差 {skew:+.0f} 秒", "两边都打开对时")


def file_system(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The kind of file system on which a folder lies; empty where that isn't known."""
    try:
        lines = [line.split() for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return ""
    whole = folder.resolve()
    fitting = [(len(line[1]), number, line[2]) for number, line in enumerate(lines) if len(line) > 2 and whole.is_relative_to(line[1])]
    return max(fitting, default=(0, 0, ""))[2]


def limits(_: Settings) -> Iterator[Finding]:
    """How many files a process may hold open."""
    if sys.platform == "win32":
        return
    import resource

    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= files < FILES:
        yield Finding(
            "limits",
            "warn",
            f"一个程序最多开 {files} 个文件，每个开着的网页占一个",
            f"ulimit -n {FILES}（现在最多能设 {most}），或在 systemd 里写 LimitNOFILE={FILES}",
        )
    else:
        yield Finding("limits", "ok", "能同时开的文件够用" if files < 0 else f"最多同时开 {files} 个文件")


def port(settings: Settings) -> Iterator[Finding]:
    """Whether the port is free, or ours."""
    place = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            fault = error
        else:
            yield Finding("port", "ok", f"端口 {place} 空着")
            return
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    status = 0
    if fault.errno == errno.EADDRINUSE:
        with contextlib.suppress(OSError, ValueError):  # whoever is there answers something else
            status, _ = asked(f"http://{f'[{local}]' if ':' in local else local}:{settings.port}/readyz")
    if status == 200 and reload.runs(reload.status_file(settings.store)):
        yield Finding("port", "ok", f"园企通正在 {place} 上运行，可以接待")
    elif status == 503:
        yield Finding("port", "bad", f"{place} 上的程序现在不能接待（/readyz 答 503）", "看它的日志；数据库断开、磁盘满、正在停下来时会这样")
    elif fault.errno == errno.EADDRINUSE:
        yield Finding("port", "bad", f"端口 {place} 被别的程序占着，不是用这个数据文件的园企通", "换一个 PORT，或停掉占着它的程序（ss -ltnp）")
    else:
        yield Finding("port", "bad", f"端口 {place} 用不了：{fault.strerror}", "HOST 要是这台机器的地址；1024 以下的端口要有权限，放在代理后面就不用")


def asked(url: str) -> tuple[int, Any]:
    """Status and JSON of an address; OSError where it can't be had, ValueError where it answers something else."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {}
