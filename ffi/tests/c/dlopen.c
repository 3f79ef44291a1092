/* A library that is loaded, used and unloaded over and over: dlopen PATH ROUNDS */
#include <dirent.h>
#include <dlfcn.h>
#include <string.h>

#include "check.h"

/* ISO C has no way from an object pointer to a function pointer but its bytes. */
#define SYMBOL(name)           \
    __typeof__(name) *name##_; \
    symbol(library, #name, &name##_)

static void symbol(void *library, const char *name, void *at)
{
    void *found = dlsym(library, name);
    if (found == NULL)
        FAIL("%s", dlerror());
    memcpy(at, &found, sizeof found);
}

static unsigned entries(const char *path)
{
    DIR *directory = opendir(path);
    unsigned count = 0;
    CHECK(directory != NULL);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

/* Of mapped memory. */
static unsigned long kilobytes(void)
{
    char line[256];
    unsigned long found = 0;
    FILE *status = fopen("/proc/self/status", "r");
    CHECK(status != NULL);
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "VmSize:", 7) == 0)
            found = strtoul(line + 7, NULL, 10);
    fclose(status);
    CHECK(found != 0);
    return found;
}

static void use(void *library)
{
    SYMBOL(netns_controller_open);
    SYMBOL(netns_controller_close);
    SYMBOL(netns_network_create);
    SYMBOL(netns_network_delete);
    SYMBOL(netns_network_free);
    SYMBOL(netns_sandbox_create);
    SYMBOL(netns_sandbox_destroy);
    SYMBOL(netns_sandbox_free);
    SYMBOL(netns_endpoint_connect);
    SYMBOL(netns_events_open);
    SYMBOL(netns_events_free);
    SYMBOL(netns_error_message);
    SYMBOL(netns_error_free);
#define DO(call)                                     \
    do {                                             \
        if ((call) != 0)                             \
            FAIL("%s: %s", #call, netns_error_message_(error)); \
    } while (0)
    netns_error *error = NULL;
    netns_controller_options options = {
        .size = sizeof options, .networks_dir = "/run/dl/networks", .run_dir = "/run/dl",
        .sandbox_dir = "/run/netns"};
    netns_network_config config = {.size = sizeof config, .name = "net", .network_type = "bridge"};
    netns_endpoint_config web = {.size = sizeof web, .name = "web"};
    netns_controller *controller;
    netns_network *network;
    netns_sandbox *sandbox;
    netns_events *events;
    DO(netns_controller_open_(&options, &controller, &error));
    DO(netns_events_open_(controller, &events, &error));
    DO(netns_network_create_(controller, &config, &network, &error));
    DO(netns_sandbox_create_(controller, "web", &sandbox, &error));
    DO(netns_endpoint_connect_(network, sandbox, &web, NULL, &error));
    CHECK(netns_network_delete_(network, &error) == NETNS_STATUS_BUSY);
    netns_error_free_(error);
    DO(netns_sandbox_destroy_(sandbox, &error));
    DO(netns_network_delete_(network, &error));
    netns_sandbox_free_(sandbox);
    netns_network_free_(network);
    netns_events_free_(events);
    netns_controller_close_(controller);
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 50, round, memory = 0;
    unsigned descriptors = entries("/proc/self/fd"), threads = entries("/proc/self/task");
    CHECK(argc > 1);
    for (round = 0; round < rounds; round++) {
        void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (library == NULL)
            FAIL("%s", dlerror());
        use(library);
        CHECK(dlclose(library) == 0);
        CHECK(entries("/proc/self/fd") == descriptors);
        CHECK(entries("/proc/self/task") == threads);
        /* What is kept for the next time is there after the first few. */
        if (round == 9)
            memory = kilobytes();
    }
    if (rounds > 10 && kilobytes() > memory + 512)
        FAIL("%lu kB are mapped, and were %lu", kilobytes(), memory);
    return 0;
}
