"""One network of a container, in two steps or at once."""

from __future__ import annotations

from .. import _netns
from .._convert import within
from .._errors import missing
from .._results import Stats
from .._values import value
from ._document import Document, addresses_are_texts
from ._target import Target, native


@value
class Network(Document):
    """What a container's network is to be. Empty texts and 0 stand for what is not said, and are not in the JSON.

    Addresses may be objects of :mod:`ipaddress`, and become texts.
    """

    _kind = "network"

    type: str = ""
    """The strategy: ``veth``, ``loopback``, ``netns``, or one that was registered."""
    ns_path: str = ""
    """The path of a network namespace, for ``netns``."""
    bridge: str = ""
    """The bridge of the host that the pair's outer end is on, for ``veth``."""
    veth_prefix: str = ""
    """What the names of a pair begin with; seven hexadecimal digits follow."""
    address: str = ""
    """The interface's address with the length of its prefix, ``"10.1.0.2/16"``."""
    gateway: str = ""
    """The gateway of the default route through the interface."""
    mtu: int = 0
    """In bytes, of both ends of a pair; 0 leaves it alone. Not for ``loopback``."""

    def __post_init__(self) -> None:
        addresses_are_texts(self, "address", "gateway")
        super().__post_init__()


@value
class NetworkState(Document):
    """What there is to know of a container's network while it lasts. What is empty is not in the JSON."""

    _kind = "network_state"

    veth_host: str = ""
    """The name of the pair's end in the host."""
    veth_child: str = ""
    """The name of the pair's end in the container."""
    ns_path: str = ""
    """The path of the network namespace that the container shares."""


@value
class NetworkStats(Stats, Document):
    """What a container has received and sent, as it sees it: bytes and packets."""

    _kind = "network_stats"
    _whole = True


class NetworkStrategy:
    """One way of giving a container its network, in two steps: the first in the host, the second inside.

    Subclasses implement both, and an instance of one is passed to :func:`register_strategy`. An exception becomes the
    caller's error: one of :class:`netns.Error` keeps its kind, and any other becomes a :class:`netns.SystemCallError`;
    it is the ``__cause__``. Methods may be called from any thread.
    """

    def create(self, network: Network, pid: int, state: NetworkState) -> NetworkState | None:
        """Does in the calling thread's namespace, the host's, what the container of a process needs, and returns the
        state with what that is; None is the state as it was. ``pid`` may be the number of a thread. An exception leaves
        nothing behind."""
        raise missing(self, "create")

    def initialize(self, network: Network, state: NetworkState) -> NetworkState | None:
        """Completes it from within: the calling thread is in the container's namespace."""
        raise missing(self, "initialize")


class _Known(NetworkStrategy):
    """A strategy that the library knows by its type."""

    TYPE: str

    def create(self, network: Network, pid: int, state: NetworkState = NetworkState()) -> NetworkState:
        """The first step, in the host; returns the state.

        :raises NotFoundError: there is no such process or bridge.
        :raises BadRequestError: something is not specified or cannot be read, the bridge is none, or the process has no
            network namespace of its own.
        """
        number = within("pid", pid, 1, 2**32 - 1)
        texts = _text(Network, network), _text(NetworkState, state)
        return NetworkState._of(_netns.strategy_create(self.TYPE, texts[0], number, texts[1]))

    def initialize(self, network: Network, state: NetworkState = NetworkState()) -> NetworkState:
        """The second step; the calling thread is in the container's namespace. Returns the state.

        :raises NotFoundError: what the state names is not there.
        :raises BadRequestError: the state lacks it, or something cannot be read.
        :raises AlreadyExistsError: there is an ``eth0``, a default route where there is a gateway, or a route that the
            address overlaps.
        """
        texts = _text(Network, network), _text(NetworkState, state)
        return NetworkState._of(_netns.strategy_initialize(self.TYPE, *texts))

    def __repr__(self) -> str:
        return f"<strategy {self.TYPE}>"


class Loopback(_Known):
    """A container with nothing but ``lo``, which the second step brings up."""

    TYPE = "loopback"


class NetNs(_Known):
    """A container in a network namespace that is there already. The second step takes the calling thread into it, and
    leaves it there: nothing else of this package does so."""

    TYPE = "netns"


class Veth(_Known):
    """A container with one end of a pair whose other end is on a bridge of the host."""

    TYPE = "veth"


class _Registered(_Known):
    """One that :func:`register_strategy` was given."""

    def __init__(self, type: str) -> None:
        self.TYPE = type


class StrategyAdapter:
    """A strategy as the native module calls it: by text."""

    def __init__(self, strategy: NetworkStrategy) -> None:
        self._strategy = strategy

    def create(self, network: str, pid: int, state: str) -> str:
        before = NetworkState._of(state)
        return _answer("create", self._strategy.create(Network._of(network), pid, before), before)

    def initialize(self, network: str, state: str) -> str:
        before = NetworkState._of(state)
        return _answer("initialize", self._strategy.initialize(Network._of(network), before), before)


def get_strategy(type: str) -> NetworkStrategy:
    """The strategy of that type: ``veth``, ``loopback``, ``netns``, or one that was registered. Its methods return a
    state, and never None.

    :raises NotFoundError: any other, with the known ones.
    """
    _netns.strategy_check(type)
    builtin = {each.TYPE: each for each in (Loopback, NetNs, Veth)}
    return builtin[type]() if type in builtin else _Registered(type)


def register_strategy(type: str, strategy: NetworkStrategy) -> None:
    """Makes a strategy known in this process, for as long as it lasts; a child that is forked later does not know it.

    :raises AlreadyExistsError: there is one of that type.
    :raises BadRequestError: the type is empty.
    """
    if not isinstance(strategy, NetworkStrategy):
        raise TypeError(f"NetworkStrategy expected, not {strategy.__class__.__name__}")
    _netns.strategy_register(type, StrategyAdapter(strategy))


def setup(network: Network, target: Target) -> NetworkState:
    """Gives a container its network at once: both steps of the strategy, with a ``veth`` interface born inside under
    its final name. The calling thread is in the host's namespace before and after.

    :param target: the container's process, or the path of its network namespace
    :raises NotFoundError: the type is not known, there is no such container or bridge, or the container ends meanwhile.
    :raises BadRequestError: something is not specified or cannot be read, the bridge is none, or the container has no
        network namespace of its own.
    :raises AlreadyExistsError: it has an ``eth0``, a default route where there is a gateway, or a route that the
        address overlaps.
    :raises PermissionDeniedError: without ``CAP_NET_ADMIN`` and ``CAP_SYS_ADMIN``.
    """
    return NetworkState._of(_netns.strategy_setup(_text(Network, network), native(target)))


def get_stats(state: NetworkState) -> NetworkStats:
    """What a container has received and sent: the kernel's counters of the pair's end in the host, the other way round.
    All 0 when the state names no such end.

    :raises NotFoundError: the link is gone.
    """
    return NetworkStats._of(_netns.strategy_stats(_text(NetworkState, state)))


def _text(kind: type[Document], document: Document) -> str:
    if not isinstance(document, kind):
        raise TypeError(f"{kind.__name__} expected, not {type(document).__name__}")
    return document._text()


def _answer(method: str, state: object, before: NetworkState) -> str:
    if state is None:
        state = before
    if not isinstance(state, NetworkState):
        raise TypeError(f"{method} returned {type(state).__name__}, and no NetworkState")
    return state.to_json()
