package native

// #include "program.h"
import "C"

import (
	"maps"
	"slices"

	"libnetns.dev/go/netns/errdefs"
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
	token := keep(ipam)
	err := run("register address management", func(c *call) C.int32_t {
		owner, known, raw := c.controller(controller), c.text(name), one[C.netns_ipam](c.arena)
		*raw = C.netns_go_ipam
		setUser(&raw.user, token)
		if ipam == nil {
			c.refuse(errdefs.New(errdefs.ErrBadRequest, c.operation, name, "it is nil"))
		}
		if c.err != nil {
			return 0
		}
		return C.netns_ipam_register(owner, known, raw, &c.raised)
	})
	if err != nil {
		drop(token)
	}
	return err
}

func managed(token C.uintptr_t, method string, raised **C.netns_error, run func(ipam Ipam) error) C.int32_t {
	return answer("call "+method+" of", "address management", raised, func() error {
		return run(kept(uintptr(token)).(Ipam))
	})
}

//export netnsGoDefaultAddressSpaces
func netnsGoDefaultAddressSpaces(token C.uintptr_t, reply *C.netns_ipam_reply, raised **C.netns_error) C.int32_t {
	return managed(token, "DefaultAddressSpaces", raised, func(ipam Ipam) error {
		local, global, err := ipam.DefaultAddressSpaces()
		if err != nil {
			return err
		}
		return run("answer", func(c *call) C.int32_t {
			local, global := c.text(local), c.text(global)
			if c.err != nil {
				return 0
			}
			return C.netns_ipam_reply_set_address_spaces(reply, local, global, &c.raised)
		})
	})
}

//export netnsGoRequestPool
func netnsGoRequestPool(
	token C.uintptr_t, request *C.netns_pool_request, reply *C.netns_ipam_reply, raised **C.netns_error,
) C.int32_t {
	return managed(token, "RequestPool", raised, func(ipam Ipam) error {
		asked := PoolRequest{
			Flags:        uint64(request.flags),
			AddressSpace: C.GoString(request.address_space),
			Pool:         C.GoString(request.pool),
			SubPool:      C.GoString(request.sub_pool),
			InUse:        goTexts(request.in_use, request.in_use_count),
			Options:      pairsOf(request.options, request.option_count),
		}
		pool, id, data, err := ipam.RequestPool(asked)
		if err != nil {
			return err
		}
		err = run("answer", func(c *call) C.int32_t {
			pool, id := c.text(pool), c.optional(id)
			if c.err != nil {
				return 0
			}
			return C.netns_ipam_reply_set_pool(reply, pool, id, &c.raised)
		})
		if err != nil {
			return err
		}
		return addData(reply, data)
	})
}

//export netnsGoReleasePool
func netnsGoReleasePool(token C.uintptr_t, pool *C.char, raised **C.netns_error) C.int32_t {
	return managed(token, "ReleasePool", raised, func(ipam Ipam) error {
		return ipam.ReleasePool(C.GoString(pool))
	})
}

//export netnsGoRequestAddress
func netnsGoRequestAddress(
	token C.uintptr_t, request *C.netns_address_request, reply *C.netns_ipam_reply, raised **C.netns_error,
) C.int32_t {
	return managed(token, "RequestAddress", raised, func(ipam Ipam) error {
		options := pairsOf(request.options, request.option_count)
		given, data, err := ipam.RequestAddress(C.GoString(request.pool), C.GoString(request.address), options)
		if err != nil {
			return err
		}
		err = run("answer", func(c *call) C.int32_t {
			given := c.text(given)
			if c.err != nil {
				return 0
			}
			return C.netns_ipam_reply_set_address(reply, given, &c.raised)
		})
		if err != nil {
			return err
		}
		return addData(reply, data)
	})
}

//export netnsGoReleaseAddress
func netnsGoReleaseAddress(token C.uintptr_t, pool, address *C.char, raised **C.netns_error) C.int32_t {
	return managed(token, "ReleaseAddress", raised, func(ipam Ipam) error {
		return ipam.ReleaseAddress(C.GoString(pool), C.GoString(address))
	})
}

func addData(reply *C.netns_ipam_reply, data map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(data)) {
		err := run("answer", func(c *call) C.int32_t {
			key, value := c.text(key), c.text(data[key])
			if c.err != nil {
				return 0
			}
			return C.netns_ipam_reply_add_data(reply, key, value, &c.raised)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
