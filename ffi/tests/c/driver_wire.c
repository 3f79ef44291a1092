#define _POSIX_C_SOURCE 200809L

#include "driver_wire.h"

#include <stdarg.h>
#include <string.h>

static void write_down(struct wire *wire, const char *format, va_list arguments)
{
    CHECK(pthread_mutex_lock(&wire->lock) == 0);
    size_t length = strlen(wire->calls);
    int written = vsnprintf(wire->calls + length, sizeof wire->calls - length, format, arguments);
    CHECK(written >= 0 && length + (size_t)written < sizeof wire->calls);
    CHECK(pthread_mutex_unlock(&wire->lock) == 0);
}

static void count_error(struct wire *wire, int more)
{
    CHECK(pthread_mutex_lock(&wire->lock) == 0);
    wire->errors += more;
    CHECK(pthread_mutex_unlock(&wire->lock) == 0);
}

static void error_is_freed(void *user)
{
    count_error(user, -1);
}

static int any_is_known;

/* An error that is known by the wire, wherever it comes out. */
static netns_error *cut_error(struct wire *wire, const char *callback)
{
    netns_error *error = netns_error_new(wire->fails_with, "cut", callback, "the wire is cut", 71);
    CHECK(netns_error_user(error) == NULL);
    count_error(wire, 1);
    any_is_known = 1;
    CHECK(netns_error_set_user(error, wire, error_is_freed) == 1);
    CHECK(netns_error_set_user(error, &wire, error_is_freed) == 0);
    CHECK(netns_error_user(error) == wire);
    return error;
}

/* Every callback begins here. */
static int32_t told(struct wire *wire, const char *callback, netns_plan **ret_plan, netns_error **ret_error,
                    const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_down(wire, format, arguments);
    va_end(arguments);
    CHECK(*ret_error == NULL);
    if (ret_plan != NULL) {
        CHECK(*ret_plan == NULL);
        if (wire->plan != NULL && netns_plan_from_json(wire->plan, ret_plan, ret_error) != 0)
            return NETNS_STATUS_BAD_REQUEST;
    }
    if (wire->fails == NULL || strcmp(wire->fails, callback) != 0)
        return 0;
    if (!wire->is_silent)
        *ret_error = cut_error(wire, callback);
    return wire->fails_with;
}

static const char *word(const char *text)
{
    return text == NULL ? "-" : text;
}

/* The subnets of a network, as text. */
static const char *subnets(const netns_driver_network *network, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int family = 0; family < 2; family++) {
        size_t count = family == 0 ? network->ipv4_count : network->ipv6_count;
        const netns_ipam_data *const *all = family == 0 ? network->ipv4 : network->ipv6;
        CHECK((count == 0) == (all == NULL));
        for (size_t i = 0; i < count; i++) {
            CHECK(all[i]->size == sizeof *all[i]);
            used += (size_t)snprintf(text + used, size - used, " %s gateway %s", word(all[i]->pool),
                                     word(all[i]->gateway));
            for (size_t k = 0; k < all[i]->auxiliary_count; k++)
                used += (size_t)snprintf(text + used, size - used, " %s %s", all[i]->auxiliary[k].key,
                                         all[i]->auxiliary[k].value);
            CHECK(used < size);
        }
    }
    return text;
}

static int32_t network_allocate(void *user, const netns_driver_network *network, netns_driver_reply *reply,
                                netns_error **ret_error)
{
    char text[512];
    CHECK(network->size == sizeof *network);
    int32_t status = told(user, "network_allocate", NULL, ret_error, "network_allocate %s %s%s\n",
                          network->network, network->options, subnets(network, text, sizeof text));
    if (status == 0)
        status = netns_driver_reply_add(reply, "vni", "4096", ret_error);
    return status;
}

static int32_t network_free(void *user, const netns_driver_network *network, netns_error **ret_error)
{
    CHECK(network->options == NULL && network->ipv4_count == 0 && network->ipv6_count == 0);
    return told(user, "network_free", NULL, ret_error, "network_free %s\n", network->network);
}

static int32_t create_network(void *user, const netns_driver_network *network, netns_driver_info *info,
                              netns_plan **ret_plan, netns_error **ret_error)
{
    char text[512];
    CHECK(network->size == sizeof *network);
    int32_t status = netns_driver_info_register_table(info, "wires", ret_error);
    CHECK(status == 0);
    return told(user, "create_network", ret_plan, ret_error, "create_network %s %s%s\n", network->network,
                network->options, subnets(network, text, sizeof text));
}

