/* Configs of containers: their JSON, namespaces and hooks. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "container.h"

static netns_error *error;

static const char STATE[] = "{\"ociVersion\":\"1.2.0\",\"id\":\"web\",\"status\":\"created\",\"pid\":4711,"
                            "\"bundle\":\"/b\",\"annotations\":{\"a\":\"1\",\"b\":\"2\"}}";

static netns_config *config_of(const char *json)
{
    netns_config *config;
    OK(netns_config_from_json(json, &config, &error));
    return config;
}

static void json_comes_out_as_go_writes_it(void)
{
    static const char json[] =
        "{\"parent_death_signal\":9,\"rootfs\":\"/r\",\"namespaces\":[{\"type\":\"NEWNET\",\"path\":\"\"}],"
        "\"networks\":[{\"type\":\"loopback\",\"name\":\"\",\"bridge\":\"\",\"mac_address\":\"\",\"address\":\"\","
        "\"gateway\":\"\",\"ipv6_address\":\"\",\"ipv6_gateway\":\"\",\"mtu\":0,\"txqueuelen\":0,"
        "\"host_interface_name\":\"\",\"hairpin_mode\":false}],\"routes\":null,\"Hooks\":{\"createContainer\":null,"
        "\"createRuntime\":[{\"path\":\"/bin/true\",\"args\":[\"true\"],\"env\":null,\"dir\":\"\","
        "\"timeout\":1000000000}],\"poststart\":null,\"poststop\":null,\"prestart\":null,\"startContainer\":null},"
        "\"version\":\"1.0\",\"labels\":[\"a=\\u003cb\\u003e\"]}";
    netns_config *config = config_of(json);
    char *written;
    OK(netns_config_json(config, &written, &error));
    SAME(written, json);
    OK(netns_config_check(config, &error));
    netns_text_free(written);
    netns_config_free(config);
}

static void what_is_no_config_is_refused_with_its_place(void)
{
    netns_config *config = NULL;
    REFUSED_WITH(netns_config_from_json("{\"networks\": [", &config, &error), NETNS_STATUS_BAD_REQUEST, "line 1");
    REFUSED_WITH(netns_config_from_json("[]", &config, &error), NETNS_STATUS_BAD_REQUEST, "an object");
    REFUSED_WITH(netns_config_from_json("{\"networks\": [{\"mtu\": \"x\"}]}", &config, &error),
                 NETNS_STATUS_BAD_REQUEST, "column");
    REFUSED_WITH(netns_config_from_json("{\"namespaces\": [{\"type\": \"NEWMOON\"}]}", &config, &error),
                 NETNS_STATUS_BAD_REQUEST, "NEWMOON");
    CHECK(config == NULL);

    config = config_of("{\"networks\": [{\"type\": \"loopback\"}], \"unknown\": {}}");
    REFUSED_WITH(netns_config_check(config, &error), NETNS_STATUS_BAD_REQUEST, "NEWNET");
    OK(netns_config_add_namespace(config, NETNS_NAMESPACE_TYPE_NET, NULL, &error));
    OK(netns_config_check(config, &error));
    OK(netns_config_add_namespace(config, NETNS_NAMESPACE_TYPE_NET, "run/web", &error));
    REFUSED_WITH(netns_config_check(config, &error), NETNS_STATUS_BAD_REQUEST, "not absolute");
    netns_config_free(config);
}

static void namespaces_are_added_found_and_removed(void)
{
    netns_config *config = config_of("{\"namespaces\": [{\"type\": \"NEWPID\", \"path\": \"/proc/1/ns/pid\"}]}");
    int32_t removed;

    CHECK(netns_config_namespace_count(config) == 1);
    CHECK(netns_config_has_namespace(config, NETNS_NAMESPACE_TYPE_PID) == 1);
    CHECK(netns_config_is_private(config, NETNS_NAMESPACE_TYPE_PID) == 0);
    SAME(netns_config_namespace_path(config, NETNS_NAMESPACE_TYPE_PID), "/proc/1/ns/pid");
    CHECK(netns_config_namespace_path(config, NETNS_NAMESPACE_TYPE_NET) == NULL);
    CHECK(netns_config_clone_flags(config) == 0);

    OK(netns_config_add_namespace(config, NETNS_NAMESPACE_TYPE_NET, "", &error));
    OK(netns_config_add_namespace(config, NETNS_NAMESPACE_TYPE_MOUNT, NULL, &error));
    OK(netns_config_add_namespace(config, NETNS_NAMESPACE_TYPE_PID, NULL, &error)); /* another path */
    CHECK(netns_config_namespace_count(config) == 3);
    CHECK(netns_config_namespace(config, 0) == NETNS_NAMESPACE_TYPE_PID);
    CHECK(netns_config_namespace(config, 2) == NETNS_NAMESPACE_TYPE_MOUNT && netns_config_namespace(config, 3) == 0);
    SAME(netns_config_namespace_path(config, NETNS_NAMESPACE_TYPE_NET), "");
    CHECK(netns_config_is_private(config, NETNS_NAMESPACE_TYPE_NET) == 1);
    CHECK(netns_config_clone_flags(config) == (CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS));
    OK(netns_config_remove_namespace(config, NETNS_NAMESPACE_TYPE_NET, &removed, &error));
    CHECK(removed == 1 && netns_config_has_namespace(config, NETNS_NAMESPACE_TYPE_NET) == 0);
    OK(netns_config_remove_namespace(config, NETNS_NAMESPACE_TYPE_NET, &removed, &error));
    CHECK(removed == 0);
    SAME(netns_config_namespace_path(config, NETNS_NAMESPACE_TYPE_MOUNT), "");
    REFUSED_WITH(netns_config_add_namespace(config, 0, NULL, &error), NETNS_STATUS_BAD_REQUEST, "netns_namespace_type");
    CHECK(netns_config_has_namespace(config, 0) == 0 && netns_config_namespace_path(config, 99) == NULL);
    netns_config_free(config);
}

