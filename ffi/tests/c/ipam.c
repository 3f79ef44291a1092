/* Address management in C. */
#include <string.h>

#include "driver_wire.h"

struct own {
    char calls[8192];
    const char *fails;
    /* It succeeds and does not answer. */
    int is_mute;
    unsigned last;
    int released;
    netns_controller *controller;
};

static int32_t told(struct own *own, const char *callback, netns_error **ret_error)
{
    netns_names *names;
    CHECK(*ret_error == NULL);
    /* It may call the library back. */
    if (own->controller != NULL) {
        CHECK(netns_network_list(own->controller, &names, NULL) == 0);
        netns_names_free(names);
    }
    if (own->fails == NULL || strcmp(own->fails, callback) != 0)
        return 0;
    *ret_error = netns_error_new(NETNS_STATUS_RESOURCE_EXHAUSTED, "cut", callback, "the wire is cut", 71);
    return NETNS_STATUS_RESOURCE_EXHAUSTED;
}

static void noted(struct own *own, const char *callback, const char *first, const char *second,
                  const netns_pair *options, size_t count)
{
    size_t used = strlen(own->calls);
    used += (size_t)snprintf(own->calls + used, sizeof own->calls - used, "%s %s %s", callback,
                             first == NULL ? "-" : first, second == NULL ? "-" : second);
    CHECK((count == 0) == (options == NULL));
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(own->calls + used, sizeof own->calls - used, " %s=%s", options[i].key,
                                 options[i].value);
    used += (size_t)snprintf(own->calls + used, sizeof own->calls - used, "\n");
    CHECK(used < sizeof own->calls);
}

#define NOTED(own, expected)                                          \
    do {                                                              \
        SAME((own)->calls, (expected));                               \
        (own)->calls[0] = '\0';                                       \
    } while (0)

static int32_t spaces(void *user, netns_ipam_reply *reply, netns_error **ret_error)
{
    struct own *own = user;
    netns_error *error = NULL;
    int32_t status = told(own, "spaces", ret_error);
    if (status != 0)
        return status;
    REFUSED(netns_ipam_reply_set_pool(reply, "10.1.0.0/16", NULL, &error), NETNS_STATUS_FORBIDDEN);
    REFUSED(netns_ipam_reply_set_address_spaces(reply, "a/b", "b", &error), NETNS_STATUS_BAD_REQUEST);
    return netns_ipam_reply_set_address_spaces(reply, "here", "everywhere", ret_error);
}

static int32_t request_pool(void *user, const netns_pool_request *request, netns_ipam_reply *reply,
                            netns_error **ret_error)
{
    struct own *own = user;
    netns_error *error = NULL;
    int is_ipv6 = (request->flags & NETNS_POOL_IPV6) != 0;
    CHECK(request->size == sizeof *request);
    noted(own, "request_pool", request->address_space, request->pool, request->options,
          request->option_count);
    int32_t status = told(own, "request_pool", ret_error);
    if (status != 0 || own->is_mute)
        return status;
    REFUSED(netns_ipam_reply_set_address(reply, "10.1.0.1/16", &error), NETNS_STATUS_FORBIDDEN);
    REFUSED(netns_ipam_reply_set_pool(reply, "10.1.0.1/16", NULL, &error), NETNS_STATUS_BAD_REQUEST);
    REFUSED(netns_ipam_reply_set_pool(reply, "10.1.0.0/16", "rack\n7", &error), NETNS_STATUS_BAD_REQUEST);
    REFUSED(netns_ipam_reply_set_pool(reply, NULL, NULL, &error), NETNS_STATUS_BAD_REQUEST);
    OK(netns_ipam_reply_add_data(reply, "rack", "7", &error));
    const char *pool = request->pool != NULL ? request->pool : is_ipv6 ? "fd66::/64" : "10.66.0.0/24";
    return netns_ipam_reply_set_pool(reply, pool, is_ipv6 ? "rack7/fd66::/64" : NULL, ret_error);
}

static int32_t release_pool(void *user, const char *pool, netns_error **ret_error)
{
    struct own *own = user;
    noted(own, "release_pool", pool, NULL, NULL, 0);
    return told(own, "release_pool", ret_error);
}

static int32_t request_address(void *user, const netns_address_request *request, netns_ipam_reply *reply,
                               netns_error **ret_error)
{
    struct own *own = user;
    char address[64];
    CHECK(request->size == sizeof *request);
    noted(own, "request_address", request->pool, request->address, request->options, request->option_count);
    int32_t status = told(own, "request_address", ret_error);
    if (status != 0)
        return status;
    int is_ipv6 = strchr(request->pool, ':') != NULL;
    if (request->address != NULL)
        snprintf(address, sizeof address, "%s/%d", request->address, is_ipv6 ? 64 : 24);
    else
        snprintf(address, sizeof address, is_ipv6 ? "fd66::%u/64" : "10.66.0.%u/24", ++own->last);
    return netns_ipam_reply_set_address(reply, address, ret_error);
}

static int32_t release_address(void *user, const char *pool, const char *address, netns_error **ret_error)
{
    struct own *own = user;
    noted(own, "release_address", pool, address, NULL, 0);
    return told(own, "release_address", ret_error);
}

static void release(void *user)
{
    struct own *own = user;
    own->released++;
}

static netns_ipam whole(struct own *own)
{
    netns_ipam ipam = {.size = sizeof ipam, .user = own, .release = release};
    ipam.default_address_spaces = spaces;
    ipam.request_pool = request_pool;
    ipam.release_pool = release_pool;
    ipam.request_address = request_address;
    ipam.release_address = release_address;
    return ipam;
}

