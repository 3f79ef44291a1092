package netns

import (
	"encoding/json"
	"net/netip"

	"libnetns.dev/go/netns/internal/native"
)

// Network is a network of a controller, by its name: it holds nothing in the kernel. Any number of goroutines may use it
// at once.
type Network struct {
	handle *native.Handle
	name   string
}

// SubnetConfig is one subnet of a network that is to be.
type SubnetConfig struct {
	// Subnet has no bits beyond its prefix.
	Subnet netip.Prefix
	// Gateway is the first free address when it is not set.
	Gateway netip.Addr
	// Range is the part of the subnet from which endpoints get their addresses; all of it when it is not set.
	Range netip.Prefix
	// Auxiliary is addresses that others have, by their names: they are never given out.
	Auxiliary map[string]netip.Addr
}

// NetworkConfig is what a network is to be. All but the name may be left out.
type NetworkConfig struct {
	// Name is 1 to 64 letters, digits, '_', '.' and '-', the first a letter or a digit.
	Name string
	// Type is "bridge", "routed", "macvlan", "host", "null", "loopback", or one that was registered; "bridge" when it is
	// empty.
	Type string
	// IPv6: its endpoints get IPv6 addresses. A subnet of that family says so, too.
	IPv6 bool
	// NoIPv4: its endpoints get no IPv4 addresses.
	NoIPv4 bool
	// Internal: it has no way out, and its endpoints get no default gateway.
	Internal bool
	// Subnet is the IPv4 subnet; nil for one that is chosen.
	Subnet *SubnetConfig
	// SubnetIPv6 is the IPv6 subnet; nil for one that is chosen, when IPv6 is wanted.
	SubnetIPv6 *SubnetConfig
	// IPAM is who gives out its addresses, "static" for nobody, so that they are its caller's choice; empty for "default".
	IPAM string
	// IPAMOptions is options of that.
	IPAMOptions map[string]string
	// Options is options of the driver; one that it does not know is an error that lists those that it knows.
	Options map[string]string
	// Labels is for people and tools; the library reads none.
	Labels map[string]string
	// Meter is whether the interfaces of its endpoints are metered; by default they are where bpf is permitted.
	Meter Switch
	// Firewall is what stands between it and everything else.
	Firewall FirewallConfig
}

// Subnet is a subnet of a network and how much of it is in use.
type Subnet struct {
	Subnet netip.Prefix
	// Gateway is not set when there is none.
	Gateway netip.Addr
	// Range is the part from which endpoints get their addresses; not set for all of it.
	Range netip.Prefix
	// Used is how many addresses are in use, the gateway and auxiliary ones too; the highest number for that many and
	// more.
	Used uint64
}

// NetworkDetails is a network with its endpoints, as it was when it was asked for.
type NetworkDetails struct {
	Name, Type             string
	IPv6, NoIPv4, Internal bool
	// Subnets is at most one of each family.
	Subnets []Subnet
	// Endpoints is the names of its endpoints.
	Endpoints []string
	// JSON is all of it: the definition, "endpoints", "usage".
	JSON json.RawMessage
}

// CreateNetwork makes a network. Subnets that are left open are chosen so that they overlap no other network and no route
// of the host; Network.Inspect tells them.
//
// It answers [errdefs.ErrAlreadyExists] when there is one of that name, or a subnet overlaps another network's or a route
// of the host; [errdefs.ErrNotFound] for an unknown type; [errdefs.ErrBadRequest] for what contradicts itself or the
// driver does not take; with FirewallRequired, [errdefs.ErrUnsupported] where the kernel has no nf_tables and
// [errdefs.ErrPermissionDenied] without CAP_NET_ADMIN. Nothing is left behind.
func (c *Controller) CreateNetwork(config NetworkConfig) (*Network, error) {
	return made(newNetwork)(native.CreateNetwork(c.native(), config.native()))
}

// CreateNetworkFromJSON makes a network of its definition, as a definition's file has it: {"name": "demo", "type":
// "bridge", …}. Here options may be other than strings. It fails as CreateNetwork does.
func (c *Controller) CreateNetworkFromJSON(definition []byte) (*Network, error) {
	return made(newNetwork)(native.CreateNetworkFromJSON(c.native(), string(definition)))
}

