/* The C side of the benchmark of the C ABI: what a C program would write. Each function returns 0, or prints
 * what went wrong and returns -1. */

#define _POSIX_C_SOURCE 200809L

#include <netns.h>
#include <stdio.h>
#include <time.h>

static netns_bridge *bridge;
static netns_controller *controller;
static netns_network *network;
static netns_sandbox *sandbox;

static int said(int32_t status, netns_error *error)
{
    if (status == NETNS_STATUS_OK)
        return 0;
    fprintf(stderr, "%s\n", netns_error_message(error));
    netns_error_free(error);
    return -1;
}

/* A bridge network, and a controller's network of the same kind. */
int bench_begin(void)
{
    netns_error *error = NULL;
    netns_bridge_options bridge_options = {.size = sizeof bridge_options, .gateway = "10.97.0.1/16"};
    netns_controller_options options = {
        .size = sizeof options, .networks_dir = "/run/c/networks", .run_dir = "/run/c"};
    netns_subnet_config subnet = {.size = sizeof subnet, .subnet = "10.95.0.0/16"};
    netns_network_config config = {
        .size = sizeof config, .name = "cnet", .network_type = "bridge", .ipv4 = &subnet};

    if (said(netns_bridge_create("c", &bridge_options, &bridge, &error), error) < 0)
        return -1;
    if (said(netns_controller_open(&options, &controller, &error), error) < 0)
        return -1;
    return said(netns_network_create(controller, &config, &network, &error), error);
}

int bench_end(void)
{
    netns_error *error = NULL;
    int failed = said(netns_bridge_delete(bridge, &error), error) < 0;

    failed |= said(netns_network_delete(network, &error), error) < 0;
    netns_bridge_free(bridge);
    netns_network_free(network);
    netns_controller_close(controller);
    return failed ? -1 : 0;
}

/* Frees the object of the last sandbox, which stays. */
int bench_free(void)
{
    netns_sandbox_free(sandbox);
    sandbox = NULL;
    return 0;
}

/* A sandbox without a controller. */
int bench_sandbox(unsigned slot)
{
    netns_error *error = NULL;
    char name[32];

    snprintf(name, sizeof name, "c%u", slot);
    return said(netns_sandbox_create_in(NULL, name, &sandbox, &error), error);
}

int bench_join(unsigned slot)
{
    netns_error *error = NULL;
    char name[32], address[32];
    netns_bridge_endpoint endpoint = {.size = sizeof endpoint, .name = name, .address = address};

    snprintf(name, sizeof name, "endpoint%u", slot);
    snprintf(address, sizeof address, "10.97.%u.%u/16", slot >> 8 & 255, slot & 255);
    return said(netns_bridge_join(bridge, sandbox, &endpoint, NULL, &error), error);
}

int bench_managed_sandbox(unsigned slot)
{
    netns_error *error = NULL;
    char name[32];

    snprintf(name, sizeof name, "cm%u", slot);
    return said(netns_sandbox_create(controller, name, &sandbox, &error), error);
}

int bench_connect(unsigned slot)
{
    netns_error *error = NULL;
    netns_endpoint_details *details = NULL;
    char name[32];
    netns_endpoint_config config = {.size = sizeof config, .name = name};

    snprintf(name, sizeof name, "e%u", slot);
    if (said(netns_endpoint_connect(network, sandbox, &config, &details, &error), error) < 0)
        return -1;
    netns_endpoint_details_free(details);
    return 0;
}

int bench_remove(unsigned slot)
{
    netns_error *error = NULL;
    char name[32];

    snprintf(name, sizeof name, "c%u", slot);
    return said(netns_sandbox_remove_in(NULL, name, &error), error);
}

int bench_managed_remove(unsigned slot)
{
    netns_error *error = NULL;
    char name[32];

    snprintf(name, sizeof name, "cm%u", slot);
    return said(netns_sandbox_remove(controller, name, &error), error);
}

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds a call: the key of the last sandbox that was made. */
double bench_key_ns(unsigned calls)
{
    const char *volatile key = NULL;
    double begin = now_ns();

    for (unsigned i = 0; i < calls; i++)
        key = netns_sandbox_key(sandbox);
    (void)key;
    return (now_ns() - begin) / calls;
}

/* Nanoseconds a look: the interface list of what the sandbox was found to hold. */
double bench_list_ns(unsigned calls)
{
    netns_info *info = NULL;
    const char *volatile name = NULL;
    double begin;

    if (netns_sandbox_info(sandbox, &info, NULL) < 0 || info->interface_count == 0)
        return -1;
    begin = now_ns();
    for (unsigned i = 0; i < calls; i++)
        name = info->interfaces[i % info->interface_count]->name;
    (void)name;
    begin = (now_ns() - begin) / calls;
    netns_info_free(info);
    return begin;
}

/* Nanoseconds a call: the interfaces of the last sandbox, read from the kernel. */
double bench_interfaces_ns(unsigned calls)
{
    double begin = now_ns();

    for (unsigned i = 0; i < calls; i++) {
        netns_interfaces *interfaces = NULL;

        if (netns_sandbox_interfaces(sandbox, &interfaces, NULL) < 0)
            return -1;
        netns_interfaces_free(interfaces);
    }
    return (now_ns() - begin) / calls;
}
