package native

// #include <netns.h>
import "C"

// named calls a function about a link that takes one text besides.
func named(operation, name, other string, function func(c *call, name, other *C.char) C.int32_t) error {
	return run(operation, func(c *call) C.int32_t {
		name, other := c.text(name), c.text(other)
		if c.err != nil {
			return 0
		}
		return function(c, name, other)
	})
}

// SetLinkName is netns_link_set_name.
func SetLinkName(name, newName string) error {
	return named("rename link", name, newName, func(c *call, name, other *C.char) C.int32_t {
		return C.netns_link_set_name(name, other, &c.raised)
	})
}

// CreateVeth is netns_link_create_veth.
func CreateVeth(name1, name2 string) error {
	return named("create link", name1, name2, func(c *call, name, other *C.char) C.int32_t {
		return C.netns_link_create_veth(name, other, &c.raised)
	})
}

// SetLinkUp is netns_link_set_up.
func SetLinkUp(name string) error {
	return named("set link up", name, "", func(c *call, name, _ *C.char) C.int32_t {
		return C.netns_link_set_up(name, &c.raised)
	})
}

// SetLinkDown is netns_link_set_down.
func SetLinkDown(name string) error {
	return named("set link down", name, "", func(c *call, name, _ *C.char) C.int32_t {
		return C.netns_link_set_down(name, &c.raised)
	})
}

// SetLinkNsFd is netns_link_set_ns_fd.
func SetLinkNsFd(name string, fd int32) error {
	return named("move link", name, "", func(c *call, name, _ *C.char) C.int32_t {
		return C.netns_link_set_ns_fd(name, C.int32_t(fd), &c.raised)
	})
}

// SetLinkNsPid is netns_link_set_ns_pid.
func SetLinkNsPid(name string, pid uint32) error {
	return named("move link", name, "", func(c *call, name, _ *C.char) C.int32_t {
		return C.netns_link_set_ns_pid(name, C.uint32_t(pid), &c.raised)
	})
}

// SetLinkAddress is netns_link_set_address.
func SetLinkAddress(name, address string) error {
	return named("add address to link", name, address, func(c *call, name, other *C.char) C.int32_t {
		return C.netns_link_set_address(name, other, &c.raised)
	})
}

// SetLinkMaster is netns_link_set_master.
func SetLinkMaster(name, master string) error {
	return named("set master of link", name, master, func(c *call, name, other *C.char) C.int32_t {
		return C.netns_link_set_master(name, other, &c.raised)
	})
}

// SetLinkMTU is netns_link_set_mtu.
func SetLinkMTU(name string, mtu uint32) error {
	return named("set MTU of link", name, "", func(c *call, name, _ *C.char) C.int32_t {
		return C.netns_link_set_mtu(name, C.uint32_t(mtu), &c.raised)
	})
}

// SetDefaultGateway is netns_link_set_default_gateway.
func SetDefaultGateway(gateway, name string) error {
	return named("add default route", gateway, name, func(c *call, gateway, name *C.char) C.int32_t {
		return C.netns_link_set_default_gateway(gateway, name, &c.raised)
	})
}
