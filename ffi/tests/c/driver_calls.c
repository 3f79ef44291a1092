/* Which callbacks are called when, with what, and where their errors and plans go. */
#include <net/if.h>
#include <string.h>

#include "driver_wire.h"

/* A plan that makes a bridge in the host, and one that deletes it. */
#define LINK                                                                                             \
    "{\"name\": \"wires0\", \"kind\": {\"bridge\": {\"multicast_snooping\": false, \"vlan_default_pvid\": 0}}, " \
    "\"group\": 20051, \"up\": true}"
#define MAKE "{\"steps\": [{\"place\": \"host\", \"action\": {\"create_link\": " LINK "}, \"existing_ok\": true}]}"
#define DELETE "{\"steps\": [{\"place\": \"host\", \"action\": {\"delete_link\": {\"name\": \"wires0\"}}}]}"

static int32_t create(netns_controller *controller, netns_network **ret_network, netns_error **ret_error)
{
    const netns_pair auxiliary = {"printer", "10.7.0.9"};
    const netns_pair options = {"speed", "high \"\xc3\xa9\""};
    netns_subnet_config four = {.size = sizeof four, .subnet = "10.7.0.0/24"};
    four.auxiliary = &auxiliary;
    four.auxiliary_count = 1;
    netns_subnet_config six = {.size = sizeof six, .subnet = "fd07::/64"};
    netns_network_config config = {.size = sizeof config, .name = "far", .network_type = "wire"};
    config.flags = NETNS_NETWORK_IPV6;
    config.ipv4 = &four;
    config.ipv6 = &six;
    config.options = &options;
    config.option_count = 1;
    return netns_network_create(controller, &config, ret_network, ret_error);
}

#define SUBNETS " 10.7.0.0/24 gateway 10.7.0.1/24 printer 10.7.0.9/24 fd07::/64 gateway fd07::1/64\n"
#define ALLOCATED "network_allocate far {\"speed\":\"high \\\"\xc3\xa9\\\"\"}" SUBNETS
#define CREATED "create_network far {\"speed\":\"high \\\"\xc3\xa9\\\"\",\"vni\":\"4096\"}" SUBNETS

static int32_t connect(netns_network *network, netns_sandbox *sandbox, netns_error **ret_error)
{
    const netns_pair options = {"lane", "left"};
    netns_endpoint_config config = {.size = sizeof config, .name = "web", .mtu = 1400};
    config.address = "10.7.0.77";
    config.address_ipv6 = "fd07::77";
    config.options = &options;
    config.option_count = 1;
    return netns_endpoint_connect(network, sandbox, &config, NULL, ret_error);
}

#define MADE "create_endpoint far web {\"lane\":\"left\"} - 10.7.0.77/24 fd07::77/64\n"
#define JOINED "join far web /run/netns/web {\"lane\":\"left\"} 10.7.0.77/24 fd07::77/64 1400\n"
#define PROGRAMMED "program_external_connectivity far web {\"lane\":\"left\"}\n"
#define REVOKED "revoke_external_connectivity far web -\n"
#define LEFT "leave far web -\n"
#define DELETED "delete_endpoint far web -\n"

static void cut(struct wire *wire, const char *callback)
{
    wire->fails = callback;
    wire->fails_with = NETNS_STATUS_PERMISSION_DENIED;
}

static netns_network *networks(netns_controller *controller, struct wire *wire)
{
    netns_error *error = NULL;
    netns_network *network;
    const int32_t denied = NETNS_STATUS_PERMISSION_DENIED;
    cut(wire, "network_allocate");
    CUT(create(controller, &network, &error), denied, "network_allocate");
    CALLED(wire, ALLOCATED "network_free far\n");
    /* The plan of a call that fails is not carried out. */
    cut(wire, "create_network");
    wire->plan = MAKE;
    CUT(create(controller, &network, &error), denied, "create_network");
    CALLED(wire, ALLOCATED CREATED "network_free far\n");
    CHECK(if_nametoindex("wires0") == 0);
    wire->fails = NULL;
    OK(create(controller, &network, &error));
    CALLED(wire, ALLOCATED CREATED CREATED);
    CHECK(if_nametoindex("wires0") != 0);
    wire->plan = NULL;
    return network;
}

