package discoverapi_test

import (
	"fmt"

	"libnetns.dev/go/netns/discoverapi"
)

// nodes is a driver's part that is told of other hosts.
type nodes struct{ addresses []string }

func (n *nodes) DiscoverNew(dType discoverapi.DiscoveryType, data interface{}) error {
	if node, ok := data.(discoverapi.NodeDiscoveryData); ok && !node.Self {
		n.addresses = append(n.addresses, node.Address)
	}
	return nil
}

func (n *nodes) DiscoverDelete(discoverapi.DiscoveryType, interface{}) error { return nil }

func Example() {
	var told discoverapi.Discover = &nodes{}
	err := told.DiscoverNew(discoverapi.NodeDiscovery, discoverapi.NodeDiscoveryData{Address: "192.0.2.1"})
	fmt.Println(told.(*nodes).addresses, err)
	// Output: [192.0.2.1] <nil>
}
