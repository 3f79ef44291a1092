package libcontainer_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"syscall"

	"github.com/opencontainers/runtime-spec/specs-go"

	"libnetns.dev/go/netns/configs"
	"libnetns.dev/go/netns/libcontainer"
	"libnetns.dev/go/netns/network"
)

func Example() {
	container := exec.Command("sleep", "60")
	container.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET}
	if err := container.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		_ = container.Process.Kill()
		_ = container.Wait()
	}()

	config := configs.Config{
		Namespaces: configs.Namespaces{{Type: configs.NEWNET}},
		Networks:   []*configs.Network{{Type: "loopback"}},
	}
	setup, err := libcontainer.NewNetworkSetup(&config, "web")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer setup.Close()
	state := specs.State{ID: "web", Status: specs.StateCreating, Pid: container.Process.Pid}
	made, err := setup.Up(network.Target{Pid: state.Pid}, &state)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(made.ID, made.Networks[0].Type, made.Networks[0].InterfaceName)

	// For whoever takes it down.
	text, err := json.Marshal(made)
	fmt.Println(json.Valid(text), err)
	fmt.Println(made.Down(&state, config.Hooks))
	// Output:
	// web loopback lo
	// true <nil>
	// <nil>
}
