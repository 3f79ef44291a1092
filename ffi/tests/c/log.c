/* A callback of the log must not call the library, and is told so at once; a child hears its own alone.
 * log life | log forks
 * every_call.h, which the test writes, calls each function of the header that can fail. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static void must_be_forbidden(const char *name, int32_t status, netns_error *failed)
{
    if (status != NETNS_STATUS_FORBIDDEN)
        FAIL("from a callback of the log, %s: %s", name, netns_status_name(status));
    /* An error is read and freed there. */
    CHECK(netns_error_kind(failed) == status && netns_error_message(failed) != NULL);
    netns_error_free(failed);
}

/* A call of this name, with its error in `failed`. */
#define FORBIDDEN(name, call)                        \
    do {                                             \
        int32_t status_ = (call);                    \
        must_be_forbidden(name, status_, failed);    \
        failed = NULL;                               \
    } while (0)

#include "every_call.h"

static netns_error *error;
static netns_controller *controller;
static netns_network *network;
static netns_sandbox *sandbox;

static const netns_controller_options options = {
    .size = sizeof options, .networks_dir = "/run/log/networks", .run_dir = "/run/log",
    .sandbox_dir = "/run/netns"};

struct listener {
    int heard, released;
    /* Whose it is. */
    pid_t process;
    /* How often it was called by another process; shared by them all. */
    int *strayed;
};

static int32_t never(void *user)
{
    (void)user;
    FAIL("it ran from a callback of %s", "the log");
}

static void call_everything(void)
{
    static char untouched;
    netns_names *names = (netns_names *)&untouched;
    netns_error *failed = NULL;
    netns_error *own;
    every_call();
    /* Without a place for the error, and with arguments that are right elsewhere. */
    CHECK(netns_network_list(NULL, NULL, NULL) == NETNS_STATUS_FORBIDDEN);
    if (controller != NULL) {
        FORBIDDEN("list", netns_network_list(controller, &names, &failed));
        CHECK(names == (netns_names *)&untouched);
    }
    if (sandbox != NULL) {
        FORBIDDEN("run", netns_sandbox_run(sandbox, never, NULL, NULL, &failed));
        FORBIDDEN("destroy", netns_sandbox_destroy(sandbox, &failed));
        CHECK(strcmp(netns_sandbox_name(sandbox), "web") == 0);
    }
    if (network != NULL)
        CHECK(strcmp(netns_network_name(network), "net") == 0);
    FORBIDDEN("log_set", netns_log_set(NETNS_LOG_LEVEL_OFF, NULL, NULL, NULL, &failed));
    own = netns_error_new(NETNS_STATUS_BUSY, "hear", "the log", "of this test", 0);
    CHECK(netns_error_kind(own) == NETNS_STATUS_BUSY);
    netns_error_free(own);
    CHECK(netns_version() != NULL && netns_status_name(0) != NULL);
}

static void hear(void *user, int32_t level, const char *target, const char *message)
{
    struct listener *self = user;
    (void)level;
    CHECK(target != NULL && message != NULL && self->released == 0);
    if (self->process != getpid()) {
        __sync_fetch_and_add(self->strayed, 1);
        return;
    }
    __sync_fetch_and_add(&self->heard, 1);
    call_everything();
}

static void release(void *user)
{
    struct listener *self = user;
    call_everything();
    __sync_fetch_and_add(&self->released, 1);
}

/* ---- a whole life ---- */

static void see(void *user, const netns_event *event)
{
    netns_names *names;
    netns_error *failed = NULL;
    (void)user;
    (void)event;
    /* A callback of events may call the library, and what that logs is heard. */
    CHECK(netns_network_list(controller, &names, &failed) == 0);
    netns_names_free(names);
}

static void live(void)
{
    netns_network_config config = {.size = sizeof config, .name = "net", .network_type = "bridge"};
    netns_endpoint_config web = {.size = sizeof web, .name = "web"};
    netns_bridge_options of_bridge = {.size = sizeof of_bridge, .bridge = "logbr0", .gateway = "10.67.0.1/24"};
    netns_subscription *subscription;
    netns_collected *collected;
    netns_events *events;
    netns_event *event;
    netns_names *names;
    netns_bridge *bridge;
    netns_info *info;
    OK(netns_controller_open(&options, &controller, &error));
    OK(netns_network_create(controller, &config, &network, &error));
    OK(netns_sandbox_create(controller, "web", &sandbox, &error));
    OK(netns_events_open(controller, &events, &error));
    OK(netns_events_subscribe(controller, see, NULL, NULL, &subscription, &error));
    OK(netns_endpoint_connect(network, sandbox, &web, NULL, &error));
    OK(netns_sandbox_info(sandbox, &info, &error));
    netns_info_free(info);
    OK(netns_events_next(events, 5000, &event, &error));
    netns_event_free(event);
    OK(netns_network_list(controller, &names, &error));
    netns_names_free(names);
    OK(netns_controller_collect(controller, 0, &collected, &error));
    netns_collected_free(collected);
    OK(netns_endpoint_disconnect(network, "web", &error));
    OK(netns_endpoint_connect(network, sandbox, &web, NULL, &error));
    OK(netns_bridge_create("bridge", &of_bridge, &bridge, &error));
    OK(netns_bridge_delete(bridge, &error));
    netns_bridge_free(bridge);
    OK(netns_sandbox_destroy(sandbox, &error));
    OK(netns_network_delete(network, &error));
    netns_subscription_free(subscription);
    netns_events_free(events);
    netns_sandbox_free(sandbox);
    netns_network_free(network);
    netns_controller_close(controller);
    sandbox = NULL;
    network = NULL;
    controller = NULL;
}

