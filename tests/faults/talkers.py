"""People who write to running programs, each message again and again until it is taken, and the proof that each is there once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import httpx2

from tests.test_workers import cookie, talk_so_far

WORDS = "昆科贷是什么"


class Talkers:
    """So many visitors of the web chat, who each say one thing after the other to any of some programs."""

    def __init__(self, client: httpx2.AsyncClient, addresses: Sequence[str], people: int, first: int = 1) -> None:
        self._client, self.addresses, self._people = client, [*addresses], range(first, first + people)
        self.taken: defaultdict[int, list[str]] = defaultdict(list)
        """What each person said that was acknowledged, in this order."""
        self.answers: Counter[int] = Counter()
        """How often each status was answered; 0 where there was no answer at all."""
        self.slowest = 0.0
        """The longest that anybody waited for an answer of whatever kind, in seconds."""

    @property
    def count(self) -> int:
        """How many messages were acknowledged."""
        return sum(map(len, self.taken.values()))

    async def talk(self, enough: Callable[[], bool], most: int = 90) -> None:
        """Everybody talks until it is enough, `most` messages each at most; what was begun is brought to its end."""
        await asyncio.gather(*(self._person(n, enough, most) for n in self._people))

    async def _person(self, person: int, enough: Callable[[], bool], most: int) -> None:
        begun = len(self.taken[person])
        while not enough() and len(self.taken[person]) < begun + most:
            await self.say(person)

    async def say(self, person: int) -> None:
        """One more message of a person, sent until it is acknowledged; one in five goes to two programs at the same time."""
        number = len(self.taken[person])
        body, tries = {"id": f"said-{person:04}-{number:04}", "text": f"{WORDS} {number}"}, 0
        while True:
            first, asked = person + number + tries, time.monotonic()
            ways = 2 if number % 5 == 0 and len(self.addresses) > 1 else 1
            answers = await asyncio.gather(*(self._post(self.addresses[(first + way) % len(self.addresses)], person, body) for way in range(ways)))
            self.answers.update(answers)
            self.slowest = max(self.slowest, time.monotonic() - asked)
            if 200 in answers:
                self.taken[person].append(body["text"])
                return
            tries += 1
            await asyncio.sleep(0.05)

    async def _post(self, address: str, person: int, body: dict[str, str]) -> int:
        try:
            return (await self._client.post(f"{address}/api/messages", json=body, headers=cookie(person))).status_code
        except httpx2.TransportError:
            return 0

    async def lost_and_doubled(self) -> tuple[int, int]:
        """How many acknowledged messages are missing from the talks as they are told, and how many are there twice; the order must hold."""
        lost = doubled = 0
        for person in self._people:
            told = [m["text"] for m in await talk_so_far(self._client, self.addresses[0], person) if m["by"] == "you"]
            times = Counter(told)
            lost += sum(text not in times for text in self.taken[person])
            doubled += sum(times.values()) - len(times)
            assert list(dict.fromkeys(told)) == self.taken[person], "in the order in which they were said"
        return lost, doubled
