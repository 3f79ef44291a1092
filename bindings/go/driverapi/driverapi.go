// Package driverapi is how a driver makes networks of a type of its own (seed 004; libnetwork's package of this name).
// A Driver is given to the RegisterDriver of a netns.Controller, and from then on networks of that type are its.
//
// Methods are called from any goroutine's thread, several at once, in the network namespace of whoever called the
// library, and leave the thread there. The info objects that they get may be used until they return. They must not end
// their goroutine by runtime.Goexit, as testing.T.FailNow does: that ends the process, with the stack. A panic becomes
// the caller's error, and an error comes to the caller as itself, in its category: errors.Is finds it.
//
// A driver is told of a network in each process that uses it, and again after a reboot: CreateNetwork with the same
// arguments as before succeeds. It is also called to see whether the driver takes the network. What is deleted may be
// gone already.
//
// While a driver makes or joins an endpoint nobody waits for it, and it may use the controller for others. While it
// makes or deletes a network, or takes away an endpoint, others wait for it, for ten seconds at most, and it must not
// make, join or take away anything by the controller.
package driverapi

import (
	"encoding/json"
	"net"

	"libnetns.dev/go/netns/discoverapi"
)

// NetworkPluginEndpointType is the type of plugins that are drivers.
const NetworkPluginEndpointType = "NetworkDriver"

// The scopes of a Capability.
const (
	// LocalScope is one host.
	LocalScope = "local"
	// GlobalScope is all hosts of a cluster.
	GlobalScope = "global"
)

// The types of static routes, for JoinInfo.AddStaticRoute.
const (
	// NextHop is a route by a next hop, which tells the interface.
	NextHop = iota
	// Connected is a route that is bound to the interface, with link scope.
	Connected
)

// Driver is what makes networks of a type.
type Driver interface {
	discoverapi.Discover

	// NetworkAllocate allocates what a network needs across hosts, and answers with it as options for CreateNetwork.
	// Drivers of global scope alone are asked. Options are strings here, as in libnetwork: of the network's options those
	// whose values are other JSON are left out, and CreateNetwork has them all.
	NetworkAllocate(nid string, options map[string]string, ipV4Data, ipV6Data []IPAMData) (map[string]string, error)

	// NetworkFree frees what NetworkAllocate allocated.
	NetworkFree(nid string) error

	// CreateNetwork makes a network, or sees that it is there. Options are what JSON makes of them, numbers float64.
	CreateNetwork(nid string, options map[string]interface{}, nInfo NetworkInfo, ipV4Data, ipV6Data []IPAMData) error

	// DeleteNetwork takes a network away.
	DeleteNetwork(nid string) error

	// CreateEndpoint makes an endpoint in the host, before there is a sandbox. The driver takes the addresses that
	// ifInfo has, and may fill in those that it has not.
	CreateEndpoint(nid, eid string, ifInfo InterfaceInfo, options map[string]interface{}) error

	// DeleteEndpoint takes an endpoint away from the host.
	DeleteEndpoint(nid, eid string) error

	// EndpointOperInfo is what the driver knows of an endpoint; values are what JSON can say.
	EndpointOperInfo(nid, eid string) (map[string]interface{}, error)

	// Join says which device goes to the sandbox, and what comes with it.
	Join(nid, eid string, sboxKey string, jinfo JoinInfo, options map[string]interface{}) error

	// Leave takes an endpoint's device out of use. The library takes the device itself out of the sandbox.
	Leave(nid, eid string) error

	// ProgramExternalConnectivity connects an endpoint to the outside.
	ProgramExternalConnectivity(nid, eid string, options map[string]interface{}) error

	// RevokeExternalConnectivity takes that back.
	RevokeExternalConnectivity(nid, eid string) error

	// EventNotify says that an entry of a table has changed that the driver registered for. Drivers of global scope
	// alone are told.
	EventNotify(event EventType, nid string, tableName string, key string, value []byte)

	// Type is the type of network that this driver is for.
	Type() string
}

// NetworkInfo is what a driver may ask of the library for a network.
type NetworkInfo interface {
	// TableEventRegister registers the driver's interest in a table, which is ignored for drivers of local scope.
	TableEventRegister(tableName string) error
}

// InterfaceInfo is the addresses of an endpoint's interface.
type InterfaceInfo interface {
	// SetMacAddress chooses the MAC address. It is forbidden when there is one.
	SetMacAddress(mac net.HardwareAddr) error

	// SetIPAddress chooses the address of one family. It is forbidden when there is one.
	SetIPAddress(ip *net.IPNet) error

	// MacAddress is the MAC address, or nil.
	MacAddress() net.HardwareAddr

	// Address is the IPv4 address, or nil.
	Address() *net.IPNet

	// AddressIPv6 is the IPv6 address, or nil.
	AddressIPv6() *net.IPNet
}

