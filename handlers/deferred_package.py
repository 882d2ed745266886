"""Keeps a package's own file from running until something of it is asked for.

A package's `__init__` often imports all of its modules, so a program that needs two of them waits
for all: in kafka-python for the admin client, the consumer and ninety descriptions of messages, in
redis-py for the asyncio half. Here such a file runs only when
a name is asked for that is in none of the package's modules. The libraries and their users see no
difference: `import package.module` and `from package import name` work as always.

One thread is to import a deferred package first: under once(), at the top of a module, or when a
program starts. Its own file would keep a second thread waiting until all of its modules are there.
Without it, two threads that ask for different modules at once may meet one that is half made.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import PathFinder
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec

# For the type checker only: importlib.abc imports half of importlib.
if TYPE_CHECKING:
    _Loader = Loader
else:
    _Loader = object

NO_HOMES: Mapping[str, str] = {}


def defer(package: str, homes: Mapping[str, str] = NO_HOMES) -> None:
    """Let `package` be imported without running its file, unless it is imported already.

    homes: the modules of names that its file would import from them, relative to the package: to
    ask for such a name imports that module and not the file.
    """
    _FINDER.homes[package] = homes
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


class _Finder:
    """Finds the deferred packages where Python does, and gives them a loader that waits."""

    def __init__(self) -> None:
        self.homes: dict[str, Mapping[str, str]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None for every other module, and where there is no such package."""
        if fullname not in self.homes:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.loader and spec.submodule_search_locations is not None:
            spec.loader = _WaitingLoader(spec.loader, self.homes[fullname])
        return spec


_FINDER = _Finder()


class _WaitingLoader(_Loader):
    """Makes the module and leaves it empty."""

    def __init__(self, loader: Loader, homes: Mapping[str, str]) -> None:
        self._loader = loader
        self._homes = homes

    def create_module(self, _: ModuleSpec) -> ModuleType | None:
        """Leave that to Python."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Put off what the package's own loader would do."""
        if module.__spec__:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        module.__dict__["_deferred"] = _State(self._loader, self._homes)
        module.__class__ = _DeferredModule


class _State:
    """What a module needs until its file has run; threads may ask for its names at once."""

    def __init__(self, loader: Loader, homes: Mapping[str, str]) -> None:
        self.loader = loader
        self.homes = homes
        self.lock = RLock()
        self.is_running = False


class _DeferredModule(ModuleType):
    """A package whose file has not run yet."""

    def __getattr__(self, name: str) -> Any:
        # Python looks for such names in modules that are not in use, e.g. __warningregistry__.
        if name.startswith("__"):
            raise AttributeError(name)
        state: _State = self.__dict__["_deferred"]
        if home := state.homes.get(name):
            return getattr(import_module(f"{self.__name__}.{home}"), name)
        if PathFinder.find_spec(f"{self.__name__}.{name}", self.__path__):
            return import_module(f"{self.__name__}.{name}")
        with state.lock:
            if state.is_running:  # in this thread: the file asks for a name that it does not have
                message = f"module {self.__name__!r} has no attribute {name!r}"
                raise AttributeError(message)
            if type(self) is _DeferredModule:
                self._run(state)
        return getattr(self, name)

    def _run(self, state: _State) -> None:
        state.is_running = True
        try:
            state.loader.exec_module(self)
            self.__class__ = ModuleType  # type: ignore[assignment]
        finally:
            state.is_running = False
