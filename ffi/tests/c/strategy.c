/* Strategies: those that are always there, and one of callbacks. br0 is there, with 10.1.0.1/16. */
#define _GNU_SOURCE
#include <pthread.h>

#include "container.h"

static netns_error *error;

static const netns_strategy_network veth = {
    .size = sizeof veth, .network_type = "veth", .bridge = "br0", .veth_prefix = "vt", .address = "10.1.0.2/16",
    .gateway = "10.1.0.1", .mtu = 1400};

struct inside {
    const netns_strategy_network *network;
    netns_strategy_state *state;
};

static int32_t initialize(void *user)
{
    struct inside *inside = user;
    OK(netns_strategy_initialize(inside->network, inside->state, &error));
    return 0;
}

static void initialize_in(pid_t pid, const netns_strategy_network *network, netns_strategy_state *state)
{
    struct inside inside = {network, state};
    netns_namespace *ns;
    OK(netns_namespace_of_pid((uint32_t)pid, &ns, &error));
    OK(netns_namespace_run(ns, initialize, &inside, NULL, &error));
    netns_namespace_free(ns);
}

static void must_be_up(pid_t pid)
{
    SAYS(said(INSIDE "ip -4 -o address show dev eth0", (long)pid), "inet 10.1.0.2/16 ");
    SAYS(said(INSIDE "ip -o link show dev eth0", (long)pid), "mtu 1400 ");
    SAYS(said(INSIDE "ip route show default", (long)pid), "default via 10.1.0.1 dev eth0");
    SAYS(said(INSIDE "ping -c 3 -i 0.2 -W 5 10.1.0.1", (long)pid), " 0% packet loss");
}

static void both_steps_bring_a_pair_and_the_state_goes_from_one_to_the_other(void)
{
    netns_strategy_state *state = netns_strategy_state_new(), *other;
    pid_t pid = start_container();
    char json[256];

    SAME(netns_strategy_state_json(state), "{}");
    SAME(netns_strategy_state_veth_host(state), "");
    OK(netns_strategy_create(&veth, (uint32_t)pid, state, &error));
    CHECK(strncmp(netns_strategy_state_veth_host(state), "vt", 2) == 0);
    CHECK(strlen(netns_strategy_state_veth_child(state)) == 9);
    SAYS(said("ip -o link show dev %s", netns_strategy_state_veth_host(state)), "master br0");
    snprintf(json, sizeof json, "{\"veth_host\":\"%s\",\"veth_child\":\"%s\"}",
             netns_strategy_state_veth_host(state), netns_strategy_state_veth_child(state));
    SAME(netns_strategy_state_json(state), json);
    OK(netns_strategy_state_from_json(json, &other, &error));
    SAME(netns_strategy_state_json(other), json);
    initialize_in(pid, &veth, other);
    must_be_up(pid);
    end_container(pid);
    netns_strategy_state_free(other);
    netns_strategy_state_free(state);
}

static void setup_brings_the_same_at_once_and_its_counters_are_the_containers(void)
{
    netns_strategy_state *state;
    netns_stats before, after;
    pid_t pid = start_container();
    char path[64];

    snprintf(path, sizeof path, "/proc/%ld/ns/net", (long)pid);
    OK(netns_strategy_setup(&veth, 0, path, &state, &error));
    SAME(netns_strategy_state_veth_child(state), "eth0");
    OK(netns_strategy_stats(state, &before, &error));
    must_be_up(pid);
    OK(netns_strategy_stats(state, &after, &error));
    /* Echo requests go out, of 98 bytes each, and the answers come in. */
    CHECK(after.tx_packets >= before.tx_packets + 3 && after.tx_bytes >= before.tx_bytes + 3 * 98);
    CHECK(after.rx_packets >= before.rx_packets + 3);
    REFUSED_WITH(netns_strategy_setup(&veth, (uint32_t)pid, NULL, &state, &error), NETNS_STATUS_ALREADY_EXISTS, "eth0");
    said("ip link delete %s", netns_strategy_state_veth_host(state));
    REFUSED_WITH(netns_strategy_stats(state, &after, &error), NETNS_STATUS_NOT_FOUND, "no such link");
    OK(netns_strategy_state_set_veth_host(state, NULL, &error));
    OK(netns_strategy_stats(state, &after, &error));
    CHECK(after.rx_bytes == 0 && after.tx_dropped == 0);
    end_container(pid);
    netns_strategy_state_free(state);
}

