/* A driver in C: cc driver.c $(pkg-config --cflags --libs libnetns)
 *
 * A network of the type "wire" has no bridge. Each endpoint is a cable of its own between the host and a
 * sandbox: a veth that is born with one end there, and a route of the host to the endpoint's address. */
#include <netns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each host's end is a link of its own, so they may have the same address. */
#define HOST_MAC "02:00:00:00:00:01"

/* Nobody has this address: a neighbour that never has to be asked for leads to the host's end. */
#define GATEWAY "169.254.1.1"

struct wires {
    int joins;
};

static int32_t create_network(void *user, const netns_driver_network *network, netns_driver_info *info,
                              netns_plan **ret_plan, netns_error **ret_error)
{
    (void)user, (void)info, (void)ret_plan;
    if (network->ipv4_count == 1 && network->ipv6_count == 0)
        return NETNS_STATUS_OK; /* There is nothing to be made. */
    *ret_error = netns_error_new(NETNS_STATUS_BAD_REQUEST, "create wire network", network->network,
                                 "a wire carries IPv4 alone", 0);
    return NETNS_STATUS_BAD_REQUEST;
}

static int32_t delete_network(void *user, const netns_driver_network *network, netns_plan **ret_plan,
                              netns_error **ret_error)
{
    (void)user, (void)network, (void)ret_plan, (void)ret_error;
    return NETNS_STATUS_OK;
}

static int32_t create_endpoint(void *user, const netns_driver_endpoint *endpoint,
                               netns_driver_interface *interface, netns_plan **ret_plan,
                               netns_error **ret_error)
{
    (void)user, (void)ret_plan, (void)ret_error;
    printf("endpoint %s is to have %s\n", endpoint->endpoint, netns_driver_interface_address(interface));
    return NETNS_STATUS_OK;
}

static int32_t delete_endpoint(void *user, const netns_driver_endpoint *endpoint, netns_plan **ret_plan,
                               netns_error **ret_error)
{
    (void)user, (void)endpoint, (void)ret_plan, (void)ret_error;
    return NETNS_STATUS_OK;
}

/* The host's route to the endpoint: "10.7.0.2/24" is reached as 10.7.0.2/32. */
static int32_t host_route(const char *link, const char *address, netns_plan **ret_plan,
                          netns_error **ret_error)
{
    char json[512];
    snprintf(json, sizeof json,
             "{\"steps\": [{\"place\": \"host\", \"action\": {\"add_route\": {\"link\": {\"name\": \"%s\"}, "
             "\"destination\": \"%.*s/32\", \"gateway\": null, \"source\": null, \"metric\": null, "
             "\"replace\": false}}}]}",
             link, (int)strcspn(address, "/"), address);
    return netns_plan_from_json(json, ret_plan, ret_error);
}

static int32_t describe(netns_join *join, const char *endpoint, const netns_plan *route,
                        netns_error **ret_error)
{
    char peer[16], link[512];
    snprintf(peer, sizeof peer, "peer-%s", endpoint);
    snprintf(link, sizeof link,
             "{\"name\": \"wire-%s\", \"kind\": {\"veth\": {\"peer\": {}}}, \"mac\": \"" HOST_MAC "\", "
             "\"up\": true, \"queues\": 1}",
             endpoint);
    netns_neighbour gateway = {.size = sizeof gateway, .address = GATEWAY, .mac = HOST_MAC};
    const netns_neighbour *neighbours[] = {&gateway};
    netns_birth birth = {.size = sizeof birth, .flags = NETNS_BIRTH_HOST_PREFIX, .link = link, .after = route};
    birth.neighbours = neighbours;
    birth.neighbour_count = 1;
    int32_t status = netns_join_set_names(join, peer, "eth", ret_error);
    if (status == NETNS_STATUS_OK)
        status = netns_join_add_static_route(join, GATEWAY "/32", NETNS_ROUTE_TYPE_CONNECTED, NULL, ret_error);
    if (status == NETNS_STATUS_OK)
        status = netns_join_set_gateway(join, GATEWAY, ret_error);
    if (status == NETNS_STATUS_OK)
        status = netns_join_set_birth(join, &birth, ret_error);
    return status;
}

