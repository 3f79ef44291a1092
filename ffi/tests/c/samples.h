/* Valid values for the walk through the header: of each type, and where it matters of each parameter.
 *
 * The walk looks for a function here, and takes the first that there is:
 *   sample_<function>_<parameter>   of one parameter of one function
 *   sample_<object>_<parameter>     of an object's functions: sample_netns_link_name
 *   sample_<parameter>              of parameters of that name, for strings and numbers
 *   sample_<type>                   of structs and handles
 * All take the world, which owns what they return. Around a call it uses, where they are there:
 *   prepare_<function>              before the arguments are made
 *   discard_<type>                  undoes what a returned object stands for, before it is freed
 */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <assert.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container.h"

/* What there is when a function is called. Everything but the controller is made when it is first asked for,
 * and unmade after each call that succeeded. */
struct world {
    netns_controller *controller;
    netns_network *network;
    netns_sandbox *sandbox;
    netns_bridge *bridge;
    netns_plan *plan;
    netns_events *events;
    netns_meter *meter;
    /* Of b0 in a host of the call's own; its life is 0 while there is none. */
    netns_slot slot;
    netns_error *error;
    netns_namespace *ns;
    pid_t plugin;
    /* A descriptor of that. */
    int fd;
    /* The namespace of this thread, while it is in one of its own. */
    int home;
    netns_strategy_state *strategy_state;
    netns_config *config;
    netns_setup *setup;
    netns_setup_state *setup_state;
    /* A process in a network namespace of its own. */
    pid_t container;
    unsigned number;
    char text[32][64];
};

#define BASE "/run/netns"

/* A name that nothing has. */
static const char *fresh(struct world *w, const char *stem)
{
    char *text = w->text[w->number % 32];
    snprintf(text, sizeof w->text[0], "%s%u", stem, w->number++);
    return text;
}

static netns_error *error;

/* ---- handles ---- */

static const char *const plugin_socket_dirs[] = {"/run/walk"};

static const netns_controller_options *sample_netns_controller_options(struct world *w)
{
    static netns_controller_options options;
    (void)w;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.flags = NETNS_CONTROLLER_PROCESS_LIFETIME;
    options.networks_dir = "/run/walk/networks";
    options.run_dir = "/run/walk";
    options.sandbox_dir = BASE;
    options.plugin_socket_dirs = plugin_socket_dirs;
    options.plugin_socket_dir_count = 1;
    return &options;
}

static netns_controller *sample_netns_controller(struct world *w)
{
    if (w->controller == NULL)
        OK(netns_controller_open(sample_netns_controller_options(w), &w->controller, &error));
    return w->controller;
}

static netns_network *sample_netns_network(struct world *w)
{
    if (w->network == NULL) {
        netns_network_config config;
        memset(&config, 0, sizeof config);
        config.size = sizeof config;
        config.name = fresh(w, "net");
        config.network_type = "bridge";
        config.flags = NETNS_NETWORK_IPV6;
        OK(netns_network_create(sample_netns_controller(w), &config, &w->network, &error));
    }
    return w->network;
}

static netns_sandbox *sample_netns_sandbox(struct world *w)
{
    if (w->sandbox == NULL)
        OK(netns_sandbox_create(sample_netns_controller(w), fresh(w, "box"), &w->sandbox, &error));
    return w->sandbox;
}

static const netns_bridge_options *sample_netns_bridge_options(struct world *w)
{
    static netns_bridge_options options;
    (void)w;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.bridge = "walkbr0";
    options.gateway = "10.77.0.1/24";
    options.gateway_ipv6 = "fd77::1/64";
    options.mac = "02:42:0a:4d:00:01";
    return &options;
}

static netns_bridge *sample_netns_bridge(struct world *w)
{
    if (w->bridge == NULL)
        OK(netns_bridge_create("walk", sample_netns_bridge_options(w), &w->bridge, &error));
    return w->bridge;
}

static const netns_bridge_endpoint *sample_netns_bridge_endpoint(struct world *w);

static netns_plan *sample_netns_plan(struct world *w)
{
    if (w->plan == NULL)
        OK(netns_bridge_plan_join(sample_netns_bridge(w), sample_netns_sandbox(w),
                                  sample_netns_bridge_endpoint(w), &w->plan, &error));
    return w->plan;
}

static netns_events *sample_netns_events(struct world *w)
{
    if (w->events == NULL)
        OK(netns_events_open(sample_netns_controller(w), &w->events, &error));
    return w->events;
}

