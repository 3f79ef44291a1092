package native

// #include "callbacks.h"
import "C"

import (
	"net"
	"unsafe"

	"libnetns.dev/go/netns/driverapi"
)

// joinInfo is what a driver says of an endpoint that joins a sandbox, and its interface, which is to be read.
type joinInfo struct{ lent, read *lent }

var _ driverapi.BirthInfo = joinInfo{}

// use is that of the object, whose texts are checked before C sees them.
func (j joinInfo) use(operation string, run func(join *C.netns_join, arena *arena, raised **C.netns_error) C.int32_t) error {
	return j.lent.use(operation, func(pointer unsafe.Pointer, arena *arena, raised **C.netns_error) C.int32_t {
		return run((*C.netns_join)(pointer), arena, raised)
	})
}

func (j joinInfo) InterfaceName() driverapi.InterfaceNameInfo { return interfaceName{j} }

type interfaceName struct{ join joinInfo }

func (i interfaceName) SetNames(srcName, dstPrefix string) error {
	return i.join.use("set names", func(join *C.netns_join, arena *arena, raised **C.netns_error) C.int32_t {
		return C.netns_join_set_names(join, arena.text(srcName), arena.text(dstPrefix), raised)
	})
}

func (j joinInfo) SetGateway(gateway net.IP) error {
	return j.use("set gateway", func(join *C.netns_join, arena *arena, raised **C.netns_error) C.int32_t {
		return C.netns_join_set_gateway(join, arena.text(ipText(gateway)), raised)
	})
}

func (j joinInfo) SetGatewayIPv6(gateway net.IP) error {
	return j.use("set gateway", func(join *C.netns_join, arena *arena, raised **C.netns_error) C.int32_t {
		return C.netns_join_set_gateway_ipv6(join, arena.text(ipText(gateway)), raised)
	})
}

func (j joinInfo) AddStaticRoute(destination *net.IPNet, routeType int, nextHop net.IP) error {
	return j.use("add static route", func(join *C.netns_join, arena *arena, raised **C.netns_error) C.int32_t {
		hop := arena.optional(ipText(nextHop))
		return C.netns_join_add_static_route(join, arena.text(netText(destination)), C.int32_t(routeType), hop, raised)
	})
}

func (j joinInfo) DisableGatewayService() {
	// It has no way to fail but that the callback is over.
	_ = j.use("disable gateway service", func(join *C.netns_join, _ *arena, raised **C.netns_error) C.int32_t {
		return C.netns_join_disable_gateway_service(join, raised)
	})
}

func (j joinInfo) AddTableEntry(tableName string, key string, value []byte) error {
	return j.use("add table entry", func(join *C.netns_join, arena *arena, raised **C.netns_error) C.int32_t {
		table, rawKey := arena.text(tableName), arena.text(key)
		bytes := (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(value)))
		return C.netns_join_add_table_entry(join, table, rawKey, bytes, C.size_t(len(value)), raised)
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
	return j.use("set birth", func(join *C.netns_join, arena *arena, raised **C.netns_error) C.int32_t {
		raw := &allocate[C.netns_birth](arena, 1)[0]
		raw.size = C.sizeof_netns_birth
		if birth.HostPrefix {
			raw.flags = C.NETNS_BIRTH_HOST_PREFIX
		}
		raw.link, raw.early, raw.after = arena.text(string(birth.Link)), early, after
		raw.neighbours = arena.births(birth.Neighbours)
		raw.neighbour_count = C.size_t(len(birth.Neighbours))
		return C.netns_join_set_birth(join, raw, raised)
	})
}

// optionalPlan is NULL for nothing.
func optionalPlan(json []byte) (*C.netns_plan, error) {
	if len(json) == 0 {
		return nil, nil
	}
	return planFromJSON(json)
}

// births is an array of pointers, or NULL for none.
func (a *arena) births(neighbours []driverapi.Neighbour) **C.netns_neighbour {
	if len(neighbours) == 0 {
		return nil
	}
	array := allocate[*C.netns_neighbour](a, len(neighbours))
	for i, neighbour := range neighbours {
		raw := &allocate[C.netns_neighbour](a, 1)[0]
		raw.size = C.sizeof_netns_neighbour
		raw.address, raw.mac = a.text(ipText(neighbour.IP)), a.text(neighbour.MAC.String())
		array[i] = raw
	}
	return &array[0]
}
