/* The networks of a config, brought up and taken down. br0 is there, with 10.1.0.1/16:
 * setup           all of it, but for forks
 * setup fork      a child uses and frees what it inherits
 * setup up PID    prints the state of a network that is then up
 * setup down JSON takes down what that state tells of */
#define _GNU_SOURCE
#include <stdlib.h>

#include "container.h"

static netns_error *error;

#define CONFIG(network)                                                                                    \
    "{\"namespaces\":[{\"type\":\"NEWNET\"}],\"networks\":[{\"type\":\"loopback\"}," network "],"          \
    "\"routes\":[{\"destination\":\"10.9.0.0/16\",\"gateway\":\"10.1.0.9\",\"interface_name\":\"net0\"}]}"

static const char WHOLE[] =
    CONFIG("{\"type\":\"veth\",\"name\":\"net0\",\"bridge\":\"br0\",\"mac_address\":\"02:42:0a:01:00:02\","
           "\"address\":\"10.1.0.2/16\",\"gateway\":\"10.1.0.1\",\"mtu\":1400}");
static const char MISSING[] = CONFIG("{\"type\":\"veth\",\"name\":\"net0\",\"bridge\":\"nobridge\"}");

static const char *state_of(pid_t pid)
{
    static char json[128];
    snprintf(json, sizeof json, "{\"id\":\"web\",\"status\":\"created\",\"pid\":%ld}", (long)pid);
    return json;
}

static netns_config *config_of(const char *json)
{
    netns_config *config;
    OK(netns_config_from_json(json, &config, &error));
    return config;
}

static netns_setup *setup_of(const char *json, const char *id)
{
    netns_config *config = config_of(json);
    netns_setup *setup;
    OK(netns_setup_from_config(config, id, &setup, &error));
    netns_config_free(config);
    return setup;
}

static void must_have_nothing(pid_t pid)
{
    SAME(said("ip -o link show type veth"), "");
    SAME(said(INSIDE "ip -o link show type veth", (long)pid), "");
    SAME(said(INSIDE "ip route show", (long)pid), "");
}

static void must_be_up(pid_t pid)
{
    SAYS(said(INSIDE "ip -4 -o address show dev net0", (long)pid), "inet 10.1.0.2/16 ");
    SAYS(said(INSIDE "ip -o link show dev net0", (long)pid), "mtu 1400 ");
    SAYS(said(INSIDE "ip -o link show dev net0", (long)pid), "02:42:0a:01:00:02");
    SAYS(said(INSIDE "ip route show 10.9.0.0/16", (long)pid), "via 10.1.0.9 dev net0");
    SAYS(said(INSIDE "ping -c 1 -W 5 10.1.0.1", (long)pid), " 0% packet loss");
}

static void a_config_is_planned_brought_up_and_taken_down_by_its_id(void)
{
    netns_setup *setup = setup_of(WHOLE, "web");
    netns_setup_state *state;
    netns_strategy_state *counted = netns_strategy_state_new();
    netns_plan *plan;
    netns_stats stats;
    pid_t pid = start_container();
    char path[64];

    OK(netns_setup_plan(setup, (uint32_t)pid, NULL, &plan, &error));
    SAYS(netns_plan_text(plan), "net0");
    CHECK(netns_plan_step_count(plan) > 5);
    netns_plan_free(plan);
    must_have_nothing(pid);

    /* The state says which process it is. */
    OK(netns_setup_up(setup, 0, NULL, state_of(pid), &state, &error));
    must_be_up(pid);
    snprintf(path, sizeof path, "/proc/%ld/ns/net", (long)pid);
    SAME(netns_setup_state_id(state), "web");
    SAME(netns_setup_state_path(state), path);
    CHECK(netns_setup_state_network_count(state) == 2);
    SAME(netns_setup_state_network_type(state, 0), "loopback");
    SAME(netns_setup_state_interface_name(state, 0), "lo");
    CHECK(netns_setup_state_host_link(state, 0) == NULL && netns_setup_state_host_index(state, 0) == 0);
    SAME(netns_setup_state_network_type(state, 1), "veth");
    SAME(netns_setup_state_interface_name(state, 1), "net0");
    CHECK(netns_setup_state_host_index(state, 1) > 0);
    CHECK(netns_setup_state_network_type(state, 2) == NULL && netns_setup_state_host_link(state, 2) == NULL);
    SAYS(said("ip -o link show dev %s", netns_setup_state_host_link(state, 1)), "alias libnetns setup=web");

    OK(netns_strategy_state_set_veth_host(counted, netns_setup_state_host_link(state, 1), &error));
    OK(netns_strategy_stats(counted, &stats, &error));
    CHECK(stats.tx_packets > 0 && stats.rx_packets > 0);

    REFUSED_WITH(netns_setup_up(setup, (uint32_t)pid, NULL, state_of(pid), &state, &error),
                 NETNS_STATUS_ALREADY_EXISTS, "net0");
    must_be_up(pid);
    /* The container runs: who does not know its process may not mean it. */
    REFUSED_WITH(netns_setup_tear_down(setup, &error), NETNS_STATUS_BUSY, "web");
    must_be_up(pid);
    OK(netns_setup_down(setup, state_of(pid), &error));
    OK(netns_setup_tear_down(setup, &error));
    must_have_nothing(pid);
    netns_strategy_state_free(counted);
    netns_setup_state_free(state);
    netns_setup_free(setup);
    end_container(pid);
}

