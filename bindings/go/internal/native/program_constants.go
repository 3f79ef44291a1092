package native

// #include <netns.h>
import "C"

// ProgramConstants is as Constants, of what the packages for drivers and containers have.
func ProgramConstants() map[string]int64 {
	return map[string]int64{
		"DISCOVERY_DATASTORE_CONFIG":       C.NETNS_DISCOVERY_DATASTORE_CONFIG,
		"DISCOVERY_ENCRYPTION_KEYS_CONFIG": C.NETNS_DISCOVERY_ENCRYPTION_KEYS_CONFIG,
		"DISCOVERY_ENCRYPTION_KEYS_UPDATE": C.NETNS_DISCOVERY_ENCRYPTION_KEYS_UPDATE,
		"DISCOVERY_NODE":                   C.NETNS_DISCOVERY_NODE,
		"ROUTE_TYPE_CONNECTED":             C.NETNS_ROUTE_TYPE_CONNECTED,
		"ROUTE_TYPE_NEXT_HOP":              C.NETNS_ROUTE_TYPE_NEXT_HOP,
		"TABLE_EVENT_CREATE":               C.NETNS_TABLE_EVENT_CREATE,
		"TABLE_EVENT_DELETE":               C.NETNS_TABLE_EVENT_DELETE,
		"TABLE_EVENT_UPDATE":               C.NETNS_TABLE_EVENT_UPDATE,
		"STATS_LINE_WORDS":                 C.NETNS_STATS_LINE_WORDS,
	}
}
