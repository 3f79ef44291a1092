/* A controller that is opened inside of a sandbox has that for its host. */
#define _GNU_SOURCE
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static netns_error *error;
static netns_controller *outer;
static netns_sandbox *host;

static const netns_controller_options options = {
    .size = sizeof options, .networks_dir = "/run/outer/networks", .run_dir = "/run/outer",
    .sandbox_dir = "/run/netns"};
static const netns_controller_options inner_options = {
    .size = sizeof inner_options, .networks_dir = "/run/inner/networks", .run_dir = "/run/inner",
    .sandbox_dir = "/run/inner/netns"};

static void live_with(netns_controller *controller, const char *name)
{
    netns_sandbox *box;
    netns_network *network;
    netns_info *info;
    netns_endpoint_config config = {.size = sizeof config, .name = name};
    OK(netns_network_open(controller, "net", &network, &error));
    OK(netns_sandbox_create(controller, name, &box, &error));
    OK(netns_endpoint_connect(network, box, &config, NULL, &error));
    OK(netns_sandbox_info(box, &info, &error));
    CHECK(info->interface_count == 1);
    netns_info_free(info);
    OK(netns_sandbox_destroy(box, &error));
    netns_sandbox_free(box);
    netns_network_free(network);
}

static void make_network(netns_controller *controller)
{
    netns_network *network;
    netns_network_config config = {.size = sizeof config, .name = "net", .network_type = "bridge"};
    OK(netns_network_create(controller, &config, &network, &error));
    netns_network_free(network);
}

static void delete_network(netns_controller *controller)
{
    netns_network *network;
    OK(netns_network_open(controller, "net", &network, &error));
    OK(netns_network_delete(network, &error));
    netns_network_free(network);
}

static unsigned links(void)
{
    struct if_nameindex *all = if_nameindex();
    unsigned count = 0;
    CHECK(all != NULL);
    while (all[count].if_index != 0)
        count++;
    if_freenameindex(all);
    return count;
}

/* A destroyed sandbox takes links along later than itself. */
static int32_t are_so_many(void *count)
{
    int i;
    for (i = 0; i < 100 && links() != *(unsigned *)count; i++)
        usleep(50000);
    return links() == *(unsigned *)count;
}

static int32_t live_inside(void *user)
{
    netns_controller *controller;
    netns_events *events;
    unsigned before = links();
    (void)user;
    /* The run directory of another namespace is not for this one. */
    REFUSED(netns_controller_open(&options, &controller, &error), NETNS_STATUS_FORBIDDEN);
    OK(netns_controller_open(&inner_options, &controller, &error));
    OK(netns_events_open(controller, &events, &error));
    make_network(controller);
    CHECK(links() > before);
    live_with(controller, "box");
    /* The one from outside works on its own host, wherever the thread is. */
    live_with(outer, "outside");
    delete_network(controller);
    CHECK(are_so_many(&before));
    netns_events_free(events);
    netns_controller_close(controller);
    return 0;
}

static int32_t open_inside(void *ret_controller)
{
    netns_controller **controller = ret_controller;
    int32_t before = (int32_t)links();
    OK(netns_controller_open(&inner_options, controller, &error));
    make_network(*controller);
    CHECK((int32_t)links() > before);
    return before;
}

int main(void)
{
    netns_controller *inner;
    int32_t value;
    unsigned outside, within;
    /* The number of the namespace that a run before had may be that of any other by now. */
    CHECK(system("rm -rf /run/inner") == 0);
    OK(netns_controller_open(&options, &outer, &error));
    make_network(outer);
    outside = links();
    OK(netns_sandbox_create(outer, "host", &host, &error));
    OK(netns_sandbox_run(host, live_inside, NULL, &value, &error));
    CHECK(value == 0 && are_so_many(&outside));
    OK(netns_sandbox_run(host, live_inside, NULL, &value, &error));
    CHECK(value == 0 && are_so_many(&outside));

    /* One that comes out keeps its host. */
    OK(netns_sandbox_run(host, open_inside, &inner, &value, &error));
    within = (unsigned)value;
    CHECK(are_so_many(&outside));
    live_with(inner, "box");
    CHECK(are_so_many(&outside));
    delete_network(inner);
    OK(netns_sandbox_run(host, are_so_many, &within, &value, &error));
    CHECK(value && are_so_many(&outside));
    netns_controller_close(inner);

    OK(netns_sandbox_destroy(host, &error));
    netns_sandbox_free(host);
    delete_network(outer);
    netns_controller_close(outer);
    return 0;
}
