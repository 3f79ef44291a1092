/* Threads that come and go, each making, joining, reading and destroying sandboxes of one network:
 * stress [threads [rounds]] */
#include <dirent.h>
#include <netns.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static netns_controller *controller;
static netns_network *network;

static void check(int32_t status, netns_error *error)
{
    if (status != NETNS_STATUS_OK) {
        fprintf(stderr, "%s\n", netns_error_message(error));
        exit(EXIT_FAILURE);
    }
}

static void must(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "not so: %s\n", what);
        exit(EXIT_FAILURE);
    }
}

static int descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    must(directory != NULL, "/proc/self/fd can be read");
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

/* One life of a container, on a thread of its own. */
static void *live(void *number)
{
    char name[32];
    netns_error *error = NULL;
    netns_sandbox *sandbox;
    netns_endpoint_config config = {.size = sizeof config, .name = name};
    netns_endpoint_details *joined;
    netns_info *info;
    snprintf(name, sizeof name, "c%u", (unsigned)(uintptr_t)number);

    check(netns_sandbox_create(controller, name, &sandbox, &error), error);
    check(netns_endpoint_connect(network, sandbox, &config, &joined, &error), error);
    check(netns_sandbox_info(sandbox, &info, &error), error);
    must(info->interface_count == 1, "it has one interface");
    must(info->gateway != NULL, "it has a gateway");
    netns_info_free(info);
    netns_endpoint_details_free(joined);
    check(netns_sandbox_destroy(sandbox, &error), error);
    netns_sandbox_free(sandbox);
    return NULL;
}

/* How often a sandbox came and went, as far as the events tell. */
struct heard {
    unsigned created, destroyed;
};

static void *listen_to(void *events)
{
    netns_error *error = NULL;
    struct heard *heard = calloc(1, sizeof *heard);
    must(heard != NULL, "there is memory");
    for (;;) {
        netns_event *event;
        check(netns_events_next(events, -1, &event, &error), error);
        if (event == NULL)
            return heard;
        heard->created += event->kind == NETNS_EVENT_KIND_SANDBOX_CREATED;
        heard->destroyed += event->kind == NETNS_EVENT_KIND_SANDBOX_DESTROYED;
        netns_event_free(event);
    }
}

int main(int argc, char **argv)
{
    unsigned threads = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 4;
    unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 10;
    pthread_t *workers = calloc(threads, sizeof *workers), listener;
    netns_error *error = NULL;
    netns_controller_options options = {.size = sizeof options, .flags = NETNS_CONTROLLER_FROM_ENV};
    netns_network_config config = {.size = sizeof config, .name = "stress", .network_type = "bridge"};
    netns_network_details *details;
    netns_names *sandboxes;
    netns_events *events;
    void *heard;
    int before = descriptors(), while_open;
    must(workers != NULL, "there is memory");

    check(netns_controller_open(&options, &controller, &error), error);
    check(netns_network_create(controller, &config, &network, &error), error);
    check(netns_events_open(controller, &events, &error), error);
    must(pthread_create(&listener, NULL, listen_to, events) == 0, "a thread is started");
    while_open = descriptors();

    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < threads; i++) {
            void *number = (void *)(uintptr_t)(round * threads + i);
            must(pthread_create(&workers[i], NULL, live, number) == 0, "a thread is started");
        }
        for (unsigned i = 0; i < threads; i++)
            pthread_join(workers[i], NULL);
    }

    must(descriptors() <= while_open + 8, "descriptors do not grow with what came and went");
    check(netns_network_inspect(network, &details, &error), error);
    must(details->endpoint_count == 0, "no endpoint is left");
    netns_network_details_free(details);
    check(netns_sandbox_list(controller, &sandboxes, &error), error);
    must(sandboxes->count == 0, "no sandbox is left");
    netns_names_free(sandboxes);

    netns_events_close(events);
    pthread_join(listener, &heard);
    printf("%u sandboxes on %u threads, %u heard to come and %u to go\n", threads * rounds, threads,
           ((struct heard *)heard)->created, ((struct heard *)heard)->destroyed);
    free(heard);
    netns_events_free(events);
    check(netns_network_delete(network, &error), error);
    netns_network_free(network);
    netns_controller_close(controller);
    must(descriptors() == before, "every descriptor is closed");
    free(workers);
    return EXIT_SUCCESS;
}
