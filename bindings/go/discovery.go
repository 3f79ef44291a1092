package netns

import (
	"libnetns.dev/go/netns/discoverapi"
	"libnetns.dev/go/netns/internal/native"
)

// Discovery is what was discovered.
type Discovery = discoverapi.DiscoveryType

// What can be discovered.
const (
	// DiscoveryNode is a host of the cluster.
	DiscoveryNode = discoverapi.NodeDiscovery
	// DiscoveryDatastoreConfig is the configuration of a datastore.
	DiscoveryDatastoreConfig = discoverapi.DatastoreConfig
	// DiscoveryEncryptionKeysConfig is keys, with their tags.
	DiscoveryEncryptionKeysConfig = discoverapi.EncryptionKeysConfig
	// DiscoveryEncryptionKeysUpdate is a change of the keys.
	DiscoveryEncryptionKeysUpdate = discoverapi.EncryptionKeysUpdate
)

// DiscoverNew tells the drivers of global scope of a node, or of keys, that have come (seed 004, DiscoverNew). Those that
// do not offer it are passed over. The data is JSON as of the plugin protocol: {"Address": "192.0.2.1"}. The error is
// that of the first driver that fails, after all were told.
func (c *Controller) DiscoverNew(discovery Discovery, data []byte) error {
	return native.DiscoverNew(c.native(), numberOf(discovery), string(data))
}

// DiscoverDelete tells them of what has gone (seed 004, DiscoverDelete), as DiscoverNew does.
func (c *Controller) DiscoverDelete(discovery Discovery, data []byte) error {
	return native.DiscoverDelete(c.native(), numberOf(discovery), string(data))
}

// numberOf is C's number, or 0, which is none, where it has no room.
func numberOf(discovery Discovery) int32 {
	if discovery != Discovery(int32(discovery)) {
		return 0
	}
	return int32(discovery)
}
