/**
 * @file netns.h
 * @brief Container networking at the kernel's price.
 *
 * The rules, kept by everything in this header:
 *
 * Results. A function that can fail returns an int32_t: 0, or a negative netns_status, whose numbers
 * are never used for anything else. Its last parameter is `netns_error **ret_error`: where that is not
 * NULL, a failure puts an error object there, which the caller frees with netns_error_free. Nothing is
 * kept by thread. Functions that cannot fail return what they are asked for, and NULL or 0 when they
 * are asked of NULL.
 *
 * Outputs are called `ret_something`, are written on success alone, and must not be NULL where their
 * comment does not say so.
 *
 * Arguments that must not be NULL and are end in NETNS_STATUS_BAD_REQUEST; those that may be NULL say
 * so. Unknown numbers and unknown flags are refused in the same way.
 *
 * Strings that go in are UTF-8 and end with a NUL; the library copies what it keeps. Strings that come
 * out belong to the object that they were read from and last as long as it does.
 *
 * Structs begin with `size_t size`, which the caller sets to the sizeof of the struct, and grow at the
 * end alone: what is 0 means what it meant before the struct grew. A struct that is shorter than the
 * library's counts as filled up with zeroes; one that is longer is refused unless the rest is zeroes.
 * So a program should clear a struct before it fills it in. Arrays of structs are arrays of pointers.
 * Structs that come out are read-only, and as long as their size says. Those whose comment says that
 * they never grow have no size.
 *
 * Objects are freed by the function that has their name and `_free`, once; NULL is fine. A controller
 * is closed by netns_controller_close. The order does not matter: an object keeps what it needs.
 *
 * Threads. A `const` pointer may be used by many threads at once, another by one at a time. No call
 * leaves the calling thread in another namespace, but for netns_strategy_initialize of type "netns",
 * which is there to do so. The host of an object is the network namespace of the thread that made it.
 *
 * Callbacks are called from any thread and may call the library, where their comment does not forbid
 * it. They must return: no exception and no longjmp may leave them.
 *
 * Cancelling. A thread that is inside of the library, or of a callback, is cancelled (pthread_cancel(3))
 * when it is out again.
 *
 * Fork. A child that was forked can make objects of its own; those that it inherits answer
 * NETNS_STATUS_FORBIDDEN where their comment does not say that it may use them, and may be freed. Where
 * another thread was inside of a call as the process forked, netns_controller_open answers so in the
 * child, too: fork when none is, or execute a program.
 *
 * A panic of the library, which is a mistake in it, becomes NETNS_STATUS_PANIC.
 */

#ifndef NETNS_H
#define NETNS_H

#include <stddef.h>
#include <stdint.h>

/**
 * Frames may leave through the port that they came in by.
 *
 * @ingroup netns_bridge
 */
#define NETNS_BRIDGE_HAIRPIN 1

/**
 * Endpoints reach the host and not one another.
 *
 * @ingroup netns_bridge
 */
#define NETNS_BRIDGE_ISOLATED 2

/**
 * A new bridge snoops on multicast. Without it multicast reaches every port; with it each join takes longer
 * the more ports there are.
 *
 * @ingroup netns_bridge
 */
#define NETNS_BRIDGE_MULTICAST_SNOOPING 4

/**
 * Frames may leave through the port that they came in by, whatever the network says.
 *
 * @ingroup netns_bridge
 */
#define NETNS_BRIDGE_ENDPOINT_HAIRPIN 1

/**
 * They may not, whatever the network says.
 *
 * @ingroup netns_bridge
 */
#define NETNS_BRIDGE_ENDPOINT_NO_HAIRPIN 2

/**
 * It reaches the host and no other isolated endpoint, whatever the network says.
 *
 * @ingroup netns_bridge
 */
#define NETNS_BRIDGE_ENDPOINT_ISOLATED 4

/**
 * It is not isolated, whatever the network says.
 *
 * @ingroup netns_bridge
 */
#define NETNS_BRIDGE_ENDPOINT_NOT_ISOLATED 8

/**
 * The network's gateways do not become the sandbox's.
 *
 * @ingroup netns_bridge
 */
#define NETNS_BRIDGE_ENDPOINT_NO_DEFAULT_ROUTE 16

/**
 * Changes nothing, and tells what would be found.
 *
 * @ingroup netns_controller
 */
#define NETNS_COLLECT_DRY_RUN 1

/**
 * Directories that are NULL are those that the environment variables NETNS_NETWORKS_DIR, NETNS_RUN_DIR,
 * NETNS_SANDBOX_DIR and NETNS_METER_DIR name. For tools; a library's caller says what it wants.
 *
 * @ingroup netns_controller
 */
#define NETNS_CONTROLLER_FROM_ENV 1

/**
 * What the controller makes lasts as long as its process: it is collected when that is gone. Without this
 * flag it lasts until it is deleted, or the host restarts.
 *
 * @ingroup netns_controller
 */
#define NETNS_CONTROLLER_PROCESS_LIFETIME 2

/**
 * What processes that are gone left half done stays as it is, for netns_controller_collect to say what that
 * is, with NETNS_COLLECT_DRY_RUN, or to put it right.
 *
 * @ingroup netns_controller
 */
#define NETNS_CONTROLLER_UNCOLLECTED 4

/**
 * No plugins are looked for: types of network and address managements are the library's own, and those that were
 * registered.
 *
 * @ingroup netns_controller
 */
#define NETNS_CONTROLLER_NO_PLUGINS 8

/**
 * The addresses inside are alone in their subnets: /32 and /128.
 *
 * @ingroup netns_driver
 */
#define NETNS_BIRTH_HOST_PREFIX 1

/**
 * The network's gateways do not become the sandbox's.
 *
 * @ingroup netns_endpoint
 */
#define NETNS_ENDPOINT_NO_DEFAULT_ROUTE 1

/**
 * Of what an endpoint is: netns_network_link made its devices, for its caller to move.
 *
 * @ingroup netns_endpoint
 */
#define NETNS_ENDPOINT_LINKED 2

/**
 * What leaves the network keeps its endpoints' addresses.
 *
 * @ingroup netns_firewall
 */
#define NETNS_FIREWALL_NO_MASQUERADE 1

/**
 * The network's endpoints do not reach one another (inter-container communication).
 *
 * @ingroup netns_firewall
 */
#define NETNS_FIREWALL_NO_ICC 2

/**
 * The network's endpoints may send from addresses that are not their own, MAC and IP.
 *
 * @ingroup netns_firewall
 */
#define NETNS_FIREWALL_NO_ANTI_SPOOFING 4

/**
 * The pool is to be one of IPv6, when none is named.
 *
 * @ingroup netns_ipam
 */
#define NETNS_POOL_IPV6 1

/**
 * Its endpoints get IPv6 addresses. A subnet of that family says so, too.
 *
 * @ingroup netns_network
 */
#define NETNS_NETWORK_IPV6 1

/**
 * Its endpoints get no IPv4 addresses.
 *
 * @ingroup netns_network
 */
#define NETNS_NETWORK_NO_IPV4 2

/**
 * It has no way out: its endpoints get no default gateway.
 *
 * @ingroup netns_network
 */
#define NETNS_NETWORK_INTERNAL 4

/**
 * How many 64-bit words of netns_meter_mapping a slot takes for each processor: 64 bytes.
 *
 * @ingroup netns_meter
 */
#define NETNS_STATS_LINE_WORDS 8

/**
 * Of a reading: the link that is metered is in the sandbox, or was metered by netns_meter_attach. Without this
 * flag it is the host's end of a pair: what it receives is what the sandbox sends.
 *
 * @ingroup netns_meter
 */
#define NETNS_READING_INSIDE 1

/**
 * The version of the header, to compare with netns_version_number: 0x00MMmmpp.
 *
 * @ingroup netns_version
 */
#define NETNS_VERSION 256

/**
 * What was discovered (libnetwork's discoverapi.DiscoveryType).
 *
 * @ingroup netns_driver
 */
typedef enum netns_discovery {
    /**
     * A host of the cluster.
     */
    NETNS_DISCOVERY_NODE = 1,
    /**
     * The configuration of a datastore.
     */
    NETNS_DISCOVERY_DATASTORE_CONFIG = 2,
    /**
     * Keys, with their tags.
     */
    NETNS_DISCOVERY_ENCRYPTION_KEYS_CONFIG = 3,
    /**
     * A change of the keys.
     */
    NETNS_DISCOVERY_ENCRYPTION_KEYS_UPDATE = 4,
} netns_discovery;

/**
 * What an event is about. A later version may add others.
 *
 * @ingroup netns_events
 */
typedef enum netns_event_kind {
    /**
     * Something that this version of the header has no number for.
     */
    NETNS_EVENT_KIND_OTHER = 0,
    /**
     * What a process that is gone had left was removed.
     */
    NETNS_EVENT_KIND_COLLECTED = 1,
    /**
     * An endpoint was created.
     */
    NETNS_EVENT_KIND_ENDPOINT_CREATED = 2,
    /**
     * An endpoint was deleted.
     */
    NETNS_EVENT_KIND_ENDPOINT_DELETED = 3,
    /**
     * An endpoint joined a sandbox.
     */
    NETNS_EVENT_KIND_ENDPOINT_JOINED = 4,
    /**
     * An endpoint left its sandbox.
     */
    NETNS_EVENT_KIND_ENDPOINT_LEFT = 5,
    /**
     * A network was created.
     */
    NETNS_EVENT_KIND_NETWORK_CREATED = 6,
    /**
     * A network was deleted.
     */
    NETNS_EVENT_KIND_NETWORK_DELETED = 7,
    /**
     * A sandbox was created.
     */
    NETNS_EVENT_KIND_SANDBOX_CREATED = 8,
    /**
     * A sandbox was destroyed.
     */
    NETNS_EVENT_KIND_SANDBOX_DESTROYED = 9,
} netns_event_kind;

/**
 * What can be found. A later version may add others.
 *
 * @ingroup netns_controller
 */
typedef enum netns_finding_kind {
    /**
     * Something that this version of the header has no number for.
     */
    NETNS_FINDING_KIND_OTHER = 0,
    /**
     * A bridge, or another link of a whole network.
     */
    NETNS_FINDING_KIND_BRIDGE = 1,
    /**
     * A file that was to become a definition.
     */
    NETNS_FINDING_KIND_DEFINITION = 2,
    /**
     * An endpoint in the store, with its leases.
     */
    NETNS_FINDING_KIND_ENDPOINT = 3,
    /**
     * Addresses that a network reserved.
     */
    NETNS_FINDING_KIND_LEASE = 4,
    /**
     * An endpoint's link in the host.
     */
    NETNS_FINDING_KIND_LINK = 5,
    /**
     * The socket of a listener to events.
     */
    NETNS_FINDING_KIND_LISTENER = 6,
    /**
     * A proxy entry of the neighbour table.
     */
    NETNS_FINDING_KIND_PROXY = 7,
    /**
     * A sandbox.
     */
    NETNS_FINDING_KIND_SANDBOX = 8,
    /**
     * What the firewall has, or lacks.
     */
    NETNS_FINDING_KIND_FIREWALL = 9,
} netns_finding_kind;

/**
 * What becomes of a network without a firewall.
 *
 * @ingroup netns_firewall
 */
typedef enum netns_firewall {
    /**
     * Where the kernel has no nf_tables, or the process no right to them, the network is refused before
     * anything is made.
     */
    NETNS_FIREWALL_REQUIRED = 0,
    /**
     * The network does without; the log says so once for each controller. Ports cannot be published then.
     */
    NETNS_FIREWALL_OPTIONAL = 1,
    /**
     * The network has none, whatever the kernel has, and no forwarding is switched on for it.
     */
    NETNS_FIREWALL_OFF = 2,
} netns_firewall;

/**
 * How a network and the outside reach each other (Docker's gateway_mode).
 *
 * @ingroup netns_firewall
 */
typedef enum netns_gateway {
    /**
     * By the host's addresses: out by masquerade, in by published ports.
     */
    NETNS_GATEWAY_NAT = 0,
    /**
     * By the endpoints' own addresses, which the outside has a route to: nothing is translated, and of the
     * endpoints' ports those that are published are open.
     */
    NETNS_GATEWAY_ROUTED = 1,
    /**
     * Not at all, and the host has no address in the network: its endpoints get no gateway. Of type "bridge"
     * alone.
     */
    NETNS_GATEWAY_ISOLATED = 2,
} netns_gateway;

/**
 * A turning point of a container's life (seed 003, HookName), in the order in which it comes to them.
 *
 * @ingroup netns_config
 */
typedef enum netns_hook {
    /**
     * "prestart": deprecated for "createRuntime", before which it is; in the runtime's namespaces.
     */
    NETNS_HOOK_PRESTART = 1,
    /**
     * "createRuntime": the container is made, the root not changed; in the runtime's namespaces.
     */
    NETNS_HOOK_CREATE_RUNTIME = 2,
    /**
     * "createContainer": the container is made, the root not changed; in the container's namespaces.
     */
    NETNS_HOOK_CREATE_CONTAINER = 3,
    /**
     * "startContainer": just before the user's program; in the container's namespaces.
     */
    NETNS_HOOK_START_CONTAINER = 4,
    /**
     * "poststart": the user's program has started; in the runtime's namespaces.
     */
    NETNS_HOOK_POSTSTART = 5,
    /**
     * "poststop": the container's process has ended; in the runtime's namespaces.
     */
    NETNS_HOOK_POSTSTOP = 6,
} netns_hook;

/**
 * What a network has to do with other networks of this library. Of two the stricter counts.
 *
 * @ingroup netns_firewall
 */
typedef enum netns_isolate {
    /**
     * They reach each other's published ports alone.
     */
    NETNS_ISOLATE_ON = 0,
    /**
     * They do not reach each other.
     */
    NETNS_ISOLATE_STRICT = 1,
    /**
     * They reach each other.
     */
    NETNS_ISOLATE_OFF = 2,
} netns_isolate;

/**
 * How important a message of the log is.
 *
 * @ingroup netns_log
 */
typedef enum netns_log_level {
    /**
     * Nothing at all, for netns_log_set.
     */
    NETNS_LOG_LEVEL_OFF = 0,
    /**
     * Something was given up.
     */
    NETNS_LOG_LEVEL_ERROR = 1,
    /**
     * Something is not as it should be, and was worked around.
     */
    NETNS_LOG_LEVEL_WARN = 2,
    /**
     * What was found and put right.
     */
    NETNS_LOG_LEVEL_INFO = 3,
    /**
     * For those who look for a mistake.
     */
    NETNS_LOG_LEVEL_DEBUG = 4,
} netns_log_level;

/**
 * Whether interfaces are metered.
 *
 * @ingroup netns_meter
 */
typedef enum netns_metering {
    /**
     * Of a network: they are. Of an endpoint: as its network says.
     */
    NETNS_METERING_DEFAULT = 0,
    /**
     * They are, where bpf is permitted.
     */
    NETNS_METERING_ON = 1,
    /**
     * They are not.
     */
    NETNS_METERING_OFF = 2,
} netns_metering;

/**
 * A type of namespace (seed 003, NamespaceType; namespaces(7)), in the order in which a process should enter
 * them: users first, since what comes after may need the privileges there. A later version may add others.
 *
 * @ingroup netns_namespace
 */
typedef enum netns_namespace_type {
    /**
     * "NEWUSER": users, groups and capabilities.
     */
    NETNS_NAMESPACE_TYPE_USER = 1,
    /**
     * "NEWIPC": System V IPC and POSIX message queues.
     */
    NETNS_NAMESPACE_TYPE_IPC = 2,
    /**
     * "NEWUTS": the names of host and domain.
     */
    NETNS_NAMESPACE_TYPE_UTS = 3,
    /**
     * "NEWNET": links, addresses, routes, sockets.
     */
    NETNS_NAMESPACE_TYPE_NET = 4,
    /**
     * "NEWPID": numbers of processes.
     */
    NETNS_NAMESPACE_TYPE_PID = 5,
    /**
     * "NEWNS": mounts.
     */
    NETNS_NAMESPACE_TYPE_MOUNT = 6,
    /**
     * "NEWCGROUP": the root of the control groups.
     */
    NETNS_NAMESPACE_TYPE_CGROUP = 7,
    /**
     * "NEWTIME": the clocks that count from the boot.
     */
    NETNS_NAMESPACE_TYPE_TIME = 8,
} netns_namespace_type;

/**
 * How a static route finds its way.
 *
 * @ingroup netns_interface
 */
typedef enum netns_route_type {
    /**
     * By a next hop, which tells the interface.
     */
    NETNS_ROUTE_TYPE_NEXT_HOP = 0,
    /**
     * Bound to the interface, with link scope.
     */
    NETNS_ROUTE_TYPE_CONNECTED = 1,
} netns_route_type;

/**
 * One host, or all (libnetwork's scope package).
 *
 * @ingroup netns_driver
 */
typedef enum netns_scope {
    /**
     * This host.
     */
    NETNS_SCOPE_LOCAL = 0,
    /**
     * All hosts of a cluster.
     */
    NETNS_SCOPE_GLOBAL = 1,
} netns_scope;

/**
 * How much is wanted of statistics.
 *
 * @ingroup netns_meter
 */
typedef enum netns_stats_detail {
    /**
     * All eight numbers, by one question to the kernel.
     */
    NETNS_STATS_DETAIL_FULL = 0,
    /**
     * Bytes and packets: errors and drops are 0. No question to the kernel where the interface is metered.
     */
    NETNS_STATS_DETAIL_FAST = 1,
} netns_stats_detail;

/**
 * Where bytes and packets come from. A later version may add others.
 *
 * @ingroup netns_meter
 */
typedef enum netns_stats_source {
    /**
     * Something that this version of the header has no number for.
     */
    NETNS_STATS_SOURCE_OTHER = 0,
    /**
     * The counters of this library.
     */
    NETNS_STATS_SOURCE_COUNTERS = 1,
    /**
     * The kernel's own, since the interface is not metered.
     */
    NETNS_STATS_SOURCE_KERNEL = 2,
} netns_stats_source;

/**
 * What a function that can fail returns: 0, or one of the negative numbers here. A number is never used for
 * anything else later; a later version may add others.
 *
 * @ingroup netns_error
 */
typedef enum netns_status {
    /**
     * It succeeded.
     */
    NETNS_STATUS_OK = 0,
    /**
     * The object, its name or its address is already there.
     */
    NETNS_STATUS_ALREADY_EXISTS = -1,
    /**
     * An argument cannot be right, whatever the state of the host.
     */
    NETNS_STATUS_BAD_REQUEST = -2,
    /**
     * The object is in use, or kept changing while it was read.
     */
    NETNS_STATUS_BUSY = -3,
    /**
     * The request is valid but not allowed on this object.
     */
    NETNS_STATUS_FORBIDDEN = -4,
    /**
     * The object is not there (any more).
     */
    NETNS_STATUS_NOT_FOUND = -5,
    /**
     * The driver does not offer the operation.
     */
    NETNS_STATUS_NOT_IMPLEMENTED = -6,
    /**
     * The process lacks a privilege that the operation needs, or the filesystem is read-only.
     */
    NETNS_STATUS_PERMISSION_DENIED = -7,
    /**
     * A limit was reached: ports of a bridge, addresses of a subnet, descriptors, memory, the room on a disk.
     */
    NETNS_STATUS_RESOURCE_EXHAUSTED = -8,
    /**
     * The kernel, or a driver, refused for a reason that has no number of its own; see netns_error_errno.
     */
    NETNS_STATUS_SYSTEM = -9,
    /**
     * This kernel, or this build of it, does not have the feature.
     */
    NETNS_STATUS_UNSUPPORTED = -10,
    /**
     * A mistake in the library was caught. What it was doing may be half done; the process can go on.
     */
    NETNS_STATUS_PANIC = -11,
} netns_status;

/**
 * What happened to an entry of a table (libnetwork's driverapi.EventType).
 *
 * @ingroup netns_driver
 */
typedef enum netns_table_event {
    /**
     * It came.
     */
    NETNS_TABLE_EVENT_CREATE = 1,
    /**
     * It changed.
     */
    NETNS_TABLE_EVENT_UPDATE = 2,
    /**
     * It went.
     */
    NETNS_TABLE_EVENT_DELETE = 3,
} netns_table_event;

/**
 * A bridge network without a controller: nothing but the kernel knows of it, and the caller chooses all
 * addresses (seed 002, Network).
 *
 * @ingroup netns_bridge
 */
typedef struct netns_bridge netns_bridge;

/**
 * What a container is to have, as runc describes it (seed 003, Config): the part that concerns the network, with
 * namespaces and hooks. A forked child may use those that it inherits.
 *
 * @ingroup netns_config
 */
typedef struct netns_config netns_config;

/**
 * Named networks, the endpoints that join sandboxes to them, and their sandboxes (libnetwork's
 * NetworkController). Any number of processes that share a PID namespace may have the same directories open.
 *
 * @ingroup netns_controller
 */
typedef struct netns_controller netns_controller;

/**
 * What a driver may ask of the library for a network (seed 004, NetworkInfo). It lasts until the callback
 * that got it returns.
 *
 * @ingroup netns_driver
 */
typedef struct netns_driver_info netns_driver_info;

