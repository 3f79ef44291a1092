/* A process that has the number 1 in a PID namespace, and a child of it that has it, too, in another.
 * pid1 unshare | pid1 clone */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static netns_error *error;
static netns_controller *controller;
static netns_network *network;
static netns_sandbox *sandbox;
static netns_bridge *bridge;
static netns_events *events;
static netns_subscription *subscription;

static const netns_controller_options options = {
    .size = sizeof options, .networks_dir = "/run/pid1/networks", .run_dir = "/run/pid1",
    .sandbox_dir = "/run/netns"};

static void see(void *user, const netns_event *event)
{
    (void)user;
    (void)event;
}

static void open_everything(void)
{
    netns_network_config config = {.size = sizeof config, .name = "net", .network_type = "bridge"};
    netns_bridge_options of_bridge = {.size = sizeof of_bridge, .bridge = "pid1br0", .gateway = "10.66.0.1/24"};
    netns_endpoint_config web = {.size = sizeof web, .name = "web"};
    OK(netns_controller_open(&options, &controller, &error));
    OK(netns_network_create(controller, &config, &network, &error));
    OK(netns_sandbox_create(controller, "web", &sandbox, &error));
    OK(netns_endpoint_connect(network, sandbox, &web, NULL, &error));
    OK(netns_bridge_create("bridge", &of_bridge, &bridge, &error));
    OK(netns_events_open(controller, &events, &error));
    OK(netns_events_subscribe(controller, see, NULL, NULL, &subscription, &error));
}

static void free_everything(void)
{
    netns_subscription_free(subscription);
    netns_events_free(events);
    netns_bridge_free(bridge);
    netns_sandbox_free(sandbox);
    netns_network_free(network);
    netns_controller_close(controller);
}

static void inherited_handles_are_refused_and_freed(void)
{
    netns_names *names;
    netns_info *info;
    netns_event *event;
    netns_endpoint_config config = {.size = sizeof config, .name = "no"};
    REFUSED(netns_network_list(controller, &names, &error), NETNS_STATUS_FORBIDDEN);
    REFUSED(netns_controller_collect(controller, 0, NULL, &error), NETNS_STATUS_FORBIDDEN);
    REFUSED(netns_endpoint_connect(network, sandbox, &config, NULL, &error), NETNS_STATUS_FORBIDDEN);
    REFUSED(netns_sandbox_info(sandbox, &info, &error), NETNS_STATUS_FORBIDDEN);
    REFUSED(netns_sandbox_destroy(sandbox, &error), NETNS_STATUS_FORBIDDEN);
    REFUSED(netns_bridge_delete(bridge, &error), NETNS_STATUS_FORBIDDEN);
    REFUSED(netns_events_next(events, -1, &event, &error), NETNS_STATUS_FORBIDDEN);
    free_everything();
}

/* Hears of its own sandbox, and makes it. */
static void live_with(netns_controller *own, const char *of, const char *name)
{
    netns_network *net;
    netns_sandbox *box;
    netns_info *info;
    netns_events *heard;
    netns_event *event;
    netns_endpoint_config config = {.size = sizeof config, .name = name};
    int is_there = 0;
    OK(netns_network_open(own, of, &net, &error));
    OK(netns_events_open(own, &heard, &error));
    OK(netns_sandbox_create(own, name, &box, &error));
    OK(netns_endpoint_connect(net, box, &config, NULL, &error));
    OK(netns_sandbox_info(box, &info, &error));
    CHECK(info->interface_count == 1 && info->gateway != NULL);
    netns_info_free(info);
    while (!is_there) {
        OK(netns_events_next(heard, 5000, &event, &error));
        CHECK(event != NULL);
        is_there = event->kind == NETNS_EVENT_KIND_ENDPOINT_JOINED && strcmp(event->endpoint, name) == 0;
        netns_event_free(event);
    }
    OK(netns_sandbox_destroy(box, &error));
    netns_sandbox_free(box);
    netns_events_free(heard);
    netns_network_free(net);
}

/* This process is the first of a PID namespace: /proc is that namespace's from now on. */
static void become_the_first(void)
{
    CHECK(getpid() == 1);
    CHECK(unshare(CLONE_NEWNS) == 0);
    /* What is mounted in /run goes on to be seen by all who share it. */
    CHECK(mount("proc", "/proc", "proc", 0, NULL) == 0);
}

static void must_end_well(pid_t child)
{
    int status;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        FAIL("the child ended with %#x%s", (unsigned)status,
             WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? ": it hung" : "");
}

