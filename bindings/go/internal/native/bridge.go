package native

// #include <netns.h>
import "C"

import "unsafe"

// BridgeOptions is netns_bridge_options.
type BridgeOptions struct {
	Hairpin, Isolated, MulticastSnooping bool
	Bridge, Gateway, GatewayIPv6, MAC    string
	MTU, TxQueueLen                      uint32
}

// BridgeEndpoint is netns_bridge_endpoint.
type BridgeEndpoint struct {
	Name, InterfaceName, InterfacePrefix      string
	Address, AddressIPv6, MAC                 string
	Hairpin, NoHairpin, Isolated, NotIsolated bool
	NoDefaultRoute                            bool
	MTU                                       uint32
	Routes                                    []Route
	Neighbours                                []Neighbour
}

// BridgeInfo is netns_bridge_name, netns_bridge_device and netns_bridge_mtu.
type BridgeInfo struct {
	Name, Device string
	MTU          uint32
}

func (c *call) bridge(handle *Handle) *C.netns_bridge {
	return (*C.netns_bridge)(c.object(handle))
}

func bridgeHandle(bridge *C.netns_bridge) *Handle {
	return newHandle("bridge", unsafe.Pointer(bridge), func(pointer unsafe.Pointer) {
		C.netns_bridge_free((*C.netns_bridge)(pointer))
	})
}

// CreateBridge is netns_bridge_create.
func CreateBridge(name string, options BridgeOptions) (*Handle, error) {
	return ask("create network", bridgeHandle, func(c *call, ret **C.netns_bridge) C.int32_t {
		name, raw := c.text(name), one[C.netns_bridge_options](c.arena)
		raw.size = C.sizeof_netns_bridge_options
		raw.flags = flag(options.Hairpin, C.NETNS_BRIDGE_HAIRPIN) |
			flag(options.Isolated, C.NETNS_BRIDGE_ISOLATED) |
			flag(options.MulticastSnooping, C.NETNS_BRIDGE_MULTICAST_SNOOPING)
		raw.bridge = c.optional(options.Bridge)
		raw.gateway = c.optional(options.Gateway)
		raw.gateway_ipv6 = c.optional(options.GatewayIPv6)
		raw.mac = c.optional(options.MAC)
		raw.mtu = C.uint32_t(options.MTU)
		raw.tx_queue_len = C.uint32_t(options.TxQueueLen)
		if c.err != nil {
			return 0
		}
		return C.netns_bridge_create(name, raw, ret, &c.raised)
	})
}

// DescribeBridge is what the bridge is.
func DescribeBridge(bridge *Handle) BridgeInfo {
	var info BridgeInfo
	_ = run("name network", func(c *call) C.int32_t {
		bridge := c.bridge(bridge)
		info = BridgeInfo{
			Name:   C.GoString(C.netns_bridge_name(bridge)),
			Device: C.GoString(C.netns_bridge_device(bridge)),
			MTU:    uint32(C.netns_bridge_mtu(bridge)),
		}
		return 0
	})
	return info
}

func (a *arena) bridgeEndpoint(endpoint BridgeEndpoint) *C.netns_bridge_endpoint {
	raw := one[C.netns_bridge_endpoint](a)
	raw.size = C.sizeof_netns_bridge_endpoint
	raw.name = a.text(endpoint.Name)
	raw.interface_name = a.optional(endpoint.InterfaceName)
	raw.interface_prefix = a.optional(endpoint.InterfacePrefix)
	raw.address = a.optional(endpoint.Address)
	raw.address_ipv6 = a.optional(endpoint.AddressIPv6)
	raw.mac = a.optional(endpoint.MAC)
	raw.flags = flag(endpoint.Hairpin, C.NETNS_BRIDGE_ENDPOINT_HAIRPIN) |
		flag(endpoint.NoHairpin, C.NETNS_BRIDGE_ENDPOINT_NO_HAIRPIN) |
		flag(endpoint.Isolated, C.NETNS_BRIDGE_ENDPOINT_ISOLATED) |
		flag(endpoint.NotIsolated, C.NETNS_BRIDGE_ENDPOINT_NOT_ISOLATED) |
		flag(endpoint.NoDefaultRoute, C.NETNS_BRIDGE_ENDPOINT_NO_DEFAULT_ROUTE)
	raw.mtu = C.uint32_t(endpoint.MTU)
	raw.routes, raw.route_count = list(a, endpoint.Routes, a.route)
	raw.neighbours, raw.neighbour_count = list(a, endpoint.Neighbours, a.neighbour)
	return raw
}

// LinkBridge is netns_bridge_link.
func LinkBridge(bridge *Handle, endpoint BridgeEndpoint) ([]Interface, error) {
	return ask("link endpoint", takeInterfaces, func(c *call, ret **C.netns_interfaces) C.int32_t {
		bridge, raw := c.bridge(bridge), c.bridgeEndpoint(endpoint)
		if c.err != nil {
			return 0
		}
		return C.netns_bridge_link(bridge, raw, ret, &c.raised)
	})
}

// PlanLinkBridge is netns_bridge_plan_link.
func PlanLinkBridge(bridge *Handle, endpoint BridgeEndpoint) (Plan, error) {
	return ask("plan to link endpoint", takePlan, func(c *call, ret **C.netns_plan) C.int32_t {
		bridge, raw := c.bridge(bridge), c.bridgeEndpoint(endpoint)
		if c.err != nil {
			return 0
		}
		return C.netns_bridge_plan_link(bridge, raw, ret, &c.raised)
	})
}

// UnlinkBridge is netns_bridge_unlink.
func UnlinkBridge(bridge *Handle, endpoint string) error {
	return run("unlink endpoint", func(c *call) C.int32_t {
		bridge, endpoint := c.bridge(bridge), c.text(endpoint)
		if c.err != nil {
			return 0
		}
		return C.netns_bridge_unlink(bridge, endpoint, &c.raised)
	})
}

// JoinBridge is netns_bridge_join.
func JoinBridge(bridge, sandbox *Handle, endpoint BridgeEndpoint) (Interface, error) {
	return ask("join endpoint", takeInterface, func(c *call, ret **C.netns_interfaces) C.int32_t {
		bridge, sandbox, raw := c.bridge(bridge), c.sandbox(sandbox), c.bridgeEndpoint(endpoint)
		if c.err != nil {
			return 0
		}
		return C.netns_bridge_join(bridge, sandbox, raw, ret, &c.raised)
	})
}

// PlanJoinBridge is netns_bridge_plan_join.
func PlanJoinBridge(bridge, sandbox *Handle, endpoint BridgeEndpoint) (Plan, error) {
	return ask("plan to join endpoint", takePlan, func(c *call, ret **C.netns_plan) C.int32_t {
		bridge, sandbox, raw := c.bridge(bridge), c.sandbox(sandbox), c.bridgeEndpoint(endpoint)
		if c.err != nil {
			return 0
		}
		return C.netns_bridge_plan_join(bridge, sandbox, raw, ret, &c.raised)
	})
}

// DeleteBridge is netns_bridge_delete.
func DeleteBridge(bridge *Handle) error {
	return run("delete network", func(c *call) C.int32_t {
		bridge := c.bridge(bridge)
		if c.err != nil {
			return 0
		}
		return C.netns_bridge_delete(bridge, &c.raised)
	})
}
