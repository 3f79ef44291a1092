package native

// #include <netns.h>
import "C"

// EndpointConfig is netns_endpoint_config.
type EndpointConfig struct {
	Name, InterfaceName, InterfacePrefix string
	Address, AddressIPv6, MAC            string
	MTU                                  uint32
	GatewayPriority, Meter               int32
	NoDefaultRoute                       bool
	Aliases, Ports                       []string
	Sysctls, Options, Labels             map[string]string
	Routes                               []Route
	Neighbours                           []Neighbour
}

// Slot is netns_slot.
type Slot struct {
	Slot uint16
	Life uint64
}

// Endpoint is netns_endpoint_details.
type Endpoint struct {
	Network, Name, Address, AddressIPv6, MAC, Sandbox string
	Linked                                            bool
	Interface                                         *Interface
	JSON                                              string
	Slot                                              *Slot
	Ports                                             []string
}

// Stats is netns_stats.
type Stats struct {
	RxBytes, RxPackets, RxErrors, RxDropped uint64
	TxBytes, TxPackets, TxErrors, TxDropped uint64
}

func (a *arena) endpointConfig(config EndpointConfig) *C.netns_endpoint_config {
	raw := one[C.netns_endpoint_config](a)
	raw.size = C.sizeof_netns_endpoint_config
	raw.name = a.text(config.Name)
	raw.interface_name = a.optional(config.InterfaceName)
	raw.interface_prefix = a.optional(config.InterfacePrefix)
	raw.address = a.optional(config.Address)
	raw.address_ipv6 = a.optional(config.AddressIPv6)
	raw.mac = a.optional(config.MAC)
	raw.mtu = C.uint32_t(config.MTU)
	raw.gateway_priority = C.int32_t(config.GatewayPriority)
	raw.flags = flag(config.NoDefaultRoute, C.NETNS_ENDPOINT_NO_DEFAULT_ROUTE)
	raw.aliases, raw.alias_count = a.texts(config.Aliases)
	raw.sysctls, raw.sysctl_count = a.pairs(config.Sysctls)
	raw.routes, raw.route_count = list(a, config.Routes, a.route)
	raw.neighbours, raw.neighbour_count = list(a, config.Neighbours, a.neighbour)
	raw.options, raw.option_count = a.pairs(config.Options)
	raw.labels, raw.label_count = a.pairs(config.Labels)
	raw.meter = C.int32_t(config.Meter)
	raw.ports, raw.port_count = a.texts(config.Ports)
	return raw
}

func takeEndpoint(raw *C.netns_endpoint_details) Endpoint {
	defer C.netns_endpoint_details_free(raw)
	return goEndpoint(raw)
}

func takeEndpoints(raw *C.netns_endpoints) []Endpoint {
	defer C.netns_endpoints_free(raw)
	return each(raw.endpoints, raw.count, goEndpoint)
}

func goEndpoint(raw *C.netns_endpoint_details) Endpoint {
	endpoint := Endpoint{
		Network:     C.GoString(raw.network),
		Name:        C.GoString(raw.name),
		Address:     C.GoString(raw.address),
		AddressIPv6: C.GoString(raw.address_ipv6),
		MAC:         C.GoString(raw.mac),
		Sandbox:     C.GoString(raw.sandbox),
		Linked:      raw.flags&C.NETNS_ENDPOINT_LINKED != 0,
		JSON:        C.GoString(raw.json),
		Ports:       goTexts(raw.ports, raw.port_count),
	}
	if raw._interface != nil {
		own := goInterface(raw._interface)
		endpoint.Interface = &own
	}
	if raw.slot != nil {
		endpoint.Slot = &Slot{Slot: uint16(raw.slot.slot), Life: uint64(raw.slot.life)}
	}
	return endpoint
}

// ListEndpoints is netns_endpoint_list.
func ListEndpoints(controller *Handle) ([]Endpoint, error) {
	return ask("list endpoints", takeEndpoints, func(c *call, ret **C.netns_endpoints) C.int32_t {
		owner := c.controller(controller)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_list(owner, ret, &c.raised)
	})
}

// CreateEndpoint is netns_endpoint_create.
func CreateEndpoint(network *Handle, config EndpointConfig) (Endpoint, error) {
	return ask("create endpoint", takeEndpoint, func(c *call, ret **C.netns_endpoint_details) C.int32_t {
		network, raw := c.network(network), c.endpointConfig(config)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_create(network, raw, ret, &c.raised)
	})
}

// ConnectEndpoint is netns_endpoint_connect.
func ConnectEndpoint(network, sandbox *Handle, config EndpointConfig) (Endpoint, error) {
	return ask("connect endpoint", takeEndpoint, func(c *call, ret **C.netns_endpoint_details) C.int32_t {
		network, sandbox, raw := c.network(network), c.sandbox(sandbox), c.endpointConfig(config)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_connect(network, sandbox, raw, ret, &c.raised)
	})
}

// PlanConnectEndpoint is netns_endpoint_plan_connect.
func PlanConnectEndpoint(network, sandbox *Handle, config EndpointConfig) (Plan, error) {
	return ask("plan to connect endpoint", takePlan, func(c *call, ret **C.netns_plan) C.int32_t {
		network, sandbox, raw := c.network(network), c.sandbox(sandbox), c.endpointConfig(config)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_plan_connect(network, sandbox, raw, ret, &c.raised)
	})
}

// LinkNetwork is netns_network_link.
func LinkNetwork(network *Handle, config EndpointConfig) (Endpoint, error) {
	return ask("link endpoint", takeEndpoint, func(c *call, ret **C.netns_endpoint_details) C.int32_t {
		network, raw := c.network(network), c.endpointConfig(config)
		if c.err != nil {
			return 0
		}
		return C.netns_network_link(network, raw, ret, &c.raised)
	})
}

// PlanLinkNetwork is netns_network_plan_link.
func PlanLinkNetwork(network *Handle, config EndpointConfig) (Plan, error) {
	return ask("plan to link endpoint", takePlan, func(c *call, ret **C.netns_plan) C.int32_t {
		network, raw := c.network(network), c.endpointConfig(config)
		if c.err != nil {
			return 0
		}
		return C.netns_network_plan_link(network, raw, ret, &c.raised)
	})
}

// JoinEndpoint is netns_endpoint_join.
func JoinEndpoint(network *Handle, endpoint string, sandbox *Handle) (Endpoint, error) {
	return ask("join endpoint", takeEndpoint, func(c *call, ret **C.netns_endpoint_details) C.int32_t {
		network, endpoint, sandbox := c.network(network), c.text(endpoint), c.sandbox(sandbox)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_join(network, endpoint, sandbox, ret, &c.raised)
	})
}
