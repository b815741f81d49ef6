"""What a service manager is told: that the program is ready, that its loop still turns, that it stops (systemd's sd_notify protocol)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping


def tell(words: str, env: Mapping[str, str] = os.environ) -> None:
    """Send words to the service manager, where there is one."""
    place = env.get("NOTIFY_SOCKET", "")
    if place:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.sendto(words.encode(), f"\0{place[1:]}" if place.startswith("@") else place)


async def run(env: Mapping[str, str] = os.environ) -> None:
    """Say that all is ready, and then, as often as is asked for, that the loop turns; when cancelled, that it is about to stop."""
    tell("READY=1", env)
    try:
        if (every := int(env.get("WATCHDOG_USEC", "0")) / 2_000_000) and env.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
            while True:
                tell("WATCHDOG=1", env)
                await asyncio.sleep(every)
        await asyncio.Event().wait()
    finally:
        tell("STOPPING=1", env)