/**
 * The addresses of an endpoint's interface (seed 004, InterfaceInfo). It lasts until the callback that got
 * it returns.
 *
 * @ingroup netns_driver
 */
typedef struct netns_driver_interface netns_driver_interface;

/**
 * Options that a driver answers with. It lasts until the callback that got it returns.
 *
 * @ingroup netns_driver
 */
typedef struct netns_driver_reply netns_driver_reply;

/**
 * What went wrong: operation, object and cause in words, and numbers to branch on. But for netns_error_set_user
 * it never changes, and any thread may read it. The functions that read it take NULL, too, and then return NULL
 * or 0.
 *
 * @ingroup netns_error
 */
typedef struct netns_error netns_error;

/**
 * Hears what happens to networks, endpoints and sandboxes from the moment on at which it was opened.
 *
 * @ingroup netns_events
 */
typedef struct netns_events netns_events;

/**
 * Puts the firewall back whenever somebody takes it away, until it is freed.
 *
 * @ingroup netns_firewall
 */
typedef struct netns_firewall_watch netns_firewall_watch;

/**
 * What address management answers. It lasts until the callback that got it returns, and takes the one kind of
 * answer that the callback is to give.
 *
 * @ingroup netns_ipam
 */
typedef struct netns_ipam_reply netns_ipam_reply;

/**
 * What a driver says of an endpoint that joins a sandbox (seed 004, JoinInfo). It lasts until the callback
 * that got it returns.
 *
 * A driver names a device that exists, with netns_join_set_names, which then moves into the sandbox; or it
 * names and describes one that is born there, with netns_join_set_birth besides, which costs a small part of
 * that; or it does neither, and the sandbox gets no device.
 *
 * @ingroup netns_driver
 */
typedef struct netns_join netns_join;

/**
 * The counters of this host: slots for whatever is metered, and what was counted there. Programs in the kernel
 * count; reading takes no system call. Any number of processes may have them open.
 *
 * @ingroup netns_meter
 */
typedef struct netns_meter netns_meter;

/**
 * A network namespace, kept alive by an open descriptor (network_namespaces(7)). A forked child may use
 * those that it inherits.
 *
 * @ingroup netns_namespace
 */
typedef struct netns_namespace netns_namespace;

/**
 * A network of a controller, by its name: the object holds nothing in the kernel.
 *
 * @ingroup netns_network
 */
typedef struct netns_network netns_network;

/**
 * What a call would do: steps by namespace, each with its way back (a dry run). It never changes, and any
 * thread may read it.
 *
 * @ingroup netns_plan
 */
typedef struct netns_plan netns_plan;

/**
 * A container's network: a namespace, identified by the path where it is mounted (seed 000, Sandbox).
 *
 * The object is a handle: freeing it leaves the sandbox as it is, netns_sandbox_destroy ends it. It holds
 * three descriptors.
 *
 * @ingroup netns_sandbox
 */
typedef struct netns_sandbox netns_sandbox;

/**
 * The network of a container as its config has it: networks, routes, and the hooks that go with them. It never
 * changes. A forked child may use those that it inherits.
 *
 * It is brought up from the namespace of the calling thread, which plays the host. Networks of the types
 * "loopback" and "veth", and all routes, come at once, the interfaces born inside under their final names; other
 * strategies do their work in the order of the config.
 *
 * @ingroup netns_setup
 */
typedef struct netns_setup netns_setup;

/**
 * What netns_setup_up made of a container's network: what there is to take down, in whatever process of the same
 * host. It never changes. A forked child may use those that it inherits.
 *
 * @ingroup netns_setup
 */
typedef struct netns_setup_state netns_setup_state;

/**
 * What there is to know of a container's network while it lasts (seed 001, NetworkState): it is handed from
 * netns_strategy_create to netns_strategy_initialize, and as JSON from process to process. A forked child may
 * use those that it inherits.
 *
 * @ingroup netns_strategy
 */
typedef struct netns_strategy_state netns_strategy_state;

/**
 * Has a callback hear what happens, until it is freed.
 *
 * @ingroup netns_events
 */
typedef struct netns_subscription netns_subscription;

/**
 * Options of a bridge network. All zeroes but the size are the defaults.
 *
 * @ingroup netns_bridge
 */
typedef struct netns_bridge_options {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * NETNS_BRIDGE_ flags.
     */
    uint64_t flags;
    /**
     * The bridge; made when it is missing. NULL for "br-" and the network's name.
     */
    const char *bridge;
    /**
     * IPv4 gateway, an address of the bridge in the subnet of the endpoints, "10.1.0.1/24"; NULL for none.
     */
    const char *gateway;
    /**
     * IPv6 gateway; NULL for none.
     */
    const char *gateway_ipv6;
    /**
     * Hardware address of a new bridge; NULL for a random one.
     */
    const char *mac;
    /**
     * MTU in bytes; 0 takes that of a bridge that exists, and for a new one the lowest of the interfaces with
     * a default route, or 1500.
     */
    uint32_t mtu;
    /**
     * Length of the endpoints' transmit queues in packets; 0 leaves the kernel's 1000.
     */
    uint32_t tx_queue_len;
} netns_bridge_options;

/**
 * A route of a sandbox besides those of its addresses and gateways (seed 004, AddStaticRoute).
 *
 * @ingroup netns_interface
 */
typedef struct netns_route {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * Where it leads: "10.2.0.0/16".
     */
    const char *destination;
    /**
     * The next hop: "10.1.0.1"; NULL binds the route to the interface.
     */
    const char *next_hop;
} netns_route;

/**
 * A permanent entry of the ARP or neighbour table.
 *
 * @ingroup netns_interface
 */
typedef struct netns_neighbour {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * The IP address, or a multicast group.
     */
    const char *address;
    /**
     * The MAC address that frames to it carry: "02:42:0a:01:00:05".
     */
    const char *mac;
} netns_neighbour;

/**
 * What an endpoint of a bridge network is to be. All zeroes but the size and the name are the defaults.
 *
 * @ingroup netns_bridge
 */
typedef struct netns_bridge_endpoint {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * Its name, unique in the network: a container's id, say.
     */
    const char *name;
    /**
     * What the interface is called in the sandbox; NULL for `interface_prefix`.
     */
    const char *interface_name;
    /**
     * What its name begins with, followed by the lowest number that is free; NULL for "eth".
     */
    const char *interface_prefix;
    /**
     * IPv4 address with its prefix length, "10.1.0.5/24"; NULL for none.
     */
    const char *address;
    /**
     * IPv6 address with its prefix length; NULL for none, and then the interface has no IPv6 at all.
     */
    const char *address_ipv6;
    /**
     * Hardware address; NULL for a random one.
     */
    const char *mac;
    /**
     * NETNS_BRIDGE_ENDPOINT_ flags.
     */
    uint64_t flags;
    /**
     * MTU in bytes, at most the network's; 0 for the network's.
     */
    uint32_t mtu;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Routes through this interface besides those of its addresses and gateways.
     */
    const struct netns_route *const *routes;
    /**
     * How many.
     */
    size_t route_count;
    /**
     * Neighbours that never have to be asked for.
     */
    const struct netns_neighbour *const *neighbours;
    /**
     * How many.
     */
    size_t neighbour_count;
} netns_bridge_endpoint;

/**
 * A network device and its settings in a sandbox (seeds 000 and 002, Interface).
 *
 * @ingroup netns_interface
 */
typedef struct netns_interface {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * Its name in the namespace that it comes from and goes back to.
     */
    const char *src_name;
    /**
     * Its name in the sandbox. NULL, when it goes in, for `prefix` and the lowest number that is free.
     */
    const char *name;
    /**
     * What its name in the sandbox begins with, when `name` is NULL; NULL for "eth". NULL when it comes out.
     */
    const char *prefix;
    /**
     * Hardware address; NULL leaves the device's own.
     */
    const char *mac;
    /**
     * IPv4 address with its prefix length, "10.1.0.5/24"; NULL for none.
     */
    const char *address;
    /**
     * IPv6 address with its prefix length; NULL for none, and then the interface has no IPv6 at all.
     */
    const char *address_ipv6;
    /**
     * Default gateway for IPv4; NULL for none.
     */
    const char *gateway;
    /**
     * Default gateway for IPv6; NULL for none.
     */
    const char *gateway_ipv6;
    /**
     * MTU in bytes; 0 leaves the device's own.
     */
    uint32_t mtu;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Routes through this interface besides those of its addresses and gateways.
     */
    const struct netns_route *const *routes;
    /**
     * How many.
     */
    size_t route_count;
    /**
     * Neighbours that never have to be asked for.
     */
    const struct netns_neighbour *const *neighbours;
    /**
     * How many.
     */
    size_t neighbour_count;
} netns_interface;

/**
 * Interfaces, freed by netns_interfaces_free.
 *
 * @ingroup netns_interface
 */
typedef struct netns_interfaces {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * The interfaces; NULL when there are none.
     */
    const struct netns_interface *const *interfaces;
    /**
     * How many.
     */
    size_t count;
} netns_interfaces;

/**
 * One thing that was not as it should be.
 *
 * @ingroup netns_controller
 */
typedef struct netns_finding {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * A netns_finding_kind.
     */
    int32_t kind;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Which one: a name or a path.
     */
    const char *object;
    /**
     * What is wrong with it, and what becomes of it.
     */
    const char *reason;
    /**
     * Why it could not be put right; NULL when it could.
     */
    const char *error;
} netns_finding;

/**
 * What a collection found, freed by netns_collected_free.
 *
 * @ingroup netns_controller
 */
typedef struct netns_collected {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * In the order in which they were found; NULL when there are none.
     */
    const struct netns_finding *const *findings;
    /**
     * How many.
     */
    size_t count;
} netns_collected;

/**
 * Where a controller keeps what. All zeroes but the size are the defaults.
 *
 * @ingroup netns_controller
 */
typedef struct netns_controller_options {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * NETNS_CONTROLLER_ flags.
     */
    uint64_t flags;
    /**
     * The directory of the networks' definitions; NULL for /etc/libnetns/networks.
     */
    const char *networks_dir;
    /**
     * The directory of what lasts until the host restarts; NULL for /run/libnetns.
     */
    const char *run_dir;
    /**
     * The directory where sandboxes are mounted; NULL for /run/netns.
     */
    const char *sandbox_dir;
    /**
     * The directory of the counters, on a bpf filesystem; NULL for /sys/fs/bpf/libnetns.
     */
    const char *meter_dir;
    /**
     * How many interfaces can be metered at once, as in netns_meter_options; 0 for 4,096.
     */
    uint32_t meter_slots;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * The directories of plugins' sockets; NULL for /run/docker/plugins.
     */
    const char *const *plugin_socket_dirs;
    /**
     * How many.
     */
    size_t plugin_socket_dir_count;
    /**
     * The directories of files that say where plugins are; NULL for /etc/docker/plugins and
     * /usr/lib/docker/plugins.
     */
    const char *const *plugin_spec_dirs;
    /**
     * How many.
     */
    size_t plugin_spec_dir_count;
    /**
     * How long a plugin may take for a request, all attempts together, in milliseconds; 0 for 30,000.
     */
    uint64_t plugin_timeout_ms;
} netns_controller_options;

/**
 * A list of names, or of ports, freed by netns_names_free.
 *
 * @ingroup netns_values
 */
typedef struct netns_names {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * The names; NULL when there are none.
     */
    const char *const *names;
    /**
     * How many.
     */
    size_t count;
} netns_names;

/**
 * Is called once when the library needs a callback's `user` no more, from any thread. That of a callback of
 * the log must not call the library either.
 *
 * @ingroup netns_values
 */
typedef void (*netns_release_callback)(void *user);

/**
 * A key and its value, both UTF-8. It never grows.
 *
 * @ingroup netns_values
 */
typedef struct netns_pair {
    /**
     * The key; not NULL.
     */
    const char *key;
    /**
     * The value; not NULL.
     */
    const char *value;
} netns_pair;

/**
 * A network's addresses as its driver sees them (seed 004, IPAMData).
 *
 * @ingroup netns_ipam
 */
typedef struct netns_ipam_data {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * The address space that the pool is from; may be empty.
     */
    const char *address_space;
    /**
     * The subnet: "10.1.0.0/16"; NULL for none.
     */
    const char *pool;
    /**
     * The gateway with the subnet's prefix length: "10.1.0.1/16"; NULL for none.
     */
    const char *gateway;
    /**
     * Addresses that others have, with the prefix length, by their names; NULL when there are none.
     */
    const struct netns_pair *auxiliary;
    /**
     * How many.
     */
    size_t auxiliary_count;
} netns_ipam_data;

/**
 * A network, for a driver's callback. It lasts until the callback returns.
 *
 * @ingroup netns_driver
 */
typedef struct netns_driver_network {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * Its name, which is its id as well.
     */
    const char *network;
    /**
     * Its options as a JSON object; NULL where a callback gets none.
     */
    const char *options;
    /**
     * Its IPv4 subnets; NULL when there are none, and where a callback gets none.
     */
    const struct netns_ipam_data *const *ipv4;
    /**
     * How many.
     */
    size_t ipv4_count;
    /**
     * Its IPv6 subnets; NULL when there are none, and where a callback gets none.
     */
    const struct netns_ipam_data *const *ipv6;
    /**
     * How many.
     */
    size_t ipv6_count;
} netns_driver_network;

/**
 * An endpoint, for a driver's callback. It lasts until the callback returns.
 *
 * @ingroup netns_driver
 */
typedef struct netns_driver_endpoint {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * The name of its network, which is the network's id as well.
     */
    const char *network;
    /**
     * Its name, which is its id as well.
     */
    const char *endpoint;
    /**
     * The key of the sandbox that it joins, "/run/netns/web"; NULL for callbacks other than `join`.
     */
    const char *sandbox_key;
    /**
     * Its options as a JSON object; NULL where a callback gets none.
     */
    const char *options;
} netns_driver_endpoint;

/**
 * A driver: what makes a network of some type (seed 004, Driver).
 *
 * Each callback gets `user` first. What else it gets, structs, strings and objects, lasts until it returns;
 * the objects are for the thread that it was called on.
 *
 * It returns 0, or a negative netns_status. Whatever is not 0 is a failure, also a number that means nothing:
 * that counts as NETNS_STATUS_SYSTEM. A callback that fails may put an error in `*ret_error`, which the
 * library takes: one that netns_error_new made, or one that a call of the library ended with. It comes to
 * whoever called the controller as it is, kind, errno and cause, within what the controller was doing.
 *
 * Where there is a `ret_plan`, `*ret_plan` is NULL when the callback is called. A driver that acts by itself
 * leaves it so. Another puts a plan there, of netns_plan_from_json, which the library takes: it carries it
 * out as a whole, or undoes it. The plan of a callback that fails is freed.
 *
 * A driver is told of a network in each process that uses it, and again after a reboot: create_network with
 * the same arguments as before succeeds. It is also called to see whether the driver takes the network, and
 * before delete_network; the plan of such a call is not carried out.
 *
 * Callbacks are called from any thread, several at once, in the network namespace of whoever called the
 * library, and leave the thread there. They may ask the controller for lists and register other drivers.
 * While a driver makes or joins an endpoint nobody waits for it, and it may also make, join and take away
 * others. While it makes or deletes a network, or takes away an endpoint, others wait for it, for ten seconds
 * at most: there it must not make, join or take away anything by the controller, and such a call ends in
 * NETNS_STATUS_BUSY then.
 *
 * @ingroup netns_driver
 */
typedef struct netns_driver {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * A netns_scope, how far its networks' data reaches (seed 004, Capability, DataScope): allocations,
     * tables and discoveries are for global drivers alone.
     */
    int32_t data_scope;
    /**
     * A netns_scope, how far its networks connect.
     */
    int32_t connectivity_scope;
    /**
     * Is handed to the callbacks as it is.
     */
    void *user;
    /**
     * Is called once with `user` when it is needed no more: when the controller is closed, no object of it is
     * left, and no callback is inside. May be NULL.
     */
    netns_release_callback release;
    /**
     * What makes the network (seed 004, CreateNetwork). Must be set.
     */
    int32_t (*create_network)(void *user,
                              const struct netns_driver_network *network,
                              struct netns_driver_info *info,
                              struct netns_plan **ret_plan,
                              struct netns_error **ret_error);
    /**
     * What removes the network, of which the name alone is said (seed 004, DeleteNetwork); succeeds when it is
     * gone. Must be set.
     */
    int32_t (*delete_network)(void *user,
                              const struct netns_driver_network *network,
                              struct netns_plan **ret_plan,
                              struct netns_error **ret_error);
    /**
     * What makes the endpoint in the host, before there is a sandbox (seed 004, CreateEndpoint). The driver
     * takes what `interface` has, and fills in what it has not. Must be set.
     */
    int32_t (*create_endpoint)(void *user,
                               const struct netns_driver_endpoint *endpoint,
                               struct netns_driver_interface *interface,
                               struct netns_plan **ret_plan,
                               struct netns_error **ret_error);
    /**
     * What removes the endpoint from the host (seed 004, DeleteEndpoint); succeeds when it is gone. It gets no
     * options. Must be set.
     */
    int32_t (*delete_endpoint)(void *user,
                               const struct netns_driver_endpoint *endpoint,
                               struct netns_plan **ret_plan,
                               struct netns_error **ret_error);
    /**
     * Says which device goes to the sandbox, or how it is born there, and what comes with it (seed 004, Join).
     * Must be set.
     */
    int32_t (*join)(void *user,
                    const struct netns_driver_endpoint *endpoint,
                    struct netns_join *join,
                    struct netns_error **ret_error);
    /**
     * What takes the endpoint's device out of use (seed 004, Leave); succeeds when it is gone. The library takes
     * the device itself out of the sandbox. It gets no options. Must be set.
     */
    int32_t (*leave)(void *user,
                     const struct netns_driver_endpoint *endpoint,
                     struct netns_plan **ret_plan,
                     struct netns_error **ret_error);
    /**
     * What the driver knows of the endpoint (seed 004, EndpointOperInfo), of which it gets no options. NULL:
     * it answers NETNS_STATUS_NOT_IMPLEMENTED.
     */
    int32_t (*endpoint_oper_info)(void *user,
                                  const struct netns_driver_endpoint *endpoint,
                                  struct netns_driver_reply *reply,
                                  struct netns_error **ret_error);
    /**
     * What connects the endpoint to the outside (seed 004, ProgramExternalConnectivity). NULL: there is nothing
     * to be done.
     */
    int32_t (*program_external_connectivity)(void *user,
                                             const struct netns_driver_endpoint *endpoint,
                                             struct netns_plan **ret_plan,
                                             struct netns_error **ret_error);
    /**
     * What takes that back (seed 004, RevokeExternalConnectivity). It gets no options. NULL: there is nothing to
     * be done.
     */
    int32_t (*revoke_external_connectivity)(void *user,
                                            const struct netns_driver_endpoint *endpoint,
                                            struct netns_plan **ret_plan,
                                            struct netns_error **ret_error);
    /**
     * Allocates what a network needs across hosts, and answers with it as options for create_network (seed 004,
     * NetworkAllocate; global scope alone). Values are strings. NULL: there is nothing to be allocated.
     */
    int32_t (*network_allocate)(void *user,
                                const struct netns_driver_network *network,
                                struct netns_driver_reply *reply,
                                struct netns_error **ret_error);
    /**
     * Frees that (seed 004, NetworkFree; global scope alone), of a network whose name alone is said. NULL:
     * there is nothing to be freed.
     */
    int32_t (*network_free)(void *user,
                            const struct netns_driver_network *network,
                            struct netns_error **ret_error);
    /**
     * An entry of a table that the driver registered for has changed, as the netns_table_event says (seed 004,
     * EventNotify; global scope alone). `value` may be NULL when it has no bytes. NULL: it is not told.
     */
    void (*event_notify)(void *user,
                         int32_t event,
                         const char *network,
                         const char *table,
                         const char *key,
                         const uint8_t *value,
                         size_t value_size);
    /**
     * A node, or keys, have come (seed 004, discoverapi.Discover, DiscoverNew; global scope alone): a
     * netns_discovery, and JSON as the plugin protocol has it. NULL: it is not told.
     */
    int32_t (*discover_new)(void *user,
                            int32_t discovery,
                            const char *data,
                            struct netns_error **ret_error);
    /**
     * A node, or keys, have gone (seed 004, discoverapi.Discover, DiscoverDelete; global scope alone). NULL: it
     * is not told.
     */
    int32_t (*discover_delete)(void *user,
                               int32_t discovery,
                               const char *data,
                               struct netns_error **ret_error);
} netns_driver;

/**
 * A device that is born in the sandbox, where it belongs, instead of moving there.
 *
 * @ingroup netns_driver
 */
