package native

// #include <netns.h>
import "C"

import "unsafe"

// ControllerOptions is netns_controller_options.
type ControllerOptions struct {
	NetworksDir, RunDir, SandboxDir, MeterDir string
	MeterSlots                                uint32
	FromEnv, ProcessLifetime, Uncollected     bool
}

// Finding is netns_finding.
type Finding struct {
	Kind                  int32
	Object, Reason, Error string
}

func (c *call) controller(handle *Handle) *C.netns_controller {
	return (*C.netns_controller)(c.object(handle))
}

func controllerHandle(controller *C.netns_controller) *Handle {
	return newHandle("controller", unsafe.Pointer(controller), func(pointer unsafe.Pointer) {
		C.netns_controller_close((*C.netns_controller)(pointer))
	})
}

// OpenController is netns_controller_open.
func OpenController(options ControllerOptions) (*Handle, error) {
	return ask("open controller", controllerHandle, func(c *call, ret **C.netns_controller) C.int32_t {
		raw := one[C.netns_controller_options](c.arena)
		raw.size = C.sizeof_netns_controller_options
		raw.flags = flag(options.FromEnv, C.NETNS_CONTROLLER_FROM_ENV) |
			flag(options.ProcessLifetime, C.NETNS_CONTROLLER_PROCESS_LIFETIME) |
			flag(options.Uncollected, C.NETNS_CONTROLLER_UNCOLLECTED)
		raw.networks_dir = c.optional(options.NetworksDir)
		raw.run_dir = c.optional(options.RunDir)
		raw.sandbox_dir = c.optional(options.SandboxDir)
		raw.meter_dir = c.optional(options.MeterDir)
		raw.meter_slots = C.uint32_t(options.MeterSlots)
		if c.err != nil {
			return 0
		}
		return C.netns_controller_open(raw, ret, &c.raised)
	})
}

// NetworkTypes is netns_controller_network_types.
func NetworkTypes(controller *Handle) ([]string, error) {
	return ask("list network types", takeNames, func(c *call, ret **C.netns_names) C.int32_t {
		owner := c.controller(controller)
		if c.err != nil {
			return 0
		}
		return C.netns_controller_network_types(owner, ret, &c.raised)
	})
}

// Collect is netns_controller_collect.
func Collect(controller *Handle, dryRun bool) ([]Finding, error) {
	return ask("collect", takeCollected, func(c *call, ret **C.netns_collected) C.int32_t {
		owner := c.controller(controller)
		if c.err != nil {
			return 0
		}
		return C.netns_controller_collect(owner, flag(dryRun, C.NETNS_COLLECT_DRY_RUN), ret, &c.raised)
	})
}

// RestoreFirewall is netns_controller_restore_firewall.
func RestoreFirewall(controller *Handle) error {
	return run("restore firewall", func(c *call) C.int32_t {
		owner := c.controller(controller)
		if c.err != nil {
			return 0
		}
		return C.netns_controller_restore_firewall(owner, &c.raised)
	})
}

// WatchFirewall is netns_controller_watch_firewall.
func WatchFirewall(controller *Handle) (*Handle, error) {
	return ask("watch firewall", watchHandle, func(c *call, ret **C.netns_firewall_watch) C.int32_t {
		owner := c.controller(controller)
		if c.err != nil {
			return 0
		}
		return C.netns_controller_watch_firewall(owner, ret, &c.raised)
	})
}

func watchHandle(watch *C.netns_firewall_watch) *Handle {
	return newHandle("firewall watch", unsafe.Pointer(watch), func(pointer unsafe.Pointer) {
		C.netns_firewall_watch_free((*C.netns_firewall_watch)(pointer))
	})
}

// DiscoverNew is netns_controller_discover_new.
func DiscoverNew(controller *Handle, discovery int32, data string) error {
	return run("discover", func(c *call) C.int32_t {
		owner, data := c.controller(controller), c.text(data)
		if c.err != nil {
			return 0
		}
		return C.netns_controller_discover_new(owner, C.int32_t(discovery), data, &c.raised)
	})
}

// DiscoverDelete is netns_controller_discover_delete.
func DiscoverDelete(controller *Handle, discovery int32, data string) error {
	return run("discover", func(c *call) C.int32_t {
		owner, data := c.controller(controller), c.text(data)
		if c.err != nil {
			return 0
		}
		return C.netns_controller_discover_delete(owner, C.int32_t(discovery), data, &c.raised)
	})
}

func takeCollected(collected *C.netns_collected) []Finding {
	defer C.netns_collected_free(collected)
	return each(collected.findings, collected.count, func(finding *C.netns_finding) Finding {
		return Finding{
			Kind:   int32(finding.kind),
			Object: C.GoString(finding.object),
			Reason: C.GoString(finding.reason),
			Error:  C.GoString(finding.error),
		}
	})
}