static int32_t join_wire(void *user, const netns_driver_endpoint *endpoint, netns_join *join,
                         netns_error **ret_error)
{
    struct wires *wires = user; /* Joins may come from several threads at once; this program has one. */
    wires->joins++;
    if (strcmp(endpoint->endpoint, "cut") == 0) {
        *ret_error = netns_error_new(NETNS_STATUS_BUSY, "plug in", endpoint->endpoint, "the wire is cut", 0);
        return NETNS_STATUS_BUSY; /* It comes to the caller of netns_endpoint_connect as it is. */
    }
    if (strlen(endpoint->endpoint) > 10) {
        *ret_error = netns_error_new(NETNS_STATUS_BAD_REQUEST, "plug in", endpoint->endpoint,
                                     "the name is too long for an interface's", 0);
        return NETNS_STATUS_BAD_REQUEST;
    }
    char link[16];
    netns_plan *route;
    snprintf(link, sizeof link, "wire-%s", endpoint->endpoint);
    const char *address = netns_driver_interface_address(netns_join_interface(join));
    int32_t status = host_route(link, address, &route, ret_error);
    if (status != NETNS_STATUS_OK)
        return status;
    status = describe(join, endpoint->endpoint, route, ret_error);
    netns_plan_free(route);
    return status;
}

/* The library takes the end in the sandbox away, and the other end goes with it. */
static int32_t leave_wire(void *user, const netns_driver_endpoint *endpoint, netns_plan **ret_plan,
                          netns_error **ret_error)
{
    (void)user, (void)ret_plan, (void)ret_error;
    printf("endpoint %s leaves\n", endpoint->endpoint);
    return NETNS_STATUS_OK;
}

static void released(void *user)
{
    struct wires *wires = user;
    printf("the driver is needed no more, after %d joins\n", wires->joins);
}

static netns_error *error;

static void check(int32_t status)
{
    if (status != NETNS_STATUS_OK) {
        fprintf(stderr, "%s\n", netns_error_message(error));
        exit(EXIT_FAILURE);
    }
}

/* Shows a failure that is there on purpose. */
static void fails(int32_t status)
{
    if (status == NETNS_STATUS_OK) {
        fputs("this should have failed\n", stderr);
        exit(EXIT_FAILURE);
    }
    printf("%s: %s\n", netns_status_name(status), netns_error_message(error));
    netns_error_free(error);
    error = NULL;
}

int main(void)
{
    static struct wires wires;
    netns_controller_options options = {.size = sizeof options, .flags = NETNS_CONTROLLER_FROM_ENV};
    netns_controller *controller;
    check(netns_controller_open(&options, &controller, &error));

    netns_driver driver = {.size = sizeof driver, .user = &wires, .release = released};
    driver.create_network = create_network;
    driver.delete_network = delete_network;
    driver.create_endpoint = create_endpoint;
    driver.delete_endpoint = delete_endpoint;
    driver.join = join_wire;
    driver.leave = leave_wire;
    check(netns_driver_register(controller, "wire", &driver, &error));
    fails(netns_driver_register(controller, "wire", &driver, &error)); /* A type has one driver. */

    netns_network *network;
    netns_network_config cables = {.size = sizeof cables, .name = "cables", .network_type = "wire"};
    cables.flags = NETNS_NETWORK_IPV6;
    fails(netns_network_create(controller, &cables, &network, &error)); /* The driver's own refusal. */
    cables.flags = 0;
    check(netns_network_create(controller, &cables, &network, &error));

    netns_sandbox *sandbox;
    check(netns_sandbox_create(controller, "wired", &sandbox, &error));
    netns_endpoint_config cut = {.size = sizeof cut, .name = "cut"};
    fails(netns_endpoint_connect(network, sandbox, &cut, NULL, &error));
    netns_endpoint_config phone = {.size = sizeof phone, .name = "phone"};
    netns_endpoint_details *joined;
    check(netns_endpoint_connect(network, sandbox, &phone, &joined, &error));
    printf("%s has %s with %s and the gateway %s\n", netns_sandbox_key(sandbox), joined->interface->name,
           joined->interface->address, joined->interface->gateway);
    netns_endpoint_details_free(joined);

    check(netns_sandbox_destroy(sandbox, &error)); /* Its endpoint goes with it. */
    check(netns_network_delete(network, &error));
    netns_sandbox_free(sandbox);
    netns_network_free(network);
    netns_controller_close(controller);
    return EXIT_SUCCESS;
}