/* Stays where it was taken to, and has the state say where that is. */
static void *enter(void *user)
{
    struct inside *inside = user;
    char there[64];
    ssize_t length;
    OK(netns_strategy_initialize(inside->network, inside->state, &error));
    length = readlink("/proc/thread-self/ns/net", there, sizeof there - 1);
    CHECK(length > 0);
    there[length] = '\0';
    OK(netns_strategy_state_set_veth_child(inside->state, there, &error));
    return NULL;
}

static void loopback_comes_up_and_a_path_is_entered(void)
{
    netns_strategy_network loopback = {.size = sizeof loopback, .network_type = "loopback", .mtu = 9};
    netns_strategy_network netns = {.size = sizeof netns, .network_type = "netns"};
    netns_strategy_state *state = netns_strategy_state_new();
    struct inside inside = {&netns, state};
    pid_t pid = start_container();
    pthread_t thread;
    char path[64], link[64];

    OK(netns_strategy_create(&loopback, (uint32_t)pid, state, &error));
    initialize_in(pid, &loopback, state);
    SAYS(said(INSIDE "ip -o link show dev lo", (long)pid), "UP");

    REFUSED_WITH(netns_strategy_create(&netns, (uint32_t)pid, state, &error), NETNS_STATUS_BAD_REQUEST, "ns_path");
    snprintf(path, sizeof path, "/proc/%ld/ns/net", (long)pid);
    netns.ns_path = path;
    OK(netns_strategy_create(&netns, (uint32_t)pid, state, &error));
    SAME(netns_strategy_state_ns_path(state), path);
    CHECK(pthread_create(&thread, NULL, enter, &inside) == 0 && pthread_join(thread, NULL) == 0);
    snprintf(link, sizeof link, "%s\n", netns_strategy_state_veth_child(state));
    SAME(said("readlink %s", path), link);
    end_container(pid);
    netns_strategy_state_free(state);
}

static void what_cannot_be_is_refused_and_changes_nothing(void)
{
    netns_strategy_state *state = netns_strategy_state_new();
    netns_strategy_network network = veth;
    pid_t pid = start_container();
    uint32_t of = (uint32_t)pid;

    network.network_type = "wormhole";
    REFUSED_WITH(netns_strategy_create(&network, of, state, &error), NETNS_STATUS_NOT_FOUND, "loopback, netns, veth");
    REFUSED_WITH(netns_strategy_initialize(&network, state, &error), NETNS_STATUS_NOT_FOUND, "wormhole");
    REFUSED_WITH(netns_strategy_setup(&network, of, NULL, &state, &error), NETNS_STATUS_NOT_FOUND, "wormhole");
    REFUSED_WITH(netns_strategy_check("wormhole", &error), NETNS_STATUS_NOT_FOUND, "not a valid");
    OK(netns_strategy_check("loopback", &error));
    network = veth;
    network.bridge = NULL;
    REFUSED_WITH(netns_strategy_create(&network, of, state, &error), NETNS_STATUS_BAD_REQUEST, "bridge is not specified");
    network.bridge = "nobridge";
    REFUSED_WITH(netns_strategy_create(&network, of, state, &error), NETNS_STATUS_NOT_FOUND, "nobridge");
    network = veth;
    network.veth_prefix = "";
    REFUSED_WITH(netns_strategy_create(&network, of, state, &error), NETNS_STATUS_BAD_REQUEST,
                 "veth prefix is not specified");
    network = veth;
    network.gateway = "10.2.0.1";
    REFUSED_WITH(netns_strategy_create(&network, of, state, &error), NETNS_STATUS_BAD_REQUEST, "10.2.0.1");
    REFUSED_WITH(netns_strategy_create(&veth, (uint32_t)getpid(), state, &error), NETNS_STATUS_BAD_REQUEST, "own");
    REFUSED_WITH(netns_strategy_setup(&veth, of, "/proc/self/ns/net", &state, &error), NETNS_STATUS_BAD_REQUEST, "path");
    REFUSED_WITH(netns_strategy_setup(&veth, 0, NULL, &state, &error), NETNS_STATUS_BAD_REQUEST, "pid");
    REFUSED_WITH(netns_strategy_setup(&veth, 0, "/proc/self/ns/pid", &state, &error), NETNS_STATUS_BAD_REQUEST,
                 "/proc/self/ns/pid");
    REFUSED_WITH(netns_strategy_state_from_json("{\"veth_host\": 7}", &state, &error), NETNS_STATUS_BAD_REQUEST, "line 1");
    SAME(netns_strategy_state_json(state), "{}");
    end_container(pid);
    REFUSED_WITH(netns_strategy_create(&veth, of, state, &error), NETNS_STATUS_NOT_FOUND, "no process");
    netns_strategy_state_free(state);
}

