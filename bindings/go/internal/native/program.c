/* What C calls of Go: the prototypes that cgo makes have no const, and numbers for pointers to Go's values. */
#include "_cgo_export.h"
#include "program.h"

static uintptr_t token(void *user)
{
    return (uintptr_t)user;
}

static void release(void *user)
{
    netnsGoRelease(token(user));
}

int32_t netns_go_error_set(netns_error *error, uintptr_t value)
{
    return netns_error_set_user(error, (void *)value, release);
}

uintptr_t netns_go_error_token(const netns_error *error)
{
    return token(netns_error_user(error));
}

netns_go_counted netns_go_stats_read(const netns_meter *meter, uint16_t slot, uint64_t life)
{
    netns_go_counted counted = {0};
    netns_slot of = {.slot = slot, .life = life};
    counted.status = netns_stats_read(meter, &of, &counted.counters, &counted.error);
    return counted;
}

netns_go_all netns_go_stats_read_all(const netns_meter *meter, netns_reading *readings, size_t capacity)
{
    netns_go_all all = {0};
    all.status = netns_stats_read_all(meter, readings, capacity, &all.count, &all.error);
    return all;
}

static void hear(void *user, int32_t level, const char *target, const char *message)
{
    netnsGoLog(token(user), level, (char *)target, (char *)message);
}

int32_t netns_go_log_set(int32_t max_level, uintptr_t user, netns_error **ret_error)
{
    return netns_log_set(max_level, hear, (void *)user, release, ret_error);
}

/* Drivers. */

static int32_t create_network(void *user, const netns_driver_network *network, netns_driver_info *info,
                              netns_plan **ret_plan, netns_error **ret_error)
{
    return netnsGoCreateNetwork(token(user), (netns_driver_network *)network, info, ret_plan, ret_error);
}

static int32_t delete_network(void *user, const netns_driver_network *network, netns_plan **ret_plan,
                              netns_error **ret_error)
{
    return netnsGoDeleteNetwork(token(user), (netns_driver_network *)network, ret_plan, ret_error);
}

static int32_t create_endpoint(void *user, const netns_driver_endpoint *endpoint,
                               netns_driver_interface *interface, netns_plan **ret_plan,
                               netns_error **ret_error)
{
    return netnsGoCreateEndpoint(token(user), (netns_driver_endpoint *)endpoint, interface, ret_plan, ret_error);
}

static int32_t delete_endpoint(void *user, const netns_driver_endpoint *endpoint, netns_plan **ret_plan,
                               netns_error **ret_error)
{
    return netnsGoDeleteEndpoint(token(user), (netns_driver_endpoint *)endpoint, ret_plan, ret_error);
}

static int32_t join(void *user, const netns_driver_endpoint *endpoint, netns_join *join,
                    netns_error **ret_error)
{
    return netnsGoJoin(token(user), (netns_driver_endpoint *)endpoint, join, ret_error);
}

static int32_t leave(void *user, const netns_driver_endpoint *endpoint, netns_plan **ret_plan,
                     netns_error **ret_error)
{
    return netnsGoLeave(token(user), (netns_driver_endpoint *)endpoint, ret_plan, ret_error);
}

static int32_t endpoint_oper_info(void *user, const netns_driver_endpoint *endpoint,
                                  netns_driver_reply *reply, netns_error **ret_error)
{
    return netnsGoEndpointOperInfo(token(user), (netns_driver_endpoint *)endpoint, reply, ret_error);
}

static int32_t program_external_connectivity(void *user, const netns_driver_endpoint *endpoint,
                                             netns_plan **ret_plan, netns_error **ret_error)
{
    return netnsGoProgramExternalConnectivity(token(user), (netns_driver_endpoint *)endpoint, ret_plan, ret_error);
}

static int32_t revoke_external_connectivity(void *user, const netns_driver_endpoint *endpoint,
                                            netns_plan **ret_plan, netns_error **ret_error)
{
    return netnsGoRevokeExternalConnectivity(token(user), (netns_driver_endpoint *)endpoint, ret_plan, ret_error);
}

