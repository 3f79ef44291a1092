package native

// #include "program.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unsafe"

	"libnetns.dev/go/netns/discoverapi"
	"libnetns.dev/go/netns/driverapi"
)

//export netnsGoEndpointOperInfo
func netnsGoEndpointOperInfo(
	token C.uintptr_t, endpoint *C.netns_driver_endpoint, reply *C.netns_driver_reply, raised **C.netns_error,
) C.int32_t {
	nid, eid := idsOf(endpoint)
	return called(token, "EndpointOperInfo", raised, func(driver driverapi.Driver) error {
		known, err := driver.EndpointOperInfo(nid, eid)
		if err != nil {
			return err
		}
		for _, key := range slices.Sorted(maps.Keys(known)) {
			value, err := json.Marshal(known[key])
			if err != nil {
				return fmt.Errorf("value of %q: %w", key, err)
			}
			if err := tell(reply, key, string(value), true); err != nil {
				return err
			}
		}
		return nil
	})
}

//export netnsGoNetworkAllocate
func netnsGoNetworkAllocate(
	token C.uintptr_t, network *C.netns_driver_network, reply *C.netns_driver_reply, raised **C.netns_error,
) C.int32_t {
	return called(token, "NetworkAllocate", raised, func(driver driverapi.Driver) error {
		options := map[string]string{}
		if text := C.GoString(network.options); text != "" {
			if err := json.Unmarshal([]byte(text), &options); err != nil {
				return err
			}
		}
		ipv4, ipv6, err := pools(network)
		if err != nil {
			return err
		}
		allocated, err := driver.NetworkAllocate(C.GoString(network.network), options, ipv4, ipv6)
		if err != nil {
			return err
		}
		for _, key := range slices.Sorted(maps.Keys(allocated)) {
			if err := tell(reply, key, allocated[key], false); err != nil {
				return err
			}
		}
		return nil
	})
}

//export netnsGoNetworkFree
func netnsGoNetworkFree(token C.uintptr_t, network *C.netns_driver_network, raised **C.netns_error) C.int32_t {
	return called(token, "NetworkFree", raised, func(driver driverapi.Driver) error {
		return driver.NetworkFree(C.GoString(network.network))
	})
}

//export netnsGoEventNotify
func netnsGoEventNotify(
	token C.uintptr_t, event C.int32_t, network, table, key *C.char, value *C.uint8_t, size C.size_t,
) {
	var raised *C.netns_error
	// There is nobody to answer to.
	called(token, "EventNotify", &raised, func(driver driverapi.Driver) error {
		bytes := C.GoBytes(unsafe.Pointer(value), C.int(size))
		driver.EventNotify(driverapi.EventType(event), C.GoString(network), C.GoString(table), C.GoString(key), bytes)
		return nil
	})
	C.netns_error_free(raised)
}

//export netnsGoDiscover
func netnsGoDiscover(token C.uintptr_t, came, discovery C.int32_t, data *C.char, raised **C.netns_error) C.int32_t {
	method := "DiscoverDelete"
	if came == 1 {
		method = "DiscoverNew"
	}
	return called(token, method, raised, func(driver driverapi.Driver) error {
		found, err := discovered(discoverapi.DiscoveryType(discovery), []byte(C.GoString(data)))
		if err != nil {
			return err
		}
		if came == 1 {
			return driver.DiscoverNew(discoverapi.DiscoveryType(discovery), found)
		}
		return driver.DiscoverDelete(discoverapi.DiscoveryType(discovery), found)
	})
}

// discovered is the data in the type that libnetwork has for it.
func discovered(discovery discoverapi.DiscoveryType, data []byte) (interface{}, error) {
	switch discovery {
	case discoverapi.NodeDiscovery:
		return read[discoverapi.NodeDiscoveryData](data)
	case discoverapi.DatastoreConfig:
		return read[discoverapi.DatastoreConfigData](data)
	case discoverapi.EncryptionKeysConfig:
		return read[discoverapi.DriverEncryptionConfig](data)
	case discoverapi.EncryptionKeysUpdate:
		return read[discoverapi.DriverEncryptionUpdate](data)
	}
	return read[interface{}](data)
}

func read[T any](data []byte) (interface{}, error) {
	var value T
	err := json.Unmarshal(data, &value)
	return value, err
}