static netns_error *sample_netns_error(struct world *w)
{
    if (w->error == NULL)
        CHECK(netns_sandbox_create(NULL, NULL, NULL, &w->error) == NETNS_STATUS_BAD_REQUEST);
    return w->error;
}

/* ---- structs ---- */

static netns_pair pairs[] = {{"org.example.key", "value"}};

static const netns_route *sample_netns_route(struct world *w)
{
    static netns_route route;
    (void)w;
    memset(&route, 0, sizeof route);
    route.size = sizeof route;
    route.destination = "10.99.0.0/16";
    route.next_hop = "10.77.0.9";
    return &route;
}

static const netns_neighbour *sample_netns_neighbour(struct world *w)
{
    static netns_neighbour neighbour;
    (void)w;
    memset(&neighbour, 0, sizeof neighbour);
    neighbour.size = sizeof neighbour;
    neighbour.address = "10.77.0.9";
    neighbour.mac = "02:42:0a:4d:00:09";
    return &neighbour;
}

static const netns_route *const *routes(struct world *w)
{
    static const netns_route *array[1];
    array[0] = sample_netns_route(w);
    return array;
}

static const netns_neighbour *const *neighbours(struct world *w)
{
    static const netns_neighbour *array[1];
    array[0] = sample_netns_neighbour(w);
    return array;
}

static const netns_bridge_endpoint *sample_netns_bridge_endpoint(struct world *w)
{
    static netns_bridge_endpoint endpoint;
    memset(&endpoint, 0, sizeof endpoint);
    endpoint.size = sizeof endpoint;
    endpoint.name = "end";
    endpoint.interface_name = "eth0";
    endpoint.address = "10.77.0.5/24";
    endpoint.address_ipv6 = "fd77::5/64";
    endpoint.mac = "02:42:0a:4d:00:05";
    endpoint.routes = routes(w);
    endpoint.route_count = 1;
    endpoint.neighbours = neighbours(w);
    endpoint.neighbour_count = 1;
    return &endpoint;
}

static const netns_subnet_config *sample_netns_subnet_config(struct world *w)
{
    static netns_pair auxiliary[] = {{"printer", "10.77.0.200"}};
    static netns_subnet_config subnet;
    (void)w;
    memset(&subnet, 0, sizeof subnet);
    subnet.size = sizeof subnet;
    subnet.subnet = "10.77.0.0/24";
    subnet.gateway = "10.77.0.1";
    subnet.range = "10.77.0.0/25";
    subnet.auxiliary = auxiliary;
    subnet.auxiliary_count = 1;
    return &subnet;
}

static const netns_firewall_config *sample_netns_firewall_config(struct world *w)
{
    static netns_firewall_config firewall;
    (void)w;
    memset(&firewall, 0, sizeof firewall);
    firewall.size = sizeof firewall;
    firewall.flags = NETNS_FIREWALL_NO_ICC;
    firewall.isolate = NETNS_ISOLATE_STRICT;
    firewall.source = "192.0.2.7";
    firewall.source_ipv6 = "2001:db8::7";
    return &firewall;
}

static const netns_network_config *sample_netns_network_config(struct world *w)
{
    static netns_pair options[] = {{"mtu", "1400"}};
    static netns_pair auxiliary[] = {{"printer", "fd77::200"}};
    static netns_subnet_config ipv6;
    static netns_network_config config;
    memset(&ipv6, 0, sizeof ipv6);
    ipv6.size = sizeof ipv6;
    ipv6.subnet = "fd77::/64";
    ipv6.gateway = "fd77::1";
    ipv6.range = "fd77::/80";
    ipv6.auxiliary = auxiliary;
    ipv6.auxiliary_count = 1;
    memset(&config, 0, sizeof config);
    config.size = sizeof config;
    config.name = fresh(w, "net");
    config.network_type = "bridge";
    config.flags = NETNS_NETWORK_IPV6;
    config.ipv4 = sample_netns_subnet_config(w);
    config.ipv6 = &ipv6;
    config.ipam = "default";
    config.ipam_options = pairs;
    config.ipam_option_count = 0;
    config.options = options;
    config.option_count = 1;
    config.labels = pairs;
    config.label_count = 1;
    config.firewall = sample_netns_firewall_config(w);
    return &config;
}

/* The host's port is chosen, so any number of endpoints can have them. */
static const char *const ports[] = {"80", "127.0.0.1::53/udp"};

