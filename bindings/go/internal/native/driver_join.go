package native

// #include "program.h"
import "C"

import (
	"net"
	"unsafe"

	"libnetns.dev/go/netns/driverapi"
)

// joinInfo is what a driver says of an endpoint that joins a sandbox, and its interface, which is to be read.
type joinInfo struct{ lent, read *lent }

var _ driverapi.BirthInfo = joinInfo{}

// use is that of the object. A text that C cannot say is NULL there, which it refuses.
func (j joinInfo) use(operation string, inside func(c *call, join *C.netns_join) C.int32_t) error {
	return j.lent.use(operation, func(c *call, pointer unsafe.Pointer) C.int32_t {
		return inside(c, (*C.netns_join)(pointer))
	})
}

func (j joinInfo) InterfaceName() driverapi.InterfaceNameInfo { return interfaceName{j} }

type interfaceName struct{ join joinInfo }

func (i interfaceName) SetNames(srcName, dstPrefix string) error {
	return i.join.use("set names", func(c *call, join *C.netns_join) C.int32_t {
		return C.netns_join_set_names(join, c.text(srcName), c.text(dstPrefix), &c.raised)
	})
}

func (j joinInfo) SetGateway(gateway net.IP) error {
	return j.use("set gateway", func(c *call, join *C.netns_join) C.int32_t {
		return C.netns_join_set_gateway(join, c.text(ipText(gateway)), &c.raised)
	})
}

func (j joinInfo) SetGatewayIPv6(gateway net.IP) error {
	return j.use("set gateway", func(c *call, join *C.netns_join) C.int32_t {
		return C.netns_join_set_gateway_ipv6(join, c.text(ipText(gateway)), &c.raised)
	})
}

func (j joinInfo) AddStaticRoute(destination *net.IPNet, routeType int, nextHop net.IP) error {
	return j.use("add static route", func(c *call, join *C.netns_join) C.int32_t {
		hop := c.optional(ipText(nextHop))
		return C.netns_join_add_static_route(join, c.text(netText(destination)), C.int32_t(routeType), hop, &c.raised)
	})
}

func (j joinInfo) DisableGatewayService() {
	// It has no way to fail but that the callback is over.
	_ = j.use("disable gateway service", func(c *call, join *C.netns_join) C.int32_t {
		return C.netns_join_disable_gateway_service(join, &c.raised)
	})
}

func (j joinInfo) AddTableEntry(tableName string, key string, value []byte) error {
	return j.use("add table entry", func(c *call, join *C.netns_join) C.int32_t {
		table, rawKey := c.text(tableName), c.text(key)
		bytes := (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(value)))
		return C.netns_join_add_table_entry(join, table, rawKey, bytes, C.size_t(len(value)), &c.raised)
	})
}

func (j joinInfo) Interface() driverapi.InterfaceInfo { return interfaceInfo{lent: j.read} }

func (j joinInfo) MTU() int {
	j.lent.mu.Lock()
	defer j.lent.mu.Unlock()
	return int(C.netns_join_mtu((*C.netns_join)(j.lent.pointer)))
}

func (j joinInfo) SetBirth(birth driverapi.Birth) error {
	early, err := optionalPlan(birth.Early)
	if err != nil {
		return err
	}
	defer C.netns_plan_free(early)
	after, err := optionalPlan(birth.After)
	if err != nil {
		return err
	}
	defer C.netns_plan_free(after)
	return j.use("set birth", func(c *call, join *C.netns_join) C.int32_t {
		raw := one[C.netns_birth](c.arena)
		raw.size = C.sizeof_netns_birth
		if birth.HostPrefix {
			raw.flags = C.NETNS_BIRTH_HOST_PREFIX
		}
		raw.link, raw.early, raw.after = c.text(string(birth.Link)), early, after
		raw.neighbours, raw.neighbour_count = list(c.arena, birth.Neighbours, func(known driverapi.Neighbour) *C.netns_neighbour {
			return c.neighbour(Neighbour{Address: ipText(known.IP), MAC: known.MAC.String()})
		})
		return C.netns_join_set_birth(join, raw, &c.raised)
	})
}

// optionalPlan is NULL for nothing.
func optionalPlan(json []byte) (*C.netns_plan, error) {
	if len(json) == 0 {
		return nil, nil
	}
	return planFromJSON(json)
}
