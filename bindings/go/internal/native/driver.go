package native

// #include "program.h"
import "C"

import (
	"unsafe"

	"libnetns.dev/go/netns/driverapi"
	"libnetns.dev/go/netns/errdefs"
)

// registered is a driver as C knows it.
type registered struct {
	networkType string
	driver      driverapi.Driver
}

// RegisterDriver is netns_driver_register.
func RegisterDriver(controller *Handle, networkType string, driver driverapi.Driver, capability driverapi.Capability) error {
	data, err := scope(capability.DataScope)
	if err != nil {
		return err
	}
	connectivity, err := scope(capability.ConnectivityScope)
	if err != nil {
		return err
	}
	token := keep(registered{networkType, driver})
	err = run("register driver", func(c *call) C.int32_t {
		owner, name, raw := c.controller(controller), c.text(networkType), one[C.netns_driver](c.arena)
		*raw = C.netns_go_driver
		raw.data_scope, raw.connectivity_scope = data, connectivity
		setUser(&raw.user, token)
		if driver == nil {
			c.refuse(errdefs.New(errdefs.ErrBadRequest, c.operation, "of type "+networkType, "it is nil"))
		}
		if c.err != nil {
			return 0
		}
		return C.netns_driver_register(owner, name, raw, &c.raised)
	})
	if err != nil {
		drop(token)
	}
	return err
}

func scope(name string) (C.int32_t, error) {
	switch name {
	case "", driverapi.LocalScope:
		return C.NETNS_SCOPE_LOCAL, nil
	case driverapi.GlobalScope:
		return C.NETNS_SCOPE_GLOBAL, nil
	}
	return 0, errdefs.New(errdefs.ErrBadRequest, "register driver", "of scope "+name, "a scope is local or global")
}

// called runs a method of the driver that C calls.
func called(token C.uintptr_t, method string, raised **C.netns_error, run func(driverapi.Driver) error) C.int32_t {
	known, ok := kept(uintptr(token)).(registered)
	return answer("call "+method+" of", known.networkType, raised, func() error {
		if !ok {
			return errdefs.Closed("call "+method+" of", "driver")
		}
		return run(known.driver)
	})
}

// planned is called, and asks the driver for the plan of the method when it has one.
func planned(
	token C.uintptr_t, method, nid, eid string,
	plan **C.netns_plan, raised **C.netns_error, run func(driverapi.Driver) error,
) C.int32_t {
	return called(token, method, raised, func(driver driverapi.Driver) error {
		if err := run(driver); err != nil {
			return err
		}
		planner, ok := driver.(driverapi.Planner)
		if !ok {
			return nil
		}
		json, err := planner.Plan(method, nid, eid)
		if err != nil || len(json) == 0 {
			return err
		}
		made, err := planFromJSON(json)
		if err == nil {
			*plan = made
		}
		return err
	})
}

func planFromJSON(json []byte) (*C.netns_plan, error) {
	as := func(plan *C.netns_plan) *C.netns_plan { return plan }
	return ask("read plan", as, func(c *call, ret **C.netns_plan) C.int32_t {
		text := c.text(string(json))
		if c.err != nil {
			return 0
		}
		return C.netns_plan_from_json(text, ret, &c.raised)
	})
}

//export netnsGoCreateNetwork
func netnsGoCreateNetwork(
	token C.uintptr_t, network *C.netns_driver_network, info *C.netns_driver_info,
	plan **C.netns_plan, raised **C.netns_error,
) C.int32_t {
	nid := C.GoString(network.network)
	return planned(token, "CreateNetwork", nid, "", plan, raised, func(driver driverapi.Driver) error {
		options, err := optionsOf(network.options)
		if err != nil {
			return err
		}
		ipv4, ipv6, err := pools(network)
		if err != nil {
			return err
		}
		lent := lend(unsafe.Pointer(info))
		defer lent.end()
		return driver.CreateNetwork(nid, options, networkInfo{lent}, ipv4, ipv6)
	})
}

