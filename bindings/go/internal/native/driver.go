package native

// #include "callbacks.h"
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
	const operation = "register driver"
	arena := newArena(operation)
	defer arena.free()
	raw := &allocate[C.netns_driver](arena, 1)[0]
	*raw = C.netns_go_driver
	var err error
	if raw.data_scope, err = scope(capability.DataScope); err != nil {
		return err
	}
	if raw.connectivity_scope, err = scope(capability.ConnectivityScope); err != nil {
		return err
	}
	name := arena.text(networkType)
	if arena.err != nil {
		return arena.err
	}
	pointer, err := controller.hold(operation)
	if err != nil {
		return err
	}
	defer controller.release()
	token := keep(registered{networkType, driver})
	setUser(&raw.user, token)
	var raised *C.netns_error
	if err := failure(C.netns_driver_register((*C.netns_controller)(pointer), name, raw, &raised), raised); err != nil {
		drop(token)
		return err
	}
	return nil
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
	arena := newArena("read plan")
	defer arena.free()
	text := arena.text(string(json))
	if arena.err != nil {
		return nil, arena.err
	}
	var plan *C.netns_plan
	var raised *C.netns_error
	err := failure(C.netns_plan_from_json(text, &plan, &raised), raised)
	return plan, err
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