static const netns_endpoint_config *sample_netns_endpoint_config(struct world *w)
{
    static const char *aliases[] = {"www"};
    static netns_pair sysctls[] = {{"net.ipv4.conf.IFNAME.log_martians", "1"}};
    static netns_neighbour neighbour;
    static const netns_neighbour *const neighbours[] = {&neighbour};
    static netns_route route;
    static const netns_route *const routes[] = {&route};
    static netns_endpoint_config config;
    memset(&neighbour, 0, sizeof neighbour);
    neighbour.size = sizeof neighbour;
    neighbour.address = "224.0.0.99";
    neighbour.mac = "02:42:0a:4d:00:09";
    memset(&route, 0, sizeof route);
    route.size = sizeof route;
    route.destination = "10.99.0.0/16";
    memset(&config, 0, sizeof config);
    config.size = sizeof config;
    config.name = fresh(w, "end");
    config.interface_prefix = "walk";
    config.mac = "02:42:0a:4d:00:05";
    config.mtu = 1300;
    config.aliases = aliases;
    config.alias_count = 1;
    config.sysctls = sysctls;
    config.sysctl_count = 1;
    config.routes = routes;
    config.route_count = 1;
    config.neighbours = neighbours;
    config.neighbour_count = 1;
    config.options = pairs;
    config.option_count = 0;
    config.labels = pairs;
    config.label_count = 1;
    config.ports = ports;
    config.port_count = 1;
    return &config;
}

/* What can only be set in a sandbox is left out of what waits in the host. */
static const netns_endpoint_config *config_of_link(struct world *w)
{
    static netns_endpoint_config config;
    config = *sample_netns_endpoint_config(w);
    config.sysctl_count = 0;
    return &config;
}

static const netns_endpoint_config *sample_netns_network_link_config(struct world *w)
{
    return config_of_link(w);
}

static const netns_endpoint_config *sample_netns_network_plan_link_config(struct world *w)
{
    return config_of_link(w);
}

/* A device that the bridge made, in the host. */
static const netns_interface *sample_netns_interface(struct world *w)
{
    static netns_interface interface;
    static char name[16];
    netns_interfaces *made;
    if (w->bridge == NULL) {
        OK(netns_bridge_link(sample_netns_bridge(w), sample_netns_bridge_endpoint(w), &made, &error));
        snprintf(name, sizeof name, "%s", made->interfaces[0]->src_name);
        netns_interfaces_free(made);
    }
    memset(&interface, 0, sizeof interface);
    interface.size = sizeof interface;
    interface.src_name = name;
    interface.name = "eth0";
    interface.mac = "02:42:0a:4d:00:05";
    interface.address = "10.77.0.5/24";
    interface.address_ipv6 = "fd77::5/64";
    interface.gateway = "10.77.0.1";
    interface.gateway_ipv6 = "fd77::1";
    interface.mtu = 1400;
    interface.routes = routes(w);
    interface.route_count = 1;
    interface.neighbours = neighbours(w);
    interface.neighbour_count = 1;
    return &interface;
}

/* ---- strings and numbers ---- */

static const char *sample_name(struct world *w)
{
    return fresh(w, "name");
}

static const char *sample_base(struct world *w)
{
    (void)w;
    return BASE;
}

static const char *sample_id(struct world *w)
{
    (void)w;
    return "0123456789abcdef";
}

static uint64_t sample_flags(struct world *w)
{
    (void)w;
    return 0;
}

static int32_t sample_timeout_ms(struct world *w)
{
    (void)w;
    return 0;
}

static int32_t sample_status(struct world *w)
{
    (void)w;
    return NETNS_STATUS_BUSY;
}

static int32_t sample_number(struct world *w)
{
    (void)w;
    return 16;
}

static const char *sample_operation(struct world *w)
{
    (void)w;
    return "create link";
}

static const char *sample_subject(struct world *w)
{
    (void)w;
    return "eth0";
}

static const char *sample_cause(struct world *w)
{
    (void)w;
    return "it is raining";
}

static size_t sample_index(struct world *w)
{
    (void)w;
    return 0;
}

static int32_t sample_max_level(struct world *w)
{
    (void)w;
    return NETNS_LOG_LEVEL_DEBUG;
}

static void *sample_user(struct world *w)
{
    return w;
}

/* ---- callbacks ---- */

static void hear(void *user, int32_t level, const char *target, const char *message)
{
    CHECK(user == NULL || level >= NETNS_LOG_LEVEL_ERROR);
    CHECK(target != NULL && message != NULL);
}

static netns_log_callback sample_netns_log_callback(struct world *w)
{
    (void)w;
    return hear;
}