static void types_of_namespaces_have_names_files_and_flags(void)
{
    static const struct {
        const char *name, *file;
        uint64_t flag;
    } types[] = {
        {"NEWUSER", "user", CLONE_NEWUSER}, {"NEWIPC", "ipc", CLONE_NEWIPC},
        {"NEWUTS", "uts", CLONE_NEWUTS},    {"NEWNET", "net", CLONE_NEWNET},
        {"NEWPID", "pid", CLONE_NEWPID},    {"NEWNS", "mnt", CLONE_NEWNS},
        {"NEWCGROUP", "cgroup", 0x2000000}, {"NEWTIME", "time", 0x80},
    };
    int32_t type, found;
    char path[64];
    for (type = 1; type <= 8; type++) {
        SAME(netns_namespace_type_name(type), types[type - 1].name);
        SAME(netns_namespace_type_file(type), types[type - 1].file);
        CHECK(netns_namespace_type_clone_flag(type) == types[type - 1].flag);
        OK(netns_namespace_type_from_name(types[type - 1].name, &found, &error));
        CHECK(found == type);
        snprintf(path, sizeof path, "/proc/self/ns/%s", types[type - 1].file);
        CHECK(netns_namespace_type_is_supported(type) == (access(path, F_OK) == 0));
    }
    CHECK(netns_namespace_type_name(0) == NULL && netns_namespace_type_file(9) == NULL);
    CHECK(netns_namespace_type_clone_flag(-1) == 0 && netns_namespace_type_is_supported(9) == 0);
    REFUSED_WITH(netns_namespace_type_from_name("net", &found, &error), NETNS_STATUS_BAD_REQUEST, "NEWNET");
}

