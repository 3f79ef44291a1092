/* The smallest program. */
#include <string.h>

#include "check.h"

int main(void)
{
    CHECK(netns_version_number() == NETNS_VERSION);
    puts(netns_version());
    return 0;
}