static void see(void *user, const netns_event *event)
{
    (void)user;
    CHECK(event != NULL && event->size >= sizeof *event);
}

static netns_event_callback sample_netns_event_callback(struct world *w)
{
    (void)w;
    return see;
}

static void let_go(void *user)
{
    (void)user;
}

static netns_release_callback sample_netns_release_callback(struct world *w)
{
    (void)w;
    return let_go;
}

static int32_t answer(void *user)
{
    (void)user;
    return 42;
}

static netns_run_callback sample_netns_run_callback(struct world *w)
{
    (void)w;
    return answer;
}

/* ---- drivers and address management, which nothing calls here ---- */

static int32_t of_network(void *user, const netns_driver_network *network, netns_plan **ret_plan,
                          netns_error **ret_error)
{
    (void)user, (void)network, (void)ret_plan, (void)ret_error;
    return NETNS_STATUS_BUSY;
}

static int32_t of_new_network(void *user, const netns_driver_network *network, netns_driver_info *info,
                              netns_plan **ret_plan, netns_error **ret_error)
{
    (void)info;
    return of_network(user, network, ret_plan, ret_error);
}

static int32_t of_endpoint(void *user, const netns_driver_endpoint *endpoint, netns_plan **ret_plan,
                           netns_error **ret_error)
{
    (void)user, (void)endpoint, (void)ret_plan, (void)ret_error;
    return NETNS_STATUS_BUSY;
}

static int32_t of_new_endpoint(void *user, const netns_driver_endpoint *endpoint,
                               netns_driver_interface *interface, netns_plan **ret_plan,
                               netns_error **ret_error)
{
    (void)interface;
    return of_endpoint(user, endpoint, ret_plan, ret_error);
}

static int32_t of_join(void *user, const netns_driver_endpoint *endpoint, netns_join *join,
                       netns_error **ret_error)
{
    (void)join;
    return of_endpoint(user, endpoint, NULL, ret_error);
}

static const netns_driver *sample_netns_driver(struct world *w)
{
    static netns_driver driver;
    memset(&driver, 0, sizeof driver);
    driver.size = sizeof driver;
    driver.user = w;
    driver.release = let_go;
    driver.create_network = of_new_network;
    driver.delete_network = of_network;
    driver.create_endpoint = of_new_endpoint;
    driver.delete_endpoint = of_endpoint;
    driver.join = of_join;
    driver.leave = of_endpoint;
    return &driver;
}

static int32_t of_pool_request(void *user, const netns_pool_request *request, netns_ipam_reply *reply,
                               netns_error **ret_error)
{
    (void)user, (void)request, (void)reply, (void)ret_error;
    return NETNS_STATUS_BUSY;
}

static int32_t of_address_request(void *user, const netns_address_request *request, netns_ipam_reply *reply,
                                  netns_error **ret_error)
{
    (void)user, (void)request, (void)reply, (void)ret_error;
    return NETNS_STATUS_BUSY;
}

static int32_t of_pool(void *user, const char *pool, netns_error **ret_error)
{
    (void)user, (void)pool, (void)ret_error;
    return NETNS_STATUS_BUSY;
}

static int32_t of_address(void *user, const char *pool, const char *address, netns_error **ret_error)
{
    (void)address;
    return of_pool(user, pool, ret_error);
}

static const netns_ipam *sample_netns_ipam(struct world *w)
{
    static netns_ipam ipam;
    memset(&ipam, 0, sizeof ipam);
    ipam.size = sizeof ipam;
    ipam.user = w;
    ipam.release = let_go;
    ipam.request_pool = of_pool_request;
    ipam.release_pool = of_pool;
    ipam.request_address = of_address_request;
    ipam.release_address = of_address;
    return &ipam;
}

static const char *sample_network_type(struct world *w)
{
    return fresh(w, "type");
}

static int32_t sample_discovery(struct world *w)
{
    (void)w;
    return NETNS_DISCOVERY_NODE;
}

static const char *sample_data(struct world *w)
{
    (void)w;
    return "{\"Address\": \"192.0.2.1\"}";
}

/* ---- parameters with a meaning of their own ---- */

static const char *sample_netns_network_open_name(struct world *w)
{
    return netns_network_name(sample_netns_network(w));
}

static const char *sample_netns_sandbox_open_name(struct world *w)
{
    return netns_sandbox_name(sample_netns_sandbox(w));
}

static const char *sample_netns_sandbox_open_in_name(struct world *w)
{
    return netns_sandbox_name(sample_netns_sandbox(w));
}