/* What lasts as long as its process does is not collected while that runs. */
static void collect_nothing(const netns_controller_options *of)
{
    netns_controller *own;
    netns_collected *collected;
    OK(netns_controller_open(of, &own, &error));
    OK(netns_controller_collect(own, 0, &collected, &error));
    if (collected->count != 0)
        FAIL("%zu things are collected: %s: %s", collected->count, collected->findings[0]->object,
             collected->findings[0]->reason);
    netns_collected_free(collected);
    netns_controller_close(own);
}

/* A life in directories of its own. */
static void live_elsewhere(void)
{
    const netns_controller_options elsewhere = {
        .size = sizeof elsewhere, .flags = NETNS_CONTROLLER_PROCESS_LIFETIME,
        .networks_dir = "/run/child/networks", .run_dir = "/run/child", .sandbox_dir = "/run/child/netns"};
    netns_network_config config = {.size = sizeof config, .name = "elsewhere", .network_type = "bridge"};
    netns_network *net;
    netns_endpoint_config config_of_kept = {.size = sizeof config_of_kept, .name = "kept"};
    netns_endpoint_details *details;
    netns_sandbox *kept, *again;
    netns_controller *own;
    pid_t other;
    OK(netns_controller_open(&elsewhere, &own, &error));
    OK(netns_network_create(own, &config, &net, &error));
    OK(netns_sandbox_create(own, "kept", &kept, &error));
    OK(netns_endpoint_connect(net, kept, &config_of_kept, NULL, &error));
    live_with(own, "elsewhere", "child");
    collect_nothing(&elsewhere);
    /* Others find that it runs, too. */
    other = fork();
    if (other == 0) {
        collect_nothing(&elsewhere);
        _exit(0);
    }
    must_end_well(other);
    /* Nor did opening put it right. */
    OK(netns_sandbox_open(own, "kept", &again, &error));
    OK(netns_endpoint_info(net, "kept", &details, &error));
    netns_endpoint_details_free(details);
    netns_sandbox_free(again);
    OK(netns_sandbox_destroy(kept, &error));
    OK(netns_network_delete(net, &error));
    netns_sandbox_free(kept);
    netns_network_free(net);
    netns_controller_close(own);
}

static void go_on(void)
{
    netns_event *event;
    netns_info *info;
    netns_sandbox *second;
    netns_endpoint_config config = {.size = sizeof config, .name = "second"};
    int is_there = 0;
    OK(netns_sandbox_info(sandbox, &info, &error));
    CHECK(info->interface_count == 1);
    netns_info_free(info);
    OK(netns_sandbox_create(controller, "second", &second, &error));
    OK(netns_endpoint_connect(network, second, &config, NULL, &error));
    OK(netns_sandbox_destroy(second, &error));
    netns_sandbox_free(second);
    while (!is_there) {
        OK(netns_events_next(events, 5000, &event, &error));
        CHECK(event != NULL);
        is_there = event->kind == NETNS_EVENT_KIND_SANDBOX_DESTROYED && strstr(event->sandbox, "second") != NULL;
        netns_event_free(event);
    }
    collect_nothing(&options);
}

static void close_everything(void)
{
    OK(netns_bridge_delete(bridge, &error));
    OK(netns_sandbox_destroy(sandbox, &error));
    OK(netns_network_delete(network, &error));
    free_everything();
}

/* The kernel keeps signals from the first process of a namespace, but not from its parent's: so a hang is ended
 * by whoever runs this. */
static pid_t child_in_a_namespace_of_its_own(const char *how)
{
    if (strcmp(how, "clone") == 0)
        /* Past the C library, which does not hear of it. */
        return (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
    CHECK(unshare(CLONE_NEWPID) == 0);
    return fork();
}

static void be_the_first(const char *how)
{
    pid_t child;
    become_the_first();
    open_everything();
    /* The child starts in another clock tick than this process. */
    usleep(50000);
    child = child_in_a_namespace_of_its_own(how);
    if (child == 0) {
        become_the_first();
        inherited_handles_are_refused_and_freed();
        live_elsewhere();
        _exit(0);
    }
    must_end_well(child);
    go_on();
    /* After an unshare of this kind the kernel lets it start no more threads, which listeners need. */
    if (strcmp(how, "clone") == 0)
        live_with(controller, "net", "again");
    close_everything();
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "unshare";
    pid_t first;
    CHECK(unshare(CLONE_NEWPID) == 0);
    first = fork();
    if (first == 0) {
        be_the_first(how);
        _exit(0);
    }
    must_end_well(first);
    /* Not exit: a leak checker wants a thread, and the kernel starts none after such an unshare. */
    _exit(0);
}
