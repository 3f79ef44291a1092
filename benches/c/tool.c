/* Does the job of the comparison of tools in C, as it is told, a line of its input each.
 *
 * usage: tool NAME GATEWAY/LENGTH */

#define _POSIX_C_SOURCE 200809L

#include <netns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static netns_controller *controller;
static netns_network *network;
static netns_error *error;

static void check(int32_t status)
{
    if (status != NETNS_STATUS_OK) {
        printf("error: %s\n", netns_error_message(error));
        exit(EXIT_FAILURE);
    }
}

static void attach(netns_sandbox *sandbox, const char *name, char *address)
{
    netns_endpoint_config config = {.size = sizeof config, .name = name};
    netns_endpoint_details *joined;

    *strchr(address, '/') = '\0';
    config.address = address;
    check(netns_endpoint_connect(network, sandbox, &config, &joined, &error));
    netns_endpoint_details_free(joined);
    netns_sandbox_free(sandbox);
}

static void act(const char *what, const char *name, char *address)
{
    netns_sandbox *sandbox;

    if (strcmp(what, "attach") == 0) {
        check(netns_sandbox_open(controller, name, &sandbox, &error));
        attach(sandbox, name, address);
    } else if (strcmp(what, "whole") == 0) {
        check(netns_sandbox_create(controller, name, &sandbox, &error));
        attach(sandbox, name, address);
    } else if (strcmp(what, "detach") == 0) {
        check(netns_endpoint_disconnect(network, name, &error));
    } else if (strcmp(what, "remove") == 0) {
        check(netns_sandbox_remove(controller, name, &error));
    }
}

int main(int argc, char **argv)
{
    netns_controller_options options = {.size = sizeof options, .flags = NETNS_CONTROLLER_FROM_ENV};
    netns_subnet_config subnet = {.size = sizeof subnet};
    netns_network_config config = {.size = sizeof config, .network_type = "bridge", .ipv4 = &subnet};
    struct timespec begin, end;
    char line[256], what[16], name[64], address[64];

    if (argc != 3)
        return EXIT_FAILURE;
    setvbuf(stdout, NULL, _IOLBF, 0);
    config.name = argv[1];
    subnet.subnet = argv[2];
    check(netns_controller_open(&options, &controller, &error));
    check(netns_network_create(controller, &config, &network, &error));
    printf("%s\n", netns_version());
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%15s %63s %63s", what, name, address) < 2)
            break;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        act(what, name, address);
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%lld\n", (end.tv_sec - begin.tv_sec) * 1000000000LL + end.tv_nsec - begin.tv_nsec);
    }
    check(netns_network_delete(network, &error));
    netns_network_free(network);
    netns_controller_close(controller);
    return EXIT_SUCCESS;
}