static const char *sample_netns_sandbox_remove_name(struct world *w)
{
    return netns_sandbox_name(sample_netns_sandbox(w));
}

static const char *sample_netns_network_create_from_json_json(struct world *w)
{
    (void)w;
    return "{\"name\": \"json\", \"type\": \"bridge\"}";
}

static const char *sample_netns_plan_from_json_json(struct world *w)
{
    return netns_plan_json(sample_netns_plan(w));
}

static char *sample_netns_sandbox_generate_key_buffer(struct world *w)
{
    static char buffer[128];
    (void)w;
    return buffer;
}

static size_t *sample_netns_sandbox_generate_key_size(struct world *w)
{
    static size_t size;
    (void)w;
    size = 128;
    return &size;
}

/* An endpoint of the network that is in no sandbox. */
static const char *sample_endpoint(struct world *w)
{
    const netns_endpoint_config *config = sample_netns_endpoint_config(w);
    OK(netns_endpoint_create(sample_netns_network(w), config, NULL, &error));
    return config->name;
}

static const char *sample_netns_bridge_unlink_endpoint(struct world *w)
{
    (void)w;
    return "end";
}

/* A sandbox with eth0, that routes and gateways can go through. */
static void furnish(struct world *w)
{
    OK(netns_bridge_join(sample_netns_bridge(w), sample_netns_sandbox(w), sample_netns_bridge_endpoint(w), NULL,
                         &error));
}

static const char *sample_netns_sandbox_set_gateway_gateway(struct world *w)
{
    if (w->bridge == NULL)
        furnish(w);
    return "10.77.0.1";
}

static const char *sample_netns_sandbox_set_gateway_ipv6_gateway(struct world *w)
{
    if (w->bridge == NULL)
        furnish(w);
    return "fd77::1";
}

static const netns_route *sample_netns_sandbox_add_route_route(struct world *w)
{
    static netns_route route;
    if (w->bridge == NULL)
        furnish(w);
    memset(&route, 0, sizeof route);
    route.size = sizeof route;
    route.destination = "10.98.0.0/16";
    route.next_hop = "10.77.0.1";
    return &route;
}

/* ---- links and namespaces ---- */

/* A host of the call's own, with links that go with it: a0, which is up and has an address, b0, br0. */
static void own_host(struct world *w)
{
    netns_bridge *bridge;
    netns_bridge_options options;
    if (w->home != 0)
        return;
    w->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    CHECK(w->home > 0 && unshare(CLONE_NEWNET) == 0);
    OK(netns_link_create_veth("a0", "b0", &error));
    OK(netns_link_set_address("a0", "10.55.0.1/24", &error));
    OK(netns_link_set_up("a0", &error));
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.bridge = "br0";
    OK(netns_bridge_create("own", &options, &bridge, &error));
    netns_bridge_free(bridge);
}

static void go_home(struct world *w)
{
    if (w->home == 0)
        return;
    CHECK(setns(w->home, CLONE_NEWNET) == 0 && close(w->home) == 0);
    w->home = 0;
}

static const char *sample_netns_link_name(struct world *w)
{
    own_host(w);
    return "b0";
}

static const char *sample_netns_link_set_default_gateway_name(struct world *w)
{
    own_host(w);
    return "a0";
}

static const char *sample_new_name(struct world *w)
{
    (void)w;
    return "c0";
}

static const char *sample_name1(struct world *w)
{
    own_host(w);
    return "c0";
}

static const char *sample_name2(struct world *w)
{
    (void)w;
    return "d0";
}

static const char *sample_address(struct world *w)
{
    (void)w;
    return "10.56.0.1/24";
}

static const char *sample_master(struct world *w)
{
    (void)w;
    return "br0";
}

static uint32_t sample_mtu(struct world *w)
{
    (void)w;
    return 1400;
}

static const char *sample_netns_link_set_default_gateway_gateway(struct world *w)
{
    (void)w;
    return "10.55.0.2";
}

static netns_namespace *sample_netns_namespace(struct world *w)
{
    if (w->ns == NULL) {
        OK(netns_namespace_create(&w->ns, &error));
        OK(netns_namespace_fd(w->ns, &w->fd, &error));
    }
    return w->ns;
}

static int32_t sample_fd(struct world *w)
{
    sample_netns_namespace(w);
    return w->fd;
}

static uint32_t sample_pid(struct world *w)
{
    (void)w;
    return (uint32_t)getpid();
}

static const char *sample_path(struct world *w)
{
    (void)w;
    return BASE "/persisted";
}

