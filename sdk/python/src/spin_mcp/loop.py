"""An event loop of a component whose exports are synchronous: timers, and what hosts of WASI 0.2
let wait for."""

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar, cast

from wit_world.imports import monotonic_clock, poll

T = TypeVar("T")


class Loop(asyncio.AbstractEventLoop):
    def __init__(self) -> None:
        self.soon: deque[asyncio.Handle] = deque()
        self.timers: list[asyncio.TimerHandle] = []
        self.waiting: list[tuple[poll.Pollable, asyncio.Future[None]]] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        asyncio._set_running_loop(self)
        try:
            task = self.create_task(work)
            while not task.done():
                self.turn()
            return cast(T, task.result())
        finally:
            asyncio._set_running_loop(None)

    def turn(self) -> None:
        while self.timers and (self.timers[0].cancelled() or self.timers[0].when() <= self.time()):
            self.soon.append(heapq.heappop(self.timers))
        if not self.soon:
            self.wait()
        for _ in range(len(self.soon)):
            handle = self.soon.popleft()
            if not handle.cancelled():
                handle._run()

    def wait(self) -> None:
        self.waiting = [(pollable, ready) for pollable, ready in self.waiting if not ready.done()]
        pollables = [pollable for pollable, _ in self.waiting]
        if self.timers:
            seconds = max(0.0, self.timers[0].when() - self.time())
            pollables.append(monotonic_clock.subscribe_duration(int(seconds * 1e9)))
        if not pollables:
            raise RuntimeError("it waits for something that never happens in a component")
        for at in poll.poll(pollables):
            if at < len(self.waiting) and not (ready := self.waiting[at][1]).done():
                ready.set_result(None)
        if self.timers:
            pollables[-1].__exit__(None, None, None)

    async def ready(self, pollable: poll.Pollable) -> None:
        """Waits for what a host lets wait for."""
        future = self.create_future()
        self.waiting.append((pollable, future))
        await future

    # What asyncio calls

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def time(self) -> float:
        return time.monotonic()

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None, **_: Any) -> "asyncio.Task[Any]":
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        handle = asyncio.Handle(callback, args, self, context)
        self.soon.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.TimerHandle:  # type: ignore[override]
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.TimerHandle:  # type: ignore[override]
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self.timers, handle)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """An error of a task that nobody waits for."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        """There are no threads: it runs at once."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as why:
            future.set_exception(why)
        return future

    async def shutdown_asyncgens(self) -> None:
        pass


def run(work: Coroutine[Any, Any, T]) -> T:
    return Loop().run(work)  # type: ignore[abstract]