static void hooks_have_names(void)
{
    static const char *const names[] = {"prestart",       "createRuntime", "createContainer",
                                        "startContainer", "poststart",     "poststop"};
    int32_t hook, found;
    for (hook = NETNS_HOOK_PRESTART; hook <= NETNS_HOOK_POSTSTOP; hook++) {
        SAME(netns_hook_name(hook), names[hook - 1]);
        OK(netns_hook_from_name(names[hook - 1], &found, &error));
        CHECK(found == hook);
    }
    CHECK(netns_hook_name(0) == NULL && netns_hook_name(7) == NULL);
    REFUSED_WITH(netns_hook_from_name("Prestart", &found, &error), NETNS_STATUS_BAD_REQUEST, "poststop");
}

/* ---- hooks ---- */

struct told {
    int runs, releases, status;
};

static int32_t hear(void *user, const netns_hook_state *state, netns_error **ret_error)
{
    struct told *told = user;
    CHECK(*ret_error == NULL && state->size == sizeof *state && state->pid == 4711);
    SAME(state->id, "web");
    SAME(state->status, "created");
    SAME(state->oci_version, "1.2.0");
    SAME(state->bundle, "/b");
    CHECK(state->annotation_count == 2);
    SAME(state->annotations[1].key, "b");
    SAME(state->annotations[1].value, "2");
    SAME(state->json, STATE);
    told->runs++;
    if (told->status != 0)
        *ret_error = netns_error_new(told->status, "listen to", "the wind", "it is too loud", 0);
    return told->status;
}

static void release(void *user)
{
    struct told *told = user;
    told->releases++;
}

static netns_hook_function function_of(struct told *told)
{
    netns_hook_function function = {.size = sizeof function, .user = told, .release = release, .run = hear};
    return function;
}

static void functions_are_told_the_state_and_their_failure_is_the_calls(void)
{
    netns_config *config = config_of("{}");
    struct told first = {0}, second = {0}, never = {0};
    netns_hook_function function = function_of(&never);
    char *json;

    function.run = NULL;
    REFUSED_WITH(netns_config_add_function(config, NETNS_HOOK_PRESTART, &function, &error), NETNS_STATUS_BAD_REQUEST,
                 "function.run");
    function.run = hear;
    REFUSED_WITH(netns_config_add_function(config, 7, &function, &error), NETNS_STATUS_BAD_REQUEST, "netns_hook");
    function = function_of(&first);
    OK(netns_config_add_function(config, NETNS_HOOK_CREATE_RUNTIME, &function, &error));
    OK(netns_config_add_function(config, NETNS_HOOK_POSTSTOP, &function, &error));
    function = function_of(&second);
    OK(netns_config_add_function(config, NETNS_HOOK_CREATE_RUNTIME, &function, &error));
    OK(netns_config_add_function(config, NETNS_HOOK_POSTSTOP, &function, &error));
    CHECK(netns_config_hook_count(config, NETNS_HOOK_CREATE_RUNTIME) == 2);
    CHECK(netns_config_hook_count(config, NETNS_HOOK_PRESTART) == 0 && netns_config_hook_count(config, 0) == 0);

    OK(netns_config_run_hooks(config, NETNS_HOOK_PRESTART, STATE, &error));
    OK(netns_config_run_hooks(config, NETNS_HOOK_CREATE_RUNTIME, STATE, &error));
    CHECK(first.runs == 1 && second.runs == 1);
    first.status = NETNS_STATUS_FORBIDDEN;
    REFUSED_WITH(netns_config_run_hooks(config, NETNS_HOOK_CREATE_RUNTIME, STATE, &error), NETNS_STATUS_FORBIDDEN,
                 "createRuntime #0: listen to the wind: it is too loud");
    CHECK(first.runs == 2 && second.runs == 1);
    /* After the end all of them run. */
    REFUSED_WITH(netns_config_run_hooks(config, NETNS_HOOK_POSTSTOP, STATE, &error), NETNS_STATUS_FORBIDDEN,
                 "poststop #0");
    CHECK(first.runs == 3 && second.runs == 2);
    REFUSED_WITH(netns_config_run_hooks(config, NETNS_HOOK_POSTSTOP, "{\"id\": \"web\"}", &error),
                 NETNS_STATUS_BAD_REQUEST, "status");
    CHECK(first.runs == 3);

    /* Functions are not written. */
    OK(netns_config_json(config, &json, &error));
    SAYS(json, "\"createRuntime\":null");
    netns_text_free(json);
    CHECK(first.releases == 0);
    netns_config_free(config);
    CHECK(first.releases == 2 && second.releases == 2 && never.releases == 0);
}