static const char *sample_netns_namespace_open_path(struct world *w)
{
    (void)w;
    return "/proc/self/ns/net";
}

/* ---- counters ---- */

static const netns_meter_options *sample_netns_meter_options(struct world *w)
{
    static netns_meter_options options;
    (void)w;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.directory = "/sys/fs/bpf/libnetns";
    return &options;
}

static netns_meter *sample_netns_meter(struct world *w)
{
    if (w->meter == NULL)
        OK(netns_meter_open(sample_netns_meter_options(w), &w->meter, &error));
    return w->meter;
}

static const char *sample_link(struct world *w)
{
    own_host(w);
    return "b0";
}

static netns_slot *sample_netns_slot(struct world *w)
{
    if (w->slot.life == 0)
        OK(netns_meter_attach(sample_netns_meter(w), sample_link(w), &w->slot, &error));
    return &w->slot;
}

/* Of a link that is metered no more. */
static netns_slot *sample_netns_meter_release_slot(struct world *w)
{
    netns_slot *slot = sample_netns_slot(w);
    OK(netns_meter_detach(w->meter, "b0", &error));
    return slot;
}

static netns_reading *sample_netns_reading(struct world *w)
{
    static netns_reading readings[4];
    (void)w;
    return readings;
}

static size_t sample_capacity(struct world *w)
{
    (void)w;
    return 4;
}

static int32_t sample_detail(struct world *w)
{
    (void)w;
    return NETNS_STATS_DETAIL_FULL;
}

static int32_t sample_on(struct world *w)
{
    (void)w;
    return 1;
}

/* One that is in a sandbox. */
static const char *sample_netns_endpoint_stats_endpoint(struct world *w)
{
    static netns_endpoint_config config;
    if (w->sandbox == NULL) {
        memset(&config, 0, sizeof config);
        config.size = sizeof config;
        config.name = "metered";
        OK(netns_endpoint_connect(sample_netns_network(w), sample_netns_sandbox(w), &config, NULL, &error));
    }
    return "metered";
}

/* ---- the firewall ---- */

static const char *const *sample_ports(struct world *w)
{
    (void)w;
    return ports;
}

static size_t sample_port_count(struct world *w)
{
    (void)w;
    return 2;
}

/* One that has those ports. */
static const char *sample_netns_endpoint_withdraw_endpoint(struct world *w)
{
    const char *endpoint = sample_endpoint(w);
    OK(netns_endpoint_publish(sample_netns_network(w), endpoint, ports + 1, 1, NULL, &error));
    return endpoint;
}

/* There is something to put back. */
static void prepare_netns_controller_restore_firewall(struct world *w)
{
    sample_netns_network(w);
}

/* ---- networks of containers ---- */

static uint32_t container(struct world *w)
{
    if (w->container == 0)
        w->container = start_container();
    return (uint32_t)w->container;
}

static uint32_t sample_netns_strategy_pid(struct world *w)
{
    return container(w);
}

static uint32_t sample_netns_setup_pid(struct world *w)
{
    return container(w);
}

/* The process says which container is meant. */
static const char *sample_netns_strategy_path(struct world *w)
{
    (void)w;
    return NULL;
}

static const char *sample_netns_setup_path(struct world *w)
{
    (void)w;
    return NULL;
}

static int32_t of_container(void *user, const netns_strategy_network *network, uint32_t pid,
                            netns_strategy_state *state, netns_error **ret_error)
{
    (void)user, (void)network, (void)pid, (void)state, (void)ret_error;
    return NETNS_STATUS_BUSY;
}

static int32_t of_inside(void *user, const netns_strategy_network *network, netns_strategy_state *state,
                         netns_error **ret_error)
{
    return of_container(user, network, 0, state, ret_error);
}

static const netns_strategy *sample_netns_strategy(struct world *w)
{
    static netns_strategy strategy;
    memset(&strategy, 0, sizeof strategy);
    strategy.size = sizeof strategy;
    strategy.user = w;
    strategy.create = of_container;
    strategy.initialize = of_inside;
    return &strategy;
}

static const char *sample_netns_strategy_check_network_type(struct world *w)
{
    (void)w;
    return "veth";
}

static const netns_strategy_network *sample_netns_strategy_network(struct world *w)
{
    static netns_strategy_network network;
    own_host(w);
    memset(&network, 0, sizeof network);
    network.size = sizeof network;
    network.network_type = "veth";
    network.bridge = "br0";
    network.veth_prefix = "walk";
    network.address = "10.56.0.2/24";
    network.gateway = "10.56.0.1";
    network.mtu = 1400;
    return &network;
}

