package native

// #include <netns.h>
import "C"

// SandboxInterfaces is netns_sandbox_interfaces.
func SandboxInterfaces(sandbox *Handle) ([]Interface, error) {
	return ask("list interfaces of sandbox", takeInterfaces, func(c *call, ret **C.netns_interfaces) C.int32_t {
		sandbox := c.sandbox(sandbox)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_interfaces(sandbox, ret, &c.raised)
	})
}

// SandboxInfo is netns_sandbox_info.
func SandboxInfo(sandbox *Handle) (Info, error) {
	return ask("inspect sandbox", takeInfo, func(c *call, ret **C.netns_info) C.int32_t {
		sandbox := c.sandbox(sandbox)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_info(sandbox, ret, &c.raised)
	})
}

// AddInterface is netns_sandbox_add_interface.
func AddInterface(sandbox *Handle, value Interface) (Interface, error) {
	return ask("add interface", takeInterface, func(c *call, ret **C.netns_interfaces) C.int32_t {
		sandbox, raw := c.sandbox(sandbox), c.iface(value)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_add_interface(sandbox, raw, ret, &c.raised)
	})
}

// PlanAddInterface is netns_sandbox_plan_add_interface.
func PlanAddInterface(sandbox *Handle, value Interface) (Plan, error) {
	return ask("plan to add interface", takePlan, func(c *call, ret **C.netns_plan) C.int32_t {
		sandbox, raw := c.sandbox(sandbox), c.iface(value)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_plan_add_interface(sandbox, raw, ret, &c.raised)
	})
}

// RemoveInterface is netns_sandbox_remove_interface.
func RemoveInterface(sandbox *Handle, value Interface) error {
	return run("remove interface", func(c *call) C.int32_t {
		sandbox, raw := c.sandbox(sandbox), c.iface(value)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_remove_interface(sandbox, raw, &c.raised)
	})
}

// SetGateway is netns_sandbox_set_gateway.
func SetGateway(sandbox *Handle, gateway string) error {
	return run("set gateway", func(c *call) C.int32_t {
		sandbox, gateway := c.sandbox(sandbox), c.optional(gateway)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_set_gateway(sandbox, gateway, &c.raised)
	})
}

// SetGatewayIPv6 is netns_sandbox_set_gateway_ipv6.
func SetGatewayIPv6(sandbox *Handle, gateway string) error {
	return run("set gateway", func(c *call) C.int32_t {
		sandbox, gateway := c.sandbox(sandbox), c.optional(gateway)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_set_gateway_ipv6(sandbox, gateway, &c.raised)
	})
}

// AddRoute is netns_sandbox_add_route.
func AddRoute(sandbox *Handle, route Route) error {
	return run("add route", func(c *call) C.int32_t {
		sandbox, raw := c.sandbox(sandbox), c.route(route)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_add_route(sandbox, raw, &c.raised)
	})
}

// RemoveRoute is netns_sandbox_remove_route.
func RemoveRoute(sandbox *Handle, route Route) error {
	return run("remove route", func(c *call) C.int32_t {
		sandbox, raw := c.sandbox(sandbox), c.route(route)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_remove_route(sandbox, raw, &c.raised)
	})
}

func takeInfo(raw *C.netns_info) Info {
	defer C.netns_info_free(raw)
	return Info{
		Interfaces:  each(raw.interfaces, raw.interface_count, goInterface),
		Gateway:     C.GoString(raw.gateway),
		GatewayIPv6: C.GoString(raw.gateway_ipv6),
		Routes:      each(raw.routes, raw.route_count, goRoute),
	}
}
