"""Questions to the client, without a function that waits between two requests.

A function runs until it asks something that has no answer yet. The call then ends with the
questions and with state, which comes back sealed beside the answers, and the function runs again
from its beginning. The state is JSON:

- `answers`: the answer to each question so far, by its key;
- `asked`: what was asked under each key, for messages;
- `once`: what `ctx.once` keeps;
- `told`: how many progress and log messages were sent, so that they are not sent again.

The key of a question is made of what it says, so that answers find their questions in whichever
order these are asked. Equal questions are counted.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")
LARGEST = 32_768
# How often tasks beside the one that asked may go on, so that they can ask, too.
TURNS = 32


class Diverged(RuntimeError):
    """A function asked something else than before."""


class TooMuch(RuntimeError):
    """The answers so far do not fit into the state."""


class Question:
    def __init__(self, key: str, method: str, params: dict[str, Any], answer: "asyncio.Future[Any]") -> None:
        self.key, self.method, self.params, self.answer = key, method, params, answer


class Replay:
    """One run of a function, with the answers of those before."""

    def __init__(self, state: str | None, responses: list[tuple[str, str]]) -> None:
        before: dict[str, Any] = json.loads(state) if state else {}
        self.answers: dict[str, Any] = before.get("answers", {})
        self.asked: dict[str, str] = before.get("asked", {})
        self.once: dict[str, Any] = before.get("once", {})
        self.told: int = before.get("told", 0)
        self.tells = 0
        # A client can send answers to what nobody asked.
        latest = {key: json.loads(answer) for key, answer in responses if key in self.asked}
        self.answers |= {key: answer for key, answer in latest.items() if key not in self.answers}
        self.unused = set(self.answers)
        self.counts: dict[str, int] = {}
        self.open: list[Question] = []
        self.changed: asyncio.Event | None = None
        self.ended = False

    def fresh(self) -> bool:
        """Whether a message is one that was not sent before."""
        self.tells += 1
        return self.tells > self.told and not self.ended

    async def ask(self, method: str, params: dict[str, Any]) -> Any:
        said = json.dumps([method, lasting(params)], ensure_ascii=False, sort_keys=True)
        digest = hashlib.sha256(said.encode()).hexdigest()[:16]
        count = self.counts[digest] = self.counts.get(digest, 0) + 1
        key = digest if count == 1 else f"{digest}-{count}"
        if self.ended:
            raise asyncio.CancelledError
        if key in self.answers:
            self.unused.discard(key)
            return self.answers[key]
        question = Question(key, method, params, asyncio.get_running_loop().create_future())
        self.open.append(question)
        assert self.changed is not None, "it runs"
        self.changed.set()
        return await question.answer

    async def run(self, work: Awaitable[T]) -> T | None:
        """What the function returns, or none once it has asked."""
        self.changed = asyncio.Event()
        task = asyncio.ensure_future(work)
        asking = asyncio.ensure_future(self.changed.wait())
        await asyncio.wait({task, asking}, return_when=asyncio.FIRST_COMPLETED)
        asking.cancel()
        if task.done() and not self.open:
            return task.result()
        for _ in range(TURNS):
            await asyncio.sleep(0)
        if task.done() and not task.cancelled():
            # It failed, or did not wait for what it asked.
            return task.result()
        self.ended = True
        for question in self.open:
            question.answer.cancel()
        task.cancel()
        # What it did to the end, such as closing connections.
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()
        return None

    def state(self, name: str) -> str:
        """The state to ask with."""
        if self.unused:
            before = ", ".join(f"`{self.asked[key]}`" for key in self.asked if key in self.unused)
            now = ", ".join(f"`{label(question)}`" for question in self.open)
            raise Diverged(
                f"`{name}` asked something else than before: {now} instead of {before}. A function "
                "runs again from its beginning after each answer, so it must ask the same until "
                "then; keep what differs with `ctx.once`, such as the time or a random number"
            )
        state = {
            "answers": self.answers,
            "asked": self.asked | {question.key: label(question) for question in self.open},
            "once": self.once,
            "told": max(self.tells, self.told),
        }
        text = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
        if (size := len(text.encode())) > LARGEST:
            raise TooMuch(
                f"`{name}` cannot ask: its answers and what `ctx.once` keeps are {size} bytes, and "
                f"at most {LARGEST} can be kept between two questions"
            )
        return text


def lasting(params: dict[str, Any]) -> dict[str, Any]:
    """What a question says, without the id that authors draw at random, also where the URL has it."""
    said = {name: value for name, value in params.items() if name not in ("_meta", "elicitationId")}
    drawn, url = params.get("elicitationId"), said.get("url")
    if drawn and isinstance(url, str) and url != drawn:
        said["url"] = url.replace(str(drawn), "")
    return said


def label(question: Question) -> str:
    said = question.params.get("message") or question.method
    return said if len(said) <= 60 else f"{said[:60]}…"
