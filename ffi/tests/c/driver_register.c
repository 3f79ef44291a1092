/* What may be registered as a driver, and when its user pointer comes back. */
#include <string.h>

#include "driver_wire.h"

static void is_missing(netns_controller *controller, const netns_driver *driver, const char *name)
{
    netns_error *error = NULL;
    CHECK(netns_driver_register(controller, "wire", driver, &error) == NETNS_STATUS_BAD_REQUEST);
    SAYS(netns_error_message(error), name);
    SAYS(netns_error_message(error), "NULL");
    netns_error_free(error);
}

static void what_must_be_set_is_named(netns_controller *controller, struct wire *wire)
{
    const netns_driver whole = wire_driver(wire);
    netns_driver driver = whole;
    driver.create_network = NULL;
    is_missing(controller, &driver, "driver.create_network");
    driver = whole;
    driver.delete_network = NULL;
    is_missing(controller, &driver, "driver.delete_network");
    driver = whole;
    driver.create_endpoint = NULL;
    is_missing(controller, &driver, "driver.create_endpoint");
    driver = whole;
    driver.delete_endpoint = NULL;
    is_missing(controller, &driver, "driver.delete_endpoint");
    driver = whole;
    driver.join = NULL;
    is_missing(controller, &driver, "driver.join");
    driver = whole;
    driver.leave = NULL;
    is_missing(controller, &driver, "driver.leave");
    is_missing(controller, NULL, "driver");
    is_missing(NULL, &whole, "controller");
}

static void a_size_is_checked(netns_controller *controller, struct wire *wire)
{
    netns_error *error = NULL;
    struct {
        netns_driver known;
        void (*later)(void);
    } longer;
    memset(&longer, 0, sizeof longer);
    longer.known = wire_driver(wire);
    const size_t wrong[] = {0, sizeof(size_t), sizeof longer.known - 1, sizeof longer.known - sizeof(void *),
                            1 << 20};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        longer.known.size = wrong[i];
        REFUSED(netns_driver_register(controller, "wire", &longer.known, &error), NETNS_STATUS_BAD_REQUEST);
    }
    longer.known.size = sizeof longer;
    memset(&longer.later, 1, 1);
    REFUSED(netns_driver_register(controller, "wire", &longer.known, &error), NETNS_STATUS_BAD_REQUEST);
    memset(&longer.later, 0, 1);
    OK(netns_driver_register(controller, "longer", &longer.known, &error));
}

static void a_scope_is_one_of_two(netns_controller *controller, struct wire *wire)
{
    netns_error *error = NULL;
    netns_driver driver = wire_driver(wire);
    driver.data_scope = 2;
    REFUSED(netns_driver_register(controller, "wire", &driver, &error), NETNS_STATUS_BAD_REQUEST);
    driver.data_scope = NETNS_SCOPE_GLOBAL;
    driver.connectivity_scope = -1;
    REFUSED(netns_driver_register(controller, "wire", &driver, &error), NETNS_STATUS_BAD_REQUEST);
}

static void a_type_has_one_driver(netns_controller *controller, struct wire *wire)
{
    netns_error *error = NULL;
    netns_driver driver = wire_driver(wire);
    const char *wrong[] = {"", "a/b", "..", "a b", "\xff", NULL};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        REFUSED(netns_driver_register(controller, wrong[i], &driver, &error), NETNS_STATUS_BAD_REQUEST);
    REFUSED(netns_driver_register(controller, "bridge", &driver, &error), NETNS_STATUS_FORBIDDEN);
    OK(netns_driver_register(controller, "wire", &driver, &error));
    REFUSED(netns_driver_register(controller, "wire", &driver, &error), NETNS_STATUS_FORBIDDEN);
    netns_names *types;
    OK(netns_controller_network_types(controller, &types, &error));
    CHECK(types->count == 8 && strcmp(types->names[7], "wire") == 0);
    netns_names_free(types);
}

int main(void)
{
    struct wire refused, registered;
    netns_error *error = NULL;
    wire_init(&refused);
    wire_init(&registered);
    netns_controller *controller = wire_controller();
    what_must_be_set_is_named(controller, &refused);
    a_scope_is_one_of_two(controller, &refused);
    CHECK(refused.released == 0);
    a_size_is_checked(controller, &registered);
    CHECK(registered.released == 0);
    a_type_has_one_driver(controller, &registered);
    CHECK(registered.released == 0);

    /* Another controller knows nothing of it, and gets a driver that needs no release. */
    netns_controller *other = wire_controller();
    struct wire plain;
    wire_init(&plain);
    netns_driver driver = wire_driver(&plain);
    driver.release = NULL;
    OK(netns_driver_register(other, "wire", &driver, &error));
    netns_controller_close(other);
    CHECK(plain.released == 0);

    /* A network keeps its controller, and that its drivers. */
    netns_network *network;
    OK(wire_network(controller, "far", "10.7.0.0/24", NULL, &network, &error));
    netns_controller_close(controller);
    CHECK(registered.released == 0);
    OK(netns_network_delete(network, &error));
    CHECK(registered.released == 0);
    netns_network_free(network);
    CHECK(registered.released == 2); /* It was registered for two types. */
    CHECK(refused.released == 0);
    return 0;
}