//export netnsGoDeleteNetwork
func netnsGoDeleteNetwork(token C.uintptr_t, network *C.netns_driver_network, plan **C.netns_plan, raised **C.netns_error) C.int32_t {
	nid := C.GoString(network.network)
	return planned(token, "DeleteNetwork", nid, "", plan, raised, func(driver driverapi.Driver) error {
		return driver.DeleteNetwork(nid)
	})
}

//export netnsGoCreateEndpoint
func netnsGoCreateEndpoint(
	token C.uintptr_t, endpoint *C.netns_driver_endpoint, info *C.netns_driver_interface,
	plan **C.netns_plan, raised **C.netns_error,
) C.int32_t {
	nid, eid := idsOf(endpoint)
	return planned(token, "CreateEndpoint", nid, eid, plan, raised, func(driver driverapi.Driver) error {
		options, err := optionsOf(endpoint.options)
		if err != nil {
			return err
		}
		lent := lend(unsafe.Pointer(info))
		defer lent.end()
		return driver.CreateEndpoint(nid, eid, interfaceInfo{lent, true}, options)
	})
}

//export netnsGoDeleteEndpoint
func netnsGoDeleteEndpoint(token C.uintptr_t, endpoint *C.netns_driver_endpoint, plan **C.netns_plan, raised **C.netns_error) C.int32_t {
	nid, eid := idsOf(endpoint)
	return planned(token, "DeleteEndpoint", nid, eid, plan, raised, func(driver driverapi.Driver) error {
		return driver.DeleteEndpoint(nid, eid)
	})
}

//export netnsGoJoin
func netnsGoJoin(token C.uintptr_t, endpoint *C.netns_driver_endpoint, join *C.netns_join, raised **C.netns_error) C.int32_t {
	nid, eid := idsOf(endpoint)
	return called(token, "Join", raised, func(driver driverapi.Driver) error {
		options, err := optionsOf(endpoint.options)
		if err != nil {
			return err
		}
		lent := lend(unsafe.Pointer(join))
		defer lent.end()
		read := lend(unsafe.Pointer(C.netns_join_interface(join)))
		defer read.end()
		return driver.Join(nid, eid, C.GoString(endpoint.sandbox_key), joinInfo{lent, read}, options)
	})
}

//export netnsGoLeave
func netnsGoLeave(token C.uintptr_t, endpoint *C.netns_driver_endpoint, plan **C.netns_plan, raised **C.netns_error) C.int32_t {
	nid, eid := idsOf(endpoint)
	return planned(token, "Leave", nid, eid, plan, raised, func(driver driverapi.Driver) error {
		return driver.Leave(nid, eid)
	})
}

//export netnsGoProgramExternalConnectivity
func netnsGoProgramExternalConnectivity(
	token C.uintptr_t, endpoint *C.netns_driver_endpoint, plan **C.netns_plan, raised **C.netns_error,
) C.int32_t {
	nid, eid := idsOf(endpoint)
	return planned(token, "ProgramExternalConnectivity", nid, eid, plan, raised, func(driver driverapi.Driver) error {
		options, err := optionsOf(endpoint.options)
		if err != nil {
			return err
		}
		return driver.ProgramExternalConnectivity(nid, eid, options)
	})
}

//export netnsGoRevokeExternalConnectivity
func netnsGoRevokeExternalConnectivity(
	token C.uintptr_t, endpoint *C.netns_driver_endpoint, plan **C.netns_plan, raised **C.netns_error,
) C.int32_t {
	nid, eid := idsOf(endpoint)
	return planned(token, "RevokeExternalConnectivity", nid, eid, plan, raised, func(driver driverapi.Driver) error {
		return driver.RevokeExternalConnectivity(nid, eid)
	})
}

func idsOf(endpoint *C.netns_driver_endpoint) (nid, eid string) {
	return C.GoString(endpoint.network), C.GoString(endpoint.endpoint)
}
