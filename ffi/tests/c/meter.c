/* Counters: one slot, all slots, and the memory that they are in; endpoints and links that are metered or not. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#define DIRECTORY "/sys/fs/bpf/metered"

static netns_error *error;
static netns_controller *controller;
static netns_network *network;
static netns_sandbox *sandbox;
static netns_meter *meter;

static const netns_controller_options options = {
    .size = sizeof options, .networks_dir = "/run/meter/networks", .run_dir = "/run/meter",
    .sandbox_dir = "/run/netns", .meter_dir = DIRECTORY, .meter_slots = 8};

/* From the host to the sandbox and back, so many times. */
static void ping(const char *address, int count)
{
    char command[128];
    snprintf(command, sizeof command, "ping -n -q -c %d -i 0.01 -W 2 %.*s >/dev/null", count,
             (int)strcspn(address, "/"), address);
    CHECK(system(command) == 0);
}

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* The sums of a slot's lines: what it counts, over all its lives, by the link's own view. */
static netns_counters in_memory(uint16_t slot)
{
    netns_counters sum = {0, 0, 0, 0};
    const uint64_t *words;
    uint32_t processors, i;
    size_t count;
    OK(netns_meter_mapping(meter, &words, &count, &processors, &error));
    CHECK(processors > 0 && count >= ((size_t)slot + 1) * processors * NETNS_STATS_LINE_WORDS);
    for (i = 0; i < processors; i++) {
        const uint64_t *line = words + ((size_t)slot * processors + i) * NETNS_STATS_LINE_WORDS;
        sum.rx_bytes += load(line);
        sum.rx_packets += load(line + 1);
        sum.tx_bytes += load(line + 2);
        sum.tx_packets += load(line + 3);
    }
    return sum;
}

/* The reading of a slot among all. */
static netns_reading find(const netns_slot *slot)
{
    netns_reading readings[8];
    size_t count, i;
    OK(netns_stats_read_all(meter, readings, 8, &count, &error));
    CHECK(count <= 8);
    for (i = 0; i < count; i++)
        if (readings[i].slot.slot == slot->slot && readings[i].slot.life == slot->life)
            return readings[i];
    FAIL("slot %d is not among %d", slot->slot, (int)count);
}

static netns_slot slot_of(const char *endpoint)
{
    netns_endpoint_details *details;
    netns_slot slot = {0, 0};
    OK(netns_endpoint_info(network, endpoint, &details, &error));
    CHECK(details->size >= sizeof *details);
    if (details->slot != NULL)
        slot = *details->slot;
    netns_endpoint_details_free(details);
    return slot;
}

static void an_endpoint_is_counted(void)
{
    netns_endpoint_config config = {.size = sizeof config, .name = "web"};
    netns_endpoint_details *details;
    netns_counters before, base, now, end;
    netns_reading reading;
    netns_stats stats;
    netns_slot slot;
    int32_t source, inside;

    OK(netns_endpoint_connect(network, sandbox, &config, &details, &error));
    CHECK(details->slot != NULL);
    slot = *details->slot;
    OK(netns_controller_meter(controller, &meter, &error));

    base = in_memory(slot.slot);
    OK(netns_stats_read(meter, &slot, &before, &error));
    ping(details->address, 20);
    netns_endpoint_details_free(details);
    OK(netns_stats_read(meter, &slot, &now, &error));
    /* 64 bytes of ICMP, 20 of IPv4 and 14 of Ethernet. */
    CHECK(now.rx_packets - before.rx_packets >= 20 && now.tx_packets - before.tx_packets >= 20);
    CHECK(now.rx_bytes - before.rx_bytes >= 20 * 98 && now.tx_bytes - before.tx_bytes >= 20 * 98);

    /* It only grows, wherever it is read. */
    reading = find(&slot);
    inside = (reading.flags & NETNS_READING_INSIDE) != 0;
    CHECK(reading.index != 0 && reading.mark != 0 && reading.digest != 0 && reading.namespace_cookie != 0);
    CHECK(reading.counters.rx_bytes >= now.rx_bytes && reading.counters.tx_bytes >= now.tx_bytes);
    end = in_memory(slot.slot);
    CHECK((inside ? end.rx_packets - base.rx_packets : end.tx_packets - base.tx_packets) >= 20);
    CHECK((inside ? end.rx_bytes : end.tx_bytes) >= reading.counters.rx_bytes);
    CHECK((inside ? end.tx_bytes : end.rx_bytes) >= reading.counters.tx_bytes);

    OK(netns_endpoint_stats(network, "web", NETNS_STATS_DETAIL_FAST, &stats, &source, &error));
    CHECK(source == NETNS_STATS_SOURCE_COUNTERS && stats.rx_bytes >= now.rx_bytes && stats.rx_errors == 0);
    OK(netns_endpoint_stats(network, "web", NETNS_STATS_DETAIL_FULL, &stats, &source, &error));
    CHECK(source == NETNS_STATS_SOURCE_COUNTERS && stats.tx_packets >= now.tx_packets);
    REFUSED(netns_endpoint_stats(network, "web", 2, &stats, NULL, &error), NETNS_STATUS_BAD_REQUEST);
    REFUSED(netns_endpoint_stats(network, "other", 0, &stats, NULL, &error), NETNS_STATUS_NOT_FOUND);
}

