/* Threads are cancelled while they are inside of calls: each ends after the call that it is inside of, which has
 * done all that it does. */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static netns_error *error;
static netns_controller *controller;
static netns_network *network;
static netns_sandbox *shared;
static netns_events *events;

static const netns_controller_options options = {
    .size = sizeof options, .networks_dir = "/run/cancel/networks", .run_dir = "/run/cancel",
    .sandbox_dir = "/run/netns"};

/* A call on a thread of its own; it has no static error to write to. */
#define MUST(call)                                                             \
    do {                                                                       \
        netns_error *failed = NULL;                                            \
        if ((call) != 0)                                                       \
            FAIL("%s: %s", #call, netns_error_message(failed));                \
    } while (0)

static void open_and_close(const char *name)
{
    netns_controller *own;
    (void)name;
    MUST(netns_controller_open(&options, &own, &failed));
    netns_controller_close(own);
}

static void create_and_destroy(const char *name)
{
    netns_sandbox *box;
    MUST(netns_sandbox_create(controller, name, &box, &failed));
    MUST(netns_sandbox_destroy(box, &failed));
    netns_sandbox_free(box);
}

static void connect_and_disconnect(const char *name)
{
    netns_endpoint_config config = {.size = sizeof config, .name = name};
    MUST(netns_endpoint_connect(network, shared, &config, NULL, &failed));
    MUST(netns_endpoint_disconnect(network, name, &failed));
}

static void look(const char *name)
{
    netns_info *info;
    netns_collected *collected;
    (void)name;
    MUST(netns_sandbox_info(shared, &info, &failed));
    netns_info_free(info);
    MUST(netns_controller_collect(controller, 0, &collected, &failed));
    netns_collected_free(collected);
}

static void see(void *user, const netns_event *event)
{
    (void)user;
    (void)event;
}

static void subscribe_and_free(const char *name)
{
    netns_subscription *subscription;
    (void)name;
    MUST(netns_events_subscribe(controller, see, NULL, NULL, &subscription, &failed));
    netns_subscription_free(subscription);
}

static void wait_a_moment(const char *name)
{
    netns_event *event;
    (void)name;
    MUST(netns_events_next(events, 5, &event, &failed));
    netns_event_free(event);
}

/* A place where a thread can be cancelled does not end it while it is inside of the library. */
static int32_t test_whether_cancelled(void *user)
{
    int i;
    for (i = 0; i < 20; i++) {
        pthread_testcancel();
        usleep(200);
    }
    *(int *)user = 1;
    return 0;
}

static void run_inside(const char *name)
{
    int came_to_its_end = 0;
    (void)name;
    MUST(netns_sandbox_run(shared, test_whether_cancelled, &came_to_its_end, NULL, &failed));
    CHECK(came_to_its_end);
}

struct work {
    void (*once)(const char *name);
    const char *name;
    volatile int is_inside, rounds;
    sem_t begun;
};

/* Cancelled nowhere but inside of the calls, if the library let it be, and between them. */
static void *work(void *argument)
{
    struct work *work = argument;
    sem_post(&work->begun);
    for (;;) {
        work->is_inside = 1;
        work->once(work->name);
        work->is_inside = 0;
        work->rounds++;
        pthread_testcancel();
    }
    return NULL;
}

static void (*const works[])(const char *name) = {
    open_and_close, create_and_destroy, connect_and_disconnect, look, subscribe_and_free, wait_a_moment, run_inside};
static const char *const names[] = {"open", "create", "connect", "look", "subscribe", "wait", "run"};
#define WORKS (sizeof works / sizeof *works)

static void threads_that_are_cancelled_end_after_the_call(unsigned rounds)
{
    struct work each[WORKS];
    pthread_t threads[WORKS];
    unsigned round;
    size_t i;
    for (round = 0; round < rounds; round++) {
        for (i = 0; i < WORKS; i++) {
            memset(&each[i], 0, sizeof each[i]);
            each[i].once = works[i];
            each[i].name = names[i];
            CHECK(sem_init(&each[i].begun, 0, 0) == 0);
            CHECK(pthread_create(&threads[i], NULL, work, &each[i]) == 0);
        }
        for (i = 0; i < WORKS; i++) {
            sem_wait(&each[i].begun);
            usleep((round * 731 + (unsigned)i * 977) % 4000);
            CHECK(pthread_cancel(threads[i]) == 0);
        }
        for (i = 0; i < WORKS; i++) {
            void *result;
            CHECK(pthread_join(threads[i], &result) == 0);
            CHECK(result == PTHREAD_CANCELED && !each[i].is_inside && each[i].rounds > 0);
            sem_destroy(&each[i].begun);
        }
    }
}

static volatile int returned;

static void *wait_without_end(void *unused)
{
    netns_event *event;
    netns_error *failed = NULL;
    do {
        CHECK(netns_events_next(events, -1, &event, &failed) == 0);
        netns_event_free(event);
    } while (event != NULL);
    returned = 1;
    pthread_testcancel();
    return unused;
}

/* A wait without end is none that is cancelled: what ends it is netns_events_close. */
static void a_wait_without_end_is_ended_by_closing(void)
{
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, wait_without_end, NULL) == 0);
    usleep(20000);
    CHECK(pthread_cancel(thread) == 0);
    usleep(50000);
    CHECK(!returned);
    netns_events_close(events);
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED && returned);
}

/* What a thread said of its own cancelling is so after a call as it was before. */
static void a_call_leaves_the_state_of_its_thread(void)
{
    int before;
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL) == 0);
    look("");
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before) == 0 && before == PTHREAD_CANCEL_DISABLE);
    look("");
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before) == 0 && before == PTHREAD_CANCEL_ENABLE);
}

static size_t entries(const char *path)
{
    DIR *directory = opendir(path);
    size_t count = 0;
    CHECK(directory != NULL);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static void drain(void)
{
    netns_event *event;
    do {
        OK(netns_events_next(events, 0, &event, &error));
        netns_event_free(event);
    } while (event != NULL);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    netns_network_config config = {.size = sizeof config, .name = "net", .network_type = "bridge"};
    netns_info *info;
    size_t descriptors, listeners;
    OK(netns_controller_open(&options, &controller, &error));
    OK(netns_network_create(controller, &config, &network, &error));
    OK(netns_sandbox_create(controller, "shared", &shared, &error));
    OK(netns_events_open(controller, &events, &error));
    threads_that_are_cancelled_end_after_the_call(1);
    drain();
    descriptors = entries("/proc/self/fd");
    listeners = entries("/run/cancel/events");
    threads_that_are_cancelled_end_after_the_call(rounds);
    drain();
    if (entries("/proc/self/fd") != descriptors || entries("/run/cancel/events") != listeners)
        FAIL("%zu descriptors were %zu, %zu listeners were %zu", entries("/proc/self/fd"), descriptors,
             entries("/run/cancel/events"), listeners);
    OK(netns_sandbox_info(shared, &info, &error));
    CHECK(info->interface_count == 0);
    netns_info_free(info);
    a_wait_without_end_is_ended_by_closing();
    a_call_leaves_the_state_of_its_thread();
    netns_events_free(events);
    OK(netns_sandbox_destroy(shared, &error));
    OK(netns_network_delete(network, &error));
    netns_sandbox_free(shared);
    netns_network_free(network);
    netns_controller_close(controller);
    return 0;
}
