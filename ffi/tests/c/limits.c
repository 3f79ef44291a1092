/* Calls at the limit of descriptors, or of threads: each succeeds, or ends in NETNS_STATUS_RESOURCE_EXHAUSTED
 * and leaves nothing. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static netns_error *error;
static netns_controller *controller;
static netns_network *network;
static netns_sandbox *sandbox;

static const netns_controller_options options = {
    .size = sizeof options, .networks_dir = "/run/limits/networks", .run_dir = "/run/limits",
    .sandbox_dir = "/run/netns"};

/* ---- what is there ---- */

struct world {
    size_t descriptors, mounts, listeners, sandboxes, threads;
};

static size_t entries(const char *path)
{
    DIR *directory = opendir(path);
    size_t count = 0;
    if (directory == NULL)
        return 0;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static size_t lines(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t count = 0;
    int byte;
    CHECK(file != NULL);
    while ((byte = fgetc(file)) != EOF)
        count += byte == '\n';
    fclose(file);
    return count;
}

static struct world look(void)
{
    struct world now;
    now.descriptors = entries("/proc/self/fd");
    now.mounts = lines("/proc/thread-self/mountinfo");
    now.listeners = entries("/run/limits/events");
    now.sandboxes = entries("/run/netns");
    now.threads = entries("/proc/self/task");
    return now;
}

static void must_be_as_before(const struct world *before, const char *what, unsigned limit)
{
    struct world now = {0};
    int i;
    /* A thread that was joined takes a moment to leave /proc. */
    for (i = 0; i < 200; i++) {
        now = look();
        if (memcmp(&now, before, sizeof now) == 0)
            return;
        usleep(5000);
    }
    FAIL("%s, limit %u: %zu descriptors, %zu mounts, %zu listeners, %zu sandboxes, %zu threads; before "
         "%zu, %zu, %zu, %zu, %zu", what, limit, now.descriptors, now.mounts, now.listeners, now.sandboxes,
         now.threads, before->descriptors, before->mounts, before->listeners, before->sandboxes,
         before->threads);
}

/* ---- the limits ---- */

/* The kernel's limit of threads does not hold for root, so this stands in for the library's threads: of the
 * executable, it is found before the C library's. */
static int threads_left = -1;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    if (threads_left == 0)
        return EAGAIN;
    if (threads_left > 0)
        threads_left--;
    return real(thread, attributes, start, argument);
}

static void limit_threads(unsigned left) { threads_left = (int)left; }
static void unlimit_threads(void) { threads_left = -1; }

static struct rlimit before_limit;

static void limit_descriptors(unsigned highest)
{
    struct rlimit lower;
    CHECK(getrlimit(RLIMIT_NOFILE, &before_limit) == 0);
    lower = before_limit;
    lower.rlim_cur = highest;
    CHECK(setrlimit(RLIMIT_NOFILE, &lower) == 0);
}

static void unlimit_descriptors(void) { CHECK(setrlimit(RLIMIT_NOFILE, &before_limit) == 0); }

/* ---- the calls ---- */

static char untouched;
#define UNTOUCHED ((void *)&untouched)

static int calls_released;

static void see(void *user, const netns_event *event)
{
    (void)user;
    (void)event;
}

static void release(void *user)
{
    CHECK(user == &calls_released);
    __sync_fetch_and_add(&calls_released, 1);
}

static int32_t open_controller(void **made) { return netns_controller_open(&options, (netns_controller **)made, &error); }
static void close_controller(void *made) { netns_controller_close(made); }

static int32_t create_sandbox(void **made)
{
    return netns_sandbox_create(controller, "tight", (netns_sandbox **)made, &error);
}

static void destroy_sandbox(void *made)
{
    netns_error *failed = NULL;
    CHECK(netns_sandbox_destroy(made, &failed) == 0);
    netns_sandbox_free(made);
}

static int32_t connect_endpoint(void **made)
{
    netns_endpoint_config config = {.size = sizeof config, .name = "web"};
    return netns_endpoint_connect(network, sandbox, &config, (netns_endpoint_details **)made, &error);
}

static void disconnect_endpoint(void *made)
{
    netns_error *failed = NULL;
    netns_endpoint_details_free(made);
    CHECK(netns_endpoint_disconnect(network, "web", &failed) == 0);
}

static int32_t open_events(void **made) { return netns_events_open(controller, (netns_events **)made, &error); }
static void free_events(void *made) { netns_events_free(made); }

static int32_t subscribe(void **made)
{
    calls_released = 0;
    return netns_events_subscribe(controller, see, &calls_released, release, (netns_subscription **)made, &error);
}

static void unsubscribe(void *made)
{
    CHECK(calls_released == 0);
    netns_subscription_free(made);
    CHECK(calls_released == 1);
    calls_released = 0;
}

/* Of an endpoint that is in the sandbox. */
static int32_t publish(void **made)
{
    const char *port = "8080:80";
    return netns_endpoint_publish(network, "ports", &port, 1, (netns_names **)made, &error);
}

