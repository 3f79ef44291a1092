package netns

import (
	"net"
	"net/netip"

	"libnetns.dev/go/netns/internal/native"
)

// Switch is a setting that somebody else decides where it is not set.
type Switch int32

const (
	// Default leaves it to the network, or to the library.
	Default Switch = 0
	// On: it is, where the machine can.
	On Switch = 1
	// Off: it is not.
	Off Switch = 2
)

// may reports whether it is wanted; a number that is none is both, which the library refuses.
func (s Switch) may(wanted Switch) bool {
	return s == wanted || s != Default && s != On && s != Off
}

// Route is a route of a sandbox besides those of its addresses and gateways (seed 004, AddStaticRoute).
type Route struct {
	// Destination is where it leads, without bits beyond the prefix.
	Destination netip.Prefix
	// NextHop is the next hop; without one the route is bound to the interface.
	NextHop netip.Addr
}

// Neighbour is a permanent entry of the ARP or neighbour table.
type Neighbour struct {
	// Address is the IP address, or a multicast group.
	Address netip.Addr
	// MAC is the address that frames to it carry.
	MAC net.HardwareAddr
}

// Interface is a network device and its settings in a sandbox (seeds 000 and 002, Interface). What is zero is not set.
type Interface struct {
	// SrcName is its name in the namespace that it comes from and goes back to.
	SrcName string
	// Name is its name in the sandbox. It is empty, when it goes in, for Prefix and the lowest number that is free.
	Name string
	// Prefix is what its name begins with where Name is empty; empty for "eth". It is empty when it comes out.
	Prefix string
	// MAC is the hardware address; empty leaves the device's own.
	MAC net.HardwareAddr
	// Address is the IPv4 address with its prefix length.
	Address netip.Prefix
	// AddressIPv6 is the IPv6 address with its prefix length. Without one the interface has no IPv6 at all.
	AddressIPv6 netip.Prefix
	// Gateway is the IPv4 default gateway.
	Gateway netip.Addr
	// GatewayIPv6 is the IPv6 default gateway.
	GatewayIPv6 netip.Addr
	// MTU is in bytes; 0 leaves the device's own.
	MTU uint32
	// Routes are those through this interface besides those of its addresses and gateways.
	Routes []Route
	// Neighbours never have to be asked for.
	Neighbours []Neighbour
}

func (i Interface) native() native.Interface {
	return native.Interface{
		SrcName:     i.SrcName,
		Name:        i.Name,
		Prefix:      i.Prefix,
		MAC:         i.MAC.String(),
		Address:     prefixText(i.Address),
		AddressIPv6: prefixText(i.AddressIPv6),
		Gateway:     addrText(i.Gateway),
		GatewayIPv6: addrText(i.GatewayIPv6),
		MTU:         i.MTU,
		Routes:      convert(i.Routes, Route.native),
		Neighbours:  convert(i.Neighbours, Neighbour.native),
	}
}

func interfaceOf(i native.Interface) Interface {
	return Interface{
		SrcName:     i.SrcName,
		Name:        i.Name,
		Prefix:      i.Prefix,
		MAC:         macOf(i.MAC),
		Address:     prefixOf(i.Address),
		AddressIPv6: prefixOf(i.AddressIPv6),
		Gateway:     addrOf(i.Gateway),
		GatewayIPv6: addrOf(i.GatewayIPv6),
		MTU:         i.MTU,
		Routes:      convert(i.Routes, routeOf),
		Neighbours:  convert(i.Neighbours, neighbourOf),
	}
}

func (r Route) native() native.Route {
	return native.Route{Destination: prefixText(r.Destination), NextHop: addrText(r.NextHop)}
}

func routeOf(r native.Route) Route {
	return Route{Destination: prefixOf(r.Destination), NextHop: addrOf(r.NextHop)}
}

func (n Neighbour) native() native.Neighbour {
	return native.Neighbour{Address: addrText(n.Address), MAC: n.MAC.String()}
}

func neighbourOf(n native.Neighbour) Neighbour {
	return Neighbour{Address: addrOf(n.Address), MAC: macOf(n.MAC)}
}
