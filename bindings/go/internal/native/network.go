package native

// #include <netns.h>
import "C"

import "unsafe"

// SubnetConfig is netns_subnet_config.
type SubnetConfig struct {
	Subnet, Gateway, Range string
	Auxiliary              map[string]string
}

// FirewallConfig is netns_firewall_config.
type FirewallConfig struct {
	Mode, GatewayMode, Isolate          int32
	NoMasquerade, NoICC, NoAntiSpoofing bool
	Source, SourceIPv6                  string
}

// NetworkConfig is netns_network_config.
type NetworkConfig struct {
	Name, Type, Ipam             string
	IPv6, NoIPv4, Internal       bool
	IPv4Subnet, IPv6Subnet       *SubnetConfig
	IpamOptions, Options, Labels map[string]string
	Meter                        int32
	Firewall                     *FirewallConfig
}

// Subnet is netns_subnet.
type Subnet struct {
	Subnet, Gateway, Range string
	Used                   uint64
}

// NetworkDetails is netns_network_details.
type NetworkDetails struct {
	Name, Type             string
	IPv6, NoIPv4, Internal bool
	Subnets                []Subnet
	Endpoints              []string
	JSON                   string
}

func (c *call) network(handle *Handle) *C.netns_network {
	return (*C.netns_network)(c.object(handle))
}

func networkHandle(network *C.netns_network) *Handle {
	return newHandle("network", unsafe.Pointer(network), func(pointer unsafe.Pointer) {
		C.netns_network_free((*C.netns_network)(pointer))
	})
}

func (a *arena) networkConfig(config NetworkConfig) *C.netns_network_config {
	raw := one[C.netns_network_config](a)
	raw.size = C.sizeof_netns_network_config
	raw.name = a.text(config.Name)
	raw.network_type = a.text(config.Type)
	raw.flags = flag(config.IPv6, C.NETNS_NETWORK_IPV6) |
		flag(config.NoIPv4, C.NETNS_NETWORK_NO_IPV4) |
		flag(config.Internal, C.NETNS_NETWORK_INTERNAL)
	raw.ipv4 = a.subnetConfig(config.IPv4Subnet)
	raw.ipv6 = a.subnetConfig(config.IPv6Subnet)
	raw.ipam = a.optional(config.Ipam)
	raw.ipam_options, raw.ipam_option_count = a.pairs(config.IpamOptions)
	raw.options, raw.option_count = a.pairs(config.Options)
	raw.labels, raw.label_count = a.pairs(config.Labels)
	raw.meter = C.int32_t(config.Meter)
	raw.firewall = a.firewallConfig(config.Firewall)
	return raw
}

func (a *arena) subnetConfig(config *SubnetConfig) *C.netns_subnet_config {
	if config == nil {
		return nil
	}
	raw := one[C.netns_subnet_config](a)
	raw.size = C.sizeof_netns_subnet_config
	raw.subnet = a.text(config.Subnet)
	raw.gateway = a.optional(config.Gateway)
	raw._range = a.optional(config.Range)
	raw.auxiliary, raw.auxiliary_count = a.pairs(config.Auxiliary)
	return raw
}

func (a *arena) firewallConfig(config *FirewallConfig) *C.netns_firewall_config {
	if config == nil {
		return nil
	}
	raw := one[C.netns_firewall_config](a)
	raw.size = C.sizeof_netns_firewall_config
	raw.flags = flag(config.NoMasquerade, C.NETNS_FIREWALL_NO_MASQUERADE) |
		flag(config.NoICC, C.NETNS_FIREWALL_NO_ICC) |
		flag(config.NoAntiSpoofing, C.NETNS_FIREWALL_NO_ANTI_SPOOFING)
	raw.mode = C.int32_t(config.Mode)
	raw.gateway_mode = C.int32_t(config.GatewayMode)
	raw.isolate = C.int32_t(config.Isolate)
	raw.source = a.optional(config.Source)
	raw.source_ipv6 = a.optional(config.SourceIPv6)
	return raw
}