static void a_network_is_read_from_json_and_written_as_go_writes_it(void)
{
    static const char json[] = "{\"type\":\"veth\",\"bridge\":\"br0\",\"veth_prefix\":\"vt\",\"address\":\"10.1.0.2/16\","
                               "\"gateway\":\"10.1.0.1\",\"mtu\":1400}";
    netns_strategy_network *network;
    char *written;
    OK(netns_strategy_network_json(&veth, &written, &error));
    SAME(written, json);
    OK(netns_strategy_network_from_json(written, &network, &error));
    SAME(network->network_type, "veth");
    CHECK(network->size == sizeof *network && network->mtu == 1400 && network->ns_path == NULL);
    SAME(network->gateway, "10.1.0.1");
    netns_text_free(written);
    netns_strategy_network_free(network);
    REFUSED_WITH(netns_strategy_network_from_json("[]", &network, &error), NETNS_STATUS_BAD_REQUEST, "an object");
}

/* ---- a strategy of callbacks: a pair without a bridge ---- */

struct wire {
    /* "create" and "initialize" say what fails: with an error, without one, by a number that is none. */
    const char *fails;
    int by_error, status, created, initialized;
};

static struct wire wire;

static int32_t outcome(struct wire *wire, const char *step, netns_error **ret_error)
{
    CHECK(*ret_error == NULL);
    if (wire->fails == NULL || strcmp(wire->fails, step) != 0)
        return 0;
    if (wire->by_error)
        *ret_error = netns_error_new(wire->status, "plug in", step, "the wire is cut", 71);
    return wire->status;
}

static int32_t create_wire(void *user, const netns_strategy_network *network, uint32_t pid,
                           netns_strategy_state *state, netns_error **ret_error)
{
    struct wire *wire = user;
    int32_t status = outcome(wire, "create", ret_error);
    CHECK(network->size == sizeof *network && network->bridge == NULL && network->ns_path == NULL);
    SAME(network->network_type, "wire");
    wire->created++;
    /* What a callback that fails says does not count. */
    OK(netns_strategy_state_set_veth_host(state, "wire0", &error));
    OK(netns_strategy_state_set_veth_child(state, "wire1", &error));
    if (status != 0)
        return status;
    status = netns_link_create_veth("wire0", "wire1", ret_error);
    return status != 0 ? status : netns_link_set_ns_pid("wire1", pid, ret_error);
}

static int32_t initialize_wire(void *user, const netns_strategy_network *network, netns_strategy_state *state,
                               netns_error **ret_error)
{
    struct wire *wire = user;
    int32_t status = outcome(wire, "initialize", ret_error);
    wire->initialized++;
    SAME(netns_strategy_state_veth_child(state), "wire1");
    if (status == 0)
        status = netns_link_set_address("wire1", network->address, ret_error);
    return status != 0 ? status : netns_link_set_up("wire1", ret_error);
}

static const netns_strategy callbacks = {
    .size = sizeof callbacks, .user = &wire, .create = create_wire, .initialize = initialize_wire};
static const netns_strategy_network wired = {
    .size = sizeof wired, .network_type = "wire", .address = "10.7.0.2/24"};

static void a_strategy_of_callbacks_is_registered_once(void)
{
    netns_strategy half = callbacks;
    half.initialize = NULL;
    REFUSED_WITH(netns_strategy_register("wire", &half, &error), NETNS_STATUS_BAD_REQUEST, "strategy.initialize");
    REFUSED_WITH(netns_strategy_register("", &callbacks, &error), NETNS_STATUS_BAD_REQUEST, "empty");
    REFUSED_WITH(netns_strategy_register("veth", &callbacks, &error), NETNS_STATUS_ALREADY_EXISTS, "veth");
    REFUSED_WITH(netns_strategy_check("wire", &error), NETNS_STATUS_NOT_FOUND, "wire");
    OK(netns_strategy_register("wire", &callbacks, &error));
    OK(netns_strategy_check("wire", &error));
    REFUSED_WITH(netns_strategy_register("wire", &callbacks, &error), NETNS_STATUS_ALREADY_EXISTS, "wire");
}

