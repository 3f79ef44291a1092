"""The network of a container as a config has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import _netns
from .._values import Value, value
from ._config import Config
from ._document import Document
from ._hooks import Hooks, _state
from ._state import State
from ._target import Target, native


@value
class SetupLink(Value):
    """A link in the host."""

    name: str
    index: int
    """Its ``ifindex``."""
    alias: str | None = None
    """Its alias, by which it is known: whose it is, and which namespace it leads to. None of a link that a strategy
    made."""


@value
class SetupNetwork(Value):
    """A network that is up."""

    type: str
    """The strategy's."""
    name: str | None = None
    """The interface inside, where it is known."""
    host_link: SetupLink | None = None
    """The link in the host that is to be taken away. With it goes its other end."""


@value
class SetupNamespace(Value):
    """A network namespace, told from a later one that has its number or its path."""

    path: str
    device: int
    """The number of its file's device."""
    inode: int
    """The number of its file."""
    cookie: int | None = None
    """What no other namespace of this boot has (``SO_NETNS_COOKIE``), from Linux 5.14 on."""


@value
class SetupState(Document):
    """What :meth:`NetworkSetup.up` made of a container's network: what there is to take down, in whatever process."""

    _kind = "setup_state"

    id: str | None = None
    """The container's id, if the setup had one."""
    namespace: SetupNamespace | None = None
    """The container's network namespace; None when the config had nothing for it."""
    networks: tuple[SetupNetwork, ...] = ()
    """In the order of the config."""
    routes: tuple[Mapping[str, Any], ...] = ()
    """Routes through interfaces that the setup did not bring, as in the JSON of a plan's ``add_route``."""

    @classmethod
    def find(cls, id: str) -> SetupState:
        """What is there of a container, by whatever config it was brought up: its pairs, which the aliases of the links
        in the host tell. What strategies made, and routes through other interfaces, they do not tell. Of an unknown id
        there is nothing.

        :raises BadRequestError: it cannot be an id; see :meth:`NetworkSetup.with_id`.
        """
        return cls._of(_netns.setup_state_find(id))

    def tear_down(self) -> None:
        """Takes away what was made and is still there. What has come to its place since is left alone, and so is
        ``lo``. It may be repeated. What the kernel takes away by itself, since the container has ended, may be there a
        moment longer.

        :raises PermissionDeniedError: without ``CAP_NET_ADMIN``. One thing that stays keeps no other.
        """
        _netns.setup_state_tear_down(self._text())

    def down(self, state: State, hooks: Hooks = Hooks()) -> None:
        """:meth:`tear_down`, and then the hooks ``poststop``, which get the state with the status ``stopped``, whether
        or not that went well.

        :raises Error: the first of both, with the others in ``rollback``.
        """
        if not isinstance(hooks, Hooks):
            raise TypeError(f"Hooks expected, not {type(hooks).__name__}")
        _netns.setup_state_down(self._text(), _state(state), hooks._given())


class NetworkSetup:
    """The network of a container as its config has it: networks, routes, and the hooks that go with them.

    The calling thread's namespace plays the host, and no call leaves the thread elsewhere. Hooks run on that thread.
    """

    MAX_ID = _netns.MAX_ID
    """The longest id, in bytes."""

    _native: _netns.NetworkSetup

    @classmethod
    def from_config(cls, config: Config) -> NetworkSetup:
        """What a config asks for; nothing is made.

        :raises BadRequestError: as :meth:`~netns.libcontainer.configs.Config.check`; or a network lacks what its type
            needs.
        :raises NotFoundError: there is no strategy of a network's type.
        """
        if not isinstance(config, Config):
            raise TypeError(f"Config expected, not {type(config).__name__}")
        return cls._of(_netns.NetworkSetup.from_config(config._text(), config.hooks._given()))

    @classmethod
    def _of(cls, native: _netns.NetworkSetup) -> NetworkSetup:
        made = object.__new__(cls)
        made._native = native
        return made

    def __init__(self) -> None:
        raise TypeError("a NetworkSetup is made by NetworkSetup.from_config")

    def with_id(self, id: str) -> NetworkSetup:
        """The same for a container of that id, which is unique in a host: the names of links in the host that the
        config leaves open follow from it, and their aliases say it, so that :meth:`tear_down` finds them by itself.

        :raises BadRequestError: it is not 1 to 128 ASCII letters, digits, ``_``, ``+``, ``.`` and ``-``.
        """
        return NetworkSetup._of(self._native.with_id(id))

    def plan(self, target: Target | None = None) -> _netns.Plan:
        """What :meth:`up` would do. What the config leaves open is drawn anew each time.

        :raises NotImplementedError: a strategy does its work by itself.
        """
        return self._native.plan(None if target is None else native(target))

    def up(self, state: State, target: Target | None = None) -> SetupState:
        """Brings up networks, then routes, and runs the hooks ``prestart`` and ``createRuntime``, which get the state
        with the status ``creating``. Nothing is left behind by an exception, also of a hook or a strategy.

        :param target: the container's process or its namespace's path; when None, the path that the config has for
            ``NEWNET``, or else the process of the state
        :raises NotFoundError: there is no such container or bridge, no such interface for a route, or it ends
            meanwhile.
        :raises BadRequestError: it is not said which container, or it has no network namespace of its own; a bridge is
            none.
        :raises AlreadyExistsError: a name is taken in the container or in the host, an address overlaps a route, or
            there is a default route where there is a gateway.
        """
        made = self._native.up(None if target is None else native(target), _state(state))
        return SetupState._of(made)

    def poststart(self, state: State) -> None:
        """Runs the hooks ``poststart``, which get the state with the status ``running``, when the container's program
        has started. All run, whatever one of them does.

        :raises Error: the first one's.
        """
        self._native.poststart(_state(state))

    def tear_down(self) -> None:
        """Takes away what :meth:`up` of the same config and id made, in whatever process. What a strategy made by
        itself is not known here, nor whose routes through interfaces of others are: those stay.

        :raises BadRequestError: it has no id.
        :raises BusyError: a process is in the namespace: the container runs, or another one has its id.
        """
        self._native.tear_down()

    def down(self, state: State) -> None:
        """:meth:`tear_down`, of the state's process too, and then the hooks ``poststop``, which get the state with the
        status ``stopped``, whether or not that went well.

        :raises Error: the first of both, with the others in ``rollback``.
        """
        self._native.down(_state(state))