static void endpoints(netns_network *network, netns_sandbox *sandbox, struct wire *wire)
{
    netns_error *error = NULL;
    const int32_t denied = NETNS_STATUS_PERMISSION_DENIED;
    cut(wire, "create_endpoint");
    wire->plan = "{\"steps\": []}";
    CUT(connect(network, sandbox, &error), denied, "create_endpoint");
    wire->plan = NULL;
    CALLED(wire, CREATED MADE DELETED);
    cut(wire, "join");
    CUT(connect(network, sandbox, &error), denied, "join");
    CALLED(wire, MADE JOINED LEFT DELETED);
    cut(wire, "program_external_connectivity");
    CUT(connect(network, sandbox, &error), denied, "program_external_connectivity");
    CALLED(wire, MADE JOINED PROGRAMMED LEFT DELETED);
    wire->fails = NULL;
    OK(connect(network, sandbox, &error));
    CALLED(wire, MADE JOINED PROGRAMMED);

    char *json;
    OK(netns_endpoint_oper_info(network, "web", &json, &error));
    SAME(json, "{\"colour\":\"red\",\"pins\":[1,2]}");
    netns_text_free(json);
    CALLED(wire, "endpoint_oper_info far web -\n");
    cut(wire, "endpoint_oper_info");
    CUT(netns_endpoint_oper_info(network, "web", &json, &error), denied, "endpoint_oper_info");
    CALLED(wire, "endpoint_oper_info far web -\n");

    const char *parting[] = {"revoke_external_connectivity", "leave", "delete_endpoint"};
    const char *calls[] = {REVOKED LEFT, REVOKED LEFT, REVOKED LEFT DELETED};
    for (int i = 0; i < 3; i++) {
        cut(wire, parting[i]);
        CUT(netns_endpoint_disconnect(network, "web", &error), denied, parting[i]);
        CALLED(wire, calls[i]);
    }
    wire->fails = NULL;
    /* What may be repeated is repeated: the failure before was the last. */
    OK(netns_endpoint_disconnect(network, "web", &error));
    CALLED(wire, REVOKED LEFT DELETED);
}

/* Whatever is not 0 is a failure. */
static void numbers(netns_network *network, netns_sandbox *sandbox, struct wire *wire)
{
    const int32_t returned[] = {1, 7, -100, NETNS_STATUS_PANIC, NETNS_STATUS_BUSY, NETNS_STATUS_NOT_FOUND};
    const int32_t expected[] = {NETNS_STATUS_SYSTEM, NETNS_STATUS_SYSTEM, NETNS_STATUS_SYSTEM,
                                NETNS_STATUS_SYSTEM, NETNS_STATUS_BUSY,   NETNS_STATUS_NOT_FOUND};
    netns_error *error = NULL;
    wire->fails = "create_endpoint";
    for (size_t i = 0; i < sizeof returned / sizeof returned[0]; i++) {
        char number[32];
        snprintf(number, sizeof number, "returned %d", returned[i]);
        wire->fails_with = returned[i];
        wire->is_silent = 1;
        CHECK(connect(network, sandbox, &error) == expected[i]);
        SAYS(netns_error_message(error), number);
        netns_error_free(error);
        error = NULL;
        wire->is_silent = 0;
        CUT(connect(network, sandbox, &error), expected[i], "create_endpoint");
    }
    wire->fails = NULL;
    wire->calls[0] = '\0';
}

