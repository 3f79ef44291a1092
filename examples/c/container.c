/* What a container runtime does with the network of a config: container [CONFIG.json] */
#define _GNU_SOURCE
#include <netns.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const CONFIG =
    "{\"namespaces\": [{\"type\": \"NEWNET\"}],"
    " \"networks\": [{\"type\": \"loopback\"},"
    "               {\"type\": \"veth\", \"bridge\": \"demo0\", \"address\": \"10.4.0.2/24\","
    "                \"gateway\": \"10.4.0.1\", \"mtu\": 1400}],"
    " \"routes\": [{\"destination\": \"10.5.0.0/16\", \"gateway\": \"10.4.0.9\", \"interface_name\": \"eth0\"}]}";

static netns_error *error;

static void check(int32_t status)
{
    if (status != NETNS_STATUS_OK) {
        fprintf(stderr, "%s\n", netns_error_message(error));
        exit(EXIT_FAILURE);
    }
}

static void must(int holds, const char *what)
{
    if (!holds) {
        perror(what);
        exit(EXIT_FAILURE);
    }
}

static const char *read_all(const char *path)
{
    static char text[1 << 16];
    FILE *file = fopen(path, "r");
    must(file != NULL, path);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* A process in new namespaces of the types that the config says. Here it only waits to be ended. */
static pid_t start(uint64_t clone_flags)
{
    int ready[2];
    char byte = 0;
    must(pipe(ready) == 0, "pipe");
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || unshare((int)clone_flags) != 0 || write(ready[1], &byte, 1) != 1)
            _exit(EXIT_FAILURE);
        for (;;)
            pause();
    }
    close(ready[1]);
    must(read(ready[0], &byte, 1) == 1, "unshare"); /* its namespaces are there */
    close(ready[0]);
    return pid;
}

/* A hook of the runtime's own, beside those that the config has. */
static int32_t announce(void *user, const netns_hook_state *state, netns_error **ret_error)
{
    (void)ret_error;
    printf("%s: container %s is %s\n", (const char *)user, state->id, state->status);
    return NETNS_STATUS_OK;
}

static void show_counters(const char *host_link)
{
    netns_strategy_state *state = netns_strategy_state_new();
    netns_stats stats;
    check(netns_strategy_state_set_veth_host(state, host_link, &error));
    check(netns_strategy_stats(state, &stats, &error));
    printf("received %llu packets, sent %llu\n", (unsigned long long)stats.rx_packets,
           (unsigned long long)stats.tx_packets);
    netns_strategy_state_free(state);
}

int main(int argc, char **argv)
{
    netns_bridge_options options = {.size = sizeof options, .bridge = "demo0", .gateway = "10.4.0.1/24"};
    netns_bridge *bridge; /* a config does not make the bridge that it names */
    check(netns_bridge_create("demo", &options, &bridge, &error));

    netns_config *config;
    check(netns_config_from_json(argc > 1 ? read_all(argv[1]) : CONFIG, &config, &error));
    netns_hook_function hook = {.size = sizeof hook, .user = "hook", .run = announce};
    check(netns_config_add_function(config, NETNS_HOOK_CREATE_RUNTIME, &hook, &error));
    check(netns_config_add_function(config, NETNS_HOOK_POSTSTOP, &hook, &error));

    netns_setup *setup; /* all of the config is checked, and nothing done */
    check(netns_setup_from_config(config, "web", &setup, &error));
    pid_t pid = start(netns_config_clone_flags(config));
    char state[128];
    snprintf(state, sizeof state, "{\"id\": \"web\", \"status\": \"created\", \"pid\": %ld}", (long)pid);

    netns_plan *plan;
    check(netns_setup_plan(setup, (uint32_t)pid, NULL, &plan, &error)); // a dry run
    puts(netns_plan_text(plan));
    netns_plan_free(plan);

    netns_setup_state *made; /* as JSON it is for whoever takes the network down, in whatever process */
    check(netns_setup_up(setup, (uint32_t)pid, NULL, state, &made, &error));
    for (size_t i = 0; i < netns_setup_state_network_count(made); i++) {
        const char *host_link = netns_setup_state_host_link(made, i);
        printf("%s is up: %s\n", netns_setup_state_network_type(made, i), netns_setup_state_interface_name(made, i));
        if (host_link != NULL)
            show_counters(host_link);
    }
    must(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid, "kill");
    snprintf(state, sizeof state, "{\"id\": \"web\", \"status\": \"stopped\"}");
    check(netns_setup_state_down(made, state, config, &error));
    check(netns_bridge_delete(bridge, &error));

    netns_setup_state_free(made);
    netns_setup_free(setup);
    netns_config_free(config);
    netns_bridge_free(bridge);
    return EXIT_SUCCESS;
}