static const char *sample_netns_strategy_network_from_json_json(struct world *w)
{
    (void)w;
    return "{\"type\": \"veth\", \"bridge\": \"br0\", \"veth_prefix\": \"walk\"}";
}

/* Of a pair whose both ends are in the calling thread's namespace. */
static netns_strategy_state *sample_netns_strategy_state(struct world *w)
{
    if (w->strategy_state == NULL) {
        own_host(w);
        w->strategy_state = netns_strategy_state_new();
        OK(netns_strategy_state_set_veth_host(w->strategy_state, "a0", &error));
        OK(netns_strategy_state_set_veth_child(w->strategy_state, "b0", &error));
    }
    return w->strategy_state;
}

static const char *sample_netns_strategy_state_from_json_json(struct world *w)
{
    return netns_strategy_state_json(sample_netns_strategy_state(w));
}

static const char *sample_veth_host(struct world *w)
{
    (void)w;
    return "a0";
}

static const char *sample_veth_child(struct world *w)
{
    (void)w;
    return "b0";
}

static const char *sample_ns_path(struct world *w)
{
    (void)w;
    return "/proc/self/ns/net";
}

static int32_t run_hook(void *user, const netns_hook_state *state, netns_error **ret_error)
{
    CHECK(user != NULL && state->size == sizeof *state && *ret_error == NULL);
    return NETNS_STATUS_OK;
}

static const netns_hook_function *sample_netns_hook_function(struct world *w)
{
    static netns_hook_function function;
    memset(&function, 0, sizeof function);
    function.size = sizeof function;
    function.user = w;
    function.release = let_go;
    function.run = run_hook;
    return &function;
}

static const netns_hook_command *sample_netns_hook_command(struct world *w)
{
    static const char *args[] = {"true", "--really"}, *env[] = {"WALK=1"};
    static netns_hook_command command;
    (void)w;
    memset(&command, 0, sizeof command);
    command.size = sizeof command;
    command.path = "/bin/true";
    command.args = args;
    command.arg_count = 2;
    command.env = env;
    command.env_count = 1;
    command.dir = "/";
    command.timeout_ns = 60 * (uint64_t)1000000000;
    return &command;
}

static int32_t sample_hook(struct world *w)
{
    (void)w;
    return NETNS_HOOK_CREATE_RUNTIME;
}

static const char *sample_netns_hook_from_name_text(struct world *w)
{
    (void)w;
    return "createRuntime";
}

static int32_t sample_type(struct world *w)
{
    (void)w;
    return NETNS_NAMESPACE_TYPE_NET;
}

static const char *sample_netns_namespace_type_from_name_text(struct world *w)
{
    (void)w;
    return "NEWNET";
}

static const char *sample_netns_config_from_json_json(struct world *w)
{
    (void)w;
    return "{\"namespaces\": [{\"type\": \"NEWNET\"}, {\"type\": \"NEWPID\", \"path\": \"/proc/1/ns/pid\"}],"
           "\"networks\": [{\"type\": \"loopback\"}, {\"type\": \"veth\", \"bridge\": \"br0\","
           "\"address\": \"10.56.0.2/24\"}],"
           "\"routes\": [{\"destination\": \"10.57.0.0/24\", \"interface_name\": \"eth0\"}]}";
}

static netns_config *sample_netns_config(struct world *w)
{
    if (w->config == NULL) {
        OK(netns_config_from_json(sample_netns_config_from_json_json(w), &w->config, &error));
        OK(netns_config_add_function(w->config, NETNS_HOOK_CREATE_RUNTIME, sample_netns_hook_function(w), &error));
    }
    return w->config;
}

static const char *sample_oci_state(struct world *w)
{
    (void)w;
    return "{\"ociVersion\": \"1.2.0\", \"id\": \"walk\", \"status\": \"created\", \"bundle\": \"/\","
           "\"annotations\": {\"org.example.key\": \"value\"}}";
}

static netns_setup *sample_netns_setup(struct world *w)
{
    own_host(w);
    if (w->setup == NULL)
        OK(netns_setup_from_config(sample_netns_config(w), "walk", &w->setup, &error));
    return w->setup;
}

static netns_setup_state *sample_netns_setup_state(struct world *w)
{
    if (w->setup_state == NULL)
        OK(netns_setup_up(sample_netns_setup(w), container(w), NULL, sample_oci_state(w), &w->setup_state, &error));
    return w->setup_state;
}