typedef struct netns_birth {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * NETNS_BIRTH_ flags.
     */
    uint64_t flags;
    /**
     * The link as JSON, in the form in which a plan's `create_link` has it. A veth has its end in the host
     * described, and its peer is the end in the sandbox:
     *
     *     {"name": "wire7", "kind": {"veth": {"peer": {}}}, "up": true, "mtu": 1400, "queues": 1}
     *
     * A macvlan is the end in the sandbox itself:
     *
     *     {"kind": {"macvlan": {"parent": {"name": "eth0"}, "mode": "bridge"}}, "born_in": "sandbox"}
     *
     * The end in the sandbox gets its name, index and MAC address from the library, and the link its group.
     * `queues` of 1 make a veth faster to make and to delete.
     */
    const char *link;
    /**
     * What follows in the host while the end inside is still down; NULL for nothing. It stays the caller's.
     */
    const struct netns_plan *early;
    /**
     * What follows in the host when the inside is configured and up; NULL for nothing. It stays the
     * caller's.
     */
    const struct netns_plan *after;
    /**
     * Neighbours that the interface never has to ask for.
     */
    const struct netns_neighbour *const *neighbours;
    /**
     * How many.
     */
    size_t neighbour_count;
} netns_birth;

/**
 * What an endpoint is to be. All zeroes but the size and the name are the defaults.
 *
 * @ingroup netns_endpoint
 */
typedef struct netns_endpoint_config {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * Its name, unique in the network: a container's id, say.
     */
    const char *name;
    /**
     * What the interface is called in the sandbox; NULL for `interface_prefix`.
     */
    const char *interface_name;
    /**
     * What its name begins with, followed by the lowest number that is free; NULL for the driver's prefix,
     * usually "eth".
     */
    const char *interface_prefix;
    /**
     * The IPv4 address that is wanted, "10.1.0.5"; NULL for the next free one.
     */
    const char *address;
    /**
     * The IPv6 address that is wanted; NULL for the next free one.
     */
    const char *address_ipv6;
    /**
     * Hardware address; NULL for a random one.
     */
    const char *mac;
    /**
     * MTU in bytes; 0 for the network's.
     */
    uint32_t mtu;
    /**
     * Of a sandbox's endpoints the one with the highest gives the default gateway.
     */
    int32_t gateway_priority;
    /**
     * NETNS_ENDPOINT_NO_DEFAULT_ROUTE, or 0.
     */
    uint64_t flags;
    /**
     * Other names of the endpoint in the network, for name services; the library resolves none.
     */
    const char *const *aliases;
    /**
     * How many.
     */
    size_t alias_count;
    /**
     * Settings of the interface: "net.ipv4.conf.IFNAME.log_martians" and the like, with the word IFNAME for
     * its name.
     */
    const struct netns_pair *sysctls;
    /**
     * How many.
     */
    size_t sysctl_count;
    /**
     * Routes through this interface besides those of its addresses and gateways.
     */
    const struct netns_route *const *routes;
    /**
     * How many.
     */
    size_t route_count;
    /**
     * Neighbours that never have to be asked for.
     */
    const struct netns_neighbour *const *neighbours;
    /**
     * How many.
     */
    size_t neighbour_count;
    /**
     * Options of the driver.
     */
    const struct netns_pair *options;
    /**
     * How many.
     */
    size_t option_count;
    /**
     * For people and tools; the library reads none.
     */
    const struct netns_pair *labels;
    /**
     * How many.
     */
    size_t label_count;
    /**
     * A netns_metering: whether its interface is metered.
     */
    int32_t meter;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Ports that are published, as Docker's -p has them, `[[HOST:]HOST_PORTS:]PORTS[/PROTOCOL]` with tcp, udp or
     * sctp: `8080:80`, `127.0.0.1:5353:53/udp`, `[::1]:8000-8010:80-90`. The host's port is chosen in `443` and
     * in `127.0.0.1::443`.
     */
    const char *const *ports;
    /**
     * How many.
     */
    size_t port_count;
} netns_endpoint_config;

/**
 * A slot during one of its lives. It never grows.
 *
 * @ingroup netns_meter
 */
typedef struct netns_slot {
    /**
     * Its number, 1 to 65,535.
     */
    uint16_t slot;
    /**
     * Which of its lives: slots are used again.
     */
    uint64_t life;
} netns_slot;

/**
 * An endpoint, as it was when it was asked for; freed by netns_endpoint_details_free.
 *
 * @ingroup netns_endpoint
 */
typedef struct netns_endpoint_details {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * The network's name.
     */
    const char *network;
    /**
     * Its name.
     */
    const char *name;
    /**
     * The IPv4 address that it has, with the subnet's prefix length; NULL for none.
     */
    const char *address;
    /**
     * The IPv6 address that it has, with the subnet's prefix length; NULL for none.
     */
    const char *address_ipv6;
    /**
     * The hardware address that it has; NULL for none.
     */
    const char *mac;
    /**
     * The path of the sandbox that it is in; NULL for none.
     */
    const char *sandbox;
    /**
     * NETNS_ENDPOINT_LINKED, or 0.
     */
    uint64_t flags;
    /**
     * The interface, from the call that made it: in the sandbox, or waiting in the host for
     * netns_sandbox_add_interface. NULL from other calls, and on a network without devices.
     */
    const struct netns_interface *interface;
    /**
     * All of it as JSON, with what was asked for as `config`.
     */
    const char *json;
    /**
     * Where its interface is counted, for netns_stats_read; NULL when it is not metered.
     */
    const struct netns_slot *slot;
    /**
     * The ports that are published, with the host's ports filled in: "41234:443/tcp". NULL when there are none.
     */
    const char *const *ports;
    /**
     * How many.
     */
    size_t port_count;
} netns_endpoint_details;

/**
 * Endpoints, freed by netns_endpoints_free.
 *
 * @ingroup netns_endpoint
 */
typedef struct netns_endpoints {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * The endpoints; NULL when there are none.
     */
    const struct netns_endpoint_details *const *endpoints;
    /**
     * How many.
     */
    size_t count;
} netns_endpoints;

/**
 * Something that happened, after it did; freed by netns_event_free.
 *
 * @ingroup netns_events
 */
typedef struct netns_event {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * A netns_event_kind.
     */
    int32_t kind;
    /**
     * The number of the process that did it.
     */
    uint32_t process;
    /**
     * When: milliseconds since 1970 in UTC.
     */
    uint64_t time_ms;
    /**
     * How many events this listener could not take since the one before.
     */
    uint64_t missed;
    /**
     * The name of the network; NULL where none is concerned.
     */
    const char *network;
    /**
     * The name of the endpoint; NULL where none is concerned.
     */
    const char *endpoint;
    /**
     * The key of the sandbox; NULL where none is concerned.
     */
    const char *sandbox;
} netns_event;

/**
 * Hears an event, which lasts until the callback returns and is not freed by it.
 *
 * @ingroup netns_events
 */
typedef void (*netns_event_callback)(void *user, const struct netns_event *event);

/**
 * Everything that a sandbox holds (seed 000, Info), as it was when it was asked for; freed by
 * netns_info_free.
 *
 * @ingroup netns_sandbox
 */
typedef struct netns_info {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * What joins and netns_sandbox_add_interface brought, never `lo`, by name.
     */
    const struct netns_interface *const *interfaces;
    /**
     * How many.
     */
    size_t interface_count;
    /**
     * IPv4 default gateway; NULL for none.
     */
    const char *gateway;
    /**
     * IPv6 default gateway; NULL for none.
     */
    const char *gateway_ipv6;
    /**
     * Static routes that this library added, through whatever interface.
     */
    const struct netns_route *const *routes;
    /**
     * How many.
     */
    size_t route_count;
} netns_info;

/**
 * What a network asks of its address management. It lasts until the callback returns.
 *
 * @ingroup netns_ipam
 */
typedef struct netns_pool_request {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * NETNS_POOL_ flags.
     */
    uint64_t flags;
    /**
     * The name of the address space.
     */
    const char *address_space;
    /**
     * The pool: "10.1.0.0/16"; NULL when the address management chooses one.
     */
    const char *pool;
    /**
     * The part of the pool that addresses come from when none is asked for by name; NULL for all of it.
     */
    const char *sub_pool;
    /**
     * What the pool must not overlap: the pools of other networks and the host's routes.
     */
    const char *const *in_use;
    /**
     * How many.
     */
    size_t in_use_count;
    /**
     * The options of the network's address management; NULL when there are none.
     */
    const struct netns_pair *options;
    /**
     * How many.
     */
    size_t option_count;
} netns_pool_request;

/**
 * What an endpoint, or a network for its gateway, asks of its address management. It lasts until the callback
 * returns.
 *
 * @ingroup netns_ipam
 */
typedef struct netns_address_request {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * The pool's id.
     */
    const char *pool;
    /**
     * The address: "10.1.0.5"; NULL for a free one.
     */
    const char *address;
    /**
     * Options; the request for a gateway has "RequestAddressType" as "com.docker.network.gateway". NULL when
     * there are none.
     */
    const struct netns_pair *options;
    /**
     * How many.
     */
    size_t option_count;
} netns_address_request;

/**
 * Address management: what hands out pools to networks and addresses to endpoints (Docker's IpamDriver).
 *
 * Each callback gets `user` first. What else it gets lasts until it returns; `reply` is for the thread that it
 * was called on.
 *
 * It returns 0, or a negative netns_status, with an error in `*ret_error` where it likes, as the callbacks of
 * netns_driver do. Every release may be repeated, and succeeds when there is nothing to release.
 *
 * Callbacks are called from any thread, several at once, in the network namespace of whoever called the
 * library, and leave the thread there. They may ask the controller for the list of networks, but must not
 * make, join or take away anything.
 *
 * @ingroup netns_ipam
 */
typedef struct netns_ipam {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * Is handed to the callbacks as it is.
     */
    void *user;
    /**
     * Is called once with `user` when it is needed no more: when the controller is closed, no object of it is
     * left, and no callback is inside. May be NULL.
     */
    netns_release_callback release;
    /**
     * The address spaces whose pools are chosen where nobody names one (GetDefaultAddressSpaces), answered with
     * netns_ipam_reply_set_address_spaces. NULL: LocalDefault and GlobalDefault, which are Docker's.
     */
    int32_t (*default_address_spaces)(void *user,
                                      struct netns_ipam_reply *reply,
                                      struct netns_error **ret_error);
    /**
     * A pool for a network (RequestPool), answered with netns_ipam_reply_set_pool. Must be set.
     */
    int32_t (*request_pool)(void *user,
                            const struct netns_pool_request *request,
                            struct netns_ipam_reply *reply,
                            struct netns_error **ret_error);
    /**
     * Gives a pool, which is known by its id, back with all its addresses (ReleasePool). Must be set.
     */
    int32_t (*release_pool)(void *user, const char *pool, struct netns_error **ret_error);
    /**
     * An address of a pool (RequestAddress), answered with netns_ipam_reply_set_address. Must be set.
     */
    int32_t (*request_address)(void *user,
                               const struct netns_address_request *request,
                               struct netns_ipam_reply *reply,
                               struct netns_error **ret_error);
    /**
     * Gives an address, "10.1.0.5", back (ReleaseAddress). Must be set.
     */
    int32_t (*release_address)(void *user,
                               const char *pool,
                               const char *address,
                               struct netns_error **ret_error);
} netns_ipam;

/**
 * A program that a hook runs (seed 003, Command).
 *
 * @ingroup netns_config
 */
typedef struct netns_hook_command {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * The absolute path of the program.
     */
    const char *path;
    /**
     * Its arguments, the first of which is what it is called by; the path alone when there are none.
     */
    const char *const *args;
    /**
     * How many.
     */
    size_t arg_count;
    /**
     * Its environment, "NAME=VALUE" each. It has none else.
     */
    const char *const *env;
    /**
     * How many.
     */
    size_t env_count;
    /**
     * The directory that it runs in; NULL for where the caller is.
     */
    const char *dir;
    /**
     * After how many nanoseconds it is killed, with all that it started in its process group; 0 for never.
     */
    uint64_t timeout_ns;
} netns_hook_command;

/**
 * The state of a container (OCI runtime specification, state), for a hook that is a function. It lasts until the
 * function returns.
 *
 * @ingroup netns_config
 */
typedef struct netns_hook_state {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * The version of the specification; may be empty.
     */
    const char *oci_version;
    /**
     * The container's id.
     */
    const char *id;
    /**
     * Where in its life the container is: "creating", "created", "running", "stopped", or a runtime's own word.
     */
    const char *status;
    /**
     * The absolute path of the container's bundle; may be empty.
     */
    const char *bundle;
    /**
     * What the config says beyond the specification; NULL when there is nothing.
     */
    const struct netns_pair *annotations;
    /**
     * How many.
     */
    size_t annotation_count;
    /**
     * All of it as JSON, as programs get it on their standard input.
     */
    const char *json;
    /**
     * The container's process in the runtime's PID namespace; 0 when there is none.
     */
    uint32_t pid;
    /**
     * 0.
     */
    uint32_t reserved;
} netns_hook_state;

/**
 * A hook that is a function (runc, FuncHook). It is not written as JSON.
 *
 * @ingroup netns_config
 */
typedef struct netns_hook_function {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * Is handed to the function as it is.
     */
    void *user;
    /**
     * Is called once with `user` when it is needed no more: when the config, and all setups that were made from
     * it, are freed. A forked child that frees what it inherited calls it for its own copy. May be NULL.
     */
    netns_release_callback release;
    /**
     * The function. It is called on the thread that runs the hooks, in whichever namespace that is, and may call
     * the library. It returns 0, or a negative netns_status, and may put an error in `*ret_error`, as a driver's
     * callback does (netns_driver). Must be set.
     */
    int32_t (*run)(void *user, const struct netns_hook_state *state, struct netns_error **ret_error);
} netns_hook_function;

/**
 * The network of a container, for the strategy that brings it (seed 001, Network).
 *
 * @ingroup netns_strategy
 */
typedef struct netns_strategy_network {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * The strategy's type: "veth", "loopback", "netns", or one that netns_strategy_register was given.
     */
    const char *network_type;
    /**
     * The path of a network namespace, for "netns"; else NULL.
     */
    const char *ns_path;
    /**
     * The bridge of the host that the pair's outer end is on, for "veth"; else NULL.
     */
    const char *bridge;
    /**
     * What the names of a pair begin with, for "veth"; seven hexadecimal digits follow. Else NULL.
     */
    const char *veth_prefix;
    /**
     * The interface's address with its prefix length: "10.1.0.2/16"; NULL for none.
     */
    const char *address;
    /**
     * The gateway of the default route through the interface: "10.1.0.1"; NULL for none.
     */
    const char *gateway;
    /**
     * The MTU in bytes of both ends of a pair; 0 leaves it alone. Not for "loopback".
     */
    uint32_t mtu;
    /**
     * 0.
     */
    uint32_t reserved;
} netns_strategy_network;

/**
 * A strategy: one way of giving a container its network, in two steps (seed 001, NetworkStrategy).
 *
 * Each callback gets `user` first. What else it gets lasts until it returns, and is for the thread that it was
 * called on. It returns 0, or a negative netns_status, and may put an error in `*ret_error`, as a driver's
 * callback does (netns_driver). What it changes in `state` counts when it succeeds; where it fails it leaves
 * nothing behind.
 *
 * Callbacks are called from any thread, several at once, and may call the library.
 *
 * @ingroup netns_strategy
 */
typedef struct netns_strategy {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * Is handed to the callbacks as it is. It has to last as long as the process.
     */
    void *user;
    /**
     * Does in the calling thread's namespace, the host's, what the container of process `pid` needs, and says in
     * `state` what that is. `pid` may be the number of a thread. What is said to be the pair's end in the host
     * is taken away when what follows fails, and by netns_setup_state_tear_down. Must be set.
     */
    int32_t (*create)(void *user,
                      const struct netns_strategy_network *network,
                      uint32_t pid,
                      struct netns_strategy_state *state,
                      struct netns_error **ret_error);
    /**
     * Completes it from within: the calling thread is in the container's namespace. Must be set.
     */
    int32_t (*initialize)(void *user,
                          const struct netns_strategy_network *network,
                          struct netns_strategy_state *state,
                          struct netns_error **ret_error);
} netns_strategy;

/**
 * The statistics of an interface, as its sandbox sees it (seed 001, NetworkStats). It never grows.
 *
 * @ingroup netns_meter
 */
typedef struct netns_stats {
    /**
     * Bytes received.
     */
    uint64_t rx_bytes;
    /**
     * Packets received.
     */
    uint64_t rx_packets;
    /**
     * Packets received that were in error.
     */
    uint64_t rx_errors;
    /**
     * Packets received that were dropped.
     */
    uint64_t rx_dropped;
    /**
     * Bytes sent.
     */
    uint64_t tx_bytes;
    /**
     * Packets sent.
     */
    uint64_t tx_packets;
    /**
     * Packets sent that were in error.
     */
    uint64_t tx_errors;
    /**
     * Packets sent that were dropped.
     */
    uint64_t tx_dropped;
} netns_stats;

/**
 * Hears a message of the log: its netns_log_level, the part of the library that it is from, its text. Both
 * strings last until the callback returns. It is called from any thread, several at once, from the middle of
 * whatever the library does: it must not call the library, and where it does the call answers
 * NETNS_STATUS_FORBIDDEN. What reads an object that is there, or frees an error, may be called.
 *
 * @ingroup netns_log
 */
typedef void (*netns_log_callback)(void *user,
                                   int32_t level,
                                   const char *target,
                                   const char *message);

/**
 * Where the counters are, and how many. All zeroes but the size are the defaults.
 *
 * @ingroup netns_meter
 */
typedef struct netns_meter_options {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * A directory on a bpf filesystem, which is made when it is missing; NULL for /sys/fs/bpf/libnetns.
     */
    const char *directory;
    /**
     * How many interfaces can be metered at once, 1 to 65,535; 0 for 4,096. It counts when the counters are
     * made; those that are there stay as they are. A slot takes 64 bytes for each processor, and 64 bytes
     * beside them.
     */
    uint32_t slots;
    /**
     * 0.
     */
    uint32_t reserved;
} netns_meter_options;

/**
 * What runs inside a namespace; what it returns is passed on.
 *
 * @ingroup netns_sandbox
 */
typedef int32_t (*netns_run_callback)(void *user);

/**
 * One subnet of a network.
 *
 * @ingroup netns_network
 */
typedef struct netns_subnet_config {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * The subnet, without bits beyond its prefix: "10.1.0.0/24".
     */
    const char *subnet;
    /**
     * The gateway: "10.1.0.1"; NULL for the first free address.
     */
    const char *gateway;
    /**
     * The part of the subnet from which endpoints get their addresses; NULL for all of it.
     */
    const char *range;
    /**
     * Addresses that others have, by their names: they are never given out.
     */
    const struct netns_pair *auxiliary;
    /**
     * How many.
     */
    size_t auxiliary_count;
} netns_subnet_config;

/**
 * A network's firewall: its way out, who may reach it, and what its endpoints may send. Of networks of type
 * "bridge" and "routed". All zeroes but the size are the defaults.
 *
 * @ingroup netns_firewall
 */
typedef struct netns_firewall_config {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * NETNS_FIREWALL_NO_ flags.
     */
    uint64_t flags;
    /**
     * A netns_firewall: what becomes of the network where there can be no firewall.
     */
    int32_t mode;
    /**
     * A netns_gateway: how the network is reached from outside.
     */
    int32_t gateway_mode;
    /**
     * A netns_isolate: who of this library's other networks may reach its endpoints.
     */
    int32_t isolate;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * The IPv4 address that packets leave with, "192.0.2.7"; NULL for that of the interface that they leave by.
     */
    const char *source;
    /**
     * The same of IPv6; NULL for that of the interface.
     */
    const char *source_ipv6;
} netns_firewall_config;

/**
 * What a network is to be. All zeroes but the size, the name and the type are the defaults.
 *
 * @ingroup netns_network
 */
typedef struct netns_network_config {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * Its name: 1 to 64 letters, digits, '_', '.' and '-', the first a letter or a digit.
     */
    const char *name;
    /**
     * Its type: "bridge", "routed", "macvlan", "host", "null", "loopback", or one that was registered.
     */
    const char *network_type;
    /**
     * NETNS_NETWORK_ flags.
     */
    uint64_t flags;
    /**
     * Its IPv4 subnet; NULL for one that is chosen.
     */
    const struct netns_subnet_config *ipv4;
    /**
     * Its IPv6 subnet; NULL for one that is chosen, when the flags ask for IPv6.
     */
    const struct netns_subnet_config *ipv6;
    /**
     * Who gives out its addresses; "static" for nobody, so that they are its caller's choice; NULL for "default".
     */
    const char *ipam;
    /**
     * Options of that.
     */
    const struct netns_pair *ipam_options;
    /**
     * How many.
     */
    size_t ipam_option_count;
    /**
     * Options of the driver; one that it does not know is an error that lists those that it knows.
     */
    const struct netns_pair *options;
    /**
     * How many.
     */
    size_t option_count;
    /**
     * For people and tools; the library reads none.
     */
    const struct netns_pair *labels;
    /**
     * How many.
     */
    size_t label_count;
    /**
     * A netns_metering: whether the interfaces of its endpoints are metered, where bpf is permitted.
     */
    int32_t meter;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * What stands between it and everything else; NULL for the defaults.
     */
    const struct netns_firewall_config *firewall;
} netns_network_config;

/**
 * A subnet of a network and how much of it is in use.
 *
 * @ingroup netns_network
 */