// CreateNetwork is netns_network_create.
func CreateNetwork(controller *Handle, config NetworkConfig) (*Handle, error) {
	return ask("create network", networkHandle, func(c *call, ret **C.netns_network) C.int32_t {
		owner, raw := c.controller(controller), c.networkConfig(config)
		if c.err != nil {
			return 0
		}
		return C.netns_network_create(owner, raw, ret, &c.raised)
	})
}

// CreateNetworkFromJSON is netns_network_create_from_json.
func CreateNetworkFromJSON(controller *Handle, json string) (*Handle, error) {
	return ask("create network", networkHandle, func(c *call, ret **C.netns_network) C.int32_t {
		owner, json := c.controller(controller), c.text(json)
		if c.err != nil {
			return 0
		}
		return C.netns_network_create_from_json(owner, json, ret, &c.raised)
	})
}

// OpenNetwork is netns_network_open.
func OpenNetwork(controller *Handle, name string) (*Handle, error) {
	return ask("open network", networkHandle, func(c *call, ret **C.netns_network) C.int32_t {
		owner, name := c.controller(controller), c.text(name)
		if c.err != nil {
			return 0
		}
		return C.netns_network_open(owner, name, ret, &c.raised)
	})
}

// ListNetworks is netns_network_list.
func ListNetworks(controller *Handle) ([]string, error) {
	return ask("list networks", takeNames, func(c *call, ret **C.netns_names) C.int32_t {
		owner := c.controller(controller)
		if c.err != nil {
			return 0
		}
		return C.netns_network_list(owner, ret, &c.raised)
	})
}

// RemoveNetwork is netns_network_remove.
func RemoveNetwork(controller *Handle, name string) error {
	return run("delete network", func(c *call) C.int32_t {
		owner, name := c.controller(controller), c.text(name)
		if c.err != nil {
			return 0
		}
		return C.netns_network_remove(owner, name, &c.raised)
	})
}

// ForgetNetwork is netns_network_forget.
func ForgetNetwork(controller *Handle, name string) error {
	return run("forget network", func(c *call) C.int32_t {
		owner, name := c.controller(controller), c.text(name)
		if c.err != nil {
			return 0
		}
		return C.netns_network_forget(owner, name, &c.raised)
	})
}

// NetworkName is netns_network_name.
func NetworkName(network *Handle) string {
	var name string
	_ = run("name network", func(c *call) C.int32_t {
		name = C.GoString(C.netns_network_name(c.network(network)))
		return 0
	})
	return name
}

// InspectNetwork is netns_network_inspect.
func InspectNetwork(network *Handle) (NetworkDetails, error) {
	return ask("inspect network", takeNetwork, func(c *call, ret **C.netns_network_details) C.int32_t {
		network := c.network(network)
		if c.err != nil {
			return 0
		}
		return C.netns_network_inspect(network, ret, &c.raised)
	})
}

// DeleteNetwork is netns_network_delete.
func DeleteNetwork(network *Handle) error {
	return run("delete network", func(c *call) C.int32_t {
		network := c.network(network)
		if c.err != nil {
			return 0
		}
		return C.netns_network_delete(network, &c.raised)
	})
}

func takeNetwork(raw *C.netns_network_details) NetworkDetails {
	defer C.netns_network_details_free(raw)
	return NetworkDetails{
		Name:      C.GoString(raw.name),
		Type:      C.GoString(raw.network_type),
		IPv6:      raw.flags&C.NETNS_NETWORK_IPV6 != 0,
		NoIPv4:    raw.flags&C.NETNS_NETWORK_NO_IPV4 != 0,
		Internal:  raw.flags&C.NETNS_NETWORK_INTERNAL != 0,
		Subnets:   each(raw.subnets, raw.subnet_count, goSubnet),
		Endpoints: goTexts(raw.endpoints, raw.endpoint_count),
		JSON:      C.GoString(raw.json),
	}
}

func goSubnet(raw *C.netns_subnet) Subnet {
	return Subnet{
		Subnet:  C.GoString(raw.subnet),
		Gateway: C.GoString(raw.gateway),
		Range:   C.GoString(raw._range),
		Used:    uint64(raw.used),
	}
}
