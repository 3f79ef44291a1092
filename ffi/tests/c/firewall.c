/* Ports of the host that are an endpoint's, what a network lets through, and a firewall that somebody flushed. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

static netns_error *error;
static netns_controller *controller;
static netns_network *network;
static netns_sandbox *sandbox;
/* It is the sandbox's, and listens on port 80. */
static int server;

static const netns_controller_options options = {
    .size = sizeof options, .networks_dir = "/run/firewall/networks", .run_dir = "/run/firewall",
    .sandbox_dir = "/run/netns"};

static struct sockaddr_in local(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int listen_on(struct sockaddr_in address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0);
    return fd;
}

static int32_t serve(void *user)
{
    struct sockaddr_in address = local(80);
    (void)user;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    server = listen_on(address);
    return 0;
}

/* Whether the server is who answers on a port of the host's. */
static int reaches(uint16_t port)
{
    struct sockaddr_in address = local(port);
    struct timeval patience = {.tv_sec = 2};
    struct pollfd waiting = {.fd = server, .events = POLLIN};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), reached;
    CHECK(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0);
    reached = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (reached) {
        CHECK(poll(&waiting, 1, 2000) == 1);
        close(accept(server, NULL, NULL));
    }
    close(fd);
    return reached;
}

/* The port of the host's of "41234:443/tcp". */
static uint16_t host_port(const char *mapping)
{
    unsigned long port = strtoul(mapping, NULL, 10);
    CHECK(port > 0 && port <= UINT16_MAX);
    return (uint16_t)port;
}

static void an_endpoint_comes_with_ports(void)
{
    static const char *ports[] = {"8080:80", "127.0.0.1::53/udp", "9000-9001:80-81/sctp"};
    netns_endpoint_config config = {.size = sizeof config, .name = "web", .ports = ports, .port_count = 3};
    netns_endpoint_details *details;
    unsigned chosen;
    char end;

    OK(netns_endpoint_connect(network, sandbox, &config, &details, &error));
    CHECK(details->size >= sizeof *details && details->port_count == 3);
    CHECK(strcmp(details->ports[0], "8080:80/tcp") == 0);
    CHECK(sscanf(details->ports[1], "127.0.0.1:%u:53/ud%c", &chosen, &end) == 2 && chosen > 1023 && end == 'p');
    CHECK(strcmp(details->ports[2], "9000-9001:80-81/sctp") == 0);
    netns_endpoint_details_free(details);
    OK(netns_sandbox_run(sandbox, serve, NULL, NULL, &error));
    CHECK(reaches(8080) && !reaches(8081));
}

static void ports_come_and_go(void)
{
    const char *more[] = {"8081:80", "80"}, *gone[2];
    netns_endpoint_details *details;
    netns_names *published;

    OK(netns_endpoint_publish(network, "web", more, 2, &published, &error));
    CHECK(published->size >= sizeof *published && published->count == 2);
    CHECK(strcmp(published->names[0], "8081:80/tcp") == 0);
    CHECK(reaches(8081) && reaches(host_port(published->names[1])));
    OK(netns_endpoint_info(network, "web", &details, &error));
    CHECK(details->port_count == 5 && strcmp(details->ports[4], published->names[1]) == 0);
    netns_endpoint_details_free(details);

    /* All or none. */
    gone[0] = published->names[1];
    gone[1] = "8082:80";
    REFUSED(netns_endpoint_withdraw(network, "web", gone, 2, &error), NETNS_STATUS_NOT_FOUND);
    CHECK(reaches(host_port(gone[0])));
    gone[1] = "8081:80";
    OK(netns_endpoint_withdraw(network, "web", gone, 2, &error));
    CHECK(!reaches(host_port(gone[0])) && !reaches(8081) && reaches(8080));
    netns_names_free(published);
    OK(netns_endpoint_publish(network, "web", NULL, 0, &published, &error));
    CHECK(published->count == 0 && published->names == NULL);
    netns_names_free(published);
}

