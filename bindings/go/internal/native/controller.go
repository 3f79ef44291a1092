package native

// #include <netns.h>
import "C"

import (
	"time"
	"unsafe"

	"libnetns.dev/go/netns/errdefs"
)

// ControllerOptions is netns_controller_options.
type ControllerOptions struct {
	NetworksDir, RunDir, SandboxDir, MeterDir string
	MeterSlots                                uint32
	FromEnv, ProcessLifetime, Uncollected     bool
	NoPlugins                                 bool
	PluginSocketDirs, PluginSpecDirs          []string
	PluginTimeout                             time.Duration
}

// Plugin is netns_plugin.
type Plugin struct {
	Name, Path, Address, Error string
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
			flag(options.Uncollected, C.NETNS_CONTROLLER_UNCOLLECTED) |
			flag(options.NoPlugins, C.NETNS_CONTROLLER_NO_PLUGINS)
		raw.networks_dir = c.optional(options.NetworksDir)
		raw.run_dir = c.optional(options.RunDir)
		raw.sandbox_dir = c.optional(options.SandboxDir)
		raw.meter_dir = c.optional(options.MeterDir)
		raw.meter_slots = C.uint32_t(options.MeterSlots)
		raw.plugin_socket_dirs, raw.plugin_socket_dir_count = c.texts(options.PluginSocketDirs)
		raw.plugin_spec_dirs, raw.plugin_spec_dir_count = c.texts(options.PluginSpecDirs)
		raw.plugin_timeout_ms = c.milliseconds(options.PluginTimeout)
		if c.err != nil {
			return 0
		}
		return C.netns_controller_open(raw, ret, &c.raised)
	})
}

// milliseconds is a time as the library counts it: any at all is at least one.
func (c *call) milliseconds(of time.Duration) C.uint64_t {
	if of < 0 {
		c.refuse(errdefs.New(errdefs.ErrBadRequest, c.operation, of.String(), "it is negative"))
		return 0
	}
	return C.uint64_t((of + time.Millisecond - 1) / time.Millisecond)
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

// Plugins is netns_controller_plugins.
func Plugins(controller *Handle) ([]Plugin, error) {
	return ask("list plugins", takePlugins, func(c *call, ret **C.netns_plugins) C.int32_t {
		owner := c.controller(controller)
		if c.err != nil {
			return 0
		}
		return C.netns_controller_plugins(owner, ret, &c.raised)
	})
}

func takePlugins(plugins *C.netns_plugins) []Plugin {
	defer C.netns_plugins_free(plugins)
	return each(plugins.plugins, plugins.count, func(plugin *C.netns_plugin) Plugin {
		return Plugin{
			Name:    C.GoString(plugin.name),
			Path:    C.GoString(plugin.path),
			Address: C.GoString(plugin.address),
			Error:   C.GoString(plugin.error),
		}
	})
}

// ActivatePlugin is netns_controller_activate_plugin.
func ActivatePlugin(controller *Handle, name string) ([]string, error) {
	return ask("activate plugin", takeNames, func(c *call, ret **C.netns_names) C.int32_t {
		owner, name := c.controller(controller), c.text(name)
		if c.err != nil {
			return 0
		}
		return C.netns_controller_activate_plugin(owner, name, ret, &c.raised)
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
