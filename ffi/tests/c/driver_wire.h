/* A driver in C that writes down what it is told, and goes wrong where it is told to. */
#ifndef DRIVER_WIRE_H
#define DRIVER_WIRE_H

#include <pthread.h>

#include "check.h"

struct wire {
    pthread_mutex_t lock;
    /* A line a call. */
    char calls[16384];
    /* The callback that fails, with this status, and whether it says why. */
    const char *fails;
    int32_t fails_with;
    int is_silent;
    /* What a callback is to leave in ret_plan, whether or not it fails; NULL for nothing. */
    const char *plan;
    /* What the callbacks of endpoints do besides. */
    int32_t (*makes)(struct wire *, const netns_driver_endpoint *, netns_driver_interface *, netns_error **);
    int32_t (*joins)(struct wire *, const netns_driver_endpoint *, netns_join *, netns_error **);
    void (*parts)(struct wire *, const netns_driver_endpoint *);
    netns_controller *controller;
    int released;
    /* How many of its errors there are: they are known by the wire. */
    int errors;
};

/* A wire that nothing is known of. */
void wire_init(struct wire *wire);

/* A driver with all callbacks, of local scope. */
netns_driver wire_driver(struct wire *wire);

/* Checks what was called since the last look. */
void wire_expect(struct wire *wire, const char *file, int line, const char *calls);
#define CALLED(wire, calls) wire_expect(wire, __FILE__, __LINE__, calls)

/* A controller where nothing of the machine's is. */
netns_controller *wire_controller(void);

/* A network of the type "wire" with these subnets, each of which may be NULL. */
int32_t wire_network(netns_controller *controller, const char *name, const char *ipv4, const char *ipv6,
                     netns_network **ret_network, netns_error **ret_error);

netns_sandbox *wire_sandbox(netns_controller *controller, const char *name);

int32_t wire_connect(netns_network *network, netns_sandbox *sandbox, const char *endpoint,
                     netns_endpoint_details **ret_details, netns_error **ret_error);

/* A call that must fail as the wire does when it is cut; frees the error. */
void wire_is_cut(int32_t status, int32_t expected, netns_error **error, const char *word, const char *file,
                 int line);
#define CUT(call, expected, word) wire_is_cut(call, expected, &error, word, __FILE__, __LINE__)

#endif
