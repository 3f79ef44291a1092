/* Callbacks: of the log, of a run inside a sandbox, of events; and errors on other threads. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static netns_error *error;
static netns_controller *controller;
static netns_network *network;

/* ---- the log ---- */

struct listener {
    int heard, released, blocks, calls;
    sem_t inside, go_on;
};

static void hear(void *user, int32_t level, const char *target, const char *message)
{
    struct listener *self = user;
    CHECK(level >= NETNS_LOG_LEVEL_ERROR && level <= NETNS_LOG_LEVEL_DEBUG);
    CHECK(target[0] != '\0' && message != NULL && self->released == 0);
    __sync_fetch_and_add(&self->heard, 1);
    if (self->calls) {
        netns_names *names;
        netns_error *failed = NULL;
        CHECK(netns_network_list(controller, &names, &failed) == NETNS_STATUS_FORBIDDEN);
        CHECK(strstr(netns_error_message(failed), "callback of the log") != NULL);
        netns_error_free(failed);
    }
    if (self->blocks) {
        self->blocks = 0;
        sem_post(&self->inside);
        sem_wait(&self->go_on);
        CHECK(self->released == 0);
    }
}

static void release(void *user)
{
    __sync_fetch_and_add(&((struct listener *)user)->released, 1);
}

/* A definition by a name that is none is ignored, and logged. */
static void make_it_log(void)
{
    netns_names *names;
    netns_error *failed = NULL;
    CHECK(netns_network_list(controller, &names, &failed) == 0);
    netns_names_free(names);
}

static void *log_on_a_thread(void *unused)
{
    make_it_log();
    return unused;
}

static void a_log_callback_is_heard_replaced_and_released_once(void)
{
    static struct listener first, second, blocked;
    pthread_t thread;
    OK(netns_log_set(NETNS_LOG_LEVEL_DEBUG, hear, &first, release, &error));
    make_it_log();
    CHECK(first.heard > 0 && first.released == 0);

    /* One that is refused is not taken, and the one before stays. */
    REFUSED(netns_log_set(99, hear, &second, release, &error), NETNS_STATUS_BAD_REQUEST);
    CHECK(second.released == 0 && first.released == 0);
    first.heard = 0;
    make_it_log();
    CHECK(first.heard > 0);

    second.calls = 1;
    OK(netns_log_set(NETNS_LOG_LEVEL_DEBUG, hear, &second, release, &error));
    CHECK(first.released == 1);
    first.heard = 0;
    make_it_log();
    CHECK(second.heard > 0 && first.heard == 0);

    /* Less important messages are not heard. */
    second.heard = 0;
    OK(netns_log_set(NETNS_LOG_LEVEL_ERROR, hear, &first, NULL, &error));
    CHECK(second.released == 1);
    first.heard = first.released = 0;
    make_it_log();
    CHECK(first.heard == 0);

    /* Nobody waits for a callback that is still inside; its user is released after it. */
    blocked.blocks = 1;
    CHECK(sem_init(&blocked.inside, 0, 0) == 0 && sem_init(&blocked.go_on, 0, 0) == 0);
    OK(netns_log_set(NETNS_LOG_LEVEL_DEBUG, hear, &blocked, release, &error));
    CHECK(pthread_create(&thread, NULL, log_on_a_thread, NULL) == 0);
    sem_wait(&blocked.inside);
    OK(netns_log_set(NETNS_LOG_LEVEL_OFF, NULL, NULL, NULL, &error));
    CHECK(blocked.released == 0);
    sem_post(&blocked.go_on);
    pthread_join(thread, NULL);
    CHECK(blocked.released == 1);
    sem_destroy(&blocked.inside);
    sem_destroy(&blocked.go_on);
    CHECK(first.released == 0 && second.released == 1);
}

/* ---- inside a sandbox ---- */

static netns_sandbox *one, *other;

static void where(char *at, size_t size)
{
    ssize_t length = readlink("/proc/thread-self/ns/net", at, size - 1);
    CHECK(length > 0);
    at[length] = '\0';
}

static int32_t fails(void *user)
{
    (void)user;
    return -7;
}

static int32_t tells_where(void *user)
{
    where(user, 64);
    return 0;
}

static int32_t calls_the_library(void *user)
{
    netns_info *info;
    netns_error *failed = NULL;
    char before[64], inside[64], after[64];
    where(before, sizeof before);
    CHECK(netns_sandbox_info(one, &info, &failed) == 0);
    netns_info_free(info);
    /* Inside another one, and back in this one. */
    CHECK(netns_sandbox_run(other, tells_where, inside, NULL, &failed) == 0);
    where(after, sizeof after);
    CHECK(strcmp(before, after) == 0 && strcmp(before, inside) != 0);
    /* A bridge of which the sandbox is the host. */
    {
        netns_bridge *bridge;
        netns_bridge_options options = {.size = sizeof options, .bridge = "inner0"};
        CHECK(netns_bridge_create("inner", &options, &bridge, &failed) == 0);
        CHECK(netns_bridge_delete(bridge, &failed) == 0);
        netns_bridge_free(bridge);
    }
    return *(int *)user;
}

static int32_t goes_elsewhere(void *user)
{
    int32_t fd;
    netns_error *failed = NULL;
    (void)user;
    CHECK(netns_sandbox_fd(other, &fd, &failed) == 0);
    CHECK(setns(fd, CLONE_NEWNET) == 0);
    close(fd);
    return 3;
}

