"""Words that choose: of networks, ports and statistics."""

from __future__ import annotations

import enum


class Lifetime(str, enum.Enum):
    """How long what a controller makes lasts when its process ends without taking it down."""

    HOST = "host"
    """Until it is deleted, or the host restarts."""
    PROCESS = "process"
    """As long as the process that made it."""


class FirewallMode(str, enum.Enum):
    """What becomes of a network where the kernel has no nf_tables, or the process no right to them."""

    REQUIRED = "required"
    """It is an error, before anything is made."""
    OPTIONAL = "optional"
    """The network does without, and the log says so."""
    OFF = "off"
    """The network has none, whatever the kernel has."""


class GatewayMode(str, enum.Enum):
    """How a network and the outside reach each other."""

    NAT = "nat"
    """By the host's addresses: out by masquerade, in by published ports."""
    ROUTED = "routed"
    """By the endpoints' own addresses; of their ports those that are published are open."""
    ISOLATED = "isolated"
    """Not at all."""


class Isolate(str, enum.Enum):
    """Who of this library's other networks may reach a network's endpoints."""

    OFF = "off"
    """They reach each other."""
    ON = "on"
    """They reach each other's published ports alone."""
    STRICT = "strict"
    """They do not reach each other."""


class Protocol(str, enum.Enum):
    """A transport protocol with ports."""

    SCTP = "sctp"
    TCP = "tcp"
    UDP = "udp"


class Detail(str, enum.Enum):
    """How much of the statistics is wanted."""

    FAST = "fast"
    """Bytes and packets, without a question to the kernel where the interface is metered."""
    FULL = "full"
    """Errors and drops, too."""
