package netns

import (
	"encoding/json"
	"net"
	"net/netip"

	"libnetns.dev/go/netns/internal/native"
)

// EndpointConfig is what an endpoint is to be. All but the name may be left out.
type EndpointConfig struct {
	// Name is unique in the network: a container's id, say.
	Name string
	// InterfaceName is what the interface is called in the sandbox; empty for InterfacePrefix.
	InterfaceName string
	// InterfacePrefix is what its name begins with, followed by the lowest number that is free; empty for the driver's
	// prefix, usually "eth".
	InterfacePrefix string
	// Address is the IPv4 address that is wanted; the next free one when it is not set.
	Address netip.Addr
	// AddressIPv6 is the IPv6 address that is wanted; the next free one when it is not set.
	AddressIPv6 netip.Addr
	// MAC is the hardware address; empty for a random one.
	MAC net.HardwareAddr
	// MTU is in bytes; 0 for the network's.
	MTU uint32
	// GatewayPriority: of a sandbox's endpoints the one with the highest gives the default gateway.
	GatewayPriority int32
	// NoDefaultRoute: the network's gateways do not become the sandbox's.
	NoDefaultRoute bool
	// Aliases is other names of the endpoint in the network, for name services; the library resolves none.
	Aliases []string
	// Sysctls is settings of the interface: "net.ipv4.conf.IFNAME.log_martians" and the like, with the word IFNAME for
	// its name.
	Sysctls map[string]string
	// Routes are those through this interface besides those of its addresses and gateways.
	Routes []Route
	// Neighbours never have to be asked for.
	Neighbours []Neighbour
	// Options is options of the driver.
	Options map[string]string
	// Labels is for people and tools; the library reads none.
	Labels map[string]string
	// Meter is whether its interface is metered; by default as the network says.
	Meter Switch
	// Ports is what is published, as Docker's -p has it, [[HOST:]HOST_PORTS:]PORTS[/PROTOCOL] with tcp, udp or sctp:
	// "8080:80", "127.0.0.1:5353:53/udp", "[::1]:8000-8010:80-90". The host's port is chosen in "443" and in
	// "127.0.0.1::443".
	Ports []string
}

// Endpoint is an endpoint of a network, as it was when it was asked for. It is a value: what is done with an endpoint is
// done by its network, which knows it by its name.
type Endpoint struct {
	// Network is the network's name.
	Network string
	// Name is its own.
	Name string
	// Address is the IPv4 address that it has, with the subnet's prefix length.
	Address netip.Prefix
	// AddressIPv6 is the IPv6 address that it has, with the subnet's prefix length.
	AddressIPv6 netip.Prefix
	// MAC is the hardware address that it has.
	MAC net.HardwareAddr
	// Sandbox is the path of the sandbox that it is in; empty for none.
	Sandbox string
	// Linked: Network.Link made its devices, for its caller to move.
	Linked bool
	// Interface is from the call that made it: in the sandbox, or waiting in the host for Sandbox.AddInterface. It is nil
	// from other calls, and on a network without devices.
	Interface *Interface
	// Slot is where its interface is counted; nil when it is not metered.
	Slot *Slot
	// Ports is those that are published, with the host's ports filled in: "41234:443/tcp".
	Ports []string
	// JSON is all of it, with what was asked for as "config".
	JSON json.RawMessage
}

// Slot is a slot of the counters during one of its lives.
type Slot struct {
	// Slot is its number, 1 to 65,535.
	Slot uint16
	// Life is which of its lives: slots are used again.
	Life uint64
}

// Endpoints is the endpoints of all networks, by the names of these and theirs.
func (c *Controller) Endpoints() ([]Endpoint, error) {
	endpoints, err := native.ListEndpoints(c.native())
	return convert(endpoints, endpointOf), err
}

func (c EndpointConfig) native() native.EndpointConfig {
	return native.EndpointConfig{
		Name:            c.Name,
		InterfaceName:   c.InterfaceName,
		InterfacePrefix: c.InterfacePrefix,
		Address:         addrText(c.Address),
		AddressIPv6:     addrText(c.AddressIPv6),
		MAC:             c.MAC.String(),
		MTU:             c.MTU,
		GatewayPriority: c.GatewayPriority,
		NoDefaultRoute:  c.NoDefaultRoute,
		Aliases:         c.Aliases,
		Sysctls:         c.Sysctls,
		Routes:          convert(c.Routes, Route.native),
		Neighbours:      convert(c.Neighbours, Neighbour.native),
		Options:         c.Options,
		Labels:          c.Labels,
		Meter:           int32(c.Meter),
		Ports:           c.Ports,
	}
}

func endpointOf(endpoint native.Endpoint) Endpoint {
	of := Endpoint{
		Network:     endpoint.Network,
		Name:        endpoint.Name,
		Address:     prefixOf(endpoint.Address),
		AddressIPv6: prefixOf(endpoint.AddressIPv6),
		MAC:         macOf(endpoint.MAC),
		Sandbox:     endpoint.Sandbox,
		Linked:      endpoint.Linked,
		Slot:        (*Slot)(endpoint.Slot),
		Ports:       endpoint.Ports,
		JSON:        json.RawMessage(endpoint.JSON),
	}
	if endpoint.Interface != nil {
		own := interfaceOf(*endpoint.Interface)
		of.Interface = &own
	}
	return of
}

// endpointOr is the endpoint of an answer, or the error.
func endpointOr(endpoint native.Endpoint, err error) (Endpoint, error) {
	if err != nil {
		return Endpoint{}, err
	}
	return endpointOf(endpoint), nil
}
