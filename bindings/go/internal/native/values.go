package native

// #include <netns.h>
import "C"

import "unsafe"

// Route is netns_route.
type Route struct {
	Destination, NextHop string
}

// Neighbour is netns_neighbour.
type Neighbour struct {
	Address, MAC string
}

// Interface is netns_interface.
type Interface struct {
	SrcName, Name, Prefix, MAC                 string
	Address, AddressIPv6, Gateway, GatewayIPv6 string
	MTU                                        uint32
	Routes                                     []Route
	Neighbours                                 []Neighbour
}

// each is what take makes of the values of an array.
func each[T, R any](array *T, count C.size_t, take func(T) R) []R {
	var taken []R
	for _, value := range unsafe.Slice(array, count) {
		taken = append(taken, take(value))
	}
	return taken
}

func goTexts(texts **C.char, count C.size_t) []string {
	return each(texts, count, func(text *C.char) string { return C.GoString(text) })
}

func takeNames(names *C.netns_names) []string {
	defer C.netns_names_free(names)
	return goTexts(names.names, names.count)
}

// takeText is a text that the caller frees.
func takeText(text *C.char) string {
	defer C.netns_text_free(text)
	return C.GoString(text)
}

// takeFd is a descriptor that the caller closes.
func takeFd(fd C.int32_t) int {
	return int(fd)
}

// pairs is an array of netns_pair.
func (a *arena) pairs(values map[string]string) (*C.netns_pair, C.size_t) {
	if len(values) == 0 {
		return nil, 0
	}
	array := allocate[C.netns_pair](a, len(values))[:0]
	for key, value := range values {
		array = append(array, C.netns_pair{key: a.text(key), value: a.text(value)})
	}
	return &array[0], C.size_t(len(values))
}

func (a *arena) route(route Route) *C.netns_route {
	raw := one[C.netns_route](a)
	raw.size = C.sizeof_netns_route
	raw.destination = a.text(route.Destination)
	raw.next_hop = a.optional(route.NextHop)
	return raw
}

func (a *arena) neighbour(neighbour Neighbour) *C.netns_neighbour {
	raw := one[C.netns_neighbour](a)
	raw.size = C.sizeof_netns_neighbour
	raw.address = a.text(neighbour.Address)
	raw.mac = a.text(neighbour.MAC)
	return raw
}

func (a *arena) iface(value Interface) *C.netns_interface {
	raw := one[C.netns_interface](a)
	raw.size = C.sizeof_netns_interface
	raw.src_name = a.text(value.SrcName)
	raw.name = a.optional(value.Name)
	raw.prefix = a.optional(value.Prefix)
	raw.mac = a.optional(value.MAC)
	raw.address = a.optional(value.Address)
	raw.address_ipv6 = a.optional(value.AddressIPv6)
	raw.gateway = a.optional(value.Gateway)
	raw.gateway_ipv6 = a.optional(value.GatewayIPv6)
	raw.mtu = C.uint32_t(value.MTU)
	raw.routes, raw.route_count = list(a, value.Routes, a.route)
	raw.neighbours, raw.neighbour_count = list(a, value.Neighbours, a.neighbour)
	return raw
}

func goRoute(raw *C.netns_route) Route {
	return Route{Destination: C.GoString(raw.destination), NextHop: C.GoString(raw.next_hop)}
}

func goNeighbour(raw *C.netns_neighbour) Neighbour {
	return Neighbour{Address: C.GoString(raw.address), MAC: C.GoString(raw.mac)}
}

func goInterface(raw *C.netns_interface) Interface {
	return Interface{
		SrcName:     C.GoString(raw.src_name),
		Name:        C.GoString(raw.name),
		Prefix:      C.GoString(raw.prefix),
		MAC:         C.GoString(raw.mac),
		Address:     C.GoString(raw.address),
		AddressIPv6: C.GoString(raw.address_ipv6),
		Gateway:     C.GoString(raw.gateway),
		GatewayIPv6: C.GoString(raw.gateway_ipv6),
		MTU:         uint32(raw.mtu),
		Routes:      each(raw.routes, raw.route_count, goRoute),
		Neighbours:  each(raw.neighbours, raw.neighbour_count, goNeighbour),
	}
}

func takeInterfaces(raw *C.netns_interfaces) []Interface {
	defer C.netns_interfaces_free(raw)
	return each(raw.interfaces, raw.count, goInterface)
}

// takeInterface is the only one of them.
func takeInterface(raw *C.netns_interfaces) Interface {
	taken := takeInterfaces(raw)
	if len(taken) == 0 {
		return Interface{}
	}
	return taken[0]
}