/* The call is refused with these words, and no port of it is published. */
static void must_not_be_published(const char *port, int32_t expected, const char *words)
{
    const char *ports[] = {"8088:80", port};
    int32_t status = netns_endpoint_publish(network, "web", ports, 2, NULL, &error);
    if (status != expected || strstr(netns_error_message(error), words) == NULL)
        FAIL("%s: %s: %s", port, netns_status_name(status), netns_error_message(error));
    netns_error_free(error);
    error = NULL;
    CHECK(!reaches(8088));
}

static void what_cannot_be_published_says_why(void)
{
    static const char *ports[] = {"8080:80"};
    netns_endpoint_config config = {.size = sizeof config, .name = "late", .ports = ports, .port_count = 1};
    int taken = listen_on(local(8090));
    must_not_be_published("8080:81", NETNS_STATUS_ALREADY_EXISTS,
                          "port 8080/tcp of 0.0.0.0 is published by web of network net");
    must_not_be_published("8090:80", NETNS_STATUS_ALREADY_EXISTS, "8090");
    must_not_be_published("192.0.2.1:80:80", NETNS_STATUS_BAD_REQUEST, "192.0.2.1 is no address of the host");
    must_not_be_published("80-90:80", NETNS_STATUS_BAD_REQUEST, "ports");
    must_not_be_published("http", NETNS_STATUS_BAD_REQUEST, "\"http\"");
    close(taken);
    REFUSED(netns_endpoint_create(network, &config, NULL, &error), NETNS_STATUS_ALREADY_EXISTS);
    REFUSED(netns_endpoint_publish(network, "late", ports, 1, NULL, &error), NETNS_STATUS_NOT_FOUND);
}

static void what_somebody_flushed_is_put_back(void)
{
    netns_firewall_watch *watch;
    int tries;
    CHECK(system("nft flush ruleset") == 0 && !reaches(8080));
    OK(netns_controller_restore_firewall(controller, &error));
    CHECK(reaches(8080) && !reaches(8081));

    OK(netns_controller_watch_firewall(controller, &watch, &error));
    CHECK(system("nft flush ruleset") == 0);
    for (tries = 0; !reaches(8080); tries++) {
        CHECK(tries < 500);
        usleep(10000);
    }
    netns_firewall_watch_free(watch);
    CHECK(system("nft flush ruleset") == 0);
    usleep(300000);
    CHECK(!reaches(8080));
    OK(netns_controller_restore_firewall(controller, &error));
}

static void what_is_missing_is_found(void)
{
    netns_collected *collected;
    CHECK(system("nft flush map inet libnetns everywhere4") == 0 && !reaches(8080));
    OK(netns_controller_collect(controller, 0, &collected, &error));
    CHECK(collected->count == 1 && collected->findings[0]->kind == NETNS_FINDING_KIND_FIREWALL);
    CHECK(collected->findings[0]->error == NULL && reaches(8080));
    netns_collected_free(collected);
}

/* Its definition says what was asked for, and it can be made. */
static void a_network_can_say(netns_firewall_config *firewall, const char *type, const char *said)
{
    netns_network_config config = {
        .size = sizeof config, .name = "other", .network_type = type, .firewall = firewall};
    netns_network_details *details;
    netns_network *other;
    firewall->size = sizeof *firewall;
    OK(netns_network_create(controller, &config, &other, &error));
    OK(netns_network_inspect(other, &details, &error));
    if (strstr(details->json, said) == NULL)
        FAIL("it says %s", details->json);
    netns_network_details_free(details);
    OK(netns_network_delete(other, &error));
    netns_network_free(other);
}

