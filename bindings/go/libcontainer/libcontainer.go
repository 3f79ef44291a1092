// Package libcontainer brings up the network that a runtime's config asks for, and takes it down: all networks and routes
// of a configs.Config at once, with the hooks that belong to them.
//
//	setup, err := libcontainer.NewNetworkSetup(&config, "web")        // all is checked, nothing done
//	made, err := setup.Up(network.Target{Pid: pid}, &state)           // interfaces and routes are there, hooks have run
//	err = setup.Poststart(&state)                                     // when the container's program runs
//	err = made.Down(&state, config.Hooks)                             // later, in whatever process
//
// The namespace of the calling thread is the host.
package libcontainer

import (
	"encoding/json"

	"github.com/opencontainers/runtime-spec/specs-go"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/configs"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/argument"
	"libnetns.dev/go/netns/internal/native"
	"libnetns.dev/go/netns/network"
)

// NetworkSetup is the network of a container as its config has it. It never changes, and may be used by many goroutines
// at once.
type NetworkSetup struct {
	handle *native.Handle
}

// Check finds what cannot be right in namespaces, networks, routes and hooks of a config, whatever the host is like, and
// touches nothing. It is errdefs.ErrBadRequest, with the place in the config and the rule that it breaks.
func Check(config *configs.Config) error {
	handle, err := nativeConfig(config)
	if err != nil {
		return err
	}
	defer handle.Close()
	return native.CheckConfig(handle)
}

// NewNetworkSetup is the network of a config, all of it checked. Nothing is asked of the kernel. By the id, 1 to 128 ASCII
// letters, digits, '_', '+', '.' and '-', the links in the host are found again; it may be empty.
//
// It is errdefs.ErrBadRequest as of Check, and errdefs.ErrNotFound for a type of network that is not known.
func NewNetworkSetup(config *configs.Config, id string) (*NetworkSetup, error) {
	handle, err := nativeConfig(config)
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	setup, err := native.NewSetup(handle, id)
	if err != nil {
		return nil, err
	}
	return &NetworkSetup{handle: setup}, nil
}

// Up brings up the networks and then the routes of a container, and runs the hooks Prestart and CreateRuntime on the
// calling thread; they get the state with the status "creating". The container is the target; of the zero value that of
// the path that the config has for NEWNET, or else that of the state's process.
//
// It is errdefs.ErrNotFound when there is no such container, bridge or interface, errdefs.ErrAlreadyExists when a name or
// a default route is taken, and what strategies and hooks answer. Nothing is left behind then, but for what strategies and
// hooks do that no state tells of.
func (s *NetworkSetup) Up(target network.Target, state *specs.State) (*SetupState, error) {
	pid, err := argument.Process("use", "a container", target.Pid)
	if err != nil {
		return nil, err
	}
	text, err := argument.State(state)
	if err != nil {
		return nil, err
	}
	made, err := native.SetupUp(s.own(), pid, target.Path, text)
	if err != nil {
		return nil, err
	}
	return setupState(made), nil
}

// Plan is what Up would do, hooks left out. What the config leaves open is drawn anew each time.
// It is errdefs.ErrNotImplemented where a strategy does its work by itself.
func (s *NetworkSetup) Plan(target network.Target) (netns.Plan, error) {
	pid, err := argument.Process("use", "a container", target.Pid)
	if err != nil {
		return netns.Plan{}, err
	}
	plan, err := native.PlanSetup(s.own(), pid, target.Path)
	if err != nil {
		return netns.Plan{}, err
	}
	return netns.ParsePlan([]byte(plan.JSON))
}

// Poststart runs the hooks Poststart, for when the container's program has started; they get the state with the status
// "running". All run; the error is of the first that fails.
func (s *NetworkSetup) Poststart(state *specs.State) error {
	text, err := argument.State(state)
	if err != nil {
		return err
	}
	return native.SetupPoststart(s.own(), text)
}

// TearDown takes away what Up of the same config and id made, in whatever process, by names and aliases. It may be
// repeated. It is errdefs.ErrBusy, and it stays, where the container runs or another one has its id; errdefs.ErrBadRequest
// without an id.
func (s *NetworkSetup) TearDown() error {
	return native.SetupTearDown(s.own())
}

// Down is TearDown, and then runs the hooks Poststop, whether or not that went well; they get the state with the status
// "stopped".
func (s *NetworkSetup) Down(state *specs.State) error {
	text, err := argument.State(state)
	if err != nil {
		return err
	}
	return native.SetupDown(s.own(), text)
}

// Close lets go of the setup and of its hooks. What it brought up stays. It may be called again.
func (s *NetworkSetup) Close() error {
	s.own().Close()
	return nil
}

func (s *NetworkSetup) own() *native.Handle {
	if s == nil {
		return nil
	}
	return s.handle
}

// nativeConfig is the config as the library has it. The hooks keep their order, programs and functions.
func nativeConfig(config *configs.Config) (*native.Handle, error) {
	if config == nil {
		return nil, errdefs.New(errdefs.ErrBadRequest, "use", "a config", "it is nil")
	}
	bare := *config
	bare.Hooks = nil
	text, err := json.Marshal(&bare)
	if err != nil {
		return nil, err
	}
	hooks, err := nativeHooks(config.Hooks)
	if err != nil {
		return nil, err
	}
	return native.NewConfig(string(text), hooks)
}

func nativeHooks(hooks configs.Hooks) ([]native.ConfigHook, error) {
	var all []native.ConfigHook
	for name, list := range hooks {
		number, err := native.HookFromName(string(name))
		if err != nil {
			return nil, err
		}
		for _, hook := range list {
			all = append(all, nativeHook(number, hook))
		}
	}
	return all, nil
}

// nativeHook is a hook with a program or a function; neither of nil, which is refused later.
func nativeHook(name int32, hook configs.Hook) native.ConfigHook {
	if command, ok := configs.CommandOf(hook); ok {
		program := native.HookCommand(command)
		return native.ConfigHook{Name: name, Command: &program}
	}
	if hook == nil {
		return native.ConfigHook{Name: name}
	}
	return native.ConfigHook{Name: name, Function: func(text string) error {
		var state specs.State
		if err := json.Unmarshal([]byte(text), &state); err != nil {
			return err
		}
		return hook.Run(&state)
	}}
}
