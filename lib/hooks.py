"""Hooks: a lower layer calls a higher one through dotted names in settings, and imports nothing of it."""

from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from django.utils.module_loading import import_string


def load_modules(names: Iterable[str]) -> dict[str, ModuleType]:
    """The modules by name; one that cannot be imported is an error, never skipped."""
    return {name: import_module(name) for name in names}


@cache
def _load(name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = import_string(name)
    return function


def load_functions(names: Iterable[str]) -> list[Callable[..., Any]]:
    """The functions by dotted name, in order; one that cannot be imported is an error, never skipped."""
    return [_load(name) for name in names]


def call_hooks(names: Iterable[str], *args: Any, **kwargs: Any) -> list[Any]:
    """Calls each function with the same arguments, in order; what one raises goes up. Returns what each returned."""
    return [hook(*args, **kwargs) for hook in load_functions(names)]
