"""What is said when a session begins, which the framework says."""

from typing import Any


class NotificationOptions:
    def __init__(self, **_: Any) -> None:
        pass


class InitializationOptions:
    def __init__(self, **_: Any) -> None:
        pass