/* ---- hooks ---- */

struct told {
    int runs, releases;
    const char *fails;
};

static int32_t hear(struct told *told, const char *hook, netns_error **ret_error)
{
    told->runs++;
    if (told->fails == NULL || strcmp(told->fails, hook) != 0)
        return 0;
    *ret_error = netns_error_new(NETNS_STATUS_BUSY, "ring", hook, "nobody answers", 0);
    return NETNS_STATUS_BUSY;
}

static int32_t created(void *user, const netns_hook_state *state, netns_error **ret_error)
{
    /* The network is up. */
    must_be_up((pid_t)state->pid);
    return hear(user, "created", ret_error);
}

static int32_t stopped(void *user, const netns_hook_state *state, netns_error **ret_error)
{
    must_have_nothing((pid_t)state->pid);
    return hear(user, "stopped", ret_error);
}

static int32_t started(void *user, const netns_hook_state *state, netns_error **ret_error)
{
    CHECK(strcmp(state->status, "running") == 0);
    return hear(user, "started", ret_error);
}

static void release(void *user)
{
    struct told *told = user;
    told->releases++;
}

static netns_config *with_hooks(struct told *told)
{
    netns_config *config = config_of(WHOLE);
    netns_hook_function function = {.size = sizeof function, .user = told, .release = release, .run = created};
    OK(netns_config_add_function(config, NETNS_HOOK_CREATE_RUNTIME, &function, &error));
    function.run = stopped;
    OK(netns_config_add_function(config, NETNS_HOOK_POSTSTOP, &function, &error));
    return config;
}

static void hooks_run_when_it_is_up_and_when_it_is_down(void)
{
    struct told told = {0};
    netns_config *config = with_hooks(&told);
    netns_setup *setup;
    netns_setup_state *state;
    netns_hook_function function = {.size = sizeof function, .user = &told, .run = started};
    pid_t pid = start_container();

    OK(netns_config_add_function(config, NETNS_HOOK_POSTSTART, &function, &error));
    OK(netns_setup_from_config(config, NULL, &setup, &error));
    OK(netns_setup_up(setup, (uint32_t)pid, NULL, state_of(pid), &state, &error));
    CHECK(told.runs == 1 && netns_setup_state_id(state) == NULL);
    OK(netns_setup_poststart(setup, state_of(pid), &error));
    CHECK(told.runs == 2);
    told.fails = "started";
    REFUSED_WITH(netns_setup_poststart(setup, state_of(pid), &error), NETNS_STATUS_BUSY, "nobody answers");
    told.fails = NULL;
    told.runs = 0;
    REFUSED_WITH(netns_setup_tear_down(setup, &error), NETNS_STATUS_BAD_REQUEST, "without an id");
    OK(netns_setup_state_down(state, state_of(pid), config, &error));
    CHECK(told.runs == 1);
    told.fails = "stopped";
    REFUSED_WITH(netns_setup_state_down(state, state_of(pid), config, &error), NETNS_STATUS_BUSY, "nobody answers");
    netns_setup_state_free(state);
    netns_setup_free(setup);

    /* A setup keeps the hooks of a config that is gone. */
    OK(netns_setup_from_config(config, "web", &setup, &error));
    netns_config_free(config);
    CHECK(told.releases == 0);
    told.fails = "created";
    REFUSED_WITH(netns_setup_up(setup, (uint32_t)pid, NULL, state_of(pid), &state, &error), NETNS_STATUS_BUSY,
                 "createRuntime #0: ring created: nobody answers");
    must_have_nothing(pid);
    told.fails = NULL;
    OK(netns_setup_up(setup, (uint32_t)pid, NULL, state_of(pid), &state, &error));
    OK(netns_setup_down(setup, state_of(pid), &error));
    REFUSED_WITH(netns_setup_down(setup, "{}", &error), NETNS_STATUS_BAD_REQUEST, "id");
    netns_setup_state_free(state);
    netns_setup_free(setup);
    CHECK(told.releases == 2);
    end_container(pid);
}

