package netns

import "libnetns.dev/go/netns/internal/native"

// Discovery is what was discovered (libnetwork's discoverapi.DiscoveryType).
type Discovery int32

// What can be discovered.
const (
	// DiscoveryNode is a host of the cluster.
	DiscoveryNode Discovery = 1
	// DiscoveryDatastoreConfig is the configuration of a datastore.
	DiscoveryDatastoreConfig Discovery = 2
	// DiscoveryEncryptionKeysConfig is keys, with their tags.
	DiscoveryEncryptionKeysConfig Discovery = 3
	// DiscoveryEncryptionKeysUpdate is a change of the keys.
	DiscoveryEncryptionKeysUpdate Discovery = 4
)

// DiscoverNew tells the drivers of global scope of a node, or of keys, that have come (seed 004, DiscoverNew). Those that
// do not offer it are passed over. The data is JSON as of the plugin protocol: {"Address": "192.0.2.1"}. The error is
// that of the first driver that fails, after all were told.
func (c *Controller) DiscoverNew(discovery Discovery, data []byte) error {
	return native.DiscoverNew(c.native(), int32(discovery), string(data))
}

// DiscoverDelete tells them of what has gone (seed 004, DiscoverDelete), as DiscoverNew does.
func (c *Controller) DiscoverDelete(discovery Discovery, data []byte) error {
	return native.DiscoverDelete(c.native(), int32(discovery), string(data))
}
