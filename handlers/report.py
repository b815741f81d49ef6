"""The page of a pre-check at its link, for whoever knows the key. It is made when it is opened, by the knowledge that the chat had."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from dialogs.dossier import REPORT_DAYS, of_recipe
from dialogs.texts import texts
from dialogs.turns import LOCAL, Turns
from handlers.reload import restored
from knowledge.loader import KnowledgeError
from knowledge.snapshot import Knowledge

PAGE = Path(__file__).parent / "report_page"
EARLIER = 2
"""How many earlier versions of the knowledge are held ready."""
_KEY = re.compile(r"[A-Za-z0-9_-]{32}")
_SECRET = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}
"""Whoever knows the address of a report may read it: no search engine and no other site shall learn it."""
log = logging.getLogger(__name__)


class Reports:
    """Shows reports that a store keeps as recipes."""

    def __init__(self, turns: Turns) -> None:
        self._turns, self._templates = turns, Jinja2Templates(directory=PAGE)
        self._earlier: dict[str, Knowledge | None] = {}
        self._one_at_a_time = asyncio.Lock()

    async def page(self, request: Request) -> Response:
        """The report; a wrong key, an old one and one that nothing can be made of get the same answer."""
        key, kept = request.path_params["key"], None
        if _KEY.fullmatch(key):
            kept = await self._turns.store.report(key, self._turns.clock())
        body = await self._made(kept) if kept and "page" not in kept else None
        if kept is None or body is None:
            words = texts("en" if request.headers.get("accept-language", "").lower().startswith("en") else "zh")
            return self._templates.TemplateResponse(request, "gone.html", {"words": words, "days": REPORT_DAYS}, 404, _SECRET)
        made, expires = (datetime.fromisoformat(kept[name]).astimezone(LOCAL) for name in ("made", "expires"))
        shown = {
            "report": body,
            "words": texts(kept["language"]),
            "made": f"{made:%Y-%m-%d %H:%M}",
            "expires": f"{expires:%Y-%m-%d}",
            "was": kept["knowledge"],
        }
        return await asyncio.to_thread(self._templates.TemplateResponse, request, "precheck.html", shown, headers=_SECRET)

    async def _made(self, kept: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The dossier of a recipe: by the knowledge of then where it can still be read, else by that of now; None where neither will do."""
        if "groups" in kept:  # kept whole, as the first release did
            return kept
        if self._turns.library is None:
            return None
        now = self._turns.library.knowledge
        then = now if now.version == kept["knowledge"] else await self._restored(kept["knowledge"])
        try:
            return await asyncio.to_thread(of_recipe, then or now, kept)
        except ValueError:
            log.warning("a report of version %s can be made of no knowledge that is left", kept["knowledge"])
            return None

    async def _restored(self, version: str) -> Knowledge | None:
        """An earlier knowledge base that the store kept; None where it did not, or where it was written for another release."""
        async with self._one_at_a_time:  # reading one takes seconds
            if version not in self._earlier:
                found = await self._turns.store.published(1, version)
                try:
                    knowledge = await asyncio.to_thread(restored, found[0]) if found else None
                except KnowledgeError:
                    knowledge = None
                self._earlier = dict([*self._earlier.items(), (version, knowledge)][-EARLIER:])
            return self._earlier[version]
