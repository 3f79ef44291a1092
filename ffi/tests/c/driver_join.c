/* What a driver may say of a device: that one is born, that one exists, that there is none. */
#include <net/if.h>
#include <string.h>

#include "driver_wire.h"

/* Which join is wanted is the endpoint's name. */
static int32_t joins(struct wire *wire, const netns_driver_endpoint *endpoint, netns_join *join,
                     netns_error **ret_error)
{
    netns_plan *after = NULL;
    int32_t status;
    (void)wire;
    if (strcmp(endpoint->endpoint, "none") == 0)
        return 0;
    if (strcmp(endpoint->endpoint, "existing") == 0) {
        status = netns_join_set_names(join, "nobody0", "no", ret_error);
        if (status == 0)
            status = netns_join_set_names(join, "wire0", "net", ret_error);
        if (status == 0)
            status = netns_join_set_gateway(join, "10.7.0.1", ret_error);
        if (status == 0)
            status = netns_join_set_gateway_ipv6(join, "fd07::1", ret_error);
        if (status == 0)
            status = netns_join_add_static_route(join, "10.8.0.0/16", NETNS_ROUTE_TYPE_NEXT_HOP, "10.7.0.9",
                                                 ret_error);
        if (status == 0)
            status = netns_join_add_static_route(join, "10.9.0.0/16", NETNS_ROUTE_TYPE_CONNECTED, NULL,
                                                 ret_error);
        if (status == 0)
            status = netns_join_add_table_entry(join, "wires", "existing", (const uint8_t *)"0", 1, ret_error);
        return status;
    }
    netns_neighbour neighbour = {.size = sizeof neighbour, .address = "10.7.0.1", .mac = "02:00:00:00:00:01"};
    const netns_neighbour *neighbours[] = {&neighbour};
    netns_birth birth = {.size = sizeof birth, .flags = NETNS_BIRTH_HOST_PREFIX};
    birth.link = "{\"name\": \"wire7\", \"kind\": {\"veth\": {\"peer\": {}}}, \"mtu\": 1400, \"up\": true, "
                 "\"mac\": \"02:00:00:00:00:01\", \"queues\": 1}";
    birth.neighbours = neighbours;
    birth.neighbour_count = 1;
    status = netns_plan_from_json("{\"steps\": [{\"place\": \"host\", \"action\": {\"add_route\": {\"link\": "
                                  "{\"name\": \"wire7\"}, \"destination\": \"10.7.0.2/32\", \"gateway\": null, "
                                  "\"source\": null, \"metric\": null, \"replace\": false}}}]}",
                                  &after, ret_error);
    birth.after = after;
    if (status == 0 && strcmp(endpoint->endpoint, "born") == 0)
        status = netns_join_set_names(join, "wire7p", "wire", ret_error);
    if (status == 0)
        status = netns_join_add_static_route(join, "10.7.0.1/32", NETNS_ROUTE_TYPE_CONNECTED, NULL, ret_error);
    if (status == 0)
        status = netns_join_set_gateway(join, "10.7.0.1", ret_error);
    if (status == 0 && strcmp(endpoint->endpoint, "internal") == 0)
        status = netns_join_disable_gateway_service(join, ret_error);
    if (status == 0)
        status = netns_join_set_birth(join, &birth, ret_error);
    netns_plan_free(after);
    return status;
}

