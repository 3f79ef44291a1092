#ifndef NETNS_GO_PROGRAM_H
#define NETNS_GO_PROGRAM_H

#include <netns.h>

/* What C has of Go's is a number, which Go must not take for an address: it crosses as uintptr_t. */

int32_t netns_go_error_set(netns_error *error, uintptr_t token);
uintptr_t netns_go_error_token(const netns_error *error);

int32_t netns_go_log_set(int32_t max_level, uintptr_t user, netns_error **ret_error);

/* Callbacks that lead to Go. `user` is yet to be set. */
extern const netns_driver netns_go_driver;
extern const netns_ipam netns_go_ipam;
extern const netns_hook_function netns_go_hook;
extern const netns_strategy netns_go_strategy;

/* By value, so that nothing of Go's escapes to the heap. */
typedef struct netns_go_counted {
    int32_t status;
    netns_error *error;
    netns_counters counters;
} netns_go_counted;

netns_go_counted netns_go_stats_read(const netns_meter *meter, uint16_t slot, uint64_t life);

typedef struct netns_go_all {
    int32_t status;
    netns_error *error;
    size_t count;
} netns_go_all;

netns_go_all netns_go_stats_read_all(const netns_meter *meter, netns_reading *readings, size_t capacity);

#endif