static void what_cannot_be_is_refused_and_leaves_nothing(void)
{
    char long_id[130];
    netns_config *config = config_of(CONFIG("{\"type\":\"wormhole\"}"));
    netns_setup *setup = NULL;
    netns_setup_state *state = NULL;
    netns_plan *plan;
    pid_t pid = start_container();

    REFUSED_WITH(netns_setup_from_config(config, NULL, &setup, &error), NETNS_STATUS_NOT_FOUND, "veth");
    netns_config_free(config);
    config = config_of(CONFIG("{\"type\":\"veth\"}"));
    REFUSED_WITH(netns_setup_from_config(config, NULL, &setup, &error), NETNS_STATUS_BAD_REQUEST,
                 "bridge is not specified");
    netns_config_free(config);
    config = config_of(WHOLE);
    memset(long_id, 'x', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = '\0';
    REFUSED_WITH(netns_setup_from_config(config, long_id, &setup, &error), NETNS_STATUS_BAD_REQUEST, "128");
    REFUSED_WITH(netns_setup_from_config(config, "a/b", &setup, &error), NETNS_STATUS_BAD_REQUEST, "a/b");
    OK(netns_config_remove_namespace(config, NETNS_NAMESPACE_TYPE_NET, NULL, &error));
    REFUSED_WITH(netns_setup_from_config(config, NULL, &setup, &error), NETNS_STATUS_BAD_REQUEST, "NEWNET");
    netns_config_free(config);
    CHECK(setup == NULL);

    setup = setup_of(MISSING, "web");
    REFUSED_WITH(netns_setup_up(setup, (uint32_t)pid, NULL, state_of(0), &state, &error), NETNS_STATUS_NOT_FOUND,
                 "nobridge");
    REFUSED_WITH(netns_setup_plan(setup, (uint32_t)pid, NULL, &plan, &error), NETNS_STATUS_NOT_FOUND, "nobridge");
    must_have_nothing(pid);
    netns_setup_free(setup);

    setup = setup_of(WHOLE, "web");
    REFUSED_WITH(netns_setup_up(setup, 0, NULL, state_of(0), &state, &error), NETNS_STATUS_BAD_REQUEST, "is needed");
    REFUSED_WITH(netns_setup_up(setup, 1, "/proc/1/ns/net", state_of(0), &state, &error), NETNS_STATUS_BAD_REQUEST,
                 "path");
    REFUSED_WITH(netns_setup_up(setup, (uint32_t)getpid(), NULL, state_of(0), &state, &error),
                 NETNS_STATUS_BAD_REQUEST, "shares the caller's");
    REFUSED_WITH(netns_setup_up(setup, (uint32_t)pid, NULL, "{", &state, &error), NETNS_STATUS_BAD_REQUEST, "line 1");
    REFUSED_WITH(netns_setup_state_from_json("{\"networks\": 7}", &state, &error), NETNS_STATUS_BAD_REQUEST, "line 1");
    must_have_nothing(pid);
    end_container(pid);
    REFUSED_WITH(netns_setup_up(setup, (uint32_t)pid, NULL, state_of(0), &state, &error), NETNS_STATUS_NOT_FOUND,
                 "no process");
    CHECK(state == NULL);
    netns_setup_free(setup);
}

static void a_forked_child_uses_and_frees_what_it_inherits(void)
{
    struct told told = {0};
    netns_config *config = with_hooks(&told);
    netns_setup *setup;
    netns_setup_state *state;
    pid_t pid = start_container(), child;
    int status;

    OK(netns_setup_from_config(config, "web", &setup, &error));
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        OK(netns_setup_up(setup, (uint32_t)pid, NULL, state_of(pid), &state, &error));
        netns_setup_state_free(state);
        netns_setup_free(setup);
        netns_config_free(config);
        _exit(told.runs == 1 && told.releases == 2 ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    must_be_up(pid);
    /* Whoever knows the id finds it. */
    OK(netns_setup_state_find("web", &state, &error));
    CHECK(netns_setup_state_network_count(state) == 1 && netns_setup_state_host_link(state, 0) != NULL);
    netns_setup_state_free(state);
    OK(netns_setup_state_find("nobody", &state, &error));
    CHECK(netns_setup_state_network_count(state) == 0);
    OK(netns_setup_state_tear_down(state, &error));
    netns_setup_state_free(state);
    REFUSED_WITH(netns_setup_state_find("a/b", &state, &error), NETNS_STATUS_BAD_REQUEST, "a/b");
    OK(netns_setup_down(setup, state_of(pid), &error));
    CHECK(told.runs == 1 && told.releases == 0);
    netns_setup_free(setup);
    netns_config_free(config);
    CHECK(told.releases == 2);
    end_container(pid);
}

static void up(pid_t pid)
{
    netns_setup *setup = setup_of(WHOLE, NULL);
    netns_setup_state *state;
    OK(netns_setup_up(setup, (uint32_t)pid, NULL, state_of(pid), &state, &error));
    fputs(netns_setup_state_json(state), stdout);
    netns_setup_state_free(state);
    netns_setup_free(setup);
}

static void down(const char *json)
{
    netns_setup_state *state;
    OK(netns_setup_state_from_json(json, &state, &error));
    SAME(netns_setup_state_json(state), json);
    OK(netns_setup_state_tear_down(state, &error));
    OK(netns_setup_state_tear_down(state, &error));
    netns_setup_state_free(state);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "up") == 0) {
        up((pid_t)strtol(argv[2], NULL, 10));
    } else if (argc == 3 && strcmp(argv[1], "down") == 0) {
        down(argv[2]);
    } else if (argc == 2 && strcmp(argv[1], "fork") == 0) {
        a_forked_child_uses_and_frees_what_it_inherits();
    } else {
        a_config_is_planned_brought_up_and_taken_down_by_its_id();
        hooks_run_when_it_is_up_and_when_it_is_down();
        what_cannot_be_is_refused_and_leaves_nothing();
    }
    return 0;
}
