/* A process forks while it has everything open. fork child-first | parent-first | parent-gone | threads */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <string.h>
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
static netns_firewall_watch *watch;
static netns_plan *plan;

static const netns_controller_options options = {
    .size = sizeof options, .networks_dir = "/run/fork/networks", .run_dir = "/run/fork",
    .sandbox_dir = "/run/netns"};

static void see(void *user, const netns_event *event)
{
    (void)user;
    (void)event;
}

static void open_everything(void)
{
    netns_network_config config = {.size = sizeof config, .name = "net", .network_type = "bridge"};
    netns_bridge_options of_bridge = {.size = sizeof of_bridge, .bridge = "forkbr0", .gateway = "10.66.0.1/24"};
    netns_endpoint_config web = {.size = sizeof web, .name = "web"};
    OK(netns_controller_open(&options, &controller, &error));
    OK(netns_network_create(controller, &config, &network, &error));
    OK(netns_sandbox_create(controller, "web", &sandbox, &error));
    OK(netns_endpoint_plan_connect(network, sandbox, &web, &plan, &error));
    OK(netns_endpoint_connect(network, sandbox, &web, NULL, &error));
    OK(netns_bridge_create("bridge", &of_bridge, &bridge, &error));
    OK(netns_events_open(controller, &events, &error));
    OK(netns_events_subscribe(controller, see, NULL, NULL, &subscription, &error));
    OK(netns_controller_watch_firewall(controller, &watch, &error));
}

static void free_everything(void)
{
    netns_firewall_watch_free(watch);
    netns_subscription_free(subscription);
    netns_events_free(events);
    netns_bridge_free(bridge);
    netns_plan_free(plan);
    netns_sandbox_free(sandbox);
    netns_network_free(network);
    netns_controller_close(controller);
}

/* Says what is forbidden, and what to do. */
static void forbidden(int32_t status, const char *what)
{
    if (status != NETNS_STATUS_FORBIDDEN)
        FAIL("%s: %s", what, netns_status_name(status));
    if (strstr(netns_error_message(error), "forked: open it anew") == NULL)
        FAIL("%s: %s", what, netns_error_message(error));
    netns_error_free(error);
    error = NULL;
}

#define FORBIDDEN(call) forbidden((call), #call)

static int32_t never(void *user)
{
    (void)user;
    FAIL("it ran in a %s", "child");
}

static void inherited_handles_are_refused_and_freed(void)
{
    netns_names *names;
    netns_info *info;
    netns_event *event;
    netns_network_details *details;
    netns_endpoint_config config = {.size = sizeof config, .name = "no"};
    FORBIDDEN(netns_network_list(controller, &names, &error));
    FORBIDDEN(netns_controller_collect(controller, 0, NULL, &error));
    FORBIDDEN(netns_sandbox_create(controller, "no", &sandbox, &error));
    FORBIDDEN(netns_network_inspect(network, &details, &error));
    FORBIDDEN(netns_endpoint_connect(network, sandbox, &config, NULL, &error));
    FORBIDDEN(netns_endpoint_delete(network, "web", &error));
    FORBIDDEN(netns_sandbox_info(sandbox, &info, &error));
    FORBIDDEN(netns_sandbox_run(sandbox, never, NULL, NULL, &error));
    FORBIDDEN(netns_sandbox_destroy(sandbox, &error));
    FORBIDDEN(netns_bridge_delete(bridge, &error));
    FORBIDDEN(netns_events_next(events, -1, &event, &error));
    /* What is only text can be read. */
    CHECK(strcmp(netns_sandbox_name(sandbox), "web") == 0);
    CHECK(strcmp(netns_network_name(network), "net") == 0);
    CHECK(netns_plan_step_count(plan) > 0);
    free_everything();
}