static const char *sample_netns_setup_state_from_json_json(struct world *w)
{
    return netns_setup_state_json(sample_netns_setup_state(w));
}

static void clear_container(struct world *w)
{
    netns_strategy_state_free(w->strategy_state);
    w->strategy_state = NULL;
    netns_setup_state_free(w->setup_state);
    w->setup_state = NULL;
    netns_setup_free(w->setup);
    w->setup = NULL;
    netns_config_free(w->config);
    w->config = NULL;
    if (w->container == 0)
        return;
    end_container(w->container);
    w->container = 0;
}

/* ---- afterwards ---- */

static void discard_netns_sandbox(struct world *w, netns_sandbox *sandbox)
{
    (void)w;
    OK(netns_sandbox_destroy(sandbox, &error));
}

static void discard_netns_bridge(struct world *w, netns_bridge *bridge)
{
    (void)w;
    OK(netns_bridge_delete(bridge, &error));
}

static void discard_netns_network(struct world *w, netns_network *network)
{
    (void)w;
    OK(netns_network_delete(network, &error));
}

static void clear_network(netns_controller *controller, const char *name)
{
    netns_network *network;
    netns_network_details *details;
    size_t i;
    OK(netns_network_open(controller, name, &network, &error));
    OK(netns_network_inspect(network, &details, &error));
    for (i = 0; i < details->endpoint_count; i++)
        OK(netns_endpoint_disconnect(network, details->endpoints[i], &error));
    OK(netns_network_delete(network, &error));
    netns_network_details_free(details);
    netns_network_free(network);
}

/* A plugin that implements nothing. */
static void serve(int listener)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"Implements\":[]}";
    char request[4096];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (read(connection, request, sizeof request) > 0 && write(connection, answer, sizeof answer - 1) < 0)
            _exit(1);
        close(connection);
    }
}

static const char *sample_netns_controller_activate_plugin_name(struct world *w)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "/run/walk/walk.sock"};
    if (w->plugin == 0) {
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 8) == 0);
        w->plugin = fork();
        assert(w->plugin >= 0);
        if (w->plugin == 0)
            serve(listener);
        close(listener);
    }
    return "walk";
}

/* Nothing is left but the controller. */
static void clear(struct world *w)
{
    netns_names *names;
    size_t i;
    if (w->home != 0 && w->meter != NULL)
        OK(netns_meter_detach(w->meter, "b0", &error));
    w->slot.life = 0;
    if (w->plugin != 0) {
        kill(w->plugin, SIGKILL);
        waitpid(w->plugin, NULL, 0);
        unlink("/run/walk/walk.sock");
        w->plugin = 0;
    }
    clear_container(w);
    go_home(w);
    netns_meter_free(w->meter);
    w->meter = NULL;
    if (w->ns != NULL) {
        netns_namespace_free(w->ns);
        close(w->fd);
        w->ns = NULL;
    }
    OK(netns_namespace_forget(BASE "/persisted", &error));
    OK(netns_log_set(NETNS_LOG_LEVEL_OFF, NULL, NULL, NULL, &error));
    netns_plan_free(w->plan);
    w->plan = NULL;
    netns_events_free(w->events);
    w->events = NULL;
    netns_error_free(w->error);
    w->error = NULL;
    if (w->sandbox != NULL) {
        OK(netns_sandbox_destroy(w->sandbox, &error));
        netns_sandbox_free(w->sandbox);
        w->sandbox = NULL;
    }
    if (w->bridge != NULL) {
        OK(netns_bridge_unlink(w->bridge, "end", &error));
        OK(netns_bridge_delete(w->bridge, &error));
        netns_bridge_free(w->bridge);
        w->bridge = NULL;
    }
    netns_network_free(w->network);
    w->network = NULL;
    if (w->controller == NULL)
        return;
    OK(netns_network_list(w->controller, &names, &error));
    for (i = 0; i < names->count; i++)
        clear_network(w->controller, names->names[i]);
    netns_names_free(names);
    OK(netns_sandbox_list(w->controller, &names, &error));
    for (i = 0; i < names->count; i++)
        OK(netns_sandbox_remove(w->controller, names->names[i], &error));
    netns_names_free(names);
}

/* Directories stay, and the stores in them: what is looked at afterwards begins with them. */
static void make_directories(struct world *w)
{
    netns_controller *usual;
    OK(netns_controller_open(NULL, &usual, &error));
    netns_controller_close(usual);
    sample_netns_network(w);
    sample_netns_sandbox(w);
    sample_netns_events(w);
    clear(w);
}

#endif