static void every_option_is_a_networks(void)
{
    static const struct {
        netns_firewall_config firewall;
        const char *type, *said;
    } cases[] = {
        {{.mode = NETNS_FIREWALL_OPTIONAL}, "bridge", "\"firewall\":{\"mode\":\"optional\"}"},
        {{.mode = NETNS_FIREWALL_OFF}, "routed", "\"firewall\":{\"mode\":\"off\"}"},
        {{.gateway_mode = NETNS_GATEWAY_ROUTED}, "routed", "\"firewall\":{\"gateway_mode\":\"routed\"}"},
        {{.gateway_mode = NETNS_GATEWAY_ISOLATED}, "bridge", "\"firewall\":{\"gateway_mode\":\"isolated\"}"},
        {{.isolate = NETNS_ISOLATE_STRICT}, "bridge", "\"firewall\":{\"isolate\":\"strict\"}"},
        {{.isolate = NETNS_ISOLATE_OFF}, "bridge", "\"firewall\":{\"isolate\":\"off\"}"},
        {{.flags = NETNS_FIREWALL_NO_MASQUERADE}, "bridge", "\"firewall\":{\"masquerade\":false}"},
        {{.flags = NETNS_FIREWALL_NO_ICC}, "bridge", "\"firewall\":{\"icc\":false}"},
        {{.flags = NETNS_FIREWALL_NO_ANTI_SPOOFING}, "bridge", "\"firewall\":{\"anti_spoofing\":false}"},
        {{.source = "192.0.2.7", .source_ipv6 = "2001:db8::7"}, "bridge",
         "\"firewall\":{\"source\":[\"192.0.2.7\",\"2001:db8::7\"]}"},
    };
    netns_firewall_config wrong = {.size = sizeof wrong, .source = "2001:db8::7"};
    netns_network_config config = {
        .size = sizeof config, .name = "other", .network_type = "bridge", .firewall = &wrong};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        netns_firewall_config firewall = cases[i].firewall;
        a_network_can_say(&firewall, cases[i].type, cases[i].said);
    }
    REFUSED(netns_network_create(controller, &config, NULL, &error), NETNS_STATUS_BAD_REQUEST);
    wrong.source = "192.0.2.7";
    wrong.gateway_mode = NETNS_GATEWAY_ROUTED;
    REFUSED(netns_network_create(controller, &config, NULL, &error), NETNS_STATUS_BAD_REQUEST);
    config.network_type = "null";
    REFUSED(netns_network_create(controller, &config, NULL, &error), NETNS_STATUS_BAD_REQUEST);
}

static void a_network_without_a_firewall_has_no_ports(void)
{
    static const char *ports[] = {"8081:80"};
    netns_firewall_config off = {.size = sizeof off, .mode = NETNS_FIREWALL_OFF};
    netns_network_config config = {
        .size = sizeof config, .name = "bare", .network_type = "bridge", .firewall = &off};
    netns_endpoint_config end = {.size = sizeof end, .name = "end"};
    netns_endpoint_details *details;
    netns_network *bare;
    OK(netns_network_create(controller, &config, &bare, &error));
    OK(netns_endpoint_create(bare, &end, NULL, &error));
    REFUSED(netns_endpoint_publish(bare, "end", ports, 1, NULL, &error), NETNS_STATUS_BAD_REQUEST);
    OK(netns_endpoint_info(bare, "end", &details, &error));
    CHECK(details->port_count == 0 && details->ports == NULL);
    netns_endpoint_details_free(details);
    OK(netns_endpoint_delete(bare, "end", &error));
    OK(netns_network_delete(bare, &error));
    netns_network_free(bare);
}

int main(void)
{
    netns_network_config config = {.size = sizeof config, .name = "net", .network_type = "bridge"};
    OK(netns_controller_open(&options, &controller, &error));
    OK(netns_network_create(controller, &config, &network, &error));
    OK(netns_sandbox_create(controller, "web", &sandbox, &error));
    an_endpoint_comes_with_ports();
    ports_come_and_go();
    what_cannot_be_published_says_why();
    what_somebody_flushed_is_put_back();
    what_is_missing_is_found();
    every_option_is_a_networks();
    a_network_without_a_firewall_has_no_ports();
    OK(netns_sandbox_destroy(sandbox, &error));
    CHECK(!reaches(8080));
    close(server);
    netns_sandbox_free(sandbox);
    OK(netns_network_delete(network, &error));
    netns_network_free(network);
    netns_controller_close(controller);
    return 0;
}