static void a_slot_that_is_nobodys_is_not_found(void)
{
    netns_slot slot = slot_of("web"), wrong = slot;
    netns_counters counters;
    wrong.life++;
    REFUSED(netns_stats_read(meter, &wrong, &counters, &error), NETNS_STATUS_NOT_FOUND);
    wrong.life = 0;
    REFUSED(netns_stats_read(meter, &wrong, &counters, &error), NETNS_STATUS_NOT_FOUND);
    for (wrong = slot, wrong.slot = 0; wrong.slot != 9; wrong.slot++)
        if (wrong.slot != slot.slot)
            REFUSED(netns_stats_read(meter, &wrong, &counters, &error), NETNS_STATUS_NOT_FOUND);
    wrong.slot = UINT16_MAX;
    REFUSED(netns_stats_read(meter, &wrong, &counters, &error), NETNS_STATUS_NOT_FOUND);
}

static void an_array_that_is_too_short_is_filled(void)
{
    netns_reading readings[2];
    netns_slot slot;
    size_t count;
    OK(netns_link_create_veth("m0", "m1", &error));
    OK(netns_meter_attach(meter, "m0", &slot, &error));
    REFUSED(netns_meter_attach(meter, "m0", NULL, &error), NETNS_STATUS_ALREADY_EXISTS);
    REFUSED(netns_meter_attach(meter, "m2", NULL, &error), NETNS_STATUS_NOT_FOUND);
    CHECK(find(&slot).flags & NETNS_READING_INSIDE && find(&slot).mark == 0);
    OK(netns_stats_read_all(meter, NULL, 0, &count, &error));
    CHECK(count == 2);
    memset(readings, 0, sizeof readings);
    OK(netns_stats_read_all(meter, readings, 1, &count, &error));
    CHECK(count == 2 && readings[0].slot.life != 0 && readings[1].slot.life == 0);
    REFUSED(netns_stats_read_all(meter, NULL, 1, &count, &error), NETNS_STATUS_BAD_REQUEST);
    REFUSED(netns_meter_release(meter, &slot, &error), NETNS_STATUS_BUSY);
    OK(netns_meter_detach(meter, "m0", &error));
    OK(netns_meter_detach(meter, "m0", &error));
    OK(netns_meter_release(meter, &slot, &error));
    OK(netns_stats_read_all(meter, NULL, 0, &count, &error));
    CHECK(count == 1);
    CHECK(system("ip link delete m0") == 0);
}

