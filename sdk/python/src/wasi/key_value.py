"""Key-value stores of the host.

In `spin.toml`, the feature has `allow = ["key-value"]`, and `key_value_stores` of the component
names the stores.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

if sys.platform == "wasi":
    from componentize_py_types import Err
    from wit_world.imports import keyvalue_store


class Error(ValueError):
    """The store did not do it. Says why."""


class Store:
    """Every read after a write of the same instance finds what was written; other instances may
    see it later. What is read and then written is not safe from writes in between."""

    def __init__(self, name: str = "default") -> None:
        if sys.platform != "wasi":
            raise RuntimeError("only a component has stores; a test replaces `key_value.Store`")
        self.name = name
        with self.explained():
            self.bucket = keyvalue_store.open(name)

    def get(self, key: str) -> bytes | None:
        with self.explained():
            found: bytes | None = self.bucket.get(key)
            return found

    def set(self, key: str, value: bytes | str) -> None:
        with self.explained():
            self.bucket.set(key, value.encode() if isinstance(value, str) else value)

    def delete(self, key: str) -> None:
        """A key that is not there is no error."""
        with self.explained():
            self.bucket.delete(key)

    def exists(self, key: str) -> bool:
        with self.explained():
            return bool(self.bucket.exists(key))

    def keys(self) -> Iterator[str]:
        cursor = None
        while True:
            with self.explained():
                page = self.bucket.list_keys(cursor)
            yield from page.keys
            if (cursor := page.cursor) is None:
                return

    @contextmanager
    def explained(self) -> Iterator[None]:
        try:
            yield
        except Err as why:
            match why.value:
                case keyvalue_store.Error_Other(value=because):
                    raise Error(f"key-value store `{self.name}`: {because}") from None
                case keyvalue_store.Error_NoSuchStore():
                    refusal = "does not exist"
                case _:
                    refusal = "is not allowed"
            raise Error(
                f"the key-value store `{self.name}` {refusal}: in `spin.toml`, name it in"
                ' `key_value_stores` of the component, and give the feature `allow = ["key-value"]`'
            ) from None
