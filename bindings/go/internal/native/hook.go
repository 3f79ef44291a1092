package native

// #include "program.h"
import "C"

import (
	"errors"
	"time"
	"unsafe"

	"libnetns.dev/go/netns/errdefs"
)

// HookCommand is netns_hook_command.
type HookCommand struct {
	Path    string
	Args    []string
	Env     []string
	Dir     string
	Timeout *time.Duration
}

// ConfigHook is a hook of a config: a program, or a function, which gets the container's state as JSON.
type ConfigHook struct {
	// Name is a netns_hook.
	Name     int32
	Command  *HookCommand
	Function func(state string) error
}

// RunHookCommand is netns_hook_command_run.
func RunHookCommand(command HookCommand, state string) error {
	return run("run hook", func(c *call) C.int32_t {
		raw, state := c.command(command), c.text(state)
		if c.err != nil {
			return 0
		}
		return C.netns_hook_command_run(raw, state, &c.raised)
	})
}

func (a *arena) command(command HookCommand) *C.netns_hook_command {
	raw := one[C.netns_hook_command](a)
	raw.size = C.sizeof_netns_hook_command
	raw.path = a.text(command.Path)
	raw.args, raw.arg_count = a.texts(command.Args)
	raw.env, raw.env_count = a.texts(command.Env)
	raw.dir = a.optional(command.Dir)
	if command.Timeout == nil {
		return raw
	}
	raw.timeout_ns = C.uint64_t(*command.Timeout)
	if *command.Timeout <= 0 && a.err == nil {
		a.err = errdefs.New(errdefs.ErrBadRequest, "use", "timeout "+command.Timeout.String()+" of a hook",
			"it would be over at once: without one it may take any time")
	}
	return raw
}

// NewConfig is netns_config_from_json, and all hooks in their order.
func NewConfig(json string, hooks []ConfigHook) (*Handle, error) {
	config, err := ask("read config", configHandle, func(c *call, ret **C.netns_config) C.int32_t {
		text := c.text(json)
		if c.err != nil {
			return 0
		}
		return C.netns_config_from_json(text, ret, &c.raised)
	})
	if err != nil {
		return nil, err
	}
	for _, hook := range hooks {
		if err := addHook(config, hook); err != nil {
			config.Close()
			return nil, err
		}
	}
	return config, nil
}

func configHandle(config *C.netns_config) *Handle {
	return newHandle("config", unsafe.Pointer(config), func(pointer unsafe.Pointer) {
		C.netns_config_free((*C.netns_config)(pointer))
	})
}

func (c *call) config(handle *Handle) *C.netns_config {
	return (*C.netns_config)(c.object(handle))
}

func addHook(config *Handle, hook ConfigHook) error {
	if hook.Command == nil {
		return addFunction(config, hook)
	}
	return run("add hook", func(c *call) C.int32_t {
		config, raw := c.config(config), c.command(*hook.Command)
		if c.err != nil {
			return 0
		}
		return C.netns_config_add_command(config, C.int32_t(hook.Name), raw, &c.raised)
	})
}

func addFunction(config *Handle, hook ConfigHook) error {
	if hook.Function == nil {
		return errdefs.New(errdefs.ErrBadRequest, "add", "a hook", "it is nil")
	}
	token := keep(hook.Function)
	err := run("add hook", func(c *call) C.int32_t {
		config, raw := c.config(config), one[C.netns_hook_function](c.arena)
		*raw = C.netns_go_hook
		setUser(&raw.user, token)
		if c.err != nil {
			return 0
		}
		return C.netns_config_add_function(config, C.int32_t(hook.Name), raw, &c.raised)
	})
	if err != nil {
		drop(token)
	}
	return err
}

//export netnsGoRunHook
func netnsGoRunHook(token C.uintptr_t, state *C.netns_hook_state, raised **C.netns_error) C.int32_t {
	return answer("run function for container", C.GoString(state.id), raised, func() error {
		function, ok := kept(uintptr(token)).(func(string) error)
		if !ok {
			return errors.New("the hook is gone")
		}
		return function(C.GoString(state.json))
	})
}

// CheckConfig is netns_config_check.
func CheckConfig(config *Handle) error {
	return run("check config", func(c *call) C.int32_t {
		config := c.config(config)
		if c.err != nil {
			return 0
		}
		return C.netns_config_check(config, &c.raised)
	})
}

// ConfigJSON is netns_config_json.
func ConfigJSON(config *Handle) (string, error) {
	return ask("write config", takeText, func(c *call, ret **C.char) C.int32_t {
		config := c.config(config)
		if c.err != nil {
			return 0
		}
		return C.netns_config_json(config, ret, &c.raised)
	})
}

// HookFromName is netns_hook_from_name.
func HookFromName(name string) (int32, error) {
	number := func(hook C.int32_t) int32 { return int32(hook) }
	return ask("use hook name", number, func(c *call, ret *C.int32_t) C.int32_t {
		name := c.text(name)
		if c.err != nil {
			return 0
		}
		return C.netns_hook_from_name(name, ret, &c.raised)
	})
}

// HookName is netns_hook_name.
func HookName(hook int32) string {
	return C.GoString(C.netns_hook_name(C.int32_t(hook)))
}