// OpenNetwork finds a network by its name. It answers [errdefs.ErrNoNetwork] when there is none, [errdefs.ErrBadRequest]
// when its definition cannot be read.
func (c *Controller) OpenNetwork(name string) (*Network, error) {
	return made(newNetwork)(native.OpenNetwork(c.native(), name))
}

// Networks is the names of the networks, sorted; also of those whose definition cannot be read.
func (c *Controller) Networks() ([]string, error) {
	return native.ListNetworks(c.native())
}

// RemoveNetwork deletes a network by its name as Network.Delete does, also one whose definition cannot be read.
func (c *Controller) RemoveNetwork(name string) error {
	return native.RemoveNetwork(c.native(), name)
}

// ForgetNetwork forgets a network and frees its subnets whatever its driver says, as when a driver is gone for good: what
// the driver made of it is the driver's to clear away. One that is gone is no error. It answers [errdefs.ErrBusy] while it
// has endpoints, with their names and sandboxes: Network.ForgetEndpoint.
func (c *Controller) ForgetNetwork(name string) error {
	return native.ForgetNetwork(c.native(), name)
}

// Close lets go of the object; the network stays. It may be called again.
func (n *Network) Close() error {
	n.native().Close()
	return nil
}

// Name is the network's name, also after Close.
func (n *Network) Name() string {
	if n == nil {
		return ""
	}
	return n.name
}

// Inspect is the network's definition, with what was chosen for it, and its endpoints. It answers [errdefs.ErrNoNetwork]
// when it is gone.
func (n *Network) Inspect() (NetworkDetails, error) {
	details, err := native.InspectNetwork(n.native())
	if err != nil {
		return NetworkDetails{}, err
	}
	return NetworkDetails{
		Name:      details.Name,
		Type:      details.Type,
		IPv6:      details.IPv6,
		NoIPv4:    details.NoIPv4,
		Internal:  details.Internal,
		Subnets:   convert(details.Subnets, subnetOf),
		Endpoints: details.Endpoints,
		JSON:      json.RawMessage(details.JSON),
	}, nil
}

// Delete deletes the network and its definition; one that is gone is no error. It answers [errdefs.ErrBusy] while it has
// endpoints, with their names and sandboxes.
func (n *Network) Delete() error {
	return native.DeleteNetwork(n.native())
}

func newNetwork(handle *native.Handle) *Network {
	return &Network{handle, native.NetworkName(handle)}
}

func (n *Network) native() *native.Handle {
	if n == nil {
		return nil
	}
	return n.handle
}

func (c NetworkConfig) native() native.NetworkConfig {
	if c.Type == "" {
		c.Type = "bridge"
	}
	return native.NetworkConfig{
		Name:        c.Name,
		Type:        c.Type,
		Ipam:        c.IPAM,
		IPv6:        c.IPv6,
		NoIPv4:      c.NoIPv4,
		Internal:    c.Internal,
		IPv4Subnet:  c.Subnet.native(),
		IPv6Subnet:  c.SubnetIPv6.native(),
		IpamOptions: c.IPAMOptions,
		Options:     c.Options,
		Labels:      c.Labels,
		Meter:       int32(c.Meter),
		Firewall:    c.Firewall.native(),
	}
}

func (c *SubnetConfig) native() *native.SubnetConfig {
	if c == nil {
		return nil
	}
	auxiliary := make(map[string]string, len(c.Auxiliary))
	for name, addr := range c.Auxiliary {
		auxiliary[name] = addrText(addr)
	}
	return &native.SubnetConfig{
		Subnet:    prefixText(c.Subnet),
		Gateway:   addrText(c.Gateway),
		Range:     prefixText(c.Range),
		Auxiliary: auxiliary,
	}
}

func subnetOf(subnet native.Subnet) Subnet {
	return Subnet{prefixOf(subnet.Subnet), addrOf(subnet.Gateway), prefixOf(subnet.Range), subnet.Used}
}
