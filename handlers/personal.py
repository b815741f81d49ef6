"""Pages about personal data: the notice, the form for contact details that a chat may not carry, and what is kept of a person, to have.

The form and the data stand behind keys that nobody can guess, for a day. A key is also what guards the form against other sites: whoever does
not know it can send nothing, and Guard (handlers/web.py) refuses what comes from another site. Nothing here needs a script.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.templating import Jinja2Templates

from dialogs import reading
from dialogs.consent import PAGE_HOURS, notice
from dialogs.conversation import State
from dialogs.messages import Message
from dialogs.personal import awaits
from dialogs.script import ask
from dialogs.scripts.request import CONTACT
from dialogs.texts import Texts, texts
from dialogs.turns import LOCAL, BusyError, TurnError, Turns
from handlers.channel import STARTS
from storage.contract import Address, StoreError

PAGE = Path(__file__).parent / "personal_page"
MAX_FORM = 16 * 1024
_KEY = re.compile(r"[A-Za-z0-9_-]{32}")
_HIDDEN = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
"""No search engine and no other site shall learn such an address."""
_FORM = _HIDDEN | {"Referrer-Policy": "same-origin"}
"""Without any referrer a browser would send the form with the origin `null`, as from nowhere."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Form:
    """A form that is open: whose contact it asks for, in which dialog, and whether it was sent already."""

    address: Address
    run: str
    words: Texts
    sent: bool


