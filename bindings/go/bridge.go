package netns

import (
	"net"
	"net/netip"

	"libnetns.dev/go/netns/internal/native"
)

// Bridge is a bridge network without a controller: nothing but the kernel knows of it, and the caller chooses all
// addresses (seed 002, Network). Any number of goroutines may use it at once.
type Bridge struct {
	handle *native.Handle
	info   native.BridgeInfo
}

// BridgeOptions is what a bridge network is to be. All may be left out.
type BridgeOptions struct {
	// Bridge is the bridge, made when it is missing; empty for "br-" and the network's name.
	Bridge string
	// Gateway is an address of the bridge in the subnet of the endpoints, IPv4.
	Gateway netip.Prefix
	// GatewayIPv6 is the same of IPv6.
	GatewayIPv6 netip.Prefix
	// MAC is the hardware address of a new bridge; empty for a random one.
	MAC net.HardwareAddr
	// MTU is in bytes; 0 takes that of a bridge that exists, and for a new one the lowest of the interfaces with a default
	// route, or 1500.
	MTU uint32
	// TxQueueLen is the length of the endpoints' transmit queues in packets; 0 leaves the kernel's 1000.
	TxQueueLen uint32
	// Hairpin: frames may leave through the port that they came in by.
	Hairpin bool
	// Isolated: endpoints reach the host and not one another.
	Isolated bool
	// MulticastSnooping: a new bridge snoops on multicast. Without it multicast reaches every port; with it each join takes
	// longer the more ports there are.
	MulticastSnooping bool
}

// BridgeEndpoint is what an endpoint of a bridge network is to be. All but the name may be left out.
type BridgeEndpoint struct {
	// Name is unique in the network: a container's id, say.
	Name string
	// InterfaceName is what the interface is called in the sandbox; empty for InterfacePrefix.
	InterfaceName string
	// InterfacePrefix is what its name begins with, followed by the lowest number that is free; empty for "eth".
	InterfacePrefix string
	// Address is the IPv4 address with its prefix length.
	Address netip.Prefix
	// AddressIPv6 is the IPv6 address with its prefix length. Without one the interface has no IPv6 at all.
	AddressIPv6 netip.Prefix
	// MAC is the hardware address; empty for a random one.
	MAC net.HardwareAddr
	// MTU is in bytes, at most the network's; 0 for the network's.
	MTU uint32
	// Hairpin is whether frames may leave through the port that they came in by; by default as the network says.
	Hairpin Switch
	// Isolated is whether it reaches the host and no other isolated endpoint; by default as the network says.
	Isolated Switch
	// NoDefaultRoute: the network's gateways do not become the sandbox's.
	NoDefaultRoute bool
	// Routes are those through this interface besides those of its addresses and gateways.
	Routes []Route
	// Neighbours never have to be asked for.
	Neighbours []Neighbour
}

// CreateBridge makes a bridge network, or takes over a bridge that exists (seed 002, NewNetwork). The name is as a
// network's.
//
// It answers [errdefs.ErrBadRequest] for options that contradict one another or the bridge that is there,
// [errdefs.ErrAlreadyExists] when what is called so is no bridge.
func CreateBridge(name string, options BridgeOptions) (*Bridge, error) {
	return made(newBridge)(native.CreateBridge(name, native.BridgeOptions{
		Bridge:            options.Bridge,
		Gateway:           prefixText(options.Gateway),
		GatewayIPv6:       prefixText(options.GatewayIPv6),
		MAC:               options.MAC.String(),
		MTU:               options.MTU,
		TxQueueLen:        options.TxQueueLen,
		Hairpin:           options.Hairpin,
		Isolated:          options.Isolated,
		MulticastSnooping: options.MulticastSnooping,
	}))
}

// Close lets go of the object; the network stays. It may be called again.
func (b *Bridge) Close() error {
	b.native().Close()
	return nil
}

// Name is the network's name, also after Close.
func (b *Bridge) Name() string {
	if b == nil {
		return ""
	}
	return b.info.Name
}