static int32_t delete_network(void *user, const netns_driver_network *network, netns_plan **ret_plan,
                              netns_error **ret_error)
{
    CHECK(network->options == NULL && network->ipv4_count == 0 && network->ipv6_count == 0);
    return told(user, "delete_network", ret_plan, ret_error, "delete_network %s\n", network->network);
}

static int32_t create_endpoint(void *user, const netns_driver_endpoint *endpoint,
                               netns_driver_interface *interface, netns_plan **ret_plan,
                               netns_error **ret_error)
{
    struct wire *wire = user;
    CHECK(endpoint->size == sizeof *endpoint && endpoint->sandbox_key == NULL);
    int32_t status = told(wire, "create_endpoint", ret_plan, ret_error,
                          "create_endpoint %s %s %s %s %s %s\n", endpoint->network, endpoint->endpoint,
                          endpoint->options, word(netns_driver_interface_mac(interface)),
                          word(netns_driver_interface_address(interface)),
                          word(netns_driver_interface_address_ipv6(interface)));
    if (status == 0 && wire->makes != NULL)
        status = wire->makes(wire, endpoint, interface, ret_error);
    return status;
}

static int32_t join(void *user, const netns_driver_endpoint *endpoint, netns_join *join,
                    netns_error **ret_error)
{
    struct wire *wire = user;
    CHECK(endpoint->size == sizeof *endpoint);
    const netns_driver_interface *interface = netns_join_interface(join);
    int32_t status =
        told(wire, "join", NULL, ret_error, "join %s %s %s %s %s %s %u\n", endpoint->network,
             endpoint->endpoint, endpoint->sandbox_key, endpoint->options,
             word(netns_driver_interface_address(interface)),
             word(netns_driver_interface_address_ipv6(interface)), (unsigned)netns_join_mtu(join));
    if (status == 0 && wire->joins != NULL)
        status = wire->joins(wire, endpoint, join, ret_error);
    return status;
}

/* Of what is called with an endpoint and may leave a plan. */
static int32_t about(void *user, const char *callback, const netns_driver_endpoint *endpoint,
                     netns_plan **ret_plan, netns_error **ret_error)
{
    CHECK(endpoint->size == sizeof *endpoint && endpoint->sandbox_key == NULL);
    return told(user, callback, ret_plan, ret_error, "%s %s %s %s\n", callback, endpoint->network,
                endpoint->endpoint, word(endpoint->options));
}

static int32_t delete_endpoint(void *user, const netns_driver_endpoint *endpoint, netns_plan **ret_plan,
                               netns_error **ret_error)
{
    return about(user, "delete_endpoint", endpoint, ret_plan, ret_error);
}

static int32_t leave(void *user, const netns_driver_endpoint *endpoint, netns_plan **ret_plan,
                     netns_error **ret_error)
{
    struct wire *wire = user;
    if (wire->parts != NULL)
        wire->parts(wire, endpoint);
    return about(user, "leave", endpoint, ret_plan, ret_error);
}

static int32_t program(void *user, const netns_driver_endpoint *endpoint, netns_plan **ret_plan,
                       netns_error **ret_error)
{
    return about(user, "program_external_connectivity", endpoint, ret_plan, ret_error);
}

static int32_t revoke(void *user, const netns_driver_endpoint *endpoint, netns_plan **ret_plan,
                      netns_error **ret_error)
{
    return about(user, "revoke_external_connectivity", endpoint, ret_plan, ret_error);
}

static int32_t oper_info(void *user, const netns_driver_endpoint *endpoint, netns_driver_reply *reply,
                         netns_error **ret_error)
{
    int32_t status = about(user, "endpoint_oper_info", endpoint, NULL, ret_error);
    if (status == 0)
        status = netns_driver_reply_add(reply, "colour", "red", ret_error);
    if (status == 0)
        status = netns_driver_reply_add_json(reply, "pins", "[1, 2]", ret_error);
    return status;
}

static int32_t discover_new(void *user, int32_t discovery, const char *data, netns_error **ret_error)
{
    return told(user, "discover_new", NULL, ret_error, "discover_new %d %s\n", discovery, data);
}