static netns_hook_command shell(const char **args, const char *script)
{
    netns_hook_command command = {.size = sizeof command, .path = "/bin/sh"};
    args[0] = "hook";
    args[1] = "-c";
    args[2] = script;
    command.args = args;
    command.arg_count = 3;
    return command;
}

static void programs_run_with_the_state_and_an_end(void)
{
    const char *args[3], *env[] = {"WORD=hello"};
    netns_config *config = config_of("{}");
    netns_hook_command command =
        shell(args, "test \"$(pwd)\" = /run && test \"$WORD\" = hello && grep -q '\"pid\":4711' && test -z \"$HOME\"");
    char *json;

    command.env = env;
    command.env_count = 1;
    command.dir = "/run";
    command.timeout_ns = 120 * (uint64_t)1000000000;
    OK(netns_hook_command_run(&command, STATE, &error));
    OK(netns_config_add_command(config, NETNS_HOOK_POSTSTART, &command, &error));
    OK(netns_config_run_hooks(config, NETNS_HOOK_POSTSTART, STATE, &error));
    OK(netns_config_json(config, &json, &error));
    SAYS(json, "\"poststart\":[{\"path\":\"/bin/sh\",\"args\":[\"hook\",\"-c\",");
    SAYS(json, "\"env\":[\"WORD=hello\"],\"dir\":\"/run\",\"timeout\":120000000000}]");
    netns_text_free(json);
    netns_config_free(config);

    command = shell(args, "echo no luck >&2; exit 7");
    REFUSED_WITH(netns_hook_command_run(&command, STATE, &error), NETNS_STATUS_SYSTEM, "no luck");
    command = shell(args, "sleep 1000 & sleep 1000");
    command.timeout_ns = 100 * 1000000;
    CHECK(netns_hook_command_run(&command, STATE, &error) == NETNS_STATUS_SYSTEM);
    CHECK(netns_error_errno(error) == ETIME);
    netns_error_free(error);
    error = NULL;
    env[0] = "WORD";
    command.env = env;
    command.env_count = 1;
    REFUSED_WITH(netns_hook_command_run(&command, STATE, &error), NETNS_STATUS_BAD_REQUEST, "NAME=VALUE");
    command.path = "true";
    REFUSED_WITH(netns_hook_command_run(&command, STATE, &error), NETNS_STATUS_BAD_REQUEST, "not absolute");
}

static void a_program_that_is_not_there_is_not_found(void)
{
    netns_hook_command command = {.size = sizeof command, .path = "/nowhere/true"};
    REFUSED_WITH(netns_hook_command_run(&command, STATE, &error), NETNS_STATUS_NOT_FOUND, "/nowhere/true");
}

int main(int argc, char **argv)
{
    json_comes_out_as_go_writes_it();
    what_is_no_config_is_refused_with_its_place();
    namespaces_are_added_found_and_removed();
    types_of_namespaces_have_names_files_and_flags();
    hooks_have_names();
    functions_are_told_the_state_and_their_failure_is_the_calls();
    programs_run_with_the_state_and_an_end();
    /* Under valgrind a program that cannot be started has exited with 127: its vfork(2) shares no memory. */
    if (argc < 2 || strcmp(argv[1], "--emulated") != 0)
        a_program_that_is_not_there_is_not_found();
    return 0;
}
