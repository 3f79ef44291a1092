/* Callbacks of several threads, one that takes its time, and some that call the library back. */
#define _POSIX_C_SOURCE 200809L

#include <net/if.h>
#include <string.h>

#include "driver_wire.h"

static pthread_barrier_t both;
static pthread_barrier_t inside, enough;

struct job {
    netns_network *network;
    netns_sandbox *sandbox;
    const char *endpoint;
};

static void *connects(void *argument)
{
    struct job *job = argument;
    netns_error *error = NULL;
    OK(wire_connect(job->network, job->sandbox, job->endpoint, NULL, &error));
    return NULL;
}

static int32_t waits(struct wire *wire, const netns_driver_endpoint *endpoint, netns_join *join,
                     netns_error **ret_error)
{
    (void)wire;
    (void)join;
    (void)ret_error;
    if (strcmp(endpoint->endpoint, "left") == 0 || strcmp(endpoint->endpoint, "right") == 0)
        pthread_barrier_wait(&both);
    if (strcmp(endpoint->endpoint, "slow") == 0) {
        pthread_barrier_wait(&inside);
        pthread_barrier_wait(&enough);
    }
    return 0;
}

/* Each of two threads is in its callback when the other one is. */
static void two_at_once(netns_network *network, netns_sandbox *web, netns_sandbox *db)
{
    netns_error *error = NULL;
    struct job left = {network, web, "left"}, right = {network, db, "right"};
    pthread_t thread;
    CHECK(pthread_barrier_init(&both, NULL, 2) == 0);
    CHECK(pthread_create(&thread, NULL, connects, &left) == 0);
    connects(&right);
    CHECK(pthread_join(thread, NULL) == 0);
    OK(netns_endpoint_disconnect(network, "left", &error));
    OK(netns_endpoint_disconnect(network, "right", &error));
    pthread_barrier_destroy(&both);
}

/* While a callback takes its time, others join the same network and another one. */
static void nobody_waits(netns_network *network, netns_network *other, netns_sandbox *web, netns_sandbox *db)
{
    netns_error *error = NULL;
    struct job slow = {network, web, "slow"};
    pthread_t thread;
    CHECK(pthread_barrier_init(&inside, NULL, 2) == 0 && pthread_barrier_init(&enough, NULL, 2) == 0);
    CHECK(pthread_create(&thread, NULL, connects, &slow) == 0);
    pthread_barrier_wait(&inside);
    OK(wire_connect(network, db, "quick", NULL, &error));
    OK(wire_connect(other, db, "quick", NULL, &error));
    OK(netns_endpoint_disconnect(network, "quick", &error));
    OK(netns_endpoint_disconnect(other, "quick", &error));
    pthread_barrier_wait(&enough);
    CHECK(pthread_join(thread, NULL) == 0);
    OK(netns_endpoint_disconnect(network, "slow", &error));
    pthread_barrier_destroy(&inside);
    pthread_barrier_destroy(&enough);
}

static void lists(netns_controller *controller)
{
    netns_error *error = NULL;
    netns_names *names;
    OK(netns_network_list(controller, &names, &error));
    CHECK(names->count == 2);
    netns_names_free(names);
    OK(netns_controller_network_types(controller, &names, &error));
    netns_names_free(names);
}

static struct wire more;
static netns_network *elsewhere;
static netns_sandbox *sandbox;

static int32_t calls_back(struct wire *wire, const netns_driver_endpoint *endpoint, netns_join *join,
                          netns_error **ret_error)
{
    netns_error *error = NULL;
    (void)join;
    lists(wire->controller);
    if (strcmp(endpoint->endpoint, "fails") == 0) {
        /* What a call of the library said is as good as an error of one's own. */
        return netns_network_open(wire->controller, "nowhere", &(netns_network *){NULL}, ret_error);
    }
    if (strcmp(endpoint->endpoint, "outer") != 0)
        return 0;
    netns_driver driver = wire_driver(&more);
    OK(netns_driver_register(wire->controller, "more", &driver, &error));
    REFUSED(netns_driver_register(wire->controller, "wire", &driver, &error), NETNS_STATUS_FORBIDDEN);
    OK(wire_connect(elsewhere, sandbox, "inner", NULL, &error));
    OK(netns_endpoint_disconnect(elsewhere, "inner", &error));
    return 0;
}

static void parts(struct wire *wire, const netns_driver_endpoint *endpoint)
{
    (void)endpoint;
    lists(wire->controller);
}

static void back(struct wire *wire, netns_network *network, netns_network *other, netns_sandbox *web)
{
    netns_error *error = NULL;
    elsewhere = other;
    sandbox = web;
    wire->joins = calls_back;
    wire->parts = parts;
    OK(wire_connect(network, web, "outer", NULL, &error));
    OK(netns_endpoint_disconnect(network, "outer", &error));
    CHECK(wire_connect(network, web, "fails", NULL, &error) == NETNS_STATUS_NOT_FOUND);
    SAYS(netns_error_message(error), "nowhere");
    netns_error_free(error);
}

int main(void)
{
    struct wire wire;
    netns_error *error = NULL;
    netns_network *far, *near;
    wire_init(&wire);
    wire_init(&more);
    wire.joins = waits;
    wire.controller = wire_controller();
    netns_driver driver = wire_driver(&wire);
    OK(netns_driver_register(wire.controller, "wire", &driver, &error));
    OK(wire_network(wire.controller, "far", "10.7.0.0/24", NULL, &far, &error));
    OK(wire_network(wire.controller, "near", "10.6.0.0/24", NULL, &near, &error));
    netns_sandbox *web = wire_sandbox(wire.controller, "web"), *db = wire_sandbox(wire.controller, "db");
    two_at_once(far, web, db);
    nobody_waits(far, near, web, db);
    back(&wire, far, near, web);
    OK(netns_sandbox_destroy(web, &error));
    OK(netns_sandbox_destroy(db, &error));
    OK(netns_network_delete(far, &error));
    OK(netns_network_delete(near, &error));
    netns_sandbox_free(web);
    netns_sandbox_free(db);
    netns_network_free(far);
    netns_network_free(near);
    netns_controller_close(wire.controller);
    CHECK(wire.released == 1 && more.released == 1);
    return 0;
}