static int32_t leaves_for_a_new_one(void *user)
{
    (void)user;
    CHECK(unshare(CLONE_NEWNET) == 0);
    return 4;
}

static void a_run_passes_on_what_its_callback_returns_and_comes_back(void)
{
    char before[64], inside[64], after[64];
    int answer = 42;
    int32_t value = 0;
    where(before, sizeof before);
    OK(netns_sandbox_create(controller, "one", &one, &error));
    OK(netns_sandbox_create(controller, "other", &other, &error));
    OK(netns_sandbox_run(one, tells_where, inside, &value, &error));
    CHECK(strcmp(before, inside) != 0 && value == 0);
    OK(netns_sandbox_run(one, fails, NULL, &value, &error));
    CHECK(value == -7);
    OK(netns_sandbox_run(one, fails, NULL, NULL, &error));
    OK(netns_sandbox_run(one, calls_the_library, &answer, &value, &error));
    CHECK(value == 42);
    OK(netns_sandbox_run(one, goes_elsewhere, NULL, &value, &error));
    CHECK(value == 3);
    OK(netns_sandbox_run(one, leaves_for_a_new_one, NULL, &value, &error));
    CHECK(value == 4);
    where(after, sizeof after);
    CHECK(strcmp(before, after) == 0);
    OK(netns_sandbox_destroy(one, &error));
    OK(netns_sandbox_destroy(other, &error));
    netns_sandbox_free(one);
    netns_sandbox_free(other);
}

/* ---- events ---- */

struct subscriber {
    int seen, released;
    sem_t arrived;
};

static void see(void *user, const netns_event *event)
{
    struct subscriber *self = user;
    netns_names *names;
    netns_error *failed = NULL;
    CHECK(event->size >= sizeof *event && event->process == (uint32_t)getpid());
    CHECK(netns_sandbox_list(controller, &names, &failed) == 0);
    netns_names_free(names);
    if (event->kind == NETNS_EVENT_KIND_SANDBOX_DESTROYED) {
        self->seen++;
        sem_post(&self->arrived);
    }
}

static void release_subscriber(void *user)
{
    ((struct subscriber *)user)->released++;
}

static void *wait_for_the_end(void *events)
{
    netns_event *event;
    netns_error *failed = NULL;
    CHECK(netns_events_next(events, -1, &event, &failed) == 0);
    CHECK(event == NULL);
    return events;
}

static void a_subscriber_is_called_and_released_once(void)
{
    static struct subscriber subscriber;
    netns_subscription *subscription;
    netns_sandbox *box;
    netns_events *events;
    netns_event *event;
    pthread_t thread;
    CHECK(sem_init(&subscriber.arrived, 0, 0) == 0);
    OK(netns_events_subscribe(controller, see, &subscriber, release_subscriber, &subscription, &error));
    OK(netns_sandbox_create(controller, "seen", &box, &error));
    OK(netns_sandbox_destroy(box, &error));
    netns_sandbox_free(box);
    sem_wait(&subscriber.arrived);
    CHECK(subscriber.released == 0);
    netns_subscription_free(subscription);
    CHECK(subscriber.seen == 1 && subscriber.released == 1);
    sem_destroy(&subscriber.arrived);

    /* One that waits without end is ended by another thread. */
    OK(netns_events_open(controller, &events, &error));
    OK(netns_events_next(events, 0, &event, &error));
    CHECK(event == NULL);
    CHECK(pthread_create(&thread, NULL, wait_for_the_end, events) == 0);
    usleep(20000);
    netns_events_close(events);
    pthread_join(thread, NULL);
    netns_events_free(events);
}

/* ---- errors ---- */

static void *fail_on_a_thread(void *unused)
{
    netns_error *failed = NULL;
    netns_network *missing;
    (void)unused;
    CHECK(netns_network_open(controller, "missing", &missing, &failed) == NETNS_STATUS_NOT_FOUND);
    return failed;
}

static void *read_on_a_thread(void *failed)
{
    CHECK(strstr(netns_error_message(failed), "missing") != NULL);
    return NULL;
}

static void an_error_outlives_its_thread_and_is_read_by_others(void)
{
    pthread_t thread, readers[4];
    void *failed;
    int i;
    CHECK(pthread_create(&thread, NULL, fail_on_a_thread, NULL) == 0);
    pthread_join(thread, &failed);
    CHECK(netns_error_kind(failed) == NETNS_STATUS_NOT_FOUND);
    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&readers[i], NULL, read_on_a_thread, failed) == 0);
    for (i = 0; i < 4; i++)
        pthread_join(readers[i], NULL);
    netns_error_free(failed);
}

int main(void)
{
    netns_controller_options options = {
        .size = sizeof options, .networks_dir = "/run/calls/networks", .run_dir = "/run/calls",
        .sandbox_dir = "/run/netns"};
    netns_network_config config = {.size = sizeof config, .name = "net", .network_type = "null"};
    FILE *stray;
    OK(netns_controller_open(&options, &controller, &error));
    OK(netns_network_create(controller, &config, &network, &error));
    stray = fopen("/run/calls/networks/no name.json", "w");
    CHECK(stray != NULL && fclose(stray) == 0);

    a_log_callback_is_heard_replaced_and_released_once();
    a_run_passes_on_what_its_callback_returns_and_comes_back();
    a_subscriber_is_called_and_released_once();
    an_error_outlives_its_thread_and_is_read_by_others();

    OK(netns_network_delete(network, &error));
    netns_network_free(network);
    netns_controller_close(controller);
    return 0;
}