/* A file by a name that is no network's is logged wherever networks are listed. */
static void make_stray_definition(void)
{
    FILE *stray;
    CHECK(mkdir("/run/log", 0755) == 0 || errno == EEXIST);
    CHECK(mkdir("/run/log/networks", 0755) == 0 || errno == EEXIST);
    stray = fopen("/run/log/networks/no name.json", "w");
    CHECK(stray != NULL && fclose(stray) == 0);
}

static void a_life_with_a_callback_that_calls_goes_as_any_other(void)
{
    static struct listener first, second;
    first.process = second.process = getpid();
    OK(netns_log_set(NETNS_LOG_LEVEL_DEBUG, hear, &first, release, &error));
    live();
    CHECK(first.heard > 5 && first.released == 0);
    /* Its end is told to it while another comes; it may not call the library either. */
    OK(netns_log_set(NETNS_LOG_LEVEL_DEBUG, hear, &second, release, &error));
    CHECK(first.released == 1);
    live();
    CHECK(second.heard > 5);
    OK(netns_log_set(NETNS_LOG_LEVEL_OFF, NULL, NULL, NULL, &error));
    CHECK(first.released == 1 && second.released == 1);
    /* And no thread was left as one that may not call. */
    live();
}

/* ---- forks ---- */

static volatile int stop;
static struct listener parents[2];

static void log_something(const char *bridge_name, int number)
{
    char gateway[32];
    netns_bridge *bridge;
    netns_error *failed = NULL;
    netns_bridge_options of_bridge = {.size = sizeof of_bridge, .bridge = bridge_name};
    snprintf(gateway, sizeof gateway, "10.%d.%d.1/24", 70 + number / 200, number % 200);
    of_bridge.gateway = gateway;
    if (netns_bridge_create("bridge", &of_bridge, &bridge, &failed) != 0)
        FAIL("%s: %s", bridge_name, netns_error_message(failed));
    if (netns_bridge_delete(bridge, &failed) != 0)
        FAIL("%s: %s", bridge_name, netns_error_message(failed));
    netns_bridge_free(bridge);
}

static void *log_all_the_time(void *number)
{
    char name[16];
    snprintf(name, sizeof name, "logging%d", (int)(size_t)number);
    while (!stop)
        log_something(name, (int)(size_t)number);
    return NULL;
}

/* The lock that guards who hears is taken for writing as often as can be. */
static void *replace_all_the_time(void *unused)
{
    netns_error *failed = NULL;
    unsigned round;
    for (round = 0; !stop; round++)
        CHECK(netns_log_set(NETNS_LOG_LEVEL_DEBUG, hear, &parents[round % 2], NULL, &failed) == 0);
    return unused;
}

static void be_a_child(int number)
{
    static struct listener own;
    netns_error *failed = NULL;
    int strayed;
    alarm(30);
    log_something("child0", 300 + number);
    CHECK(*parents[0].strayed == 0);
    own.process = getpid();
    own.strayed = &strayed;
    CHECK(netns_log_set(NETNS_LOG_LEVEL_DEBUG, hear, &own, release, &failed) == 0);
    log_something("child1", 300 + number);
    CHECK(own.heard > 0 && *parents[0].strayed == 0);
    CHECK(netns_log_set(NETNS_LOG_LEVEL_OFF, NULL, NULL, NULL, &failed) == 0);
    CHECK(own.released == 1 && parents[0].released == 0 && parents[1].released == 0);
    _exit(0);
}

static void a_child_forked_while_threads_log_hears_its_own_alone(void)
{
    pthread_t threads[3];
    int i;
    int *strayed = mmap(NULL, sizeof *strayed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(strayed != MAP_FAILED);
    parents[0].process = parents[1].process = getpid();
    parents[0].strayed = parents[1].strayed = strayed;
    CHECK(pthread_create(&threads[0], NULL, log_all_the_time, (void *)1) == 0);
    CHECK(pthread_create(&threads[1], NULL, log_all_the_time, (void *)2) == 0);
    CHECK(pthread_create(&threads[2], NULL, replace_all_the_time, NULL) == 0);
    for (i = 0; i < 60; i++) {
        int status;
        pid_t child;
        usleep(1000 + 1700 * (useconds_t)i % 9000);
        child = fork();
        if (child == 0)
            be_a_child(i);
        CHECK(waitpid(child, &status, 0) == child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            FAIL("child %d ended with %#x%s", i, (unsigned)status,
                 WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? ": it hung" : "");
    }
    stop = 1;
    for (i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    CHECK(parents[0].heard + parents[1].heard > 0 && *strayed == 0);
    OK(netns_log_set(NETNS_LOG_LEVEL_OFF, NULL, NULL, NULL, &error));
    munmap(strayed, sizeof *strayed);
}

int main(int argc, char **argv)
{
    alarm(100);
    make_stray_definition();
    if (argc > 1 && strcmp(argv[1], "forks") == 0)
        a_child_forked_while_threads_log_hears_its_own_alone();
    else
        a_life_with_a_callback_that_calls_goes_as_any_other();
    return 0;
}