class Personal:
    """The pages, over one `Turns`. `operator`: who answers for the data, as the installation names it; None where it does not."""

    def __init__(self, turns: Turns, operator: str | None) -> None:
        self._turns, self._operator, self._templates = turns, operator, Jinja2Templates(directory=PAGE)

    def routes(self) -> list[BaseRoute]:
        """Where the pages are."""
        return [
            Route("/privacy", self.privacy),
            Route("/contact/{key}", self.contact, methods=["GET", "POST"]),
            Route("/data/{key}", self.data),
            Route("/data/{key}/download", self.download),
        ]

    async def privacy(self, request: Request) -> Response:
        """The notice in full, Chinese with English beside it."""
        operator = {language: self._named(texts(language)) for language in ("zh", "en")}
        return self._templates.TemplateResponse(request, "privacy.html", {"notice": notice(), "operator": operator})

    async def contact(self, request: Request) -> Response:
        """The form; after it was sent, that it was."""
        form = await self._form(request)
        if form is None:
            return self._gone(request)
        if form.sent:
            return self._sent(request, form)
        return await self._taken(request, form) if request.method == "POST" else self._asked(request, form, {}, {})

    async def _taken(self, request: Request, form: Form) -> Response:
        """Take what was filled in: the dialog goes on in the chat. What is wrong is said beside its field, and nothing typed is lost."""
        said = await _fields(request)
        tokens, wrong = self._read(form, said)
        if wrong:
            return self._asked(request, form, said, wrong, 422)
        fields = {"run": form.run, **tokens}
        try:
            await self._turns.handle(form.address, Message(fields=fields, private="page", channel="page"), _update(request))
        except (BusyError, TurnError, StoreError) as error:
            log.error("一份联系方式没有存下：%s", error)
            return self._asked(request, form, said, {"": form.words("page.again")}, 503)
        return RedirectResponse(request.url.path, 303)

    async def data(self, request: Request) -> Response:
        """What is kept of a person, in words."""
        if (found := await self._kept(request, "data")) is None:
            return self._gone(request)
        address, words = found
        held = await self._turns.store.personal(address)
        shown = {
            "words": words,
            "cases": [(r, r["body"]["dossier"], words(f"requests.state_{r['state']}")) for r in held["requests"]],
            "consent": given if "at" in (given := held["conversation"].get("consent") or {}) else None,
            "said": list(_said(held["messages"])),
            "moment": _moment,
            "download": f"{request.url.path}/download",
            "hours": PAGE_HOURS,
        }
        return self._templates.TemplateResponse(request, "data.html", shown, headers=_HIDDEN)

    async def download(self, request: Request) -> Response:
        """The same as a file, with everything in it."""
        if (found := await self._kept(request, "data")) is None:
            return self._gone(request)
        held = await self._turns.store.personal(found[0])
        named = {"Content-Disposition": f'attachment; filename="yuanqitong-{self._turns.clock():%Y%m%d}.json"'}
        return Response(json.dumps(held, ensure_ascii=False, indent=2), headers=_HIDDEN | named, media_type="application/json")

    def _named(self, words: Texts) -> str:
        return words("page.operator", name=self._operator) if self._operator else words("page.operator_unset")

    async def _kept(self, request: Request, page: str) -> tuple[Address, Texts] | None:
        """Whose page a key opens, and in which language; None for a wrong key, an old one, and one of another page, which look alike."""
        key = request.path_params["key"]
        kept = await self._turns.store.report(key, self._turns.clock()) if _KEY.fullmatch(key) else None
        return (Address(*kept["whose"]), texts(kept["language"])) if kept and kept.get("page") == page else None

    async def _form(self, request: Request) -> Form | None:
        if (found := await self._kept(request, "contact")) is None:
            return None
        address, words = found
        run = (await self._turns.store.report(request.path_params["key"], self._turns.clock()) or {}).get("run", "")
        snapshot = await self._turns.store.load(address, _update(request))
        if snapshot.seen is not None:
            return Form(address, run, words, sent=True)
        return Form(address, run, words, sent=False) if awaits(State.from_json(snapshot.conversation.body), run) else None

    def _read(self, form: Form, said: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """The tokens of what was filled in, and what is wrong, by field; read as in the chat."""
        tokens, wrong = dict[str, str](), dict[str, str]()
        library = self._turns.library
        facts = library.knowledge.facts if library else {}
        for key in CONTACT:
            read = reading.read_answer(ask(facts[key]), said.get(key, ""), (), self._turns.clock().date())
            if isinstance(read, reading.Answer):
                tokens[key] = read.token
            else:
                wrong[key] = (
                    form.words(f"dialog.{read.hint}", **read.slots)
                    if read
                    else form.words("page.need", what=facts[key].question[form.words.language])
                )
        if said.get("version") != notice().version and said.get("agree"):
            wrong["agree"] = form.words("consent.changed")
        elif not said.get("agree"):
            wrong["agree"] = form.words("page.need_agree")
        return tokens, wrong

    def _asked(self, request: Request, form: Form, said: Mapping[str, str], wrong: Mapping[str, str], status: int = 200) -> Response:
        library = self._turns.library
        shown = {
            "words": form.words,
            "notice": notice(),
            "operator": self._named(form.words),
            "facts": [(key, library.knowledge.facts[key]) for key in CONTACT] if library else [],
            "said": said,
            "wrong": wrong,
            "hours": PAGE_HOURS,
        }
        return self._templates.TemplateResponse(request, "contact.html", shown, status, _FORM)

    def _sent(self, request: Request, form: Form) -> Response:
        return self._templates.TemplateResponse(request, "sent.html", {"words": form.words}, headers=_HIDDEN)

    def _gone(self, request: Request) -> Response:
        words = texts("en" if request.headers.get("accept-language", "").lower().startswith("en") else "zh")
        return self._templates.TemplateResponse(request, "gone.html", {"words": words, "hours": PAGE_HOURS}, 404, _HIDDEN)


def _update(request: Request) -> str:
    """Under this name a form is sent once, whoever sends it twice."""
    return f"page:{request.path_params['key']}"


def _said(messages: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """When what was said by whom; a tapped button by the words that stood on it."""
    labels = dict(STARTS)
    for m in messages:
        body = m["body"]
        labels |= {o["payload"]: o["label"] for o in body.get("options", ())}
        yield _moment(m["at"]), m["from"], body.get("text") or labels.get(body.get("option", "")) or body.get("label") or "···"


def _moment(at: str) -> str:
    return f"{datetime.fromisoformat(at).astimezone(LOCAL):%Y-%m-%d %H:%M}"


async def _fields(request: Request) -> dict[str, str]:
    """What a form sends, each field as one line of text."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM:
            raise HTTPException(413, "填的内容太长了，没有收下。请返回改短后再发。")
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace")
    return {name: " ".join(text.replace("\0", "").split()) for name, text in pairs}