static void discoveries(netns_controller *controller, struct wire *wire)
{
    netns_error *error = NULL;
    const char *node = "{\"Address\": \"192.0.2.1\"}";
    const int32_t denied = NETNS_STATUS_PERMISSION_DENIED;
    OK(netns_controller_discover_new(controller, NETNS_DISCOVERY_NODE, node, &error));
    OK(netns_controller_discover_delete(controller, NETNS_DISCOVERY_ENCRYPTION_KEYS_UPDATE, node, &error));
    CALLED(wire, "discover_new 1 {\"Address\":\"192.0.2.1\"}\ndiscover_delete 4 {\"Address\":\"192.0.2.1\"}\n");
    cut(wire, "discover_new");
    CUT(netns_controller_discover_new(controller, 2, "[]", &error), denied, "discover_new");
    cut(wire, "discover_delete");
    CUT(netns_controller_discover_delete(controller, 3, "{}", &error), denied, "discover_delete");
    CALLED(wire, "discover_new 2 []\ndiscover_delete 3 {}\n");
    wire->fails = NULL;
    REFUSED(netns_controller_discover_new(controller, 0, node, &error), NETNS_STATUS_BAD_REQUEST);
    REFUSED(netns_controller_discover_new(controller, 5, node, &error), NETNS_STATUS_BAD_REQUEST);
    REFUSED(netns_controller_discover_new(controller, 1, "{", &error), NETNS_STATUS_BAD_REQUEST);
    REFUSED(netns_controller_discover_delete(controller, 1, NULL, &error), NETNS_STATUS_BAD_REQUEST);
    REFUSED(netns_controller_discover_delete(NULL, 1, node, &error), NETNS_STATUS_BAD_REQUEST);
    CALLED(wire, "");
}

/* A driver of local scope that has no more than it must. */
static void bare(netns_controller *controller)
{
    struct wire wire;
    netns_error *error = NULL;
    wire_init(&wire);
    netns_driver driver = wire_driver(&wire);
    driver.network_allocate = NULL;
    driver.network_free = NULL;
    driver.endpoint_oper_info = NULL;
    driver.program_external_connectivity = NULL;
    driver.revoke_external_connectivity = NULL;
    driver.discover_new = NULL;
    driver.discover_delete = NULL;
    driver.data_scope = NETNS_SCOPE_GLOBAL;
    OK(netns_driver_register(controller, "bare", &driver, &error));
    netns_network *network;
    netns_network_config config = {.size = sizeof config, .name = "near", .network_type = "bare"};
    config.flags = NETNS_NETWORK_NO_IPV4;
    OK(netns_network_create(controller, &config, &network, &error));
    OK(netns_controller_discover_new(controller, NETNS_DISCOVERY_NODE, "{}", &error));
    netns_sandbox *sandbox = wire_sandbox(controller, "db");
    OK(wire_connect(network, sandbox, "db", NULL, &error));
    char *json;
    REFUSED(netns_endpoint_oper_info(network, "db", &json, &error), NETNS_STATUS_NOT_IMPLEMENTED);
    OK(netns_sandbox_destroy(sandbox, &error));
    OK(netns_network_delete(network, &error));
    netns_sandbox_free(sandbox);
    netns_network_free(network);
    netns_controller_close(controller);
    CHECK(wire.released == 1);
}

int main(void)
{
    struct wire wire;
    netns_error *error = NULL;
    wire_init(&wire);
    netns_controller *controller = wire_controller();
    netns_driver driver = wire_driver(&wire);
    driver.data_scope = NETNS_SCOPE_GLOBAL;
    OK(netns_driver_register(controller, "wire", &driver, &error));
    netns_network *network = networks(controller, &wire);
    netns_sandbox *sandbox = wire_sandbox(controller, "web");
    endpoints(network, sandbox, &wire);
    numbers(network, sandbox, &wire);
    discoveries(controller, &wire);
    OK(netns_sandbox_destroy(sandbox, &error));
    netns_sandbox_free(sandbox);
    wire.fails = "delete_network";
    wire.fails_with = NETNS_STATUS_BUSY;
    wire.plan = DELETE;
    CUT(netns_network_delete(network, &error), NETNS_STATUS_BUSY, "delete_network");
    CHECK(if_nametoindex("wires0") != 0);
    wire.fails = NULL;
    OK(netns_network_delete(network, &error));
    CALLED(&wire, CREATED "delete_network far\n" CREATED "delete_network far\nnetwork_free far\n");
    CHECK(if_nametoindex("wires0") == 0);
    netns_network_free(network);
    bare(controller);
    CHECK(wire.released == 1);
    return 0;
}