static void what_is_wrong_is_refused(netns_controller *controller)
{
    netns_error *error = NULL;
    struct own own = {.released = 0};
    netns_ipam ipam = whole(&own);
    ipam.size = 0;
    REFUSED(netns_ipam_register(controller, "own", &ipam, &error), NETNS_STATUS_BAD_REQUEST);
    ipam = whole(&own);
    ipam.request_pool = NULL;
    CHECK(netns_ipam_register(controller, "own", &ipam, &error) == NETNS_STATUS_BAD_REQUEST);
    SAYS(netns_error_message(error), "ipam.request_pool");
    netns_error_free(error);
    error = NULL;
    ipam = whole(&own);
    REFUSED(netns_ipam_register(controller, "a/b", &ipam, &error), NETNS_STATUS_BAD_REQUEST);
    REFUSED(netns_ipam_register(controller, NULL, &ipam, &error), NETNS_STATUS_BAD_REQUEST);
    REFUSED(netns_ipam_register(controller, "own", NULL, &error), NETNS_STATUS_BAD_REQUEST);
    REFUSED(netns_ipam_register(controller, "default", &ipam, &error), NETNS_STATUS_FORBIDDEN);
    CHECK(own.released == 0);
}

static int32_t create(netns_controller *controller, netns_network **ret_network, netns_error **ret_error)
{
    const netns_pair option = {"rack", "7"};
    netns_network_config config = {.size = sizeof config, .name = "blue", .network_type = "bridge"};
    config.flags = NETNS_NETWORK_IPV6;
    config.ipam = "own";
    config.ipam_options = &option;
    config.ipam_option_count = 1;
    return netns_network_create(controller, &config, ret_network, ret_error);
}

#define GATEWAY " RequestAddressType=com.docker.network.gateway\n"
#define CUT_AT(call, word) CUT(call, NETNS_STATUS_RESOURCE_EXHAUSTED, word)

static void failures(netns_controller *controller, struct own *own)
{
    netns_error *error = NULL;
    netns_network *network;
    own->fails = "spaces";
    CUT_AT(create(controller, &network, &error), "spaces");
    own->fails = "request_pool";
    CUT_AT(create(controller, &network, &error), "request_pool");
    own->fails = "request_address";
    CUT_AT(create(controller, &network, &error), "request_address");
    NOTED(own, "request_pool here - rack=7\nrequest_pool here - rack=7\n"
               "request_address here/10.66.0.0/24 -" GATEWAY "release_pool here/10.66.0.0/24 -\n");
    own->fails = NULL;
    own->is_mute = 1;
    CHECK(create(controller, &network, &error) == NETNS_STATUS_SYSTEM);
    SAYS(netns_error_message(error), "did not call netns_ipam_reply_set_pool");
    netns_error_free(error);
    own->is_mute = 0;
    own->calls[0] = '\0';
}

int main(void)
{
    struct own own = {.released = 0};
    netns_error *error = NULL;
    netns_network *network;
    netns_endpoint_details *details;
    netns_controller *controller = wire_controller();
    what_is_wrong_is_refused(controller);
    netns_ipam ipam = whole(&own);
    OK(netns_ipam_register(controller, "own", &ipam, &error));
    own.controller = controller;
    REFUSED(netns_ipam_register(controller, "own", &ipam, &error), NETNS_STATUS_FORBIDDEN);
    failures(controller, &own);

    OK(create(controller, &network, &error));
    NOTED(&own, "request_pool here - rack=7\nrequest_address here/10.66.0.0/24 -" GATEWAY
                "request_pool here - rack=7\nrequest_address rack7/fd66::/64 -" GATEWAY);
    netns_sandbox *sandbox = wire_sandbox(controller, "web");
    OK(wire_connect(network, sandbox, "web", &details, &error));
    SAME(details->address, "10.66.0.3/24");
    SAME(details->address_ipv6, "fd66::4/64");
    netns_endpoint_details_free(details);
    NOTED(&own, "request_address here/10.66.0.0/24 -\nrequest_address rack7/fd66::/64 -\n");
    netns_endpoint_config config = {.size = sizeof config, .name = "db", .address = "10.66.0.99"};
    own.fails = "release_address";
    OK(netns_endpoint_create(network, &config, NULL, &error));
    OK(netns_endpoint_delete(network, "db", &error));
    NOTED(&own, "request_address here/10.66.0.0/24 10.66.0.99\nrequest_address rack7/fd66::/64 -\n"
                "release_address here/10.66.0.0/24 10.66.0.99\nrelease_address rack7/fd66::/64 fd66::5\n");
    own.fails = NULL;
    OK(netns_sandbox_destroy(sandbox, &error));
    NOTED(&own, "release_address here/10.66.0.0/24 10.66.0.3\nrelease_address rack7/fd66::/64 fd66::4\n");
    OK(netns_network_delete(network, &error));
    NOTED(&own, "release_address here/10.66.0.0/24 10.66.0.1\nrelease_pool here/10.66.0.0/24 -\n"
                "release_address rack7/fd66::/64 fd66::2\nrelease_pool rack7/fd66::/64 -\n");

    /* Without spaces of its own it has Docker's. */
    struct own plain = {.released = 0};
    ipam = whole(&plain);
    ipam.default_address_spaces = NULL;
    netns_controller *other = wire_controller();
    OK(netns_ipam_register(other, "own", &ipam, &error));
    netns_network *again;
    OK(create(other, &again, &error));
    SAYS(plain.calls, "request_pool LocalDefault -");
    OK(netns_network_delete(again, &error));
    netns_network_free(again);
    netns_controller_close(other);
    CHECK(plain.released == 1);

    netns_sandbox_free(sandbox);
    netns_network_free(network);
    CHECK(own.released == 0);
    netns_controller_close(controller);
    CHECK(own.released == 1);
    return 0;
}