// Device is the name of the bridge itself, a link of the host, also after Close.
func (b *Bridge) Device() string {
	if b == nil {
		return ""
	}
	return b.info.Device
}

// MTU is the bridge's in bytes, the most that an endpoint's can be, also after Close.
func (b *Bridge) MTU() uint32 {
	if b == nil {
		return 0
	}
	return b.info.MTU
}

// Link makes an endpoint of two devices in the host: one on the bridge, one that is ready to move, which the interface
// names (seed 002, Link). Join makes the same in a fraction of the time.
//
// It answers [errdefs.ErrAlreadyExists] when the network has an endpoint of that name, [errdefs.ErrBadRequest] when the
// settings contradict one another or the network.
func (b *Bridge) Link(endpoint BridgeEndpoint) ([]Interface, error) {
	interfaces, err := native.LinkBridge(b.native(), endpoint.native())
	return convert(interfaces, interfaceOf), err
}

// PlanLink is what Link would do.
func (b *Bridge) PlanLink(endpoint BridgeEndpoint) (Plan, error) {
	return planOr(native.PlanLinkBridge(b.native(), endpoint.native()))
}

// Unlink removes an endpoint, wherever its interface is by now; one that is gone is no error.
func (b *Bridge) Unlink(endpoint string) error {
	return native.UnlinkBridge(b.native(), endpoint)
}

// Join joins a sandbox to the network: its interface is born inside with its final name, and is up and configured when
// this returns.
//
// It answers [errdefs.ErrAlreadyExists] when the network has an endpoint of that name, the sandbox an interface of that
// name, or a route that the address overlaps; [errdefs.ErrBadRequest] when the settings contradict one another or the
// network; [errdefs.ErrResourceExhausted] when the bridge is full. Nothing is left behind.
func (b *Bridge) Join(sandbox *Sandbox, endpoint BridgeEndpoint) (Interface, error) {
	joined, err := native.JoinBridge(b.native(), sandbox.native(), endpoint.native())
	if err != nil {
		return Interface{}, err
	}
	return interfaceOf(joined), nil
}

// PlanJoin is what Join would do; Apply carries it out.
func (b *Bridge) PlanJoin(sandbox *Sandbox, endpoint BridgeEndpoint) (Plan, error) {
	return planOr(native.PlanJoinBridge(b.native(), sandbox.native(), endpoint.native()))
}

// Apply carries out a plan of this network and a sandbox, as a whole or not at all. The error is that of the first step
// that failed; its Rollback is what could not be undone.
func (b *Bridge) Apply(plan Plan, sandbox *Sandbox) error {
	return native.ApplyPlan(b.native(), plan.JSON(), sandbox.native())
}

// Delete deletes the network: the bridge when this library made it for this network, else the gateway addresses that this
// library added alone. A network that is gone is no error. It answers [errdefs.ErrBusy] when endpoints are left, with
// their number.
func (b *Bridge) Delete() error {
	return native.DeleteBridge(b.native())
}

func newBridge(handle *native.Handle) *Bridge {
	return &Bridge{handle, native.DescribeBridge(handle)}
}

func (b *Bridge) native() *native.Handle {
	if b == nil {
		return nil
	}
	return b.handle
}

func (e BridgeEndpoint) native() native.BridgeEndpoint {
	return native.BridgeEndpoint{
		Name:            e.Name,
		InterfaceName:   e.InterfaceName,
		InterfacePrefix: e.InterfacePrefix,
		Address:         prefixText(e.Address),
		AddressIPv6:     prefixText(e.AddressIPv6),
		MAC:             e.MAC.String(),
		MTU:             e.MTU,
		Hairpin:         e.Hairpin.may(On),
		NoHairpin:       e.Hairpin.may(Off),
		Isolated:        e.Isolated.may(On),
		NotIsolated:     e.Isolated.may(Off),
		NoDefaultRoute:  e.NoDefaultRoute,
		Routes:          convert(e.Routes, Route.native),
		Neighbours:      convert(e.Neighbours, Neighbour.native),
	}
}