typedef struct netns_subnet {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * The subnet.
     */
    const char *subnet;
    /**
     * The gateway; NULL for none.
     */
    const char *gateway;
    /**
     * The part of the subnet from which endpoints get their addresses; NULL for all of it.
     */
    const char *range;
    /**
     * Addresses in use, the gateway and auxiliary ones too; UINT64_MAX for that many and more.
     */
    uint64_t used;
} netns_subnet;

/**
 * A network with its endpoints, as it was when it was asked for; freed by netns_network_details_free.
 *
 * @ingroup netns_network
 */
typedef struct netns_network_details {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * Its name.
     */
    const char *name;
    /**
     * Its type.
     */
    const char *network_type;
    /**
     * NETNS_NETWORK_ flags.
     */
    uint64_t flags;
    /**
     * Its subnets, at most one of each family.
     */
    const struct netns_subnet *const *subnets;
    /**
     * How many.
     */
    size_t subnet_count;
    /**
     * The names of its endpoints.
     */
    const char *const *endpoints;
    /**
     * How many.
     */
    size_t endpoint_count;
    /**
     * All of it as JSON: the definition, `endpoints`, `usage`.
     */
    const char *json;
} netns_network_details;

/**
 * A plugin that is there; whether it answers is not known.
 *
 * @ingroup netns_controller
 */
typedef struct netns_plugin {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * What it is called: the type of network that it drives, or the address management that it is.
     */
    const char *name;
    /**
     * Its socket, or the file that says where it is.
     */
    const char *path;
    /**
     * Where it is, as a URL; NULL when its file cannot be used.
     */
    const char *address;
    /**
     * What is wrong with its file; NULL when nothing is.
     */
    const char *error;
} netns_plugin;

/**
 * A list of plugins, freed by netns_plugins_free.
 *
 * @ingroup netns_controller
 */
typedef struct netns_plugins {
    /**
     * Bytes of this struct.
     */
    size_t size;
    /**
     * By their names; NULL when there are none.
     */
    const struct netns_plugin *const *plugins;
    /**
     * How many.
     */
    size_t count;
} netns_plugins;

/**
 * What an interface has received and sent, as its sandbox sees it, since it is metered. It never grows.
 *
 * @ingroup netns_meter
 */
typedef struct netns_counters {
    /**
     * Bytes received, Ethernet headers included.
     */
    uint64_t rx_bytes;
    /**
     * Packets received; what a network card or the kernel put together counts as one.
     */
    uint64_t rx_packets;
    /**
     * Bytes sent, Ethernet headers included.
     */
    uint64_t tx_bytes;
    /**
     * Packets sent; what is yet to be cut into segments counts as one.
     */
    uint64_t tx_packets;
} netns_counters;

/**
 * The counters of one slot, and whose it is. It never grows.
 *
 * @ingroup netns_meter
 */
