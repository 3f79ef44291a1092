package configs_test

import (
	"encoding/json"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"

	"libnetns.dev/go/netns/configs"
)

func Example() {
	config := configs.Config{}
	config.Namespaces.Add(configs.NEWNET, "")
	config.Namespaces.Add(configs.NEWPID, "/proc/1/ns/pid")
	fmt.Printf("%#x\n", config.Namespaces.CloneFlags())
	config.Hooks = configs.Hooks{configs.Poststop: {
		configs.NewCommandHook(configs.Command{Path: "/bin/true"}),
		configs.NewFunctionHook(func(state *specs.State) error {
			fmt.Println(state.ID, "is", state.Status)
			return nil
		}),
	}}
	fmt.Println(config.Hooks.Run(configs.Poststop, &specs.State{ID: "web", Status: specs.StateStopped}))
	command, _ := json.Marshal(configs.Command{Path: "/bin/true"})
	fmt.Println(string(command))
	// Output:
	// 0x40000000
	// web is stopped
	// <nil>
	// {"path":"/bin/true","args":null,"env":null,"dir":"","timeout":null}
}