/* Each setter says what is wrong, and the join goes on. */
static int32_t asks_wrongly(struct wire *wire, const netns_driver_endpoint *endpoint, netns_join *join,
                            netns_error **ret_error)
{
    const int32_t bad = NETNS_STATUS_BAD_REQUEST;
    netns_error *error = NULL;
    netns_birth birth = {.size = sizeof birth, .link = "{}"};
    const netns_neighbour *nobody[] = {NULL};
    (void)wire;
    (void)endpoint;
    (void)ret_error;
    REFUSED(netns_join_set_names(join, "a/b", "eth", &error), bad);
    REFUSED(netns_join_set_names(join, "wire0", NULL, &error), bad);
    REFUSED(netns_join_set_names(NULL, "wire0", "eth", &error), bad);
    REFUSED(netns_join_set_gateway(join, "fd07::1", &error), bad);
    REFUSED(netns_join_set_gateway(join, NULL, &error), bad);
    REFUSED(netns_join_set_gateway_ipv6(join, "10.7.0.1", &error), bad);
    REFUSED(netns_join_add_static_route(join, "10.8.0.0/16", 2, NULL, &error), bad);
    REFUSED(netns_join_add_static_route(join, "10.8.0.0/16", 0, NULL, &error), bad);
    REFUSED(netns_join_add_static_route(join, "10.8.0.0/16", 1, "10.7.0.1", &error), bad);
    REFUSED(netns_join_add_static_route(join, "10.8.0.0/16", 0, "fd07::1", &error), bad);
    REFUSED(netns_join_add_static_route(join, NULL, 1, NULL, &error), bad);
    REFUSED(netns_join_add_table_entry(join, "", "key", NULL, 0, &error), bad);
    REFUSED(netns_join_add_table_entry(join, "wires", "key", NULL, 1, &error), bad);
    REFUSED(netns_join_add_table_entry(join, "wires", "key", NULL, SIZE_MAX, &error), bad);
    REFUSED(netns_join_add_table_entry(join, "wires", "key", (const uint8_t *)"0", SIZE_MAX, &error), bad);
    REFUSED(netns_join_set_birth(join, NULL, &error), bad);
    REFUSED(netns_join_set_birth(join, &birth, &error), bad);
    birth.link = "{\"name\": \"wire7\", \"kind\": {\"veth\": {\"peer\": {}}}}";
    birth.flags = 2;
    REFUSED(netns_join_set_birth(join, &birth, &error), bad);
    birth.flags = 0;
    birth.neighbour_count = 1;
    REFUSED(netns_join_set_birth(join, &birth, &error), bad);
    birth.neighbours = nobody;
    REFUSED(netns_join_set_birth(join, &birth, &error), bad);
    birth.neighbour_count = SIZE_MAX;
    REFUSED(netns_join_set_birth(join, &birth, &error), bad);
    birth.neighbours = NULL;
    REFUSED(netns_join_set_birth(join, &birth, &error), bad);
    birth.neighbour_count = 0;
    birth.size = 8;
    REFUSED(netns_join_set_birth(join, &birth, &error), bad);
    CHECK(netns_join_interface(NULL) == NULL && netns_join_mtu(NULL) == 0);
    return 0;
}

static int32_t chooses(struct wire *wire, const netns_driver_endpoint *endpoint,
                       netns_driver_interface *interface, netns_error **ret_error)
{
    netns_error *error = NULL;
    (void)wire;
    (void)endpoint;
    (void)ret_error;
    SAME(netns_driver_interface_mac(interface), NULL);
    REFUSED(netns_driver_interface_set_mac_address(interface, "02:00", &error), NETNS_STATUS_BAD_REQUEST);
    OK(netns_driver_interface_set_mac_address(interface, "02:00:00:00:00:77", &error));
    REFUSED(netns_driver_interface_set_mac_address(interface, "02:00:00:00:00:78", &error),
            NETNS_STATUS_FORBIDDEN);
    const char *mac = netns_driver_interface_mac(interface);
    REFUSED(netns_driver_interface_set_ip_address(interface, "10.5.0.0", &error), NETNS_STATUS_BAD_REQUEST);
    REFUSED(netns_driver_interface_set_ip_address(interface, "0.0.0.0/0", &error), NETNS_STATUS_BAD_REQUEST);
    OK(netns_driver_interface_set_ip_address(interface, "10.5.0.77/24", &error));
    OK(netns_driver_interface_set_ip_address(interface, "fd05::77/64", &error));
    REFUSED(netns_driver_interface_set_ip_address(interface, "10.5.0.78/24", &error), NETNS_STATUS_FORBIDDEN);
    REFUSED(netns_driver_interface_set_ip_address(interface, "fd05::78/64", &error), NETNS_STATUS_FORBIDDEN);
    SAME(mac, "02:00:00:00:00:77");
    SAME(netns_driver_interface_address(interface), "10.5.0.77/24");
    SAME(netns_driver_interface_address_ipv6(interface), "fd05::77/64");
    SAME(netns_driver_interface_mac(NULL), NULL);
    return 0;
}

