/* A network, a sandbox, a join: cc quickstart.c $(pkg-config --cflags --libs libnetns) */
#include <netns.h>
#include <stdio.h>
#include <stdlib.h>

static netns_error *error;

static void check(int32_t status)
{
    if (status != NETNS_STATUS_OK) {
        fprintf(stderr, "%s\n", netns_error_message(error));
        exit(EXIT_FAILURE);
    }
}

int main(void)
{
    netns_controller_options options = {.size = sizeof options, .flags = NETNS_CONTROLLER_FROM_ENV};
    netns_controller *controller;
    check(netns_controller_open(&options, &controller, &error));

    netns_network_config config = {.size = sizeof config, .name = "demo", .network_type = "bridge"};
    config.flags = NETNS_NETWORK_IPV6;
    netns_network *network;
    check(netns_network_create(controller, &config, &network, &error));
    netns_network_details *demo;
    check(netns_network_inspect(network, &demo, &error));
    for (size_t i = 0; i < demo->subnet_count; i++)
        printf("demo has %s\n", demo->subnets[i]->subnet); // chosen: no other network, no route of the host is there

    netns_sandbox *sandbox;
    check(netns_sandbox_create(controller, "web", &sandbox, &error)); // `ip netns list` shows it
    netns_endpoint_config web = {.size = sizeof web, .name = "web"}; // its addresses are chosen too
    netns_plan *plan;
    check(netns_endpoint_plan_connect(network, sandbox, &web, &plan, &error)); // a dry run
    puts(netns_plan_text(plan));
    netns_endpoint_details *joined; // eth0 is up, with addresses and default routes
    check(netns_endpoint_connect(network, sandbox, &web, &joined, &error));
    printf("%s has %s\n", netns_sandbox_key(sandbox), joined->interface->name);

    check(netns_sandbox_destroy(sandbox, &error)); // its endpoint goes with it
    check(netns_network_delete(network, &error));
    netns_endpoint_details_free(joined);
    netns_plan_free(plan);
    netns_sandbox_free(sandbox);
    netns_network_details_free(demo);
    netns_network_free(network);
    netns_controller_close(controller);
    return EXIT_SUCCESS;
}