static void withdraw(void *made)
{
    const netns_names *published = made;
    netns_error *failed = NULL;
    CHECK(netns_endpoint_withdraw(network, "ports", published->names, published->count, &failed) == 0);
    netns_names_free(made);
}

static int32_t watch_firewall(void **made)
{
    return netns_controller_watch_firewall(controller, (netns_firewall_watch **)made, &error);
}

static void free_watch(void *made) { netns_firewall_watch_free(made); }

struct action {
    const char *name;
    int32_t (*call)(void **made);
    void (*undo)(void *made);
};

static const struct action actions[] = {
    {"netns_controller_open", open_controller, close_controller},
    {"netns_sandbox_create", create_sandbox, destroy_sandbox},
    {"netns_endpoint_connect", connect_endpoint, disconnect_endpoint},
    {"netns_events_open", open_events, free_events},
    {"netns_events_subscribe", subscribe, unsubscribe},
    {"netns_endpoint_publish", publish, withdraw},
    {"netns_controller_watch_firewall", watch_firewall, free_watch},
};

/* Whether it succeeded. */
static int attempt(const struct action *action, unsigned limit, void (*set)(unsigned), void (*reset)(void))
{
    void *made = UNTOUCHED;
    int32_t status;
    set(limit);
    status = action->call(&made);
    reset();
    if (status == 0) {
        CHECK(made != UNTOUCHED && made != NULL && error == NULL);
        action->undo(made);
        return 1;
    }
    if (status != NETNS_STATUS_RESOURCE_EXHAUSTED)
        FAIL("%s, limit %u: %s: %s", action->name, limit, netns_status_name(status), netns_error_message(error));
    CHECK(made == UNTOUCHED && calls_released == 0 && netns_error_kind(error) == status);
    netns_error_free(error);
    error = NULL;
    return 0;
}

/* Nothing that a process that is gone would have left: it was all undone. */
static void nothing_is_to_be_collected(const char *what)
{
    netns_collected *collected;
    OK(netns_controller_collect(controller, NETNS_COLLECT_DRY_RUN, &collected, &error));
    if (collected->count != 0)
        FAIL("%s left %s", what, collected->findings[0]->object);
    netns_collected_free(collected);
}

static void each_limit_is_kept(void (*set)(unsigned), void (*reset)(void), unsigned lowest, int must_fail_once)
{
    size_t i;
    for (i = 0; i < sizeof actions / sizeof *actions; i++) {
        const struct action *action = &actions[i];
        struct world before;
        unsigned limit, successes = 0, failures = 0;
        /* What is made at the first use and kept is there. */
        CHECK(attempt(action, 1000, set, reset));
        before = look();
        for (limit = lowest; successes < 3; limit++) {
            int succeeded = attempt(action, limit, set, reset);
            successes += (unsigned)succeeded;
            failures += !succeeded;
            must_be_as_before(&before, action->name, limit);
            CHECK(limit < lowest + 200);
        }
        CHECK(failures > 0 || !must_fail_once);
        nothing_is_to_be_collected(action->name);
    }
}

/* The first call of a process, which has nothing yet. */
static void a_first_controller_is_opened_or_not(void)
{
    unsigned limit, failures = 0;
    int succeeded = 0;
    for (limit = 4; !succeeded; limit++) {
        int status;
        pid_t child = fork();
        CHECK(limit < 100);
        if (child == 0) {
            succeeded = attempt(&actions[0], limit, limit_descriptors, unlimit_descriptors);
            if (!succeeded && !attempt(&actions[0], 1000, limit_descriptors, unlimit_descriptors))
                FAIL("it failed once, and again with enough: %u", limit);
            _exit(succeeded ? 0 : 2);
        }
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2);
        succeeded = WEXITSTATUS(status) == 0;
        failures += !succeeded;
    }
    CHECK(failures > 0);
}

static void set_up(void)
{
    netns_endpoint_config ports = {.size = sizeof ports, .name = "ports"};
    netns_network_config config = {.size = sizeof config, .name = "net", .network_type = "bridge"};
    OK(netns_controller_open(&options, &controller, &error));
    OK(netns_network_create(controller, &config, &network, &error));
    OK(netns_sandbox_create(controller, "web", &sandbox, &error));
    OK(netns_endpoint_connect(network, sandbox, &ports, NULL, &error));
}

static void tear_down(void)
{
    OK(netns_sandbox_destroy(sandbox, &error));
    OK(netns_network_delete(network, &error));
    netns_sandbox_free(sandbox);
    netns_network_free(network);
    netns_controller_close(controller);
}

int main(int argc, char **argv)
{
    const char *limit = argc > 1 ? argv[1] : "descriptors";
    if (strcmp(limit, "first") == 0) {
        a_first_controller_is_opened_or_not();
        return 0;
    }
    set_up();
    if (strcmp(limit, "threads") == 0)
        each_limit_is_kept(limit_threads, unlimit_threads, 0, 0);
    else
        each_limit_is_kept(limit_descriptors, unlimit_descriptors, 3, 1);
    tear_down();
    return 0;
}