static void a_strategy_of_callbacks_brings_its_network(void)
{
    netns_strategy_state *state;
    pid_t pid = start_container();
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/ns/net", (long)pid);
    OK(netns_strategy_setup(&wired, 0, path, &state, &error));
    CHECK(wire.created == 1 && wire.initialized == 1);
    SAME(netns_strategy_state_json(state), "{\"veth_host\":\"wire0\",\"veth_child\":\"wire1\"}");
    SAYS(said(INSIDE "ip -4 -o address show dev wire1", (long)pid), "inet 10.7.0.2/24 ");
    said("ip link delete wire0");
    netns_strategy_state_free(state);

    state = netns_strategy_state_new();
    OK(netns_strategy_create(&wired, (uint32_t)pid, state, &error));
    initialize_in(pid, &wired, state);
    SAYS(said(INSIDE "ip -4 -o address show dev wire1", (long)pid), "inet 10.7.0.2/24 ");
    said("ip link delete wire0");
    netns_strategy_state_free(state);
    end_container(pid);
}

static void a_callback_that_fails_fails_the_call_and_leaves_nothing(void)
{
    static const struct {
        const char *fails, *words;
        int by_error, status, expected;
    } cases[] = {
        {"create", "bring up network 0: plug in create: ", 1, NETNS_STATUS_BUSY, NETNS_STATUS_BUSY},
        {"initialize", "bring up network 0: plug in initialize: ", 1, NETNS_STATUS_BUSY, NETNS_STATUS_BUSY},
        {"create", "the callback returned -3", 0, NETNS_STATUS_BUSY, NETNS_STATUS_BUSY},
        {"initialize", "the callback returned 12345", 0, 12345, NETNS_STATUS_SYSTEM},
    };
    netns_strategy_state *state = netns_strategy_state_new(), *unmade;
    pid_t pid = start_container();
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        wire.fails = cases[i].fails;
        wire.by_error = cases[i].by_error;
        wire.status = cases[i].status;
        REFUSED_WITH(netns_strategy_setup(&wired, (uint32_t)pid, NULL, &unmade, &error), cases[i].expected,
                     cases[i].words);
        SAME(said("ip -o link show type veth"), "");
        SAME(said(INSIDE "ip -o link show type veth", (long)pid), "");
    }
    wire.fails = "create";
    REFUSED_WITH(netns_strategy_create(&wired, (uint32_t)pid, state, &error), NETNS_STATUS_SYSTEM, "12345");
    SAME(netns_strategy_state_json(state), "{}");
    wire.fails = NULL;
    netns_strategy_state_free(state);
    end_container(pid);
}

static void a_config_has_it_bring_a_network_and_takes_its_link_down(void)
{
    static const char oci_state[] = "{\"id\": \"wired\", \"status\": \"created\"}";
    netns_config *config;
    netns_setup *setup;
    netns_setup_state *state;
    netns_plan *plan;
    pid_t pid = start_container();

    OK(netns_config_from_json("{\"namespaces\": [{\"type\": \"NEWNET\"}], \"networks\": [{\"type\": \"loopback\"},"
                              "{\"type\": \"wire\", \"address\": \"10.7.0.2/24\"}]}",
                              &config, &error));
    OK(netns_setup_from_config(config, "wired", &setup, &error));
    REFUSED_WITH(netns_setup_plan(setup, (uint32_t)pid, NULL, &plan, &error), NETNS_STATUS_NOT_IMPLEMENTED, "wire");
    wire.fails = "initialize";
    REFUSED_WITH(netns_setup_up(setup, (uint32_t)pid, NULL, oci_state, &state, &error), NETNS_STATUS_SYSTEM,
                 "bring up network 1");
    SAME(said("ip -o link show type veth"), "");
    wire.fails = NULL;
    OK(netns_setup_up(setup, (uint32_t)pid, NULL, oci_state, &state, &error));
    SAME(netns_setup_state_network_type(state, 1), "wire");
    SAME(netns_setup_state_host_link(state, 1), "wire0");
    CHECK(netns_setup_state_interface_name(state, 1) == NULL);
    SAYS(said(INSIDE "ip -4 -o address show dev wire1", (long)pid), "inet 10.7.0.2/24 ");
    OK(netns_setup_state_tear_down(state, &error));
    SAME(said("ip -o link show type veth"), "");
    netns_setup_state_free(state);
    netns_setup_free(setup);
    netns_config_free(config);
    end_container(pid);
}

int main(void)
{
    both_steps_bring_a_pair_and_the_state_goes_from_one_to_the_other();
    setup_brings_the_same_at_once_and_its_counters_are_the_containers();
    loopback_comes_up_and_a_path_is_entered();
    what_cannot_be_is_refused_and_changes_nothing();
    a_network_is_read_from_json_and_written_as_go_writes_it();
    a_strategy_of_callbacks_is_registered_once();
    a_strategy_of_callbacks_brings_its_network();
    a_callback_that_fails_fails_the_call_and_leaves_nothing();
    a_config_has_it_bring_a_network_and_takes_its_link_down();
    return 0;
}