/* A life of this process's own in the network of them all. */
static void live(const char *name)
{
    netns_controller *own;
    netns_network *net;
    netns_sandbox *box;
    netns_info *info;
    netns_endpoint_config config = {.size = sizeof config, .name = name};
    netns_error *failed = NULL;
#define LIVE_OK(call)                                                              \
    do {                                                                           \
        if ((call) != 0)                                                           \
            FAIL("%s, %s: %s", name, #call, netns_error_message(failed));          \
    } while (0)
    LIVE_OK(netns_controller_open(&options, &own, &failed));
    LIVE_OK(netns_network_open(own, "net", &net, &failed));
    LIVE_OK(netns_sandbox_create(own, name, &box, &failed));
    LIVE_OK(netns_endpoint_connect(net, box, &config, NULL, &failed));
    LIVE_OK(netns_sandbox_info(box, &info, &failed));
    CHECK(info->interface_count == 1 && info->gateway != NULL);
    netns_info_free(info);
    LIVE_OK(netns_sandbox_destroy(box, &failed));
    netns_sandbox_free(box);
    netns_network_free(net);
    netns_controller_close(own);
}

/* The parent's handles are as good as they were. */
static void go_on(void)
{
    netns_network_details *details;
    netns_info *info;
    netns_sandbox *second;
    netns_event *event;
    netns_endpoint_config config = {.size = sizeof config, .name = "second"};
    int heard = 0;
    OK(netns_network_inspect(network, &details, &error));
    CHECK(details->endpoint_count == 1 && strcmp(details->endpoints[0], "web") == 0);
    netns_network_details_free(details);
    OK(netns_sandbox_info(sandbox, &info, &error));
    CHECK(info->interface_count == 1);
    netns_info_free(info);
    OK(netns_sandbox_create(controller, "second", &second, &error));
    OK(netns_endpoint_connect(network, second, &config, NULL, &error));
    OK(netns_sandbox_destroy(second, &error));
    netns_sandbox_free(second);
    do {
        OK(netns_events_next(events, 2000, &event, &error));
        heard += event != NULL && event->kind == NETNS_EVENT_KIND_SANDBOX_DESTROYED;
        if (event != NULL && event->sandbox != NULL && strstr(event->sandbox, "second") == NULL)
            heard -= event->kind == NETNS_EVENT_KIND_SANDBOX_DESTROYED;
        netns_event_free(event);
    } while (event != NULL && heard == 0);
    CHECK(heard == 1);
}

static void close_everything(void)
{
    OK(netns_bridge_delete(bridge, &error));
    OK(netns_sandbox_destroy(sandbox, &error));
    OK(netns_network_delete(network, &error));
    free_everything();
}

/* The network of a host that has none. */
static void make_network(void)
{
    netns_controller *own;
    netns_network_config config = {.size = sizeof config, .name = "net", .network_type = "bridge"};
    OK(netns_controller_open(&options, &own, &error));
    OK(netns_network_create(own, &config, NULL, &error));
    netns_controller_close(own);
}

static void tell(int pipe) { CHECK(write(pipe, "x", 1) == 1); }

static void wait_for(int pipe)
{
    char byte;
    CHECK(read(pipe, &byte, 1) == 1);
}

static void must_end_well(pid_t child)
{
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        FAIL("the child ended with %#x%s", (unsigned)status,
             WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? ": it hung" : "");
}

static volatile int stop;

static void *busy(void *number)
{
    char name[16];
    unsigned round;
    for (round = 0; !stop; round++) {
        snprintf(name, sizeof name, "t%u-%u", (unsigned)(size_t)number, round);
        live(name);
    }
    return NULL;
}

/* Whether the store was in use as this process was forked, which it is told. */
static int is_told_to_fork_elsewhen(void)
{
    netns_controller *own;
    netns_error *failed = NULL;
    int32_t status = netns_controller_open(&options, &own, &failed);
    if (status == 0) {
        netns_controller_close(own);
        return 0;
    }
    if (status != NETNS_STATUS_FORBIDDEN || strstr(netns_error_message(failed), "fork when none does") == NULL)
        FAIL("open: %s", netns_error_message(failed));
    netns_error_free(failed);
    return 1;
}

/* Children of a process whose other threads are inside of calls. */
static void fork_among_threads(void)
{
    pthread_t threads[3];
    unsigned i;
    for (i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, busy, (void *)(size_t)i) == 0);
    for (i = 0; i < 40; i++) {
        pid_t child;
        usleep(5000 + 1700 * i % 9000);
        child = fork();
        if (child == 0) {
            char name[16];
            alarm(20);
            snprintf(name, sizeof name, "child%u", i);
            inherited_handles_are_refused_and_freed();
            if (is_told_to_fork_elsewhen())
                _exit(0);
            live(name);
            _exit(0);
        }
        must_end_well(child);
    }
    stop = 1;
    for (i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

/* The sanitizer's own allocator is not held still by a fork: no thread may be in it, so none may be on its way. */
static void let_threads_rest(void)
{
    unsigned tries, quiet = 0;
    for (tries = 0; quiet < 5 && tries < 5000; tries++) {
        DIR *threads = opendir("/proc/self/task");
        struct dirent *entry;
        CHECK(threads != NULL);
        quiet++;
        while ((entry = readdir(threads)) != NULL) {
            char path[64], state = '?';
            FILE *stat;
            if (entry->d_name[0] == '.' || atoi(entry->d_name) == (int)getpid())
                continue;
            snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", entry->d_name);
            stat = fopen(path, "r");
            if (stat == NULL || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1 || state != 'S')
                quiet = 0;
            if (stat != NULL)
                fclose(stat);
        }
        closedir(threads);
        usleep(1000);
    }
    CHECK(quiet > 0);
}

int main(int argc, char **argv)
{
    const char *order = argc > 1 ? argv[1] : "child-first";
    int to_child[2], to_parent[2];
    pid_t child;
    CHECK(pipe(to_child) == 0 && pipe(to_parent) == 0);
    open_everything();
    if (strcmp(order, "threads") == 0) {
        fork_among_threads();
        go_on();
        close_everything();
        return 0;
    }
    let_threads_rest();
    child = fork();
    if (child == 0) {
        alarm(30);
        if (strcmp(order, "parent-first") == 0)
            wait_for(to_child[0]);
        inherited_handles_are_refused_and_freed();
        if (strcmp(order, "parent-gone") == 0) {
            /* What it freed keeps nothing of the parent's alive. */
            tell(to_parent[1]);
            wait_for(to_child[0]);
            make_network();
        }
        live("child");
        tell(to_parent[1]);
        /* Not exit: what was inherited is left as it is, and a leak checker would count it. */
        _exit(0);
    }
    if (strcmp(order, "child-first") == 0) {
        wait_for(to_parent[0]);
        must_end_well(child);
        go_on();
        close_everything();
    } else if (strcmp(order, "parent-first") == 0) {
        go_on();
        tell(to_child[1]);
        must_end_well(child);
        go_on();
        close_everything();
    } else {
        wait_for(to_parent[0]);
        close_everything();
        tell(to_child[1]);
        must_end_well(child);
    }
    return 0;
}
