package netns

import (
	"net/netip"

	"libnetns.dev/go/netns/internal/native"
)

// Info is everything that a sandbox holds (seed 000, Info), as it was when it was asked for.
type Info struct {
	// Interfaces is what joins and AddInterface brought, never lo, by name.
	Interfaces []Interface
	// Gateway is the IPv4 default gateway.
	Gateway netip.Addr
	// GatewayIPv6 is the IPv6 default gateway.
	GatewayIPv6 netip.Addr
	// Routes is the static routes that this library added, through whatever interface.
	Routes []Route
}

// Interfaces is what joins and AddInterface brought, never lo nor what others made, by name (seed 000, Interfaces). It is
// read from the kernel: any process sees the same.
func (s *Sandbox) Interfaces() ([]Interface, error) {
	interfaces, err := native.SandboxInterfaces(s.native())
	return convert(interfaces, interfaceOf), err
}

// Info is interfaces, gateways and static routes, read from the kernel.
func (s *Sandbox) Info() (Info, error) {
	info, err := native.SandboxInfo(s.native())
	if err != nil {
		return Info{}, err
	}
	return Info{
		Interfaces:  convert(info.Interfaces, interfaceOf),
		Gateway:     addrOf(info.Gateway),
		GatewayIPv6: addrOf(info.GatewayIPv6),
		Routes:      convert(info.Routes, routeOf),
	}, nil
}

// AddInterface moves the device SrcName from the host into the sandbox, renames it as it moves, and configures it; it is
// up at the end (seed 000, AddInterface). The answer has its final name. The kernel takes 10 ms and more to move a device;
// Network.Connect makes it inside instead.
//
// It answers [errdefs.ErrNotFound] when there is no such device; [errdefs.ErrAlreadyExists] when the name is taken in the
// sandbox or an address overlaps one of its routes; [errdefs.ErrBadRequest] when the settings contradict one another. The
// device is then where it was, as it was.
func (s *Sandbox) AddInterface(device Interface) (Interface, error) {
	added, err := native.AddInterface(s.native(), device.native())
	if err != nil {
		return Interface{}, err
	}
	return interfaceOf(added), nil
}

// PlanAddInterface is what AddInterface would do.
func (s *Sandbox) PlanAddInterface(device Interface) (Plan, error) {
	return planOr(native.PlanAddInterface(s.native(), device.native()))
}

// RemoveInterface takes an interface out of the sandbox, back to the host under its source name (seed 000,
// RemoveInterface). It is down then. SrcName counts, and Name where it has one. One that is gone is no error, nor is a
// sandbox that is gone. It answers [errdefs.ErrAlreadyExists] when the host has a link of that name by now.
func (s *Sandbox) RemoveInterface(device Interface) error {
	return native.RemoveInterface(s.native(), device.native())
}

// SetGateway sets the IPv4 default gateway, in place of the one that is there (seed 000, SetGateway). The zero value
// changes nothing. It answers [errdefs.ErrBadRequest] when no interface that is up leads there.
func (s *Sandbox) SetGateway(gateway netip.Addr) error {
	return native.SetGateway(s.native(), addrText(gateway))
}

// SetGatewayIPv6 does the same of IPv6 (seed 000, SetGatewayIPv6).
func (s *Sandbox) SetGatewayIPv6(gateway netip.Addr) error {
	return native.SetGatewayIPv6(s.native(), addrText(gateway))
}

// AddRoute adds a static route, with a next hop in the subnet of an interface that is up; Info lists them. Without a next
// hop it is bound to the only interface.
//
// It answers [errdefs.ErrBadRequest] when no interface leads to the next hop, and for a default route;
// [errdefs.ErrAlreadyExists] when there is a route to that destination.
func (s *Sandbox) AddRoute(route Route) error {
	return native.AddRoute(s.native(), route.native())
}

// RemoveRoute removes a static route of this library's. One that is gone is no error.
func (s *Sandbox) RemoveRoute(route Route) error {
	return native.RemoveRoute(s.native(), route.native())
}