static void a_driver_may_choose(netns_controller *controller, struct wire *wire, netns_sandbox *sandbox)
{
    netns_error *error = NULL;
    netns_network *network;
    netns_endpoint_details *details;
    OK(wire_network(controller, "free", NULL, NULL, &network, &error));
    wire->makes = chooses;
    OK(wire_connect(network, sandbox, "none", &details, &error));
    wire->makes = NULL;
    SAME(details->mac, "02:00:00:00:00:77");
    SAME(details->address, "10.5.0.77/24");
    SAME(details->address_ipv6, "fd05::77/64");
    netns_endpoint_details_free(details);
    OK(netns_endpoint_disconnect(network, "none", &error));
    OK(netns_network_delete(network, &error));
    netns_network_free(network);
}

int main(void)
{
    struct wire wire;
    netns_error *error = NULL;
    netns_endpoint_details *details;
    netns_network *network;
    wire_init(&wire);
    wire.joins = joins;
    netns_controller *controller = wire_controller();
    netns_driver driver = wire_driver(&wire);
    OK(netns_driver_register(controller, "wire", &driver, &error));
    OK(wire_network(controller, "far", "10.7.0.0/24", "fd07::/64", &network, &error));
    netns_sandbox *sandbox = wire_sandbox(controller, "web");

    OK(wire_connect(network, sandbox, "none", &details, &error));
    CHECK(details->interface == NULL);
    netns_endpoint_details_free(details);
    OK(netns_endpoint_disconnect(network, "none", &error));

    CHECK(if_nametoindex("wire0") != 0);
    OK(wire_connect(network, sandbox, "existing", &details, &error));
    CHECK(if_nametoindex("wire0") == 0);
    SAME(details->interface->name, "net0");
    SAME(details->interface->gateway, "10.7.0.1");
    SAME(details->interface->gateway_ipv6, "fd07::1");
    CHECK(details->interface->route_count == 2);
    SAME(details->interface->routes[0]->next_hop, "10.7.0.9");
    SAME(details->interface->routes[1]->destination, "10.9.0.0/16");
    netns_endpoint_details_free(details);
    OK(netns_endpoint_disconnect(network, "existing", &error));
    CHECK(if_nametoindex("wire0") != 0);

    CHECK(if_nametoindex("wire7") == 0);
    OK(wire_connect(network, sandbox, "born", &details, &error));
    CHECK(if_nametoindex("wire7") != 0);
    SAME(details->interface->name, "wire0");
    CHECK(strstr(details->interface->address, "/32") != NULL && details->interface->mtu == 1400);
    CHECK(details->interface->neighbour_count == 1);
    netns_endpoint_details_free(details);
    OK(netns_endpoint_disconnect(network, "born", &error));
    CHECK(if_nametoindex("wire7") == 0);

    CHECK(wire_connect(network, sandbox, "nameless", NULL, &error) == NETNS_STATUS_BAD_REQUEST);
    SAYS(netns_error_message(error), "set_names");
    netns_error_free(error);
    error = NULL;

    wire.joins = asks_wrongly;
    OK(wire_connect(network, sandbox, "wrong", &details, &error));
    CHECK(details->interface == NULL);
    netns_endpoint_details_free(details);
    wire.joins = NULL;
    a_driver_may_choose(controller, &wire, sandbox);
    OK(netns_sandbox_destroy(sandbox, &error));
    OK(netns_network_delete(network, &error));
    netns_sandbox_free(sandbox);
    netns_network_free(network);
    netns_controller_close(controller);
    CHECK(wire.released == 1);
    return 0;
}
