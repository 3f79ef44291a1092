/* What was left half done is seen before it is put right, by who asks for that. */
#define _GNU_SOURCE
#include <sys/mount.h>
#include <unistd.h>

#include "check.h"

static netns_error *error;

static netns_controller *opened(uint64_t flags)
{
    netns_controller_options options = {
        .size = sizeof options, .flags = flags, .networks_dir = "/run/collect/networks",
        .run_dir = "/run/collect", .sandbox_dir = "/run/netns"};
    netns_controller *controller;
    OK(netns_controller_open(&options, &controller, &error));
    return controller;
}

/* An endpoint whose namespace somebody else took away. */
static void leave_an_endpoint(void)
{
    netns_network_config config = {.size = sizeof config, .name = "net", .network_type = "bridge"};
    netns_endpoint_config web = {.size = sizeof web, .name = "web"};
    netns_controller *controller = opened(0);
    netns_network *network;
    netns_sandbox *sandbox;
    OK(netns_network_create(controller, &config, &network, &error));
    OK(netns_sandbox_create(controller, "web", &sandbox, &error));
    OK(netns_endpoint_connect(network, sandbox, &web, NULL, &error));
    CHECK(umount2(netns_sandbox_key(sandbox), MNT_DETACH) == 0 && unlink(netns_sandbox_key(sandbox)) == 0);
    netns_sandbox_free(sandbox);
    netns_network_free(network);
    netns_controller_close(controller);
}

static size_t collected(const netns_controller *controller, uint64_t flags)
{
    netns_collected *found;
    size_t count;
    OK(netns_controller_collect(controller, flags, &found, &error));
    count = found->count;
    netns_collected_free(found);
    return count;
}

static size_t endpoints(const netns_controller *controller)
{
    netns_endpoints *list;
    size_t count;
    OK(netns_endpoint_list(controller, &list, &error));
    count = list->count;
    netns_endpoints_free(list);
    return count;
}

int main(void)
{
    netns_controller *looking;
    size_t found;
    leave_an_endpoint();
    looking = opened(NETNS_CONTROLLER_UNCOLLECTED);
    found = collected(looking, NETNS_COLLECT_DRY_RUN);
    CHECK(found > 0 && endpoints(looking) == 1);
    CHECK(collected(looking, 0) == found && endpoints(looking) == 0);
    OK(netns_network_remove(looking, "net", &error));
    netns_controller_close(looking);
    leave_an_endpoint();
    looking = opened(0);
    CHECK(endpoints(looking) == 0);
    OK(netns_network_forget(looking, "net", &error));
    OK(netns_network_forget(looking, "net", &error));
    netns_controller_close(looking);
    return 0;
}
