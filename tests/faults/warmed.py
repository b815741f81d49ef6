"""Imported by the parent of all programs that tests start: what takes long at a start is done once, before the first fork."""

import functools
import gc
import importlib
import ssl

import certifi

from tests.faults import program

LATE = ("anyio._backends._asyncio", "anyio.streams.tls", "httpcore", "uvicorn.lifespan.on", "uvicorn.protocols.http.auto")
"""What the program imports only as it runs."""

for name in LATE:
    importlib.import_module(name)
# The world's certificates, which none of these programs needs, are read once.
ssl.create_default_context = functools.cache(ssl.create_default_context)  # type: ignore[assignment]
ssl.create_default_context(cafile=certifi.where())
program.warm()
gc.freeze()
