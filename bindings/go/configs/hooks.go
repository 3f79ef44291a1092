package configs

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/argument"
	"libnetns.dev/go/netns/internal/native"
)

// HookName is a turning point of a container's life.
type HookName string

const (
	// Prestart is deprecated for CreateRuntime, before which it is; in the runtime's namespaces.
	Prestart HookName = "prestart"
	// CreateRuntime: the container is made, the root not changed; in the runtime's namespaces.
	CreateRuntime HookName = "createRuntime"
	// CreateContainer: the container is made, the root not changed; in the container's namespaces.
	CreateContainer HookName = "createContainer"
	// StartContainer: just before the user's program; in the container's namespaces.
	StartContainer HookName = "startContainer"
	// Poststart: the user's program has started; in the runtime's namespaces.
	Poststart HookName = "poststart"
	// Poststop: the container's process has ended; in the runtime's namespaces.
	Poststop HookName = "poststop"
)

// HookNames is all names, in the order in which a container comes to them.
func HookNames() []HookName {
	return []HookName{Prestart, CreateRuntime, CreateContainer, StartContainer, Poststart, Poststop}
}

// Hook is something to run. What follows from an error, Hooks.Run says.
type Hook interface {
	Run(*specs.State) error
}

// Command is a program that a hook runs.
type Command struct {
	// Path is absolute.
	Path string `json:"path"`
	// Args begin with what the program is called by; empty is the path alone.
	Args []string `json:"args"`
	// Env is its environment, "NAME=VALUE" each. It has none else.
	Env []string `json:"env"`
	// Dir is the directory that it runs in; empty is where the caller is.
	Dir string `json:"dir"`
	// Timeout is after how long it is killed, with all that it started in its process group; nil is never.
	Timeout *time.Duration `json:"timeout"`
}

// Run runs the program in the namespaces of the calling thread, with the container's state as JSON on its standard input,
// and waits until it ends. When it fails the error has what it wrote; after its timeout it is syscall.ETIME.
func (c Command) Run(state *specs.State) error {
	text, err := argument.State(state)
	if err != nil {
		return err
	}
	return native.RunHookCommand(native.HookCommand(c), text)
}

// CommandHook is a hook that is a program.
type CommandHook struct {
	Command
}

// NewCommandHook will run the program when the hook is run.
func NewCommandHook(cmd Command) CommandHook {
	return CommandHook{Command: cmd}
}

// FuncHook is a hook that is a function.
type FuncHook struct {
	run func(*specs.State) error
}

// NewFunctionHook will call the function when the hook is run.
func NewFunctionHook(f func(*specs.State) error) FuncHook {
	return FuncHook{run: f}
}

// Run calls the function.
func (f FuncHook) Run(state *specs.State) error {
	if f.run == nil {
		return errdefs.New(errdefs.ErrBadRequest, "run", "a hook", "its function is nil")
	}
	return f.run(state)
}

// CommandOf is the program that a hook runs, which is how it is written as JSON, if it is one.
func CommandOf(hook Hook) (Command, bool) {
	switch hook := hook.(type) {
	case Command:
		return hook, true
	case CommandHook:
		return hook.Command, true
	case *Command:
		if hook != nil {
			return *hook, true
		}
	case *CommandHook:
		if hook != nil {
			return hook.Command, true
		}
	}
	return Command{}, false
}

// HookList is the hooks of a name, in the order in which they run.
type HookList []Hook

// Hooks are those of a container.
type Hooks map[HookName]HookList

// Run runs those of a name, one after the other, on the calling goroutine. The first that fails ends it. But Poststart
// and Poststop are past undoing: there all run, the first failure is returned at the end, and slog has the others.
func (hooks Hooks) Run(name HookName, state *specs.State) error {
	goesOn := name == Poststart || name == Poststop
	var first error
	for number, hook := range hooks[name] {
		err := run(hook, state)
		if err == nil {
			continue
		}
		err = fmt.Errorf("run hooks %s #%d: %w", name, number, err)
		switch {
		case first != nil:
			slog.Warn(err.Error())
		case !goesOn:
			return err
		default:
			first = err
		}
	}
	return first
}

func run(hook Hook, state *specs.State) error {
	if hook == nil {
		return errdefs.New(errdefs.ErrBadRequest, "run", "a hook", "it is nil")
	}
	return hook.Run(state)
}

// MarshalJSON writes the hooks that are programs, by all names. The others are left out, with a warning.
func (hooks Hooks) MarshalJSON() ([]byte, error) {
	all := map[HookName][]Command{}
	for _, name := range HookNames() {
		all[name] = nil
		for number, hook := range hooks[name] {
			command, ok := CommandOf(hook)
			if !ok {
				slog.Warn("a hook that runs no program cannot be in JSON", "name", name, "number", number)
				continue
			}
			all[name] = append(all[name], command)
		}
	}
	return json.Marshal(all)
}

// UnmarshalJSON reads what MarshalJSON wrote. Unknown names are passed over, with a warning.
func (hooks *Hooks) UnmarshalJSON(data []byte) error {
	var all map[HookName][]Command
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	read := Hooks{}
	for name, commands := range all {
		if _, err := native.HookFromName(string(name)); err != nil {
			slog.Warn("hooks of an unknown name are passed over", "name", name)
			continue
		}
		for _, command := range commands {
			read[name] = append(read[name], NewCommandHook(command))
		}
	}
	*hooks = read
	return nil
}
