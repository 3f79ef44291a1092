// Package discoverapi is what drivers are told of other hosts (seed 004 embeds its Discover; libnetwork's package of
// this name). Drivers of global scope alone are told.
package discoverapi

// Discover is what a driver does about discoveries.
type Discover interface {
	// DiscoverNew is a notification of something new: a node that joined, keys.
	DiscoverNew(dType DiscoveryType, data interface{}) error
	// DiscoverDelete is a notification of something that is gone.
	DiscoverDelete(dType DiscoveryType, data interface{}) error
}

// DiscoveryType is what was discovered. The numbers are those of netns_discovery in netns.h.
type DiscoveryType int

const (
	// NodeDiscovery comes with a NodeDiscoveryData.
	NodeDiscovery DiscoveryType = iota + 1
	// DatastoreConfig comes with a DatastoreConfigData.
	DatastoreConfig
	// EncryptionKeysConfig comes with a DriverEncryptionConfig.
	EncryptionKeysConfig
	// EncryptionKeysUpdate comes with a DriverEncryptionUpdate.
	EncryptionKeysUpdate
)

// NodeDiscoveryData is a node of the cluster.
type NodeDiscoveryData struct {
	Address     string
	BindAddress string
	// Self is whether the node is this host.
	Self bool
}

// DatastoreConfigData is the configuration of a datastore.
type DatastoreConfigData struct {
	Scope    string
	Provider string
	Address  string
	Config   interface{}
}

// DriverEncryptionConfig is the keys to begin with. The first is the primary one. A tag each tells which is which.
type DriverEncryptionConfig struct {
	Keys [][]byte
	Tags []uint64
}

// DriverEncryptionUpdate is a change of the keys: a new one, a new primary one, one to be forgotten.
type DriverEncryptionUpdate struct {
	Key        []byte
	Tag        uint64
	Primary    []byte
	PrimaryTag uint64
	Prune      []byte
	PruneTag   uint64
}