typedef struct netns_reading {
    /**
     * The slot.
     */
    struct netns_slot slot;
    /**
     * What was counted.
     */
    struct netns_counters counters;
    /**
     * The network namespace in which the host's end is: its cookie (SO_NETNS_COOKIE), before Linux 5.14 the
     * number of its file with the highest bit set.
     */
    uint64_t namespace_cookie;
    /**
     * FNV-1a of "NETWORK/ENDPOINT", as the links' names have it; 0 for a link of netns_meter_attach.
     */
    uint64_t digest;
    /**
     * The index of the link that is metered.
     */
    uint32_t index;
    /**
     * The first eight hexadecimal digits of the mark of the run directory, as in " store=" of the link's
     * alias; 0 for a link of netns_meter_attach.
     */
    uint32_t mark;
    /**
     * NETNS_READING_INSIDE, or 0.
     */
    uint64_t flags;
} netns_reading;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * @defgroup netns_bridge Bridge networks without a controller
 * @{
 */

/**
 * Makes a bridge network, or takes over a bridge that exists (seed 002, NewNetwork).
 *
 * @param name        its name: 1 to 64 letters, digits, '_', '.' and '-', the first a letter or a digit
 * @param options     what it is to be; may be NULL, for the defaults
 * @param ret_bridge  the network, for netns_bridge_free
 * @param ret_error   what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST for options that contradict one another or the bridge that is there;
 *         NETNS_STATUS_ALREADY_EXISTS when what is called so is no bridge
 */
int32_t netns_bridge_create(const char *name,
                            const struct netns_bridge_options *options,
                            struct netns_bridge **ret_bridge,
                            struct netns_error **ret_error);

/**
 * Its name. Lasts as long as the object.
 *
 * @param bridge  the network; may be NULL, as is the answer then
 */
const char *netns_bridge_name(const struct netns_bridge *bridge);

/**
 * The name of the bridge itself, a link of the host. Lasts as long as the object.
 *
 * @param bridge  the network; may be NULL, as is the answer then
 */
const char *netns_bridge_device(const struct netns_bridge *bridge);

/**
 * The bridge's MTU in bytes, the most that an endpoint's can be.
 *
 * @param bridge  the network; may be NULL, and the answer is 0 then
 */
uint32_t netns_bridge_mtu(const struct netns_bridge *bridge);

/**
 * Makes an endpoint of two devices in the host: one on the bridge, one that is ready to move, which the
 * interface names (seed 002, Link). netns_bridge_join makes the same in a fraction of the time.
 *
 * @param bridge          the network
 * @param endpoint        what the endpoint is to be
 * @param ret_interfaces  the interface, to be handed to netns_sandbox_add_interface, for
 *                        netns_interfaces_free
 * @param ret_error       what went wrong; may be NULL
 * @return 0; NETNS_STATUS_ALREADY_EXISTS when the network has an endpoint of that name;
 *         NETNS_STATUS_BAD_REQUEST when the settings contradict one another or the network
 */
int32_t netns_bridge_link(const struct netns_bridge *bridge,
                          const struct netns_bridge_endpoint *endpoint,
                          struct netns_interfaces **ret_interfaces,
                          struct netns_error **ret_error);

/**
 * What netns_bridge_link would do.
 *
 * @param bridge     the network
 * @param endpoint   what the endpoint is to be
 * @param ret_plan   the plan, for netns_plan_free
 * @param ret_error  what went wrong; may be NULL
 * @return as of netns_bridge_link, as far as it can be known beforehand
 */
int32_t netns_bridge_plan_link(const struct netns_bridge *bridge,
                               const struct netns_bridge_endpoint *endpoint,
                               struct netns_plan **ret_plan,
                               struct netns_error **ret_error);

/**
 * Removes an endpoint, wherever its interface is by now; one that is gone is no error.
 *
 * @param bridge     the network
 * @param endpoint   the endpoint's name
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN
 */
int32_t netns_bridge_unlink(const struct netns_bridge *bridge,
                            const char *endpoint,
                            struct netns_error **ret_error);

/**
 * Joins a sandbox to the network: its interface is born inside with its final name, and is up and configured
 * when this returns.
 *
 * @param bridge          the network
 * @param sandbox         the sandbox
 * @param endpoint        what the endpoint is to be
 * @param ret_interfaces  that one interface, for netns_interfaces_free; may be NULL
 * @param ret_error       what went wrong; may be NULL
 * @return 0; NETNS_STATUS_ALREADY_EXISTS when the network has an endpoint of that name, the sandbox an
 *         interface of that name, or a route that the address overlaps; NETNS_STATUS_BAD_REQUEST when the
 *         settings contradict one another or the network; NETNS_STATUS_RESOURCE_EXHAUSTED when the bridge is
 *         full. Nothing is left behind.
 */
int32_t netns_bridge_join(const struct netns_bridge *bridge,
                          const struct netns_sandbox *sandbox,
                          const struct netns_bridge_endpoint *endpoint,
                          struct netns_interfaces **ret_interfaces,
                          struct netns_error **ret_error);

/**
 * What netns_bridge_join would do; netns_bridge_apply carries it out.
 *
 * @param bridge     the network
 * @param sandbox    the sandbox
 * @param endpoint   what the endpoint is to be
 * @param ret_plan   the plan, for netns_plan_free
 * @param ret_error  what went wrong; may be NULL
 * @return as of netns_bridge_join, as far as it can be known beforehand
 */
int32_t netns_bridge_plan_join(const struct netns_bridge *bridge,
                               const struct netns_sandbox *sandbox,
                               const struct netns_bridge_endpoint *endpoint,
                               struct netns_plan **ret_plan,
                               struct netns_error **ret_error);

/**
 * Carries out a plan of this network and a sandbox, as a whole or not at all.
 *
 * @param bridge     the network
 * @param plan       the plan
 * @param sandbox    the sandbox
 * @param ret_error  what went wrong; may be NULL. netns_error_rollback tells what could not be undone
 * @return 0, or that of the first step that failed
 */
int32_t netns_bridge_apply(const struct netns_bridge *bridge,
                           const struct netns_plan *plan,
                           const struct netns_sandbox *sandbox,
                           struct netns_error **ret_error);

/**
 * Deletes the network: the bridge when this library made it for this network, else the gateway addresses
 * that this library added alone. A network that is gone is no error. The object stays to be freed.
 *
 * @param bridge     the network
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BUSY when endpoints are left, with their number
 */
int32_t netns_bridge_delete(const struct netns_bridge *bridge,
                            struct netns_error **ret_error);

/**
 * Frees the object; the network stays.
 *
 * @param bridge  the object; may be NULL
 */
void netns_bridge_free(struct netns_bridge *bridge);

/** @} */

/**
 * @defgroup netns_controller Controllers
 * @{
 */

/**
 * Finds what processes that are gone left half done, or left although it should have gone with them, and
 * puts it right. What others made, and what processes that are alive are about to do, is left alone.
 *
 * @param controller     the controller
 * @param flags          NETNS_COLLECT_ flags
 * @param ret_collected  what was found, for netns_collected_free; may be NULL
 * @param ret_error      what went wrong; may be NULL
 * @return 0, also when something could not be put right: the findings say why
 */
int32_t netns_controller_collect(const struct netns_controller *controller,
                                 uint64_t flags,
                                 struct netns_collected **ret_collected,
                                 struct netns_error **ret_error);

/**
 * Frees what a collection found.
 *
 * @param collected  what it found; may be NULL
 */
void netns_collected_free(struct netns_collected *collected);

/**
 * Opens a controller, and puts right what processes that are gone left half done, unless a flag says not to.
 *
 * Its host is the network namespace of the calling thread. A store that cannot be read is moved aside and
 * made anew from what the kernel tells.
 *
 * @param options         where it keeps what; may be NULL, for the defaults
 * @param ret_controller  the controller, for netns_controller_close
 * @param ret_error       what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST for a directory that is not absolute;
 *         NETNS_STATUS_PERMISSION_DENIED without the right to write the run directory;
 *         NETNS_STATUS_FORBIDDEN when the run directory is another network namespace's
 */
int32_t netns_controller_open(const struct netns_controller_options *options,
                              struct netns_controller **ret_controller,
                              struct netns_error **ret_error);

/**
 * Closes a controller and frees it. What it made lasts as its options said. Networks, endpoints, sandboxes
 * and listeners that came from it stay usable; the store is closed with the last of them.
 *
 * @param controller  the controller; may be NULL
 */
void netns_controller_close(struct netns_controller *controller);

/**
 * The types of network that have a driver, sorted.
 *
 * @param controller  the controller
 * @param ret_names   the types, for netns_names_free
 * @param ret_error   what went wrong; may be NULL
 * @return 0
 */
int32_t netns_controller_network_types(const struct netns_controller *controller,
                                       struct netns_names **ret_names,
                                       struct netns_error **ret_error);

/** @} */

/**
 * @defgroup netns_driver Drivers
 * @{
 */

/**
 * Associates a driver with a type of network (seed 004, DriverCallback, RegisterDriver). It is known to this
 * controller alone: another, of another process or of this one, is told by a call of its own.
 *
 * @param controller    the controller whose networks it is for
 * @param network_type  the type: 1 to 64 letters, digits, `_`, `.` and `-`, the first a letter or a digit
 * @param driver        its callbacks; the library copies the struct
 * @param ret_error     what went wrong; may be NULL
 * @return 0; NETNS_STATUS_FORBIDDEN when the type has a driver (seed 004, ErrActiveRegistration);
 *         NETNS_STATUS_BAD_REQUEST for a callback that is missing, with its name. After a failure
 *         `driver->user` is the caller's as before, and `driver->release` is not called
 */
int32_t netns_driver_register(const struct netns_controller *controller,
                              const char *network_type,
                              const struct netns_driver *driver,
                              struct netns_error **ret_error);

/** @} */

/**
 * @addtogroup netns_controller
 * @{
 */

/**
 * Tells the drivers of global scope of a node, or of keys, that have come (seed 004, discoverapi.Discover,
 * DiscoverNew). Those that do not offer it are passed over.
 *
 * @param controller  the controller whose drivers are told
 * @param discovery   a netns_discovery
 * @param data        what was discovered, as the plugin protocol has it in JSON: {"Address": "192.0.2.1"}
 * @param ret_error   what went wrong; may be NULL
 * @return 0; the status of the first driver that fails, after all were told
 */
int32_t netns_controller_discover_new(const struct netns_controller *controller,
                                      int32_t discovery,
                                      const char *data,
                                      struct netns_error **ret_error);

/**
 * Tells the drivers of global scope of a node, or of keys, that have gone (seed 004, discoverapi.Discover,
 * DiscoverDelete). Those that do not offer it are passed over.
 *
 * @param controller  the controller whose drivers are told
 * @param discovery   a netns_discovery
 * @param data        what has gone, as of netns_controller_discover_new
 * @param ret_error   what went wrong; may be NULL
 * @return 0; the status of the first driver that fails, after all were told
 */
int32_t netns_controller_discover_delete(const struct netns_controller *controller,
                                         int32_t discovery,
                                         const char *data,
                                         struct netns_error **ret_error);

/** @} */

/**
 * @addtogroup netns_driver
 * @{
 */

/**
 * Registers the driver's interest in a table (seed 004, TableEventRegister), which is ignored for drivers of
 * local scope.
 *
 * @param info       what `create_network` got
 * @param table      the name of the table
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST for an empty name
 */
int32_t netns_driver_info_register_table(struct netns_driver_info *info,
                                         const char *table,
                                         struct netns_error **ret_error);

/**
 * The MAC address (seed 004, MacAddress): "02:42:0a:01:00:05"; NULL while there is none. It lasts until the
 * driver's callback returns.
 *
 * @param interface  the interface; may be NULL, as is the answer then
 */
const char *netns_driver_interface_mac(const struct netns_driver_interface *interface);

/**
 * The IPv4 address with its prefix length (seed 004, Address): "10.1.0.5/24"; NULL while there is none. It
 * lasts until the driver's callback returns.
 *
 * @param interface  the interface; may be NULL, as is the answer then
 */
const char *netns_driver_interface_address(const struct netns_driver_interface *interface);

/**
 * The IPv6 address with its prefix length (seed 004, AddressIPv6); NULL while there is none. It lasts until
 * the driver's callback returns.
 *
 * @param interface  the interface; may be NULL, as is the answer then
 */
const char *netns_driver_interface_address_ipv6(const struct netns_driver_interface *interface);

/**
 * Chooses the MAC address (seed 004, SetMacAddress).
 *
 * @param interface  what `create_endpoint` got
 * @param mac        the address: "02:42:0a:01:00:05"
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_FORBIDDEN when it has one
 */
int32_t netns_driver_interface_set_mac_address(struct netns_driver_interface *interface,
                                               const char *mac,
                                               struct netns_error **ret_error);

/**
 * Chooses the address of one family (seed 004, SetIPAddress).
 *
 * @param interface  what `create_endpoint` got
 * @param address    the address with its prefix length: "10.1.0.5/24" or "fd01::5/64"
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_FORBIDDEN when it has one of that family; NETNS_STATUS_BAD_REQUEST for the
 *         unspecified address
 */
int32_t netns_driver_interface_set_ip_address(struct netns_driver_interface *interface,
                                              const char *address,
                                              struct netns_error **ret_error);

/**
 * The endpoint's interface, as `create_endpoint` left it, to be read. It lasts until the driver's callback
 * returns.
 *
 * @param join  what `join` got; may be NULL, as is the answer then
 */
const struct netns_driver_interface *netns_join_interface(const struct netns_join *join);

/**
 * The MTU that the caller of the join wants, in bytes; 0 when it does not say.
 *
 * @param join  what `join` got; may be NULL, and the answer 0 then
 */
uint32_t netns_join_mtu(const struct netns_join *join);

/**
 * Names the device (seed 004, InterfaceNameInfo, SetNames). A second call overwrites the first.
 *
 * @param join       what `join` got
 * @param src_name   the device's name in the host, in the namespace that the controller was opened in. For
 *                   one that is born, a name that no other device there has
 * @param prefix     what its name in the sandbox begins with: "eth"; the lowest free number follows
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST for what is no interface name
 */
int32_t netns_join_set_names(struct netns_join *join,
                             const char *src_name,
                             const char *prefix,
                             struct netns_error **ret_error);

/**
 * The sandbox's IPv4 default gateway (seed 004, SetGateway).
 *
 * @param join       what `join` got
 * @param gateway    the address: "10.1.0.1"
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST for what is no IPv4 address
 */
int32_t netns_join_set_gateway(struct netns_join *join,
                               const char *gateway,
                               struct netns_error **ret_error);

/**
 * The sandbox's IPv6 default gateway (seed 004, SetGatewayIPv6).
 *
 * @param join       what `join` got
 * @param gateway    the address: "fd01::1"
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST for what is no IPv6 address
 */
int32_t netns_join_set_gateway_ipv6(struct netns_join *join,
                                    const char *gateway,
                                    struct netns_error **ret_error);

/**
 * Adds a route to the sandbox, besides or instead of a default gateway (seed 004, AddStaticRoute).
 *
 * @param join         what `join` got
 * @param destination  where it leads: "10.2.0.0/16"
 * @param route_type   a netns_route_type
 * @param next_hop     the next hop: "10.1.0.9"; may be NULL, as it is for a connected route and for no other
 * @param ret_error    what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST when a route by next hop has none or one of the other family, and when
 *         a connected one has any
 */
int32_t netns_join_add_static_route(struct netns_join *join,
                                    const char *destination,
                                    int32_t route_type,
                                    const char *next_hop,
                                    struct netns_error **ret_error);

/**
 * The sandbox gets no default gateway by this endpoint (seed 004, DisableGatewayService).
 *
 * @param join       what `join` got
 * @param ret_error  what went wrong; may be NULL
 * @return 0
 */
int32_t netns_join_disable_gateway_service(struct netns_join *join, struct netns_error **ret_error);

/**
 * Adds an entry to a table of the gossip layer (seed 004, AddTableEntry). A single host has no such layer:
 * the entry goes nowhere there.
 *
 * @param join        what `join` got
 * @param table       the table's name
 * @param key         the entry's key in it
 * @param value       a value that the driver alone understands; may be NULL when it has no bytes
 * @param value_size  how many bytes
 * @param ret_error   what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST without a table or a key
 */
int32_t netns_join_add_table_entry(struct netns_join *join,
                                   const char *table,
                                   const char *key,
                                   const uint8_t *value,
                                   size_t value_size,
                                   struct netns_error **ret_error);

/**
 * Describes how the device is born in the sandbox, at the price that the kernel charges for one device; needs
 * netns_join_set_names, too. A second call overwrites the first.
 *
 * @param join       what `join` got
 * @param birth      the device and what comes with it; the library copies it
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST for what cannot be a device
 */
int32_t netns_join_set_birth(struct netns_join *join,
                             const struct netns_birth *birth,
                             struct netns_error **ret_error);

/**
 * Adds an option whose value is a string. A second value of a key overwrites the first.
 *
 * @param reply      what the callback got
 * @param key        the key
 * @param value      the value
 * @param ret_error  what went wrong; may be NULL
 * @return 0
 */
int32_t netns_driver_reply_add(struct netns_driver_reply *reply,
                               const char *key,
                               const char *value,
                               struct netns_error **ret_error);

/**
 * Adds an option whose value is any JSON. A second value of a key overwrites the first.
 *
 * @param reply      what the callback got
 * @param key        the key
 * @param json       the value: "7", "{\"colour\": \"red\"}"
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST for what is no JSON
 */
int32_t netns_driver_reply_add_json(struct netns_driver_reply *reply,
                                    const char *key,
                                    const char *json,
                                    struct netns_error **ret_error);

/** @} */

/**
 * @defgroup netns_endpoint Endpoints
 * @{
 */

/**
 * Makes an endpoint with its addresses, for netns_endpoint_join later (seed 004, CreateEndpoint).
 *
 * @param network      the network
 * @param config       what the endpoint is to be
 * @param ret_details  the endpoint, for netns_endpoint_details_free; may be NULL
 * @param ret_error    what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when the network is gone; NETNS_STATUS_ALREADY_EXISTS when it has an
 *         endpoint of that name, or the address or a port that is wanted is taken, with the name of who has
 *         it; NETNS_STATUS_RESOURCE_EXHAUSTED when no address or port is left; NETNS_STATUS_BAD_REQUEST for
 *         ports as of netns_endpoint_publish. Nothing is left behind.
 */
int32_t netns_endpoint_create(const struct netns_network *network,
                              const struct netns_endpoint_config *config,
                              struct netns_endpoint_details **ret_details,
                              struct netns_error **ret_error);

/**
 * Joins a sandbox to a network by an endpoint that is made for it and goes with it: its addresses are
 * chosen, and its interface is up and configured when this returns.
 *
 * @param network      the network
 * @param sandbox      the sandbox
 * @param config       what the endpoint is to be
 * @param ret_details  the endpoint, for netns_endpoint_details_free; may be NULL
 * @param ret_error    what went wrong; may be NULL
 * @return as of netns_endpoint_create and netns_endpoint_join. Nothing is left behind.
 */
int32_t netns_endpoint_connect(const struct netns_network *network,
                               const struct netns_sandbox *sandbox,
                               const struct netns_endpoint_config *config,
                               struct netns_endpoint_details **ret_details,
                               struct netns_error **ret_error);

/**
 * What netns_endpoint_connect would do; nothing is recorded, and no address is kept.
 *
 * @param network    the network
 * @param sandbox    the sandbox
 * @param config     what the endpoint is to be
 * @param ret_plan   the plan, for netns_plan_free
 * @param ret_error  what went wrong; may be NULL
 * @return as of netns_endpoint_connect, as far as it can be known beforehand;
 *         NETNS_STATUS_NOT_IMPLEMENTED for a network whose driver acts by itself
 */
int32_t netns_endpoint_plan_connect(const struct netns_network *network,
                                    const struct netns_sandbox *sandbox,
                                    const struct netns_endpoint_config *config,
                                    struct netns_plan **ret_plan,
                                    struct netns_error **ret_error);

/**
 * Joins a sandbox to a network by an endpoint that was made before (seed 004, Join). Of several endpoints of
 * a sandbox the one with the highest priority gives it its default gateways.
 *
 * @param network      the network
 * @param endpoint     the endpoint's name
 * @param sandbox      the sandbox
 * @param ret_details  the endpoint, for netns_endpoint_details_free; may be NULL
 * @param ret_error    what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such endpoint; NETNS_STATUS_BUSY when it is in a sandbox;
 *         NETNS_STATUS_ALREADY_EXISTS when the sandbox has an interface of that name or a route that the
 *         address overlaps. The endpoint is then as it was.
 */
int32_t netns_endpoint_join(const struct netns_network *network,
                            const char *endpoint,
                            const struct netns_sandbox *sandbox,
                            struct netns_endpoint_details **ret_details,
                            struct netns_error **ret_error);

/**
 * Takes an endpoint out of its sandbox (seed 004, Leave); it keeps its addresses. An endpoint that is gone,
 * or in no sandbox, is no error, nor is a sandbox that is gone.
 *
 * @param network    the network
 * @param endpoint   the endpoint's name
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN
 */
int32_t netns_endpoint_leave(const struct netns_network *network,
                             const char *endpoint,
                             struct netns_error **ret_error);

/**
 * Takes an endpoint out of its sandbox and deletes it: netns_endpoint_leave and netns_endpoint_delete in one.
 *
 * @param network    the network
 * @param endpoint   the endpoint's name
 * @param ret_error  what went wrong; may be NULL
 * @return as of both
 */
int32_t netns_endpoint_disconnect(const struct netns_network *network,
                                  const char *endpoint,
                                  struct netns_error **ret_error);

/**
 * Deletes an endpoint and gives its addresses back (seed 004, DeleteEndpoint); one that is gone is no error.
 *
 * @param network    the network
 * @param endpoint   the endpoint's name
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BUSY when it is in a sandbox
 */
int32_t netns_endpoint_delete(const struct netns_network *network,
                              const char *endpoint,
                              struct netns_error **ret_error);

/**
 * Forgets an endpoint and frees its addresses whatever its driver says, as when a driver is gone for good:
 * what the driver made of it is the driver's to clear away. One that is gone is no error.
 *
 * @param network    the network
 * @param endpoint   the endpoint's name
 * @param ret_error  what went wrong; may be NULL
 * @return 0
 */
int32_t netns_endpoint_forget(const struct netns_network *network,
                              const char *endpoint,
                              struct netns_error **ret_error);

/**
 * An endpoint as it is now; netns_network_inspect lists their names.
 *
 * @param network      the network
 * @param endpoint     the endpoint's name
 * @param ret_details  the endpoint, for netns_endpoint_details_free
 * @param ret_error    what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when the network has none of that name
 */
int32_t netns_endpoint_info(const struct netns_network *network,
                            const char *endpoint,
                            struct netns_endpoint_details **ret_details,
                            struct netns_error **ret_error);

/**
 * The endpoints of all networks, by the names of these and theirs.
 *
 * @param controller     the controller
 * @param ret_endpoints  the endpoints, for netns_endpoints_free
 * @param ret_error      what went wrong; may be NULL
 * @return 0
 */
int32_t netns_endpoint_list(const struct netns_controller *controller,
                            struct netns_endpoints **ret_endpoints,
                            struct netns_error **ret_error);

/**
 * Frees a list of endpoints.
 *
 * @param endpoints  the list; may be NULL
 */
void netns_endpoints_free(struct netns_endpoints *endpoints);

/**
 * What the driver knows of an endpoint (seed 004, EndpointOperInfo).
 *
 * @param network    the network
 * @param endpoint   the endpoint's name
 * @param ret_json   a JSON object, for netns_text_free
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when the network has none of that name
 */
int32_t netns_endpoint_oper_info(const struct netns_network *network,
                                 const char *endpoint,
                                 char **ret_json,
                                 struct netns_error **ret_error);

/**
 * Frees an endpoint's details.
 *
 * @param details  the details; may be NULL
 */
void netns_endpoint_details_free(struct netns_endpoint_details *details);

/** @} */

/**
 * @defgroup netns_values Names, pairs and texts
 * @{
 */

/**
 * Frees a text that the library handed out by itself.
 *
 * @param text  the text; may be NULL
 */
void netns_text_free(char *text);

/** @} */

/**
 * @defgroup netns_error Errors
 * @{
 */

/**
 * The name of a status without its prefix: "BUSY". "UNKNOWN" for a number that is none. It lasts as long as
 * the program.
 */
const char *netns_status_name(int32_t status);

/**
 * Makes an error, for a callback to hand to the library by its `ret_error`.
 *
 * @param status     what kind of failure it is; NETNS_STATUS_PANIC, and a number that is none of a failure's,
 *                   count as NETNS_STATUS_SYSTEM
 * @param operation  what was attempted, a verb phrase: "create link"; may be NULL
 * @param subject    the object that it was attempted on; may be NULL
 * @param cause      what is wrong, or what to do about it; may be NULL
 * @param number     the system's error number, 0 when there is none
 * @return the error, never NULL. The library frees it when it was handed over, else netns_error_free does.
 */
struct netns_error *netns_error_new(int32_t status,
                                    const char *operation,
                                    const char *subject,
                                    const char *cause,
                                    int32_t number);

/**
 * Says what an error that netns_error_new made is to the program, such as an object of its own language: an error
 * that a call ends with because a callback handed this one over has it, too. For an error that no other thread
 * knows of yet; a second call does nothing.
 *
 * @param error    the error; may be NULL, and nothing is done then
 * @param user     what netns_error_user will say
 * @param release  is called once with `user`, when the last error that has it is freed, and not when nothing was
 *                 done; may be NULL
 * @return 1; 0 when nothing was done
 */
int32_t netns_error_set_user(struct netns_error *error,
                             void *user,
                             netns_release_callback release);

/**
 * What netns_error_set_user said of it, or of the error that it comes from; NULL when nobody did. Lasts as long as
 * the error.
 */
void *netns_error_user(const struct netns_error *error);

/**
 * What kind of failure it is: a negative netns_status, the one that the call returned.
 */
int32_t netns_error_kind(const struct netns_error *error);

/**
 * The whole error for people: "operation subject: cause", with the kernel's own words where there are any,
 * and what could not be undone. Lasts as long as the error.
 */
const char *netns_error_message(const struct netns_error *error);

/**
 * What was attempted, a verb phrase: "create link". Lasts as long as the error.
 */
const char *netns_error_operation(const struct netns_error *error);

/**
 * The object that it was attempted on. Lasts as long as the error.
 */
const char *netns_error_subject(const struct netns_error *error);

/**
 * The system's error number (errno(3)), 0 when there is none.
 */
int32_t netns_error_errno(const struct netns_error *error);

/**
 * The kernel's own words from its extended acknowledgement, NULL when there are none. Lasts as long as the
 * error.
 */
const char *netns_error_kernel_message(const struct netns_error *error);

/**
 * How many things could not be undone on the way back; 0 when the state is as it was before the call.
 */
size_t netns_error_rollback_count(const struct netns_error *error);

/**
 * Why one of them could not be undone, NULL beyond their number. Lasts as long as the error that it is of,
 * and is not freed.
 */
const struct netns_error *netns_error_rollback(const struct netns_error *error,
                                               size_t index);

/**
 * Frees an error; NULL is fine.
 */
void netns_error_free(struct netns_error *error);

/** @} */

/**
 * @defgroup netns_events Events
 * @{
 */

/**
 * Begins to listen. A thread of the library's takes events out of the kernel's short queue until the object
 * is freed.
 *
 * @param controller  the controller in whose run directory it happens
 * @param ret_events  the listener, for netns_events_free
 * @param ret_error   what went wrong; may be NULL
 * @return 0; NETNS_STATUS_RESOURCE_EXHAUSTED at the limit of descriptors or threads
 */
int32_t netns_events_open(const struct netns_controller *controller,
                          struct netns_events **ret_events,
                          struct netns_error **ret_error);

/**
 * The next event. Of several threads that wait one gets it.
 *
 * @param events      the listener
 * @param timeout_ms  how long to wait for it, in milliseconds; 0 does not wait, -1 waits until it comes, or
 *                    netns_events_close is called
 * @param ret_event   the event, for netns_event_free; NULL when none came in time, or netns_events_close was
 *                    called
 * @param ret_error   what went wrong; may be NULL
 * @return 0, also when none came
 */
int32_t netns_events_next(const struct netns_events *events,
                          int32_t timeout_ms,
                          struct netns_event **ret_event,
                          struct netns_error **ret_error);

/**
 * Ends the waiting of netns_events_next, now and from now on, from any thread. The object stays to be freed
 * when no thread is inside any more.
 *
 * @param events  the listener; may be NULL
 */
void netns_events_close(const struct netns_events *events);

/**
 * Stops listening and frees the listener.
 *
 * @param events  the listener; may be NULL
 */
void netns_events_free(struct netns_events *events);

/**
 * Frees an event.
 *
 * @param event  the event; may be NULL
 */
void netns_event_free(struct netns_event *event);

/**
 * Has a callback hear what happens from now on, one event at a time, on a thread of the library's.
 *
 * @param controller        the controller in whose run directory it happens
 * @param callback          hears it; it may call the library, and free the subscription where it has it: the
 *                          first call may come before ret_subscription is written
 * @param user              is handed to the callback as it is; may be NULL
 * @param release           is told when `user` is needed no more; may be NULL. Not called when this function
 *                          fails
 * @param ret_subscription  the subscription, for netns_subscription_free
 * @param ret_error         what went wrong; may be NULL
 * @return 0; NETNS_STATUS_RESOURCE_EXHAUSTED at the limit of descriptors or threads
 */
int32_t netns_events_subscribe(const struct netns_controller *controller,
                               netns_event_callback callback,
                               void *user,
                               netns_release_callback release,
                               struct netns_subscription **ret_subscription,
                               struct netns_error **ret_error);

/**
 * Ends a subscription: the callback is not called any more when this returns, unless it is the callback
 * itself that calls this.
 *
 * @param subscription  the subscription; may be NULL
 */
void netns_subscription_free(struct netns_subscription *subscription);

/** @} */

/**
 * @addtogroup netns_endpoint
 * @{
 */

/**
 * Publishes ports of an endpoint, besides those that it has. Those of an endpoint that is in no sandbox are
 * kept for it, and open when it joins one.
 *
 * @param network        the network
 * @param endpoint       the endpoint's name
 * @param ports          the ports, as `ports` of netns_endpoint_config; not looked at when `port_count` is 0
 * @param port_count     how many
 * @param ret_published  the same with the host's ports filled in, in that order, for netns_names_free; may be
 *                       NULL
 * @param ret_error      what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such endpoint; NETNS_STATUS_ALREADY_EXISTS when a port is
 *         another endpoint's, or a socket of the host listens on it, with the name of either;
 *         NETNS_STATUS_RESOURCE_EXHAUSTED when no port is left to choose; NETNS_STATUS_BAD_REQUEST for what is
 *         no port, for an address that is not the host's or of a family that the endpoint has not, and for a
 *         network without a firewall; NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN. No port is then
 *         published.
 */
int32_t netns_endpoint_publish(const struct netns_network *network,
                               const char *endpoint,
                               const char *const *ports,
                               size_t port_count,
                               struct netns_names **ret_published,
                               struct netns_error **ret_error);

/**
 * Withdraws ports of an endpoint, each as it was published or is shown: connections by them end. One that
 * leaves the host's port open is any such.
 *
 * @param network     the network
 * @param endpoint    the endpoint's name
 * @param ports       the ports, as `ports` of netns_endpoint_config; not looked at when `port_count` is 0
 * @param port_count  how many
 * @param ret_error   what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when one is not published, or there is no such endpoint: none is withdrawn
 *         then; NETNS_STATUS_BAD_REQUEST for what is no port; NETNS_STATUS_PERMISSION_DENIED without
 *         CAP_NET_ADMIN
 */
int32_t netns_endpoint_withdraw(const struct netns_network *network,
                                const char *endpoint,
                                const char *const *ports,
                                size_t port_count,
                                struct netns_error **ret_error);

/** @} */

/**
 * @addtogroup netns_controller
 * @{
 */

/**
 * Puts the firewall back as the store has it, after somebody flushed the ruleset or loaded another: tables,
 * chains, endpoints, published ports and forwarding, also on links that lead elsewhere since. What is there
 * already stays.
 *
 * @param controller  the controller
 * @param ret_error   what went wrong; may be NULL
 * @return 0, also when no network has a firewall; NETNS_STATUS_UNSUPPORTED where the kernel has no nf_tables;
 *         NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN; NETNS_STATUS_ALREADY_EXISTS when a table of
 *         that name is not of this version of the library
 */
int32_t netns_controller_restore_firewall(const struct netns_controller *controller,
                                          struct netns_error **ret_error);

/**
 * Has a thread of the library's do as netns_controller_restore_firewall whenever the tables vanish. What
 * fails there goes to the log, and is tried again, less and less often.
 *
 * @param controller  the controller; its store stays open as long as the object is there
 * @param ret_watch   the watch, for netns_firewall_watch_free
 * @param ret_error   what went wrong; may be NULL
 * @return 0; NETNS_STATUS_UNSUPPORTED where the kernel has no nf_tables; NETNS_STATUS_PERMISSION_DENIED without
 *         CAP_NET_ADMIN; NETNS_STATUS_RESOURCE_EXHAUSTED at the limit of descriptors or threads
 */
int32_t netns_controller_watch_firewall(const struct netns_controller *controller,
                                        struct netns_firewall_watch **ret_watch,
                                        struct netns_error **ret_error);

/** @} */

/**
 * @defgroup netns_firewall Firewall
 * @{
 */

/**
 * Stops watching and frees the watch. The firewall stays. It waits for the thread, some 200 ms at most when that
 * is not at work.
 *
 * @param watch  the watch; may be NULL
 */
void netns_firewall_watch_free(struct netns_firewall_watch *watch);

/** @} */

/**
 * @defgroup netns_interface Interfaces, routes and neighbours
 * @{
 */

/**
 * Frees a list of interfaces.
 *
 * @param interfaces  the list; may be NULL
 */
void netns_interfaces_free(struct netns_interfaces *interfaces);

/** @} */

/**
 * @defgroup netns_sandbox Sandboxes
 * @{
 */

/**
 * Frees what a sandbox holds.
 *
 * @param info  what it holds; may be NULL
 */
void netns_info_free(struct netns_info *info);

/** @} */

/**
 * @defgroup netns_ipam Address management
 * @{
 */

/**
 * Makes an address management known by a name, for networks whose definition says so. It is known to this
 * controller alone.
 *
 * @param controller  the controller whose networks it is for
 * @param name        the name: 1 to 64 letters, digits, `_`, `.` and `-`, the first a letter or a digit
 * @param ipam        its callbacks; the library copies the struct
 * @param ret_error   what went wrong; may be NULL
 * @return 0; NETNS_STATUS_FORBIDDEN when the name is taken; NETNS_STATUS_BAD_REQUEST for a callback that is
 *         missing, with its name. After a failure `ipam->user` is the caller's as before, and `ipam->release`
 *         is not called
 */
int32_t netns_ipam_register(const struct netns_controller *controller,
                            const char *name,
                            const struct netns_ipam *ipam,
                            struct netns_error **ret_error);

/**
 * Answers `default_address_spaces`.
 *
 * @param reply      what the callback got
 * @param local      the name of the address space of networks of one host
 * @param global     the name of the address space of networks that span hosts
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST for what is no name; NETNS_STATUS_FORBIDDEN in another callback
 */
int32_t netns_ipam_reply_set_address_spaces(struct netns_ipam_reply *reply,
                                            const char *local,
                                            const char *global,
                                            struct netns_error **ret_error);

/**
 * Answers `request_pool`.
 *
 * @param reply      what the callback got
 * @param pool       the pool, without host bits: "10.1.0.0/16"
 * @param id         how the pool is known from now on: text of 1 to 1,024 bytes without control characters, which
 *                   the callbacks get again; may be NULL, for the address space, the pool and the sub-pool of the
 *                   request, as in "LocalDefault/10.1.0.0/16"
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST for what is no pool, or no such text; NETNS_STATUS_FORBIDDEN in another
 *         callback
 */
int32_t netns_ipam_reply_set_pool(struct netns_ipam_reply *reply,
                                  const char *pool,
                                  const char *id,
                                  struct netns_error **ret_error);

/**
 * Answers `request_address`.
 *
 * @param reply      what the callback got
 * @param address    the address with the pool's prefix length: "10.1.0.5/16"
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST for what is no such address; NETNS_STATUS_FORBIDDEN in another callback
 */
int32_t netns_ipam_reply_set_address(struct netns_ipam_reply *reply,
                                     const char *address,
                                     struct netns_error **ret_error);

/**
 * Adds what the address management says besides, to a pool or an address. A second value of a key overwrites
 * the first.
 *
 * @param reply      what the callback got
 * @param key        the key
 * @param value      the value
 * @param ret_error  what went wrong; may be NULL
 * @return 0
 */
int32_t netns_ipam_reply_add_data(struct netns_ipam_reply *reply,
                                  const char *key,
                                  const char *value,
                                  struct netns_error **ret_error);

/** @} */

/**
 * @defgroup netns_config Configs of containers, namespaces and hooks
 * @{
 */

/**
 * Runs a hook's program on the calling thread's behalf and in its namespaces, with the container's state on its
 * standard input, and waits until it ends.
 *
 * All that it writes to standard output and standard error is read, so that it never waits, and the first and
 * last 2 KiB of each are kept for the error. Processes that it leaves behind are not waited for.
 *
 * @param command    the program
 * @param oci_state  the container's state as JSON (OCI runtime specification): {"id": "web", "status": "created"}
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST when the command or the state cannot be right; NETNS_STATUS_NOT_FOUND and
 *         NETNS_STATUS_PERMISSION_DENIED when there is no such program, or it cannot be executed;
 *         NETNS_STATUS_SYSTEM, with how it ended and what it wrote, when it fails, with the error number ETIME
 *         when it was killed after its timeout
 */
int32_t netns_hook_command_run(const struct netns_hook_command *command,
                               const char *oci_state,
                               struct netns_error **ret_error);

/**
 * Reads a config from JSON, of which 4 MiB at most; the "config" of a runc state file is one, too. Nothing is
 * checked but that it fits, for which netns_config_check is there; what is not known is passed over.
 *
 * @param json        the config
 * @param ret_config  the config, for netns_config_free
 * @param ret_error   what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST, with line and column, for what is no such JSON
 */
int32_t netns_config_from_json(const char *json,
                               struct netns_config **ret_config,
                               struct netns_error **ret_error);

/**
 * The config as JSON, byte by byte as Go's encoding/json writes it. Hooks that are functions are left out, with a
 * warning in the log.
 *
 * @param config     the config
 * @param ret_json   the JSON, for netns_text_free
 * @param ret_error  what went wrong; may be NULL
 * @return 0
 */
int32_t netns_config_json(const struct netns_config *config,
                          char **ret_json,
                          struct netns_error **ret_error);

/**
 * Finds what cannot be right in namespaces, networks, routes and hooks, whatever the host is like, and touches
 * nothing. It does not ask whether there is a strategy for a network's type: netns_setup_from_config does.
 *
 * @param config     the config
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST, with the place in the config and the rule that it breaks: networks or
 *         routes without a NEWNET, one type of namespace twice, a path that is not absolute, two networks that
 *         name one interface, a value that is none
 */
int32_t netns_config_check(const struct netns_config *config,
                           struct netns_error **ret_error);

/**
 * Adds a hook that is a program, after those of that turning point.
 *
 * @param config     the config
 * @param hook       a netns_hook: when it runs
 * @param command    the program
 * @param ret_error  what went wrong; may be NULL
 * @return 0. What cannot be right of a command netns_config_check finds.
 */
int32_t netns_config_add_command(struct netns_config *config,
                                 int32_t hook,
                                 const struct netns_hook_command *command,
                                 struct netns_error **ret_error);

/**
 * Adds a hook that is a function, after those of that turning point.
 *
 * @param config     the config
 * @param hook       a netns_hook: when it runs
 * @param function   the function; the library copies the struct
 * @param ret_error  what went wrong; may be NULL
 * @return 0. After a failure `function->user` is the caller's as before, and `function->release` is not called
 */
int32_t netns_config_add_function(struct netns_config *config,
                                  int32_t hook,
                                  const struct netns_hook_function *function,
                                  struct netns_error **ret_error);

/**
 * How many hooks there are at a turning point.
 *
 * @param config  the config; may be NULL, which has none
 * @param hook    a netns_hook; of another number there is none
 */
size_t netns_config_hook_count(const struct netns_config *config, int32_t hook);

/**
 * Runs the hooks of a turning point, one after the other, on the calling thread and in its namespaces (seed 003,
 * Hooks.Run).
 *
 * The first that fails ends it. But NETNS_HOOK_POSTSTART and NETNS_HOOK_POSTSTOP are past undoing: there all run,
 * the first failure is returned at the end, and the others are in the log.
 *
 * @param config     the config
 * @param hook       a netns_hook: which
 * @param oci_state  the container's state as JSON (OCI runtime specification): {"id": "web", "status": "created"}
 * @param ret_error  what went wrong; may be NULL
 * @return 0, also when there are none; NETNS_STATUS_BAD_REQUEST for what is no such JSON; that of the hook, with
 *         its name and number
 */
int32_t netns_config_run_hooks(const struct netns_config *config,
                               int32_t hook,
                               const char *oci_state,
                               struct netns_error **ret_error);

/**
 * Frees a config. Setups that were made from it keep what they need.
 *
 * @param config  the config; may be NULL
 */
void netns_config_free(struct netns_config *config);

/**
 * What a turning point is called in JSON: "createRuntime"; NULL for a number that is none. It lasts as long as the
 * program.
 *
 * @param hook  a netns_hook
 */
const char *netns_hook_name(int32_t hook);

/**
 * The turning point that is called so in JSON.
 *
 * @param text      the name: "createRuntime"
 * @param ret_hook  a netns_hook
 * @param ret_error what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST when it is none, with those that there are
 */
int32_t netns_hook_from_name(const char *text, int32_t *ret_hook, struct netns_error **ret_error);

/** @} */

/**
 * @defgroup netns_namespace Namespaces
 * @{
 */

/**
 * runc's name for a type of namespace: "NEWNET"; NULL for a number that is none. It lasts as long as the program.
 *
 * @param type  a netns_namespace_type
 */
const char *netns_namespace_type_name(int32_t type);

/**
 * The file of a type of namespace in /proc/PID/ns: "net", "mnt" (seed 003, NsName); NULL for a number that is none.
 * It lasts as long as the program.
 *
 * @param type  a netns_namespace_type
 */
const char *netns_namespace_type_file(int32_t type);

/**
 * The flag of a type of namespace, of clone(2) and unshare(2), such as CLONE_NEWNET; 0 for a number that is none.
 *
 * @param type  a netns_namespace_type
 */
uint64_t netns_namespace_type_clone_flag(int32_t type);

/**
 * Whether this kernel has namespaces of a type: 1 or 0 (seed 003, IsNamespaceSupported). The first call looks
 * into /proc/self/ns.
 *
 * @param type  a netns_namespace_type; another number is none that it has
 */
int32_t netns_namespace_type_is_supported(int32_t type);

/**
 * The type of namespace that runc calls so.
 *
 * @param text      the name: "NEWNET"
 * @param ret_type  a netns_namespace_type
 * @param ret_error what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST when it is none, with those that there are
 */
int32_t netns_namespace_type_from_name(const char *text,
                                       int32_t *ret_type,
                                       struct netns_error **ret_error);

/** @} */

/**
 * @addtogroup netns_config
 * @{
 */

/**
 * How many namespaces a config has.
 *
 * @param config  the config; may be NULL, which has none
 */
size_t netns_config_namespace_count(const struct netns_config *config);

/**
 * The type of one of a config's namespaces, in the order in which they were added: a netns_namespace_type, 0
 * beyond their number.
 *
 * @param config  the config; may be NULL, as if it had none
 * @param index   which, from 0 on
 */
int32_t netns_config_namespace(const struct netns_config *config,
                               size_t index);

/**
 * Whether a config has a namespace of a type, new or to be joined: 1 or 0 (seed 003, Namespaces.Contains).
 *
 * @param config  the config; may be NULL, which has none
 * @param type    a netns_namespace_type
 */
int32_t netns_config_has_namespace(const struct netns_config *config,
                                   int32_t type);

/**
 * The path of the namespace of a type that the container joins (seed 003, Namespaces.PathOf): empty when it gets
 * a new one, NULL when there is none. Lasts until the config changes or is freed.
 *
 * @param config  the config; may be NULL, as is the answer then
 * @param type    a netns_namespace_type
 */
const char *netns_config_namespace_path(const struct netns_config *config,
                                        int32_t type);

/**
 * Whether the container gets a new namespace of a type: 1 or 0 (runc, Namespaces.IsPrivate).
 *
 * @param config  the config; may be NULL, which has none
 * @param type    a netns_namespace_type
 */
int32_t netns_config_is_private(const struct netns_config *config, int32_t type);

/**
 * The flags of clone(2) and unshare(2) of all namespaces that are new, those with a path left out (seed 003,
 * Namespaces.CloneFlags). CLONE_NEWTIME, 0x80, is for unshare(2) and clone3(2) alone: clone(2) would take it for a
 * signal.
 *
 * @param config  the config; may be NULL, which has none
 */
uint64_t netns_config_clone_flags(const struct netns_config *config);

/**
 * Adds a namespace to a config, or gives the one of that type another path (seed 003, Namespaces.Add).
 *
 * @param config     the config
 * @param type       a netns_namespace_type
 * @param path       where the one to join is: "/proc/1/ns/net"; may be NULL or empty, for a new one
 * @param ret_error  what went wrong; may be NULL
 * @return 0
 */
int32_t netns_config_add_namespace(struct netns_config *config,
                                   int32_t type,
                                   const char *path,
                                   struct netns_error **ret_error);

/**
 * Takes the namespace of a type out of a config (seed 003, Namespaces.Remove).
 *
 * @param config       the config
 * @param type         a netns_namespace_type
 * @param ret_removed  1 when there was one, else 0; may be NULL
 * @param ret_error    what went wrong; may be NULL
 * @return 0, also when there is none
 */
int32_t netns_config_remove_namespace(struct netns_config *config,
                                      int32_t type,
                                      int32_t *ret_removed,
                                      struct netns_error **ret_error);

/** @} */

/**
 * @defgroup netns_strategy Networks of containers, by strategies
 * @{
 */

/**
 * Reads a network from the JSON of seed 001; what is not known is passed over.
 *
 * @param json         the network: {"type": "veth", "bridge": "br0", "veth_prefix": "veth"}
 * @param ret_network  the network, for netns_strategy_network_free
 * @param ret_error    what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST, with line and column, for what is no such JSON
 */
int32_t netns_strategy_network_from_json(const char *json,
                                         struct netns_strategy_network **ret_network,
                                         struct netns_error **ret_error);

/**
 * A network in the JSON of seed 001, byte by byte as Go's encoding/json writes it.
 *
 * @param network    the network
 * @param ret_json   the JSON, for netns_text_free
 * @param ret_error  what went wrong; may be NULL
 * @return 0
 */
int32_t netns_strategy_network_json(const struct netns_strategy_network *network,
                                    char **ret_json,
                                    struct netns_error **ret_error);

/**
 * Frees a network that was read from JSON.
 *
 * @param network  the network; may be NULL
 */
void netns_strategy_network_free(struct netns_strategy_network *network);

/** @} */

/**
 * @defgroup netns_setup Networks of containers, as configs have them
 * @{
 */

/**
 * The network of a config, all of it checked. Nothing is asked of the kernel.
 *
 * @param config     the config; what becomes of it later does not matter
 * @param id         the container's id, 1 to 128 ASCII letters, digits, `_`, `+`, `.` and `-`. The names of links
 *                   in the host that the config leaves open follow from it, and their aliases say it, so that
 *                   netns_setup_tear_down finds them by itself; may be NULL, for names that are drawn
 * @param ret_setup  the setup, for netns_setup_free
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST as of netns_config_check, for a "veth" without a bridge, for two networks
 *         whose interfaces would have one name, and for what is no id; NETNS_STATUS_NOT_FOUND for a type of
 *         network that is not known, with the known ones
 */
int32_t netns_setup_from_config(const struct netns_config *config,
                                const char *id,
                                struct netns_setup **ret_setup,
                                struct netns_error **ret_error);

/**
 * What netns_setup_up would do, hooks left out. What the config leaves open, MAC addresses and without an id names
 * in the host, is drawn anew each time.
 *
 * @param setup      the setup
 * @param pid        the container's process; 0 where `path`, or the config, says which container
 * @param path       the path of the container's network namespace; may be NULL, where `pid`, or the config, says
 *                   which
 * @param ret_plan   the plan, for netns_plan_free
 * @param ret_error  what went wrong; may be NULL
 * @return 0; as of netns_setup_up, as far as it can be known beforehand; NETNS_STATUS_NOT_IMPLEMENTED where a
 *         strategy does its work by itself
 */
int32_t netns_setup_plan(const struct netns_setup *setup,
                         uint32_t pid,
                         const char *path,
                         struct netns_plan **ret_plan,
                         struct netns_error **ret_error);

/**
 * Brings up the networks and then the routes of a container, and runs the config's hooks NETNS_HOOK_PRESTART and
 * then NETNS_HOOK_CREATE_RUNTIME on the calling thread.
 *
 * The container is the one of `pid` or `path`; without both, that of the path that the config has for NEWNET, or
 * else that of the process of `oci_state`. A config without networks and routes needs none.
 *
 * @param setup      the setup
 * @param pid        the container's process; 0 where something else says which container
 * @param path       the path of the container's network namespace; may be NULL, where something else says which
 * @param oci_state  the container's state as JSON (OCI runtime specification), which the hooks get with the status
 *                   "creating": {"id": "web", "status": "created", "pid": 4711}
 * @param ret_state  what there is to take down, for netns_setup_state_free
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such container or it ends meanwhile, no such bridge, or no
 *         such interface for a route; NETNS_STATUS_BAD_REQUEST for what is no such JSON, when it is not said which
 *         container, when it has no network namespace of its own, and when a bridge is none;
 *         NETNS_STATUS_ALREADY_EXISTS when a name is taken in the container or in the host, an address overlaps a
 *         route, or there is a default route where there is a gateway; NETNS_STATUS_PERMISSION_DENIED without
 *         CAP_NET_ADMIN and CAP_SYS_ADMIN; those of strategies and of hooks. Nothing is left behind, but for what
 *         strategies and hooks do that no state tells of.
 */
int32_t netns_setup_up(const struct netns_setup *setup,
                       uint32_t pid,
                       const char *path,
                       const char *oci_state,
                       struct netns_setup_state **ret_state,
                       struct netns_error **ret_error);

/**
 * Runs the config's hooks NETNS_HOOK_POSTSTART: for when the container's program has started. All run, whatever one
 * of them does.
 *
 * @param setup      the setup
 * @param oci_state  the container's state as JSON (OCI runtime specification), which the hooks get with the status
 *                   "running"
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST for what is no such JSON; that of the first hook that fails
 */
int32_t netns_setup_poststart(const struct netns_setup *setup,
                              const char *oci_state,
                              struct netns_error **ret_error);

/**
 * Takes away what netns_setup_up of the same config and id made, in whatever process, by names and aliases, as
 * netns_setup_state_tear_down does: what leads to the namespace of the path that the config has for NEWNET, or to one
 * that no process is in any more. What a strategy made by itself is not known here, nor whose the routes through
 * interfaces of others are: those stay. It may be repeated.
 *
 * @param setup      the setup
 * @param ret_error  what went wrong; may be NULL
 * @return 0, also when it is gone; NETNS_STATUS_BAD_REQUEST without an id; NETNS_STATUS_BUSY, and it stays, where a
 *         process is in the namespace of another path: the container runs, or another one has its id;
 *         NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN. One thing that cannot be taken away does not keep
 *         others.
 */
int32_t netns_setup_tear_down(const struct netns_setup *setup,
                              struct netns_error **ret_error);

/**
 * As netns_setup_tear_down, of the state's process too if it has one, and then runs the config's hooks
 * NETNS_HOOK_POSTSTOP, whether or not that went well.
 *
 * @param setup      the setup
 * @param oci_state  the container's state as JSON (OCI runtime specification), which the hooks get with the status
 *                   "stopped"
 * @param ret_error  what went wrong; may be NULL
 * @return as of netns_setup_tear_down; NETNS_STATUS_BAD_REQUEST for what is no such JSON, and nothing was done
 *         then; those of hooks
 */
int32_t netns_setup_down(const struct netns_setup *setup,
                         const char *oci_state,
                         struct netns_error **ret_error);

/**
 * Frees a setup; what it brought up stays.
 *
 * @param setup  the setup; may be NULL
 */
void netns_setup_free(struct netns_setup *setup);

/**
 * Reads what netns_setup_state_json wrote.
 *
 * @param json       the state
 * @param ret_state  the state, for netns_setup_state_free
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST, with line and column, for what is no such JSON
 */
int32_t netns_setup_state_from_json(const char *json,
                                    struct netns_setup_state **ret_state,
                                    struct netns_error **ret_error);

/**
 * What is there of a container, in whatever process and by whatever config it was brought up: its pairs, which the
 * aliases of the links in the host tell. What strategies made, and routes through other interfaces, the aliases do
 * not tell. Of an unknown id there is nothing. It takes longer the more links the host has.
 *
 * @param id         the id that netns_setup_from_config was given; one is unique in a host
 * @param ret_state  the state, for netns_setup_state_free
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST for what is no id
 */
int32_t netns_setup_state_find(const char *id,
                               struct netns_setup_state **ret_state,
                               struct netns_error **ret_error);

/**
 * The state as JSON, for whoever takes the network down. Lasts as long as the state.
 *
 * @param state  the state; may be NULL, as is the answer then
 */
const char *netns_setup_state_json(const struct netns_setup_state *state);

/**
 * The container's id; NULL when the setup had none. Lasts as long as the state.
 *
 * @param state  the state; may be NULL, as is the answer then
 */
const char *netns_setup_state_id(const struct netns_setup_state *state);

/**
 * The path of the container's network namespace; NULL when the config had nothing for it. Lasts as long as the
 * state.
 *
 * @param state  the state; may be NULL, as is the answer then
 */
const char *netns_setup_state_path(const struct netns_setup_state *state);

/**
 * How many networks are up. They have the order of the config.
 *
 * @param state  the state; may be NULL, which has none
 */
size_t netns_setup_state_network_count(const struct netns_setup_state *state);

/**
 * The type of a network; NULL beyond their number. Lasts as long as the state.
 *
 * @param state  the state; may be NULL, as is the answer then
 * @param index  which, from 0 on
 */
const char *netns_setup_state_network_type(const struct netns_setup_state *state, size_t index);

/**
 * The name of a network's interface inside the container; NULL when a strategy brought it by itself, and beyond
 * their number. Lasts as long as the state.
 *
 * @param state  the state; may be NULL, as is the answer then
 * @param index  which network, from 0 on
 */
const char *netns_setup_state_interface_name(const struct netns_setup_state *state,
                                             size_t index);

/**
 * The name of a network's link in the host, which is taken away with its other end; NULL when it has none, and
 * beyond their number. Lasts as long as the state. netns_strategy_state_set_veth_host has netns_strategy_stats read
 * its counters.
 *
 * @param state  the state; may be NULL, as is the answer then
 * @param index  which network, from 0 on
 */
const char *netns_setup_state_host_link(const struct netns_setup_state *state,
                                        size_t index);

/**
 * The index (ifindex) of a network's link in the host; 0 when it has none, and beyond their number.
 *
 * @param state  the state; may be NULL, as if it had none
 * @param index  which network, from 0 on
 */
uint32_t netns_setup_state_host_index(const struct netns_setup_state *state, size_t index);

/**
 * Takes away what was made and is still there: the links in the host, and with them the container's interfaces,
 * and the routes through other interfaces. What has come to its place since is left alone, and so is lo. It may be
 * repeated. What the kernel is taking away by itself, since the container has ended, may be there a moment longer.
 *
 * @param state      the state
 * @param ret_error  what went wrong; may be NULL
 * @return 0, also when it is gone; NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN. One thing that cannot be
 *         taken away does not keep others.
 */
int32_t netns_setup_state_tear_down(const struct netns_setup_state *state,
                                    struct netns_error **ret_error);

/**
 * As netns_setup_state_tear_down, and then runs a config's hooks NETNS_HOOK_POSTSTOP, whether or not that went
 * well.
 *
 * @param state      the state
 * @param oci_state  the container's state as JSON (OCI runtime specification), which the hooks get
 * @param config     the config that has the hooks
 * @param ret_error  what went wrong; may be NULL
 * @return as of netns_setup_state_tear_down; NETNS_STATUS_BAD_REQUEST for what is no such JSON, and nothing was
 *         done then; those of hooks
 */
int32_t netns_setup_state_down(const struct netns_setup_state *state,
                               const char *oci_state,
                               const struct netns_config *config,
                               struct netns_error **ret_error);

/**
 * Frees a state; what it tells of stays.
 *
 * @param state  the state; may be NULL
 */
void netns_setup_state_free(struct netns_setup_state *state);

/** @} */

/**
 * @addtogroup netns_strategy
 * @{
 */

/**
 * Makes a strategy known by a type, in this process and for as long as it lasts. A child that is forked later
 * does not know it.
 *
 * @param network_type  the type, not empty
 * @param strategy      its callbacks; the library copies the struct
 * @param ret_error     what went wrong; may be NULL
 * @return 0; NETNS_STATUS_ALREADY_EXISTS when there is a strategy of that type; NETNS_STATUS_BAD_REQUEST for a
 *         callback that is missing, with its name
 */
int32_t netns_strategy_register(const char *network_type,
                                const struct netns_strategy *strategy,
                                struct netns_error **ret_error);

/**
 * Says whether there is a strategy of a type (seed 001, GetStrategy).
 *
 * @param network_type  the type
 * @param ret_error     what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is none (seed 001, ErrNotValidStrategyType), with those that
 *         there are
 */
int32_t netns_strategy_check(const char *network_type,
                             struct netns_error **ret_error);

/**
 * The first step of the strategy of the network's type (seed 001, Create): in the calling thread's namespace,
 * the host's, makes what the container of a process needs.
 *
 * Of "veth" it makes the pair, one end on the bridge and up, the other in the container, down, under names of
 * the prefix and seven hexadecimal digits. Of "netns" it keeps the path, of "loopback" it does nothing.
 *
 * @param network    the network
 * @param pid        the container's process, which has a network namespace of its own
 * @param state      what is there so far, and what there is when this succeeds
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND for a type that is not known, with the known ones, and when there is no such
 *         process or bridge; NETNS_STATUS_BAD_REQUEST when something is not specified or cannot be read, when the
 *         bridge is none, and for a process without a network namespace of its own; a callback's own. Nothing is
 *         left behind.
 */
int32_t netns_strategy_create(const struct netns_strategy_network *network,
                              uint32_t pid,
                              struct netns_strategy_state *state,
                              struct netns_error **ret_error);

/**
 * The second step of the strategy of the network's type (seed 001, Initialize): completes it from within. The
 * calling thread is in the container's namespace.
 *
 * Of "veth" it makes of the state's inner end the interface eth0, with address, MTU and gateway, and brings it
 * up. Of "loopback" it brings up lo. Of "netns" it takes the calling thread into the state's namespace, and
 * leaves it there: no other call of the library does so.
 *
 * @param network    the network
 * @param state      what netns_strategy_create made of it
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND for a type that is not known, with the known ones, and when the link or the
 *         namespace is not there; NETNS_STATUS_BAD_REQUEST when the state has no inner end, or no path, or
 *         something cannot be read; NETNS_STATUS_ALREADY_EXISTS when there is an eth0, a default route where there
 *         is a gateway, or a route that the address overlaps; a callback's own. Nothing has changed then.
 */
int32_t netns_strategy_initialize(const struct netns_strategy_network *network,
                                  struct netns_strategy_state *state,
                                  struct netns_error **ret_error);

/**
 * Gives a container its network at once: both steps of the strategy, with a "veth" interface born inside under
 * its final name. That takes a fraction of the time. The calling thread is in the host's namespace before and
 * after.
 *
 * @param network    the network
 * @param pid        the container's process; 0 where `path` says which container
 * @param path       the path of the container's network namespace; may be NULL, where `pid` says which
 * @param ret_state  what there is, for netns_strategy_state_free
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND for a type that is not known, with the known ones, when there is no such
 *         container or it ends meanwhile, and when there is no such bridge; NETNS_STATUS_BAD_REQUEST when
 *         something is not specified or cannot be read, when the bridge is none, the gateway not in the
 *         address's subnet, or the container has no network namespace of its own; NETNS_STATUS_ALREADY_EXISTS when
 *         it has an eth0, a default route where there is a gateway, or a route that the address overlaps;
 *         NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN and CAP_SYS_ADMIN; a callback's own. Nothing is
 *         left behind.
 */
int32_t netns_strategy_setup(const struct netns_strategy_network *network,
                             uint32_t pid,
                             const char *path,
                             struct netns_strategy_state **ret_state,
                             struct netns_error **ret_error);

/**
 * What a container has received and sent (seed 001, GetStats), as it sees it: the kernel's counters of the
 * pair's end in the host, the other way round. All 0 when the state names no such end. The calling thread is in
 * the host's namespace.
 *
 * @param state      the state
 * @param ret_stats  the statistics
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when the link is gone
 */
int32_t netns_strategy_stats(const struct netns_strategy_state *state,
                             struct netns_stats *ret_stats,
                             struct netns_error **ret_error);

/**
 * A state that says nothing.
 *
 * @return the state, for netns_strategy_state_free; never NULL
 */
struct netns_strategy_state *netns_strategy_state_new(void);

/**
 * Reads what netns_strategy_state_json wrote; what is not known is passed over.
 *
 * @param json       the state
 * @param ret_state  the state, for netns_strategy_state_free
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST, with line and column, for what is no such JSON
 */
int32_t netns_strategy_state_from_json(const char *json,
                                       struct netns_strategy_state **ret_state,
                                       struct netns_error **ret_error);

/**
 * The state as JSON, byte by byte as Go's encoding/json writes it. Lasts until the state changes or is freed.
 *
 * @param state  the state; may be NULL, as is the answer then
 */
const char *netns_strategy_state_json(const struct netns_strategy_state *state);

/**
 * The name of the pair's end in the host; empty when there is none. Lasts until the state changes or is freed.
 *
 * @param state  the state; may be NULL, as is the answer then
 */
const char *netns_strategy_state_veth_host(const struct netns_strategy_state *state);

/**
 * The name of the pair's end in the container; empty when there is none. Lasts until the state changes or is
 * freed.
 *
 * @param state  the state; may be NULL, as is the answer then
 */
const char *netns_strategy_state_veth_child(const struct netns_strategy_state *state);

/**
 * The path of the network namespace that the container shares; empty when it shares none. Lasts until the
 * state changes or is freed.
 *
 * @param state  the state; may be NULL, as is the answer then
 */
const char *netns_strategy_state_ns_path(const struct netns_strategy_state *state);

/**
 * Says the name of the pair's end in the host, whose counters netns_strategy_stats reads.
 *
 * @param state      the state
 * @param veth_host  the name; may be NULL, which says none
 * @param ret_error  what went wrong; may be NULL
 * @return 0
 */
int32_t netns_strategy_state_set_veth_host(struct netns_strategy_state *state,
                                           const char *veth_host,
                                           struct netns_error **ret_error);

/**
 * Says the name of the pair's end in the container.
 *
 * @param state       the state
 * @param veth_child  the name; may be NULL, which says none
 * @param ret_error   what went wrong; may be NULL
 * @return 0
 */
int32_t netns_strategy_state_set_veth_child(struct netns_strategy_state *state,
                                            const char *veth_child,
                                            struct netns_error **ret_error);

/**
 * Says the path of the network namespace that the container shares.
 *
 * @param state      the state
 * @param ns_path    the path; may be NULL, which says none
 * @param ret_error  what went wrong; may be NULL
 * @return 0
 */
int32_t netns_strategy_state_set_ns_path(struct netns_strategy_state *state,
                                         const char *ns_path,
                                         struct netns_error **ret_error);

/**
 * Frees a state; what it tells of stays.
 *
 * @param state  the state; may be NULL
 */
void netns_strategy_state_free(struct netns_strategy_state *state);

/** @} */

/**
 * @defgroup netns_link Links
 * @{
 */

/**
 * Renames a link (seed 001, ChangeInterfaceName); to its own name is no error. Before Linux 6.2 the kernel
 * refuses while the link is up.
 *
 * @param name       its name
 * @param new_name   its name from then on
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such link; NETNS_STATUS_ALREADY_EXISTS when the name is
 *         taken; NETNS_STATUS_BUSY when the link is up and the kernel minds
 */
int32_t netns_link_set_name(const char *name,
                            const char *new_name,
                            struct netns_error **ret_error);

/**
 * Makes a pair of connected interfaces, both down, with one queue each (seed 001, CreateVethPair).
 *
 * @param name1      the name of one
 * @param name2      the name of the other
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_ALREADY_EXISTS when a name is taken. Neither is then made.
 */
int32_t netns_link_create_veth(const char *name1,
                               const char *name2,
                               struct netns_error **ret_error);

/**
 * Brings a link up (seed 001, InterfaceUp); one that is up is no error.
 *
 * @param name       its name
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such link
 */
int32_t netns_link_set_up(const char *name, struct netns_error **ret_error);

/**
 * Takes a link down (seed 001, InterfaceDown); one that is down is no error. The kernel removes the routes
 * through it, and unless its settings say otherwise its IPv6 addresses.
 *
 * @param name       its name
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such link
 */
int32_t netns_link_set_down(const char *name,
                            struct netns_error **ret_error);

/**
 * Moves a link to another network namespace under the name that it has (seed 001,
 * SetInterfaceInNamespaceFd). The kernel takes it down on the way, off its bridge, and its addresses and
 * routes away.
 *
 * @param name       its name
 * @param fd         a descriptor of the namespace, which stays the caller's
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such link; NETNS_STATUS_ALREADY_EXISTS when its name is
 *         taken there; NETNS_STATUS_BAD_REQUEST when the descriptor is of no network namespace, and for links
 *         that cannot move; NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN over the namespace
 */
int32_t netns_link_set_ns_fd(const char *name,
                             int32_t fd,
                             struct netns_error **ret_error);

/**
 * Moves a link to the network namespace of a process (seed 001, SetInterfaceInNamespacePid), as
 * netns_link_set_ns_fd does.
 *
 * @param name       its name
 * @param pid        the process's number
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such process; else as of netns_link_set_ns_fd
 */
int32_t netns_link_set_ns_pid(const char *name, uint32_t pid, struct netns_error **ret_error);

/**
 * Adds an address to a link, beside those that it has (seed 001, SetInterfaceIp). IPv6 is added without
 * duplicate address detection.
 *
 * @param name       its name
 * @param address    the address with its prefix length: "10.1.0.5/24", "fd01::5/64"
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such link; NETNS_STATUS_ALREADY_EXISTS when it has the
 *         address; NETNS_STATUS_BAD_REQUEST for what is no unicast address
 */
int32_t netns_link_set_address(const char *name,
                               const char *address,
                               struct netns_error **ret_error);

/**
 * Makes a link a port of a bridge (seed 001, SetInterfaceMaster); one that is a port of it is no error.
 *
 * @param name       its name
 * @param master     the bridge
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when one of the two is not there; NETNS_STATUS_BAD_REQUEST when `master` is
 *         no bridge; NETNS_STATUS_BUSY when the link is a port of something else;
 *         NETNS_STATUS_RESOURCE_EXHAUSTED when the bridge is full
 */
int32_t netns_link_set_master(const char *name,
                              const char *master,
                              struct netns_error **ret_error);

/**
 * Sets a link's MTU (seed 001, SetMtu).
 *
 * @param name       its name
 * @param mtu        bytes: 68 to 65535
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such link; NETNS_STATUS_BAD_REQUEST when it cannot have
 *         that MTU
 */
int32_t netns_link_set_mtu(const char *name,
                           uint32_t mtu,
                           struct netns_error **ret_error);

/**
 * Adds the default route of the gateway's family through a link (seed 001, SetDefaultGateway). It takes
 * nobody's place.
 *
 * @param gateway    its address: "10.1.0.1", "fd01::1"
 * @param name       the link's name
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such link; NETNS_STATUS_ALREADY_EXISTS when there is a
 *         default route; NETNS_STATUS_BAD_REQUEST when the gateway is not directly reachable through the link
 */
int32_t netns_link_set_default_gateway(const char *gateway,
                                       const char *name,
                                       struct netns_error **ret_error);

/** @} */

/**
 * @defgroup netns_log Log
 * @{
 */

/**
 * Has `callback` hear what the library logs, in the whole process, instead of the one before: who is a
 * library itself leaves this to the program. A child that is forked hears nothing until it calls this. What
 * is not heard is written nowhere.
 *
 * @param max_level  a netns_log_level: the least important messages that are wanted
 * @param callback   hears them; may be NULL, for nobody
 * @param user       is handed to the callback as it is; may be NULL
 * @param release    is told when `user` is needed no more: after another call of this function, when the
 *                   last callback has returned; may be NULL. Not called when this function fails
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST for a level that is none
 */
int32_t netns_log_set(int32_t max_level,
                      netns_log_callback callback,
                      void *user,
                      netns_release_callback release,
                      struct netns_error **ret_error);

/** @} */

/**
 * @defgroup netns_meter Counters
 * @{
 */

/**
 * Opens the counters, making them when there are none.
 *
 * @param options    where they are, and how many; may be NULL, for the defaults
 * @param ret_meter  the counters, for netns_meter_free
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_IMPLEMENTED when the directory is on no bpf filesystem;
 *         NETNS_STATUS_PERMISSION_DENIED without the right to use bpf (CAP_BPF and CAP_NET_ADMIN, before
 *         Linux 5.8 CAP_SYS_ADMIN); NETNS_STATUS_SYSTEM when something else is pinned there
 */
int32_t netns_meter_open(const struct netns_meter_options *options,
                         struct netns_meter **ret_meter,
                         struct netns_error **ret_error);

/** @} */

/**
 * @addtogroup netns_controller
 * @{
 */

/**
 * The counters that a controller meters its endpoints with, opened when they are first needed. The object
 * may outlive the controller's. They are removed with the last network when nobody has a slot; one that is asked
 * for later has those that are made then.
 *
 * @param controller  the controller
 * @param ret_meter   the counters, for netns_meter_free
 * @param ret_error   what went wrong; may be NULL
 * @return as of netns_meter_open: the reason why nothing is metered
 */
int32_t netns_controller_meter(const struct netns_controller *controller,
                               struct netns_meter **ret_meter,
                               struct netns_error **ret_error);

/** @} */

/**
 * @addtogroup netns_meter
 * @{
 */

/**
 * Closes the counters and frees the object. What is metered stays so.
 *
 * @param meter  the counters; may be NULL
 */
void netns_meter_free(struct netns_meter *meter);

/**
 * Meters a link of the calling thread's namespace, as it sees itself. The slot is given back by
 * netns_meter_detach, and when the link is gone. Of a link that went with its namespace nobody can tell:
 * netns_meter_release gives its slot back.
 *
 * @param meter      the counters
 * @param link       the link's name
 * @param ret_slot   its slot; may be NULL
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such link; NETNS_STATUS_ALREADY_EXISTS when it is
 *         metered; NETNS_STATUS_RESOURCE_EXHAUSTED when all slots are taken; NETNS_STATUS_PERMISSION_DENIED
 *         without CAP_NET_ADMIN
 */
int32_t netns_meter_attach(const struct netns_meter *meter,
                           const char *link,
                           struct netns_slot *ret_slot,
                           struct netns_error **ret_error);

/**
 * Meters a link of the calling thread's namespace no more; what was counted is gone. One that is gone, or not
 * metered, is no error.
 *
 * @param meter      the counters
 * @param link       the link's name
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN
 */
int32_t netns_meter_detach(const struct netns_meter *meter,
                           const char *link,
                           struct netns_error **ret_error);

/**
 * Gives the slot back of a link that is gone with its namespace, which only its caller can know. One that was given
 * back already is no error. While a link is counted in a slot that another has by now, the other's counters are
 * wrong.
 *
 * @param meter      the counters
 * @param slot       the slot
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BUSY when the link is there and counted, as far as that can be seen from the calling
 *         thread's namespace, or when its endpoint has not let it go
 */
int32_t netns_meter_release(const struct netns_meter *meter,
                            const struct netns_slot *slot,
                            struct netns_error **ret_error);

/**
 * Where the counters are in the memory of this process, for programs that read very often or very many. The
 * line of slot `s` and processor `c` begins at word `(s * processors + c) * NETNS_STATS_LINE_WORDS` and holds,
 * in this order: bytes received, packets received, bytes sent, packets sent; the other words mean nothing. A
 * slot's counters are the sums of its lines.
 *
 * They are by the link's own view, so of a reading without NETNS_READING_INSIDE received is what the sandbox
 * sent; and they count since the counters were made, over all lives of a slot, so only differences mean
 * something, which netns_stats_read forms. They change at any time: read each word once, atomically
 * (__ATOMIC_RELAXED does). Nobody can write to them.
 *
 * @param meter           the counters
 * @param ret_address     the first word; it is there as long as the object is
 * @param ret_words       how many words there are
 * @param ret_processors  how many lines a slot has
 * @param ret_error       what went wrong; may be NULL
 * @return 0
 */
int32_t netns_meter_mapping(const struct netns_meter *meter,
                            const uint64_t **ret_address,
                            size_t *ret_words,
                            uint32_t *ret_processors,
                            struct netns_error **ret_error);

/** @} */

/**
 * @addtogroup netns_endpoint
 * @{
 */

/**
 * Meters an endpoint from now on, or no more; what was counted is forgotten. One that is metered already gets
 * filters back that somebody removed, and keeps what was counted. The endpoint's definition says so from now
 * on; of one that is in no sandbox that is all.
 *
 * @param network    the network
 * @param endpoint   the endpoint's name
 * @param on         1 meters it, 0 does no more
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such endpoint; NETNS_STATUS_RESOURCE_EXHAUSTED when all
 *         slots are taken; NETNS_STATUS_NOT_IMPLEMENTED for a device that a driver handed over; and as of
 *         netns_meter_open
 */
int32_t netns_endpoint_set_meter(const struct netns_network *network,
                                 const char *endpoint,
                                 int32_t on,
                                 struct netns_error **ret_error);

/** @} */

/**
 * @addtogroup netns_values
 * @{
 */

/**
 * Frees a list of names.
 *
 * @param names  the list; may be NULL
 */
void netns_names_free(struct netns_names *names);

/** @} */

/**
 * @addtogroup netns_namespace
 * @{
 */

/**
 * The calling thread's namespace.
 *
 * @param ret_namespace  the namespace, for netns_namespace_free
 * @param ret_error      what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when /proc is not mounted
 */
int32_t netns_namespace_current(struct netns_namespace **ret_namespace,
                                struct netns_error **ret_error);

/**
 * A fresh namespace that nothing but the object keeps alive.
 *
 * @param ret_namespace  the namespace, for netns_namespace_free
 * @param ret_error      what went wrong; may be NULL
 * @return 0; NETNS_STATUS_PERMISSION_DENIED without CAP_SYS_ADMIN; NETNS_STATUS_RESOURCE_EXHAUSTED when
 *         user.max_net_namespaces is reached
 */
int32_t netns_namespace_create(struct netns_namespace **ret_namespace,
                               struct netns_error **ret_error);

/**
 * The namespace that a file names: a bind mount such as /run/netns/web, or /proc/PID/ns/net.
 *
 * @param path           the file
 * @param ret_namespace  the namespace, for netns_namespace_free
 * @param ret_error      what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such file; NETNS_STATUS_BAD_REQUEST when it is no network
 *         namespace
 */
int32_t netns_namespace_open(const char *path,
                             struct netns_namespace **ret_namespace,
                             struct netns_error **ret_error);

/**
 * The network namespace of a process.
 *
 * @param pid            the process's number
 * @param ret_namespace  the namespace, for netns_namespace_free
 * @param ret_error      what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such process; NETNS_STATUS_PERMISSION_DENIED when it is
 *         not the caller's to inspect
 */
int32_t netns_namespace_of_pid(uint32_t pid,
                               struct netns_namespace **ret_namespace,
                               struct netns_error **ret_error);

/**
 * The namespace of a descriptor, which stays the caller's.
 *
 * @param fd             the descriptor
 * @param ret_namespace  the namespace, for netns_namespace_free
 * @param ret_error      what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST when it is no descriptor of a network namespace
 */
int32_t netns_namespace_of_fd(int32_t fd,
                              struct netns_namespace **ret_namespace,
                              struct netns_error **ret_error);

/**
 * Mounts the namespace on a new file, so that it outlives its descriptors and others can open it. Under
 * /run/netns, `ip netns` sees it.
 *
 * @param ns         the namespace
 * @param path       the file; its directory is made when it is missing
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_ALREADY_EXISTS when something other than a stale empty file is there;
 *         NETNS_STATUS_PERMISSION_DENIED without CAP_SYS_ADMIN. Nothing is left behind.
 */
int32_t netns_namespace_persist(const struct netns_namespace *ns,
                                const char *path,
                                struct netns_error **ret_error);

/**
 * Unmounts and removes what netns_namespace_persist made; no error when it is gone.
 *
 * @param path       the file
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_FORBIDDEN for a file that is not one of those
 */
int32_t netns_namespace_forget(const char *path, struct netns_error **ret_error);

/**
 * The device number of its file: with the inode number it tells one namespace from another (namespaces(7)).
 *
 * @param ns         the namespace; may be NULL, and the answer is 0 then
 */
uint64_t netns_namespace_device(const struct netns_namespace *ns);

/**
 * The inode number of its file, as in `readlink /proc/self/ns/net`.
 *
 * @param ns         the namespace; may be NULL, and the answer is 0 then
 */
uint64_t netns_namespace_inode(const struct netns_namespace *ns);

/**
 * A descriptor of the namespace, close-on-exec, which the caller closes.
 *
 * @param ns         the namespace
 * @param ret_fd     the descriptor
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_RESOURCE_EXHAUSTED at the limit of descriptors
 */
int32_t netns_namespace_fd(const struct netns_namespace *ns,
                           int32_t *ret_fd,
                           struct netns_error **ret_error);

/**
 * Runs a function with the calling thread inside, as netns_sandbox_run does.
 *
 * @param ns         the namespace
 * @param callback   the function, called once, on the calling thread
 * @param user       is handed to it as it is; may be NULL
 * @param ret_value  what the function returned; may be NULL
 * @param ret_error  what went wrong; may be NULL
 * @return 0 when the function ran, whatever it returned; NETNS_STATUS_PERMISSION_DENIED without CAP_SYS_ADMIN
 */
int32_t netns_namespace_run(const struct netns_namespace *ns,
                            netns_run_callback callback,
                            void *user,
                            int32_t *ret_value,
                            struct netns_error **ret_error);

/**
 * Frees the object; a namespace that nothing else keeps alive goes with it.
 *
 * @param ns         the object; may be NULL
 */
void netns_namespace_free(struct netns_namespace *ns);

/** @} */

/**
 * @defgroup netns_network Networks
 * @{
 */

/**
 * Makes a network. Subnets that are left open are chosen from the default pools so that they overlap no
 * other network and no route of the host; netns_network_inspect tells them.
 *
 * @param controller   the controller
 * @param config       what the network is to be
 * @param ret_network  the network, for netns_network_free; may be NULL
 * @param ret_error    what went wrong; may be NULL
 * @return 0; NETNS_STATUS_ALREADY_EXISTS when there is one of that name, or a subnet overlaps another
 *         network's or a route of the host; NETNS_STATUS_NOT_FOUND for an unknown type;
 *         NETNS_STATUS_BAD_REQUEST for what contradicts itself or the driver does not take;
 *         NETNS_STATUS_UNSUPPORTED where the kernel has no nf_tables and NETNS_STATUS_PERMISSION_DENIED without
 *         CAP_NET_ADMIN, with NETNS_FIREWALL_REQUIRED. Nothing is left behind.
 */
int32_t netns_network_create(const struct netns_controller *controller,
                             const struct netns_network_config *config,
                             struct netns_network **ret_network,
                             struct netns_error **ret_error);

/**
 * Makes a network of its definition, as a definition's file has it. Here options may be other than strings.
 *
 * @param controller   the controller
 * @param json         the definition: {"name": "demo", "type": "bridge", ...}
 * @param ret_network  the network, for netns_network_free; may be NULL
 * @param ret_error    what went wrong; may be NULL
 * @return as of netns_network_create
 */
int32_t netns_network_create_from_json(const struct netns_controller *controller,
                                       const char *json,
                                       struct netns_network **ret_network,
                                       struct netns_error **ret_error);

/**
 * Finds a network by its name.
 *
 * @param controller   the controller
 * @param name         its name
 * @param ret_network  the network, for netns_network_free
 * @param ret_error    what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is none; NETNS_STATUS_BAD_REQUEST when its definition cannot
 *         be read
 */
int32_t netns_network_open(const struct netns_controller *controller,
                           const char *name,
                           struct netns_network **ret_network,
                           struct netns_error **ret_error);

/**
 * The names of the networks, sorted; also of those whose definition cannot be read.
 *
 * @param controller  the controller
 * @param ret_names   the names, for netns_names_free
 * @param ret_error   what went wrong; may be NULL
 * @return 0; NETNS_STATUS_PERMISSION_DENIED when the directory of definitions cannot be read
 */
int32_t netns_network_list(const struct netns_controller *controller,
                           struct netns_names **ret_names,
                           struct netns_error **ret_error);

/**
 * Its name. Lasts as long as the object.
 *
 * @param network  the network; may be NULL, as is the answer then
 */
const char *netns_network_name(const struct netns_network *network);

/**
 * The network's definition, with what was chosen for it, and its endpoints.
 *
 * @param network      the network
 * @param ret_details  what it is, for netns_network_details_free
 * @param ret_error    what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when it is gone
 */
int32_t netns_network_inspect(const struct netns_network *network,
                              struct netns_network_details **ret_details,
                              struct netns_error **ret_error);

/**
 * Makes an endpoint with its addresses and with two devices in the host, one in place in its network and one
 * that is ready to move (seed 002, Link). Its `interface` is what netns_sandbox_add_interface takes, of any
 * sandbox. netns_endpoint_connect makes the same in a fraction of the time.
 *
 * netns_endpoint_delete takes the devices away, wherever they are; a macvlan, which has no other end in the host,
 * where it is in the host. When they are gone, the next collection gives its addresses back, but not a macvlan's.
 *
 * @param network      the network, of type "bridge", "routed" or "macvlan" or of a driver that names a device
 * @param config       what the endpoint is to be
 * @param ret_details  the endpoint, for netns_endpoint_details_free; may be NULL
 * @param ret_error    what went wrong; may be NULL
 * @return as of netns_endpoint_create; NETNS_STATUS_NOT_IMPLEMENTED where endpoints have no device in the host.
 *         Nothing is left behind.
 */
int32_t netns_network_link(const struct netns_network *network,
                           const struct netns_endpoint_config *config,
                           struct netns_endpoint_details **ret_details,
                           struct netns_error **ret_error);

/**
 * What netns_network_link would do; nothing is recorded, and no address is kept.
 *
 * @param network    the network
 * @param config     what the endpoint is to be
 * @param ret_plan   the plan, for netns_plan_free
 * @param ret_error  what went wrong; may be NULL
 * @return as of netns_network_link, as far as it can be known beforehand; NETNS_STATUS_NOT_IMPLEMENTED for a
 *         network whose driver acts by itself
 */
int32_t netns_network_plan_link(const struct netns_network *network,
                                const struct netns_endpoint_config *config,
                                struct netns_plan **ret_plan,
                                struct netns_error **ret_error);

/**
 * Deletes the network and its definition; one that is gone is no error. The object stays to be freed.
 *
 * @param network    the network
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BUSY while it has endpoints, with their names and sandboxes
 */
int32_t netns_network_delete(const struct netns_network *network,
                             struct netns_error **ret_error);

/**
 * Deletes a network by its name, as netns_network_delete does, also one whose definition cannot be read.
 *
 * @param controller  the controller
 * @param name        its name
 * @param ret_error   what went wrong; may be NULL
 * @return as of netns_network_delete
 */
int32_t netns_network_remove(const struct netns_controller *controller,
                             const char *name,
                             struct netns_error **ret_error);

/**
 * Forgets a network and frees its subnets whatever its driver says, as when a driver is gone for good: what the driver
 * made of it is the driver's to clear away. One that is gone is no error.
 *
 * @param controller  the controller
 * @param name        its name
 * @param ret_error   what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BUSY while it has endpoints, with their names and sandboxes: netns_endpoint_forget
 */
int32_t netns_network_forget(const struct netns_controller *controller,
                             const char *name,
                             struct netns_error **ret_error);

/**
 * Frees what a network is.
 *
 * @param details  what it is; may be NULL
 */
void netns_network_details_free(struct netns_network_details *details);

/**
 * Frees the object; the network stays.
 *
 * @param network  the object; may be NULL
 */
void netns_network_free(struct netns_network *network);

/** @} */

/**
 * @defgroup netns_plan Plans
 * @{
 */

/**
 * Reads a plan that netns_plan_json wrote, or that was written by hand.
 *
 * @param json      the plan
 * @param ret_plan  the plan, for netns_plan_free
 * @param ret_error what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST when it is no plan
 */
int32_t netns_plan_from_json(const char *json,
                             struct netns_plan **ret_plan,
                             struct netns_error **ret_error);

/**
 * The plan for people: a line a step. Lasts as long as the plan.
 *
 * @param plan  the plan; may be NULL, as is the answer then
 */
const char *netns_plan_text(const struct netns_plan *plan);

/**
 * The plan as JSON, an object with its `steps`. Lasts as long as the plan.
 *
 * @param plan  the plan; may be NULL, as is the answer then
 */
const char *netns_plan_json(const struct netns_plan *plan);

/**
 * How many steps it has.
 *
 * @param plan  the plan; may be NULL, which has none
 */
size_t netns_plan_step_count(const struct netns_plan *plan);

/**
 * Frees a plan.
 *
 * @param plan  the plan; may be NULL
 */
void netns_plan_free(struct netns_plan *plan);

/** @} */

/**
 * @addtogroup netns_controller
 * @{
 */

/**
 * The plugins that are there: sockets and spec files in the directories that the controller's options name. None is
 * asked anything.
 *
 * @param controller   the controller
 * @param ret_plugins  the plugins, for netns_plugins_free
 * @param ret_error    what went wrong; may be NULL
 * @return 0
 */
int32_t netns_controller_plugins(const struct netns_controller *controller,
                                 struct netns_plugins **ret_plugins,
                                 struct netns_error **ret_error);

/**
 * Frees a list of plugins.
 *
 * @param plugins  the list; may be NULL
 */
void netns_plugins_free(struct netns_plugins *plugins);

/**
 * Finds a plugin and asks what it implements, and registers it as the driver of the network type of its name and as
 * the address management of its name, as far as it is one and there is none. Networks that need it do so by
 * themselves.
 *
 * @param controller  the controller
 * @param name        the plugin's name
 * @param ret_names   what it implements, in Docker's words: "NetworkDriver", "IpamDriver", and others that are of no
 *                    use here; for netns_names_free
 * @param ret_error   what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such plugin; NETNS_STATUS_BAD_REQUEST when its file cannot be
 *         used; NETNS_STATUS_UNSUPPORTED for HTTPS in a library that was built without; NETNS_STATUS_SYSTEM when it
 *         does not answer in time, or wrongly
 */
int32_t netns_controller_activate_plugin(const struct netns_controller *controller,
                                         const char *name,
                                         struct netns_names **ret_names,
                                         struct netns_error **ret_error);

/** @} */

/**
 * @addtogroup netns_sandbox
 * @{
 */

/**
 * Makes a sandbox that the controller knows of, with `lo` up; `ip netns list` shows it.
 *
 * @param controller   the controller, in whose sandbox directory it is mounted
 * @param name         1 to 64 letters, digits, '_', '.' and '-', the first a letter or a digit
 * @param ret_sandbox  the sandbox, for netns_sandbox_free
 * @param ret_error    what went wrong; may be NULL
 * @return 0; NETNS_STATUS_ALREADY_EXISTS when there is one of that name;
 *         NETNS_STATUS_PERMISSION_DENIED without CAP_SYS_ADMIN. Nothing is left behind.
 */
int32_t netns_sandbox_create(const struct netns_controller *controller,
                             const char *name,
                             struct netns_sandbox **ret_sandbox,
                             struct netns_error **ret_error);

/**
 * Opens the sandbox that this or another process, or `ip netns add`, made in the controller's directory.
 *
 * @param controller   the controller
 * @param name         its name
 * @param ret_sandbox  the sandbox, for netns_sandbox_free
 * @param ret_error    what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is none; NETNS_STATUS_BAD_REQUEST when what lies there is no
 *         network namespace
 */
int32_t netns_sandbox_open(const struct netns_controller *controller,
                           const char *name,
                           struct netns_sandbox **ret_sandbox,
                           struct netns_error **ret_error);

/**
 * Makes a sandbox without a controller: nothing but the kernel knows of it.
 *
 * @param base         the directory where it is mounted, absolute; may be NULL, for /run/netns
 * @param name         its name there
 * @param ret_sandbox  the sandbox, for netns_sandbox_free
 * @param ret_error    what went wrong; may be NULL
 * @return as of netns_sandbox_create
 */
int32_t netns_sandbox_create_in(const char *base,
                                const char *name,
                                struct netns_sandbox **ret_sandbox,
                                struct netns_error **ret_error);

/**
 * Opens a sandbox without a controller.
 *
 * @param base         the directory where it is mounted, absolute; may be NULL, for /run/netns
 * @param name         its name there
 * @param ret_sandbox  the sandbox, for netns_sandbox_free
 * @param ret_error    what went wrong; may be NULL
 * @return as of netns_sandbox_open
 */
int32_t netns_sandbox_open_in(const char *base,
                              const char *name,
                              struct netns_sandbox **ret_sandbox,
                              struct netns_error **ret_error);

/**
 * The names of the sandboxes that a controller made or joined and that are there, those in other directories
 * than the controller's by their paths.
 *
 * @param controller  the controller
 * @param ret_names   the names, for netns_names_free
 * @param ret_error   what went wrong; may be NULL
 * @return 0
 */
int32_t netns_sandbox_list(const struct netns_controller *controller,
                           struct netns_names **ret_names,
                           struct netns_error **ret_error);

/**
 * The path of the sandbox of a container: the directory of sandboxes and the first 12 bytes of the container's
 * id, a shorter id whole (seed 000, GenerateKey).
 *
 * @param id         the container's id
 * @param buffer     where the path goes, with a NUL; may be NULL, to learn how long it is
 * @param size       bytes of the buffer, where there is one; afterwards the bytes that the path needs with
 *                   its NUL, also when the buffer is too small
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST when the id is no name; NETNS_STATUS_RESOURCE_EXHAUSTED when the buffer
 *         is too small, and is left as it is
 */
int32_t netns_sandbox_generate_key(const char *id,
                                   char *buffer,
                                   size_t *size,
                                   struct netns_error **ret_error);

/**
 * Where the namespace is mounted (seed 000, Key). Lasts as long as the object.
 *
 * @param sandbox  the sandbox; may be NULL, as is the answer then
 */
const char *netns_sandbox_key(const struct netns_sandbox *sandbox);

/**
 * The last part of the key, what `ip netns` calls the sandbox. Lasts as long as the object.
 *
 * @param sandbox  the sandbox; may be NULL, as is the answer then
 */
const char *netns_sandbox_name(const struct netns_sandbox *sandbox);

/**
 * The namespace, which the object keeps alive.
 *
 * @param sandbox        the sandbox
 * @param ret_namespace  the namespace, for netns_namespace_free
 * @param ret_error      what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when the sandbox was destroyed by this object
 */
int32_t netns_sandbox_namespace(const struct netns_sandbox *sandbox,
                                struct netns_namespace **ret_namespace,
                                struct netns_error **ret_error);

/**
 * A descriptor of the namespace, close-on-exec, for setns(2) and the like. The caller closes it; as long as
 * it is open the namespace lives.
 *
 * @param sandbox    the sandbox
 * @param ret_fd     the descriptor
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when the sandbox was destroyed by this object
 */
int32_t netns_sandbox_fd(const struct netns_sandbox *sandbox,
                         int32_t *ret_fd,
                         struct netns_error **ret_error);

/**
 * Runs a function with the calling thread inside the sandbox. The thread is back when this returns; should
 * the way back fail, the process is aborted, since no caller could recover. The function may call the
 * library, but not free the sandbox's object; what it makes there has the sandbox for its host.
 *
 * @param sandbox    the sandbox
 * @param callback   the function, called once, on the calling thread
 * @param user       is handed to it as it is; may be NULL
 * @param ret_value  what the function returned; may be NULL
 * @param ret_error  what went wrong; may be NULL
 * @return 0 when the function ran, whatever it returned; NETNS_STATUS_PERMISSION_DENIED without CAP_SYS_ADMIN
 */
int32_t netns_sandbox_run(const struct netns_sandbox *sandbox,
                          netns_run_callback callback,
                          void *user,
                          int32_t *ret_value,
                          struct netns_error **ret_error);

/**
 * Ends the sandbox: unmounts it, and the kernel takes it down with every virtual device in it (seed 000,
 * Destroy). Its endpoints leave it; those that netns_endpoint_connect made are deleted. The object stays to
 * be freed. Repeated calls succeed, also when somebody else removed the sandbox; one that was made at the
 * same key since is left alone.
 *
 * @param sandbox    the sandbox
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_PERMISSION_DENIED without CAP_SYS_ADMIN
 */
int32_t netns_sandbox_destroy(const struct netns_sandbox *sandbox,
                              struct netns_error **ret_error);

/**
 * Ends a sandbox of the controller's that is not open here, as netns_sandbox_destroy does. One that is gone
 * is no error.
 *
 * @param controller  the controller
 * @param name        its name
 * @param ret_error   what went wrong; may be NULL
 * @return as of netns_sandbox_destroy
 */
int32_t netns_sandbox_remove(const struct netns_controller *controller,
                             const char *name,
                             struct netns_error **ret_error);

/**
 * Removes whatever sandbox is there without a controller, a stale file too. Nothing there is no error.
 *
 * @param base       the directory where it is mounted, absolute; may be NULL, for /run/netns
 * @param name       its name there
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_FORBIDDEN for a file that this library did not make;
 *         NETNS_STATUS_PERMISSION_DENIED without CAP_SYS_ADMIN
 */
int32_t netns_sandbox_remove_in(const char *base,
                                const char *name,
                                struct netns_error **ret_error);

/**
 * Frees the object; the sandbox stays.
 *
 * @param sandbox  the object; may be NULL
 */
void netns_sandbox_free(struct netns_sandbox *sandbox);

/**
 * What joins and netns_sandbox_add_interface brought, never `lo` nor what others made, by name (seed 000,
 * Interfaces). Read from the kernel: any process sees the same.
 *
 * @param sandbox         the sandbox
 * @param ret_interfaces  the interfaces, for netns_interfaces_free
 * @param ret_error       what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when the sandbox was destroyed by this object
 */
int32_t netns_sandbox_interfaces(const struct netns_sandbox *sandbox,
                                 struct netns_interfaces **ret_interfaces,
                                 struct netns_error **ret_error);

/**
 * Interfaces, gateways and static routes (seed 000, Info), read from the kernel.
 *
 * @param sandbox    the sandbox
 * @param ret_info   what it holds, for netns_info_free
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when the sandbox was destroyed by this object
 */
int32_t netns_sandbox_info(const struct netns_sandbox *sandbox,
                           struct netns_info **ret_info,
                           struct netns_error **ret_error);

/**
 * Moves the device `interface->src_name` from the host into the sandbox, renames it as it moves, and
 * configures it; it is up at the end (seed 000, AddInterface). The kernel takes 10 ms and more to move a
 * device; netns_endpoint_connect makes it inside instead.
 *
 * @param sandbox         the sandbox
 * @param interface       the device and its settings
 * @param ret_interfaces  that one interface under its final name, for netns_interfaces_free; may be NULL
 * @param ret_error       what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such device; NETNS_STATUS_ALREADY_EXISTS when the name is
 *         taken in the sandbox or an address overlaps one of its routes; NETNS_STATUS_BAD_REQUEST when the
 *         settings contradict one another. The device is then where it was, as it was.
 */
int32_t netns_sandbox_add_interface(const struct netns_sandbox *sandbox,
                                    const struct netns_interface *interface,
                                    struct netns_interfaces **ret_interfaces,
                                    struct netns_error **ret_error);

/**
 * What netns_sandbox_add_interface would do.
 *
 * @param sandbox    the sandbox
 * @param interface  the device and its settings
 * @param ret_plan   the plan, for netns_plan_free
 * @param ret_error  what went wrong; may be NULL
 * @return as of netns_sandbox_add_interface, as far as it can be known beforehand
 */
int32_t netns_sandbox_plan_add_interface(const struct netns_sandbox *sandbox,
                                         const struct netns_interface *interface,
                                         struct netns_plan **ret_plan,
                                         struct netns_error **ret_error);

/**
 * Takes an interface out of the sandbox, back to the host under its source name (seed 000,
 * RemoveInterface). It is down then. One that is gone is no error, nor is a sandbox that is gone.
 *
 * @param sandbox    the sandbox
 * @param interface  the interface: its src_name counts, and its name where it has one
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_ALREADY_EXISTS when the host has a link of that name by now. The interface is then
 *         as it was.
 */
int32_t netns_sandbox_remove_interface(const struct netns_sandbox *sandbox,
                                       const struct netns_interface *interface,
                                       struct netns_error **ret_error);

/**
 * Sets the IPv4 default gateway, in place of the one that is there (seed 000, SetGateway).
 *
 * @param sandbox    the sandbox
 * @param gateway    its address, in the subnet of an interface that is up; may be NULL, which changes nothing
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST when no interface that is up leads there
 */
int32_t netns_sandbox_set_gateway(const struct netns_sandbox *sandbox,
                                  const char *gateway,
                                  struct netns_error **ret_error);

/**
 * Sets the IPv6 default gateway, in place of the one that is there (seed 000, SetGatewayIPv6).
 *
 * @param sandbox    the sandbox
 * @param gateway    its address, in the subnet of an interface that is up; may be NULL, which changes nothing
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST when no interface that is up leads there
 */
int32_t netns_sandbox_set_gateway_ipv6(const struct netns_sandbox *sandbox,
                                       const char *gateway,
                                       struct netns_error **ret_error);

/**
 * Adds a static route; netns_sandbox_info lists them.
 *
 * @param sandbox    the sandbox
 * @param route      the route, with a next hop in the subnet of an interface that is up. Without a next hop
 *                   it is bound to the only interface
 * @param ret_error  what went wrong; may be NULL
 * @return 0; NETNS_STATUS_BAD_REQUEST when no interface leads to the next hop, and for a default route;
 *         NETNS_STATUS_ALREADY_EXISTS when there is a route to that destination
 */
int32_t netns_sandbox_add_route(const struct netns_sandbox *sandbox,
                                const struct netns_route *route,
                                struct netns_error **ret_error);

/**
 * Removes a static route of this library's. One that is gone is no error.
 *
 * @param sandbox    the sandbox
 * @param route      the route
 * @param ret_error  what went wrong; may be NULL
 * @return 0
 */
int32_t netns_sandbox_remove_route(const struct netns_sandbox *sandbox,
                                   const struct netns_route *route,
                                   struct netns_error **ret_error);

/** @} */

/**
 * @addtogroup netns_meter
 * @{
 */

/**
 * What the interface of a slot has received and sent: read from memory, with no question to the
 * kernel. What a link had counted that is gone, or metered no more, is forgotten.
 *
 * @param meter         the counters
 * @param slot          the slot
 * @param ret_counters  what was counted
 * @param ret_error     what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when the slot is the interface's no more, or there is no such slot
 */
int32_t netns_stats_read(const struct netns_meter *meter,
                         const struct netns_slot *slot,
                         struct netns_counters *ret_counters,
                         struct netns_error **ret_error);

/**
 * The counters of all slots that somebody has, by their numbers, in the caller's array.
 *
 * @param meter      the counters
 * @param readings   room for the readings; not looked at when `capacity` is 0
 * @param capacity   for how many there is room
 * @param ret_count  how many there are: where that is more than `capacity`, those beyond it were left out
 * @param ret_error  what went wrong; may be NULL
 * @return 0
 */
int32_t netns_stats_read_all(const struct netns_meter *meter,
                             struct netns_reading *readings,
                             size_t capacity,
                             size_t *ret_count,
                             struct netns_error **ret_error);

/** @} */

/**
 * @addtogroup netns_endpoint
 * @{
 */

/**
 * What an endpoint's interface has received and sent, as its sandbox sees it. Where it is not metered, all
 * comes from the kernel's own counters, whatever `detail` says. With NETNS_STATS_DETAIL_FULL it is looked
 * whether the filters are there that count: where somebody removed them, the kernel's own are the answer.
 *
 * @param network     the network
 * @param endpoint    the endpoint's name
 * @param detail      a netns_stats_detail
 * @param ret_stats   the statistics
 * @param ret_source  a netns_stats_source, where bytes and packets come from; may be NULL
 * @param ret_error   what went wrong; may be NULL
 * @return 0; NETNS_STATUS_NOT_FOUND when there is no such endpoint, it is in no sandbox, or its link is gone;
 *         NETNS_STATUS_NOT_IMPLEMENTED for a device that a driver handed over
 */
int32_t netns_endpoint_stats(const struct netns_network *network,
                             const char *endpoint,
                             int32_t detail,
                             struct netns_stats *ret_stats,
                             int32_t *ret_source,
                             struct netns_error **ret_error);

/** @} */

/**
 * @defgroup netns_version Version
 * @{
 */

/**
 * The version of the library that was loaded: "0.1.0". It lasts as long as the program.
 */
const char *netns_version(void);

/**
 * The version of the library that was loaded, as a number that grows: major << 16 | minor << 8 | patch. The
 * header's own is NETNS_VERSION.
 */
uint32_t netns_version_number(void);

/** @} */

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* NETNS_H */
