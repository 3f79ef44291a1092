package libcontainer_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"libnetns.dev/go/netns/configs"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/libcontainer"
	"libnetns.dev/go/netns/network"
)

func TestWrongConfigsAndStates(t *testing.T) {
	prepare(t)
	wrong := func(change func(*configs.Config)) *configs.Config {
		changed := config()
		change(changed)
		return changed
	}
	for name, config := range map[string]*configs.Config{
		"nil":          nil,
		"no NEWNET":    wrong(func(c *configs.Config) { c.Namespaces = nil }),
		"address":      wrong(func(c *configs.Config) { c.Networks[1].Address = "10.9.0.2" }),
		"NUL":          wrong(func(c *configs.Config) { c.Networks[1].Bridge = "a\x00" }),
		"MTU":          wrong(func(c *configs.Config) { c.Networks[1].Mtu = -1 }),
		"nil hook":     wrong(func(c *configs.Config) { c.Hooks[configs.Prestart] = configs.HookList{nil} }),
		"nil command":  wrong(func(c *configs.Config) { c.Hooks[configs.Prestart] = configs.HookList{(*configs.Command)(nil)} }),
		"unknown hook": wrong(func(c *configs.Config) { c.Hooks["sometime"] = configs.HookList{configs.Command{Path: "/a"}} }),
		"relative":     wrong(func(c *configs.Config) { c.Hooks[configs.Prestart] = configs.HookList{configs.Command{Path: "a"}} }),
		"too many":     wrong(func(c *configs.Config) { c.Networks = make([]*configs.Network, 5000) }),
	} {
		setup, err := libcontainer.NewNetworkSetup(config, "web")
		if name == "nil command" {
			// It is a hook like any other, whose Run panics.
			must(t, err)
			must(t, setup.Close())
			continue
		}
		if setup != nil || !errors.Is(err, errdefs.ErrBadRequest) {
			t.Errorf("%s: %v", name, err)
		}
		if err := libcontainer.Check(config); !errors.Is(err, errdefs.ErrBadRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, id := range []string{"a b", "a\x00", strings.Repeat("a", 1<<20), "/"} {
		if _, err := libcontainer.NewNetworkSetup(config(), id); !errors.Is(err, errdefs.ErrBadRequest) {
			t.Errorf("%.20q: %v", id, err)
		}
		if _, err := libcontainer.FindSetupState(id); !errors.Is(err, errdefs.ErrBadRequest) {
			t.Errorf("%.20q: %v", id, err)
		}
	}
	if _, err := libcontainer.NewNetworkSetup(wrong(func(c *configs.Config) { c.Networks[1].Type = "nothing" }), ""); !errors.Is(err, errdefs.ErrNotFound) {
		t.Error(err)
	}
	for _, text := range []string{`7`, `{"networks":7}`, `{"networks":[{}]}`, `{"networks":[{"type":"veth","host_link":{"name":"a/b","index":1}}]}`} {
		var read libcontainer.SetupState
		if err := json.Unmarshal([]byte(text), &read); !errors.Is(err, errdefs.ErrBadRequest) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestNilZeroAndClosed(t *testing.T) {
	closed, err := libcontainer.NewNetworkSetup(config(), "web")
	must(t, err)
	must(t, closed.Close())
	for _, setup := range []*libcontainer.NetworkSetup{nil, {}, closed} {
		_, up := setup.Up(network.Target{}, state(1))
		_, plan := setup.Plan(network.Target{})
		for _, err := range []error{up, plan, setup.Poststart(state(1)), setup.TearDown(), setup.Down(state(1))} {
			if !errors.Is(err, errdefs.ErrClosed) {
				t.Error(err)
			}
		}
		must(t, setup.Close())
		if _, err := setup.Up(network.Target{Pid: -1}, state(1)); !errors.Is(err, errdefs.ErrBadRequest) {
			t.Error(err)
		}
		if setup.Down(nil) == nil || setup.Poststart(nil) == nil {
			t.Error("nil is no state")
		}
	}
	for _, state := range []*libcontainer.SetupState{nil, {}} {
		_, err := state.MarshalJSON()
		for _, err := range []error{err, state.TearDown(), state.Down(nil, nil)} {
			if !errors.Is(err, errdefs.ErrBadRequest) {
				t.Error(err)
			}
		}
	}
}
