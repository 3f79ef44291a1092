// Package configs is the part of runc's config that concerns the network, with namespaces and hooks (seed 003). As JSON
// it is runc's, and the library's; the "config" of a runc state file is one. Package libcontainer brings up what such a
// config asks for.
package configs

// Config is what a container is to have. What is empty is not said.
type Config struct {
	// ParentDeathSignal is the signal that the container's process gets when its parent dies.
	ParentDeathSignal int `json:"parent_death_signal"`

	// Rootfs is the directory of the container's root filesystem.
	Rootfs string `json:"rootfs"`

	// Namespaces are those that the container's process is in. Of other types it shares its parent's.
	Namespaces Namespaces `json:"namespaces"`

	// Networks are brought up in their order.
	Networks []*Network `json:"networks"`

	// Routes go into the main table, after the networks.
	Routes []*Route `json:"routes"`

	// AppArmorProfile is the profile of the container's process.
	AppArmorProfile string `json:"apparmor_profile,omitempty"`

	// ProcessLabel is the label of the container's process, as of SELinux.
	ProcessLabel string `json:"process_label,omitempty"`

	// Hooks run at the turning points of the container's life. Those that are programs are in the JSON, others are not.
	Hooks Hooks

	// Version is that of the runtime specification.
	Version string `json:"version"`

	// Labels are the user's own.
	Labels []string `json:"labels"`
}

// Network is a network of a container.
type Network struct {
	// Type is the strategy: veth, loopback, or one that was registered (network.RegisterStrategy).
	Type string `json:"type"`

	// Name is the interface's inside; empty is eth0, and lo of a loopback.
	Name string `json:"name"`

	// Bridge is the bridge of the host that the pair's outer end is on.
	Bridge string `json:"bridge"`

	// MacAddress is the interface's; empty is a random one.
	MacAddress string `json:"mac_address"`

	// Address is the IPv4 address with its prefix length, "10.1.0.2/16".
	Address string `json:"address"`

	// Gateway is the gateway of the IPv4 default route.
	Gateway string `json:"gateway"`

	// IPv6Address is the IPv6 address with its prefix length. Without one the interface has no IPv6.
	IPv6Address string `json:"ipv6_address"`

	// IPv6Gateway is the gateway of the IPv6 default route.
	IPv6Gateway string `json:"ipv6_gateway"`

	// Mtu is the MTU in bytes of both ends; 0 leaves it alone. Not for loopback.
	Mtu int `json:"mtu"`

	// TxQueueLen is the length of the transmit queues of both ends, in packets; 0 leaves it alone. Not for loopback.
	TxQueueLen int `json:"txqueuelen"`

	// HostInterfaceName is the name of the pair's end in the host; empty is one that is chosen.
	HostInterfaceName string `json:"host_interface_name"`

	// HairpinMode is whether frames may leave the bridge by the port that they came in by. Not for loopback.
	HairpinMode bool `json:"hairpin_mode"`
}

// Route is a route of a container. One of Destination, Source and Gateway is there, and all are of one family; what is
// not there is the family's default.
type Route struct {
	// Destination is where it leads, "10.2.0.0/16".
	Destination string `json:"destination"`

	// Source is the address that packets leave with, "10.1.0.2" or "10.1.0.2/24".
	Source string `json:"source"`

	// Gateway is the next hop.
	Gateway string `json:"gateway"`

	// InterfaceName is the interface inside, of this config or not.
	InterfaceName string `json:"interface_name"`
}