// InterfaceNameInfo is the names of the interface.
type InterfaceNameInfo interface {
	// SetNames names a device of the host, which moves to the sandbox, and what its name there begins with; the lowest
	// number that is free follows. A second call overwrites the first.
	SetNames(srcName, dstPrefix string) error
}

// JoinInfo is what a driver says of an endpoint that joins a sandbox. The library's own is a BirthInfo, too.
type JoinInfo interface {
	// InterfaceName is what names the interface.
	InterfaceName() InterfaceNameInfo

	// SetGateway sets the sandbox's IPv4 default gateway.
	SetGateway(net.IP) error

	// SetGatewayIPv6 sets the sandbox's IPv6 default gateway.
	SetGatewayIPv6(net.IP) error

	// AddStaticRoute adds a route to the sandbox, besides or instead of a default gateway: NextHop, or Connected.
	AddStaticRoute(destination *net.IPNet, routeType int, nextHop net.IP) error

	// DisableGatewayService says that the sandbox gets no default gateway by this endpoint.
	DisableGatewayService()

	// AddTableEntry adds an entry to a table of the gossip layer. There is none on a single host.
	AddTableEntry(tableName string, key string, value []byte) error
}

// BirthInfo is what the library's JoinInfo offers beyond seed 004.
type BirthInfo interface {
	JoinInfo

	// Interface is the endpoint's interface, to be read.
	Interface() InterfaceInfo

	// MTU is what the caller of the join wants, in bytes; 0 when it does not say.
	MTU() int

	// SetBirth says how the device is born in the sandbox, which costs a small part of moving one there. It needs its
	// names, too.
	SetBirth(birth Birth) error
}

// Birth is a device that is born in the sandbox.
type Birth struct {
	// Link is the device, in the JSON of a plan's create_link. Of a veth the end in the host is described, and its peer
	// is the end in the sandbox: {"name": "wire7", "kind": {"veth": {"peer": {}}}, "up": true, "queues": 1}.
	Link json.RawMessage
	// Early is a plan of what follows in the host while the end inside is still down; nil for nothing.
	Early json.RawMessage
	// After is a plan of what follows in the host when the inside is up; nil for nothing.
	After json.RawMessage
	// Neighbours are MAC addresses, by the IP addresses that the interface never has to ask for.
	Neighbours []Neighbour
	// HostPrefix makes the addresses inside alone in their subnets: /32 and /128.
	HostPrefix bool
}

// Neighbour is an address whose MAC address is known.
type Neighbour struct {
	IP  net.IP
	MAC net.HardwareAddr
}

// Planner is a Driver that describes what is to be done, beside or instead of doing it: the library carries it out as a
// whole, or undoes it.
type Planner interface {
	Driver

	// Plan is asked when the method of that name has succeeded: CreateNetwork, DeleteNetwork, CreateEndpoint,
	// DeleteEndpoint, Leave, ProgramExternalConnectivity, RevokeExternalConnectivity. The endpoint is empty where it is
	// about a network. The answer is a plan in JSON, {"steps": [{"place": "host", "action": …}]}, or nil for nothing.
	Plan(method, nid, eid string) (json.RawMessage, error)
}

// Capability is what a driver is capable of.
type Capability struct {
	// DataScope is LocalScope or GlobalScope, how far its networks' data reaches: allocations, tables and discoveries
	// are for global drivers alone. Empty is LocalScope.
	DataScope string
	// ConnectivityScope is how far its networks connect. Empty is LocalScope.
	ConnectivityScope string
}

// DriverCallback is what drivers are registered with: netns.Controller is one.
type DriverCallback interface {
	// RegisterDriver associates a driver with a type of network.
	RegisterDriver(name string, driver Driver, capability Capability) error
}

// EventType is what happened to an entry of a table. The numbers are those of netns_table_event in netns.h.
type EventType uint8

const (
	// Create is that it came.
	Create EventType = 1 + iota
	// Update is that it changed.
	Update
	// Delete is that it went.
	Delete
)

// ObjectType is what an entry of a table is about.
type ObjectType int

const (
	// EndpointObject is about an endpoint.
	EndpointObject ObjectType = 1 + iota
	// NetworkObject is about a network.
	NetworkObject
	// OpaqueObject is the driver's own.
	OpaqueObject
)
