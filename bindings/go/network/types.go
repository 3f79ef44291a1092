package network

// Network is the configuration of a container's network. What is empty is not said.
type Network struct {
	// Type is the strategy: veth, loopback, netns, or one that was registered.
	Type string `json:"type,omitempty"`

	// NsPath is the path of a network namespace, for netns.
	NsPath string `json:"ns_path,omitempty"`

	// Bridge is the bridge of the host that the pair's outer end is on, for veth.
	Bridge string `json:"bridge,omitempty"`

	// VethPrefix is what the names of a pair begin with; seven hexadecimal digits follow.
	VethPrefix string `json:"veth_prefix,omitempty"`

	// Address is the interface's address with its prefix length, "10.1.0.2/16".
	Address string `json:"address,omitempty"`

	// Gateway is the gateway of the default route through the interface.
	Gateway string `json:"gateway,omitempty"`

	// Mtu is the MTU in bytes of both ends of a pair; 0 leaves it alone. Not for loopback.
	Mtu int `json:"mtu,omitempty"`
}

// NetworkState is what there is to know of a container's network while it lasts. As JSON it is for other processes.
type NetworkState struct {
	// VethHost is the name of the pair's end in the host.
	VethHost string `json:"veth_host,omitempty"`
	// VethChild is the name of the pair's end in the container.
	VethChild string `json:"veth_child,omitempty"`
	// NsPath is the path of the network namespace that the container shares.
	NsPath string `json:"ns_path,omitempty"`
}

// NetworkStats is what a container has received and sent, as it sees it.
type NetworkStats struct {
	RxBytes   uint64 `json:"rx_bytes"`
	RxPackets uint64 `json:"rx_packets"`
	RxErrors  uint64 `json:"rx_errors"`
	RxDropped uint64 `json:"rx_dropped"`
	TxBytes   uint64 `json:"tx_bytes"`
	TxPackets uint64 `json:"tx_packets"`
	TxErrors  uint64 `json:"tx_errors"`
	TxDropped uint64 `json:"tx_dropped"`
}

// Target is a container, by one of the two.
type Target struct {
	// Pid is its process.
	Pid int
	// Path is that of its network namespace.
	Path string
}
