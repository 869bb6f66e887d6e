"""An attribute that is found when somebody asks for it, once. Pure.

`functools.cached_property` of Python 3.11 has one lock for all objects of a class: while a thread reads long words, nobody
else could read any. Here two threads may find the same twice, which is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

Found = TypeVar("Found")


class lazy(Generic[Found]):
    """As a decorator of a method without arguments, of a class that has a `__dict__`."""

    def __init__(self, find: Callable[[Any], Found]) -> None:
        self._find = find
        self._name = find.__name__
        self.__doc__ = find.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...

    @overload
    def __get__(self, owner: object, kind: type) -> Found: ...

    def __get__(self, owner: object | None, kind: type) -> Found | Self:
        if owner is None:
            return self
        found = owner.__dict__[self._name] = self._find(owner)
        return found
