package native

// #include "callbacks.h"
import "C"

import (
	"maps"
	"slices"
	"unsafe"
)

// PoolRequest is netns_pool_request.
type PoolRequest struct {
	Flags                       uint64
	AddressSpace, Pool, SubPool string
	InUse                       []string
	Options                     map[string]string
}

// PoolIPv6 is NETNS_POOL_IPV6.
const PoolIPv6 = C.NETNS_POOL_IPV6

// Ipam is netns_ipam.
type Ipam interface {
	DefaultAddressSpaces() (local, global string, err error)
	RequestPool(request PoolRequest) (pool, id string, data map[string]string, err error)
	ReleasePool(pool string) error
	RequestAddress(pool, address string, options map[string]string) (given string, data map[string]string, err error)
	ReleaseAddress(pool, address string) error
}

// RegisterIpam is netns_ipam_register.
func RegisterIpam(controller *Handle, name string, ipam Ipam) error {
	const operation = "register address management"
	arena := newArena(operation)
	defer arena.free()
	raw := &allocate[C.netns_ipam](arena, 1)[0]
	*raw = C.netns_go_ipam
	rawName := arena.text(name)
	if arena.err != nil {
		return arena.err
	}
	pointer, err := controller.hold(operation)
	if err != nil {
		return err
	}
	defer controller.release()
	token := keep(ipam)
	setUser(&raw.user, token)
	var raised *C.netns_error
	if err := failure(C.netns_ipam_register((*C.netns_controller)(pointer), rawName, raw, &raised), raised); err != nil {
		drop(token)
		return err
	}
	return nil
}

func managed(token C.uintptr_t, method string, raised **C.netns_error, run func(ipam Ipam, arena *arena) error) C.int32_t {
	return answer("call "+method+" of", "address management", raised, func() error {
		arena := newArena("answer " + method)
		defer arena.free()
		return run(kept(uintptr(token)).(Ipam), arena)
	})
}

//export netnsGoDefaultAddressSpaces
func netnsGoDefaultAddressSpaces(token C.uintptr_t, reply *C.netns_ipam_reply, raised **C.netns_error) C.int32_t {
	return managed(token, "DefaultAddressSpaces", raised, func(ipam Ipam, arena *arena) error {
		local, global, err := ipam.DefaultAddressSpaces()
		if err != nil {
			return err
		}
		rawLocal, rawGlobal := arena.text(local), arena.text(global)
		if arena.err != nil {
			return arena.err
		}
		var failed *C.netns_error
		return failure(C.netns_ipam_reply_set_address_spaces(reply, rawLocal, rawGlobal, &failed), failed)
	})
}

//export netnsGoRequestPool
func netnsGoRequestPool(
	token C.uintptr_t, request *C.netns_pool_request, reply *C.netns_ipam_reply, raised **C.netns_error,
) C.int32_t {
	return managed(token, "RequestPool", raised, func(ipam Ipam, arena *arena) error {
		asked := PoolRequest{
			Flags:        uint64(request.flags),
			AddressSpace: C.GoString(request.address_space),
			Pool:         C.GoString(request.pool),
			SubPool:      C.GoString(request.sub_pool),
			Options:      pairsOf(request.options, request.option_count),
		}
		for _, used := range unsafe.Slice(request.in_use, request.in_use_count) {
			asked.InUse = append(asked.InUse, C.GoString(used))
		}
		pool, id, data, err := ipam.RequestPool(asked)
		if err != nil {
			return err
		}
		rawPool, rawID := arena.text(pool), arena.optional(id)
		if arena.err != nil {
			return arena.err
		}
		var failed *C.netns_error
		if err := failure(C.netns_ipam_reply_set_pool(reply, rawPool, rawID, &failed), failed); err != nil {
			return err
		}
		return addData(arena, reply, data)
	})
}

//export netnsGoReleasePool
func netnsGoReleasePool(token C.uintptr_t, pool *C.char, raised **C.netns_error) C.int32_t {
	return managed(token, "ReleasePool", raised, func(ipam Ipam, _ *arena) error {
		return ipam.ReleasePool(C.GoString(pool))
	})
}

//export netnsGoRequestAddress
func netnsGoRequestAddress(
	token C.uintptr_t, request *C.netns_address_request, reply *C.netns_ipam_reply, raised **C.netns_error,
) C.int32_t {
	return managed(token, "RequestAddress", raised, func(ipam Ipam, arena *arena) error {
		options := pairsOf(request.options, request.option_count)
		given, data, err := ipam.RequestAddress(C.GoString(request.pool), C.GoString(request.address), options)
		if err != nil {
			return err
		}
		rawGiven := arena.text(given)
		if arena.err != nil {
			return arena.err
		}
		var failed *C.netns_error
		if err := failure(C.netns_ipam_reply_set_address(reply, rawGiven, &failed), failed); err != nil {
			return err
		}
		return addData(arena, reply, data)
	})
}

//export netnsGoReleaseAddress
func netnsGoReleaseAddress(token C.uintptr_t, pool, address *C.char, raised **C.netns_error) C.int32_t {
	return managed(token, "ReleaseAddress", raised, func(ipam Ipam, _ *arena) error {
		return ipam.ReleaseAddress(C.GoString(pool), C.GoString(address))
	})
}

func addData(arena *arena, reply *C.netns_ipam_reply, data map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(data)) {
		rawKey, rawValue := arena.text(key), arena.text(data[key])
		if arena.err != nil {
			return arena.err
		}
		var failed *C.netns_error
		if err := failure(C.netns_ipam_reply_add_data(reply, rawKey, rawValue, &failed), failed); err != nil {
			return err
		}
	}
	return nil
}