static void metering_is_switched_off_and_on(void)
{
    netns_slot before = slot_of("web"), after;
    netns_counters counters;
    size_t count;
    netns_stats stats;
    int32_t source;
    OK(netns_endpoint_set_meter(network, "web", 0, &error));
    CHECK(slot_of("web").life == 0);
    OK(netns_stats_read_all(meter, NULL, 0, &count, &error));
    CHECK(count == 0);
    OK(netns_endpoint_stats(network, "web", NETNS_STATS_DETAIL_FAST, &stats, &source, &error));
    CHECK(source == NETNS_STATS_SOURCE_KERNEL && stats.rx_packets >= 20);
    OK(netns_endpoint_set_meter(network, "web", 1, &error));
    after = slot_of("web");
    CHECK(after.slot != before.slot || after.life != before.life);
    OK(netns_stats_read(meter, &after, &counters, &error));
    CHECK(counters.rx_packets < 20);
    REFUSED(netns_endpoint_set_meter(network, "web", 2, &error), NETNS_STATUS_BAD_REQUEST);
}

/* Of a network that is not metered, endpoints that say something else and nothing. */
static void an_endpoint_says_otherwise_than_its_network(void)
{
    static const struct {
        int32_t network, endpoint, is_metered;
    } cases[] = {
        {NETNS_METERING_OFF, NETNS_METERING_DEFAULT, 0}, {NETNS_METERING_OFF, NETNS_METERING_ON, 1},
        {NETNS_METERING_ON, NETNS_METERING_OFF, 0},      {NETNS_METERING_DEFAULT, NETNS_METERING_DEFAULT, 1},
        {NETNS_METERING_DEFAULT, NETNS_METERING_OFF, 0},
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        netns_network_config of_network = {.size = sizeof of_network, .name = "other", .network_type = "bridge"};
        netns_endpoint_config of_endpoint = {.size = sizeof of_endpoint, .name = "end"};
        netns_endpoint_details *details;
        netns_network *other;
        of_network.meter = cases[i].network;
        of_endpoint.meter = cases[i].endpoint;
        OK(netns_network_create(controller, &of_network, &other, &error));
        OK(netns_endpoint_connect(other, sandbox, &of_endpoint, &details, &error));
        if ((details->slot != NULL) != cases[i].is_metered)
            FAIL("case %d: the slot is %s", (int)i, details->slot != NULL ? "there" : "NULL");
        netns_endpoint_details_free(details);
        OK(netns_endpoint_disconnect(other, "end", &error));
        OK(netns_network_delete(other, &error));
        netns_network_free(other);
    }
}

int main(void)
{
    netns_network_config config = {.size = sizeof config, .name = "net", .network_type = "bridge"};
    netns_meter_options of_meter = {.size = sizeof of_meter, .directory = DIRECTORY, .slots = 65536};
    netns_meter *own;
    netns_slot slot;

    OK(netns_controller_open(&options, &controller, &error));
    OK(netns_network_create(controller, &config, &network, &error));
    OK(netns_sandbox_create(controller, "web", &sandbox, &error));
    an_endpoint_is_counted();
    a_slot_that_is_nobodys_is_not_found();
    an_array_that_is_too_short_is_filled();
    metering_is_switched_off_and_on();
    an_endpoint_says_otherwise_than_its_network();

    /* The same counters without a controller. */
    REFUSED(netns_meter_open(&of_meter, &own, &error), NETNS_STATUS_BAD_REQUEST);
    of_meter.slots = 0;
    OK(netns_meter_open(&of_meter, &own, &error));
    netns_meter_free(meter);
    meter = own;
    slot = slot_of("web");
    CHECK(find(&slot).slot.slot == slot.slot);
    netns_meter_free(meter);
    of_meter.directory = "/run/meter";
    REFUSED(netns_meter_open(&of_meter, &own, &error), NETNS_STATUS_NOT_IMPLEMENTED);

    OK(netns_sandbox_destroy(sandbox, &error));
    netns_sandbox_free(sandbox);
    OK(netns_network_delete(network, &error));
    netns_network_free(network);
    netns_controller_close(controller);
    /* The last network takes the counters along. */
    CHECK(access(DIRECTORY, F_OK) != 0);
    return 0;
}