static int32_t discover_delete(void *user, int32_t discovery, const char *data, netns_error **ret_error)
{
    return told(user, "discover_delete", NULL, ret_error, "discover_delete %d %s\n", discovery, data);
}

static void release(void *user)
{
    struct wire *wire = user;
    wire->released++;
}

void wire_init(struct wire *wire)
{
    memset(wire, 0, sizeof *wire);
    CHECK(pthread_mutex_init(&wire->lock, NULL) == 0);
}

netns_driver wire_driver(struct wire *wire)
{
    netns_driver driver = {.size = sizeof driver, .user = wire, .release = release};
    driver.network_allocate = network_allocate;
    driver.network_free = network_free;
    driver.create_network = create_network;
    driver.delete_network = delete_network;
    driver.create_endpoint = create_endpoint;
    driver.delete_endpoint = delete_endpoint;
    driver.endpoint_oper_info = oper_info;
    driver.join = join;
    driver.leave = leave;
    driver.program_external_connectivity = program;
    driver.revoke_external_connectivity = revoke;
    driver.discover_new = discover_new;
    driver.discover_delete = discover_delete;
    return driver;
}

void wire_expect(struct wire *wire, const char *file, int line, const char *calls)
{
    CHECK(pthread_mutex_lock(&wire->lock) == 0);
    if (strcmp(wire->calls, calls) != 0) {
        fprintf(stderr, "%s:%d: called were\n%sand not\n%s", file, line, wire->calls, calls);
        exit(1);
    }
    wire->calls[0] = '\0';
    CHECK(pthread_mutex_unlock(&wire->lock) == 0);
}

netns_controller *wire_controller(void)
{
    netns_error *error = NULL;
    netns_controller *controller;
    netns_controller_options options = {.size = sizeof options, .networks_dir = "/run/networks"};
    OK(netns_controller_open(&options, &controller, &error));
    return controller;
}

int32_t wire_network(netns_controller *controller, const char *name, const char *ipv4, const char *ipv6,
                     netns_network **ret_network, netns_error **ret_error)
{
    netns_subnet_config four = {.size = sizeof four, .subnet = ipv4};
    netns_subnet_config six = {.size = sizeof six, .subnet = ipv6};
    netns_network_config config = {.size = sizeof config, .name = name, .network_type = "wire"};
    config.flags = (ipv4 == NULL ? NETNS_NETWORK_NO_IPV4 : 0) | (ipv6 == NULL ? 0 : NETNS_NETWORK_IPV6);
    config.ipv4 = ipv4 == NULL ? NULL : &four;
    config.ipv6 = ipv6 == NULL ? NULL : &six;
    return netns_network_create(controller, &config, ret_network, ret_error);
}

netns_sandbox *wire_sandbox(netns_controller *controller, const char *name)
{
    netns_error *error = NULL;
    netns_sandbox *sandbox;
    OK(netns_sandbox_create(controller, name, &sandbox, &error));
    return sandbox;
}

int32_t wire_connect(netns_network *network, netns_sandbox *sandbox, const char *endpoint,
                     netns_endpoint_details **ret_details, netns_error **ret_error)
{
    netns_endpoint_config config = {.size = sizeof config, .name = endpoint};
    return netns_endpoint_connect(network, sandbox, &config, ret_details, ret_error);
}

void wire_is_cut(int32_t status, int32_t expected, netns_error **error, const char *word, const char *file,
                 int line)
{
    const char *message = netns_error_message(*error);
    int is_as_said = status == expected && *error != NULL && netns_error_kind(*error) == expected &&
                     netns_error_errno(*error) == 71 && strstr(message, "the wire is cut") != NULL &&
                     strstr(netns_error_subject(*error), word) != NULL;
    if (!is_as_said) {
        fprintf(stderr, "%s:%d: %s, errno %d, not as %s is cut: %s\n", file, line, netns_status_name(status),
                (int)netns_error_errno(*error), word, message == NULL ? "(no error)" : message);
        exit(1);
    }
    struct wire *wire = netns_error_user(*error);
    /* That of an address management is nobody's. */
    CHECK((wire != NULL) == any_is_known);
    CHECK(wire == NULL || wire->errors == 1);
    CHECK(wire == NULL || netns_error_set_user(*error, wire, error_is_freed) == 0);
    netns_error_free(*error);
    CHECK(wire == NULL || wire->errors == 0);
    *error = NULL;
}
