/* A program with an SQLite and a Rust library of its own beside libnetns. */
#include <netns.h>
#include <stdio.h>
#include <string.h>

int other_library_catches_a_panic(void);

/* What the library calls in its own SQLite must not end up here. */
int sqlite3_open_v2(void)
{
    puts("the program's own SQLite was called");
    return 1;
}

int main(int count, char **arguments)
{
    netns_controller_options options = {.size = sizeof options};
    netns_controller *controller;
    netns_error *error = NULL;

    if (count != 2 || !other_library_catches_a_panic())
        return 1;
    options.networks_dir = arguments[1];
    options.run_dir = arguments[1];
    if (netns_controller_open(&options, &controller, &error) != 0) {
        puts(netns_error_message(error));
        return 1;
    }
    netns_controller_close(controller);
    puts(netns_version());
    return strcmp(netns_status_name(NETNS_STATUS_BUSY), "BUSY");
}