static int32_t network_allocate(void *user, const netns_driver_network *network, netns_driver_reply *reply,
                                netns_error **ret_error)
{
    return netnsGoNetworkAllocate(token(user), (netns_driver_network *)network, reply, ret_error);
}

static int32_t network_free(void *user, const netns_driver_network *network, netns_error **ret_error)
{
    return netnsGoNetworkFree(token(user), (netns_driver_network *)network, ret_error);
}

static void event_notify(void *user, int32_t event, const char *network, const char *table, const char *key,
                         const uint8_t *value, size_t value_size)
{
    netnsGoEventNotify(token(user), event, (char *)network, (char *)table, (char *)key, (uint8_t *)value, value_size);
}

static int32_t discover_new(void *user, int32_t discovery, const char *data, netns_error **ret_error)
{
    return netnsGoDiscover(token(user), 1, discovery, (char *)data, ret_error);
}

static int32_t discover_delete(void *user, int32_t discovery, const char *data, netns_error **ret_error)
{
    return netnsGoDiscover(token(user), 0, discovery, (char *)data, ret_error);
}

const netns_driver netns_go_driver = {
    .size = sizeof(netns_driver),
    .release = release,
    .create_network = create_network,
    .delete_network = delete_network,
    .create_endpoint = create_endpoint,
    .delete_endpoint = delete_endpoint,
    .join = join,
    .leave = leave,
    .endpoint_oper_info = endpoint_oper_info,
    .program_external_connectivity = program_external_connectivity,
    .revoke_external_connectivity = revoke_external_connectivity,
    .network_allocate = network_allocate,
    .network_free = network_free,
    .event_notify = event_notify,
    .discover_new = discover_new,
    .discover_delete = discover_delete,
};

/* Address management. */

static int32_t default_address_spaces(void *user, netns_ipam_reply *reply, netns_error **ret_error)
{
    return netnsGoDefaultAddressSpaces(token(user), reply, ret_error);
}

static int32_t request_pool(void *user, const netns_pool_request *request, netns_ipam_reply *reply,
                            netns_error **ret_error)
{
    return netnsGoRequestPool(token(user), (netns_pool_request *)request, reply, ret_error);
}

static int32_t release_pool(void *user, const char *pool, netns_error **ret_error)
{
    return netnsGoReleasePool(token(user), (char *)pool, ret_error);
}

static int32_t request_address(void *user, const netns_address_request *request, netns_ipam_reply *reply,
                               netns_error **ret_error)
{
    return netnsGoRequestAddress(token(user), (netns_address_request *)request, reply, ret_error);
}

static int32_t release_address(void *user, const char *pool, const char *address, netns_error **ret_error)
{
    return netnsGoReleaseAddress(token(user), (char *)pool, (char *)address, ret_error);
}

const netns_ipam netns_go_ipam = {
    .size = sizeof(netns_ipam),
    .release = release,
    .default_address_spaces = default_address_spaces,
    .request_pool = request_pool,
    .release_pool = release_pool,
    .request_address = request_address,
    .release_address = release_address,
};

/* Hooks and strategies. */

static int32_t run_hook(void *user, const netns_hook_state *state, netns_error **ret_error)
{
    return netnsGoRunHook(token(user), (netns_hook_state *)state, ret_error);
}

const netns_hook_function netns_go_hook = {
    .size = sizeof(netns_hook_function),
    .release = release,
    .run = run_hook,
};

static int32_t create_strategy(void *user, const netns_strategy_network *network, uint32_t pid,
                               netns_strategy_state *state, netns_error **ret_error)
{
    return netnsGoStrategyCreate(token(user), (netns_strategy_network *)network, pid, state, ret_error);
}

static int32_t initialize_strategy(void *user, const netns_strategy_network *network,
                                   netns_strategy_state *state, netns_error **ret_error)
{
    return netnsGoStrategyInitialize(token(user), (netns_strategy_network *)network, state, ret_error);
}

const netns_strategy netns_go_strategy = {
    .size = sizeof(netns_strategy),
    .create = create_strategy,
    .initialize = initialize_strategy,
};
