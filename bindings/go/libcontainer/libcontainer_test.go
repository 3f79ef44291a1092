package libcontainer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"libnetns.dev/go/netns/configs"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/native"
	"libnetns.dev/go/netns/internal/testhost"
	"libnetns.dev/go/netns/libcontainer"
	"libnetns.dev/go/netns/network"
)

// another is set for a process that is to take down what its standard input tells.
const another = "NETNS_TEST_ANOTHER"

func TestMain(m *testing.M) {
	if os.Getenv(another) != "" {
		var made libcontainer.SetupState
		if err := json.NewDecoder(os.Stdin).Decode(&made); err != nil {
			panic(err)
		}
		if err := made.TearDown(); err != nil {
			panic(err)
		}
		os.Exit(0)
	}
	os.Exit(testhost.Run(m))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func container(t *testing.T) int {
	t.Helper()
	command := exec.Command("sleep", "1000")
	command.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET}
	must(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return command.Process.Pid
}

// prepare gives the test a bridge, and sees that nothing stays: links, descriptors, values that C has.
func prepare(t *testing.T) {
	t.Helper()
	testhost.Clean(t)
	before := native.Kept()
	t.Cleanup(func() {
		testhost.Eventually(t, func() bool { runtime.GC(); return native.Kept() == before })
	})
	testhost.Execute(t, "ip", "link", "add", "br0", "type", "bridge")
	testhost.Execute(t, "ip", "link", "set", "br0", "up")
	t.Cleanup(func() { testhost.Execute(t, "ip", "link", "delete", "br0") })
}

func config() *configs.Config {
	return &configs.Config{
		Namespaces: configs.Namespaces{{Type: configs.NEWNET}},
		Networks: []*configs.Network{
			{Type: "loopback"},
			{Type: "veth", Bridge: "br0", Address: "10.9.0.2/24", Gateway: "10.9.0.1", Mtu: 1400},
		},
		Routes: []*configs.Route{{Destination: "10.7.0.0/16", Gateway: "10.9.0.9", InterfaceName: "eth0"}},
		Hooks:  configs.Hooks{},
	}
}

func state(pid int) *specs.State {
	return &specs.State{Version: specs.Version, ID: "web", Status: specs.StateCreating, Pid: pid}
}

func TestUpAndDownWithHooksInTheirOrder(t *testing.T) {
	prepare(t)
	pid := container(t)
	out := t.TempDir() + "/out"
	var told []specs.ContainerState
	note := configs.NewFunctionHook(func(state *specs.State) error {
		told = append(told, state.Status)
		file, err := os.OpenFile(out, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = file.WriteString("function " + state.ID + "\n")
		return err
	})
	program := configs.NewCommandHook(configs.Command{
		Path: "/bin/sh", Args: []string{"sh", "-c", "echo program >>" + out}, Env: []string{"PATH=/bin:/usr/bin"},
	})
	wanted := config()
	wanted.Hooks[configs.Prestart] = configs.HookList{note, program, note}
	wanted.Hooks[configs.Poststart] = configs.HookList{note}
	wanted.Hooks[configs.Poststop] = configs.HookList{note}
	must(t, libcontainer.Check(wanted))
	setup, err := libcontainer.NewNetworkSetup(wanted, "web")
	must(t, err)
	plan, err := setup.Plan(network.Target{Pid: pid})
	if err != nil || !strings.Contains(plan.String(), "veth") {
		t.Errorf("%v, %v", plan, err)
	}
	made, err := setup.Up(network.Target{Pid: pid}, state(pid))
	must(t, err)
	if text, _ := os.ReadFile(out); string(text) != "function web\nprogram\nfunction web\n" {
		t.Errorf("%q", text)
	}
	if made.ID != "web" || made.Path == "" || len(made.Networks) != 2 || made.Networks[1].InterfaceName != "eth0" || made.Networks[1].HostIndex == 0 {
		t.Errorf("%+v", made)
	}
	if _, err := network.GetStats(&network.NetworkState{VethHost: made.Networks[1].HostLink}); err != nil {
		t.Error(err)
	}
	must(t, setup.Poststart(state(pid)))
	found, err := libcontainer.FindSetupState("web")
	if err != nil || len(found.Networks) != 1 || found.Networks[0].HostLink != made.Networks[1].HostLink {
		t.Errorf("%+v, %v", found, err)
	}
	must(t, made.Down(state(pid), wanted.Hooks))
	must(t, setup.Down(state(pid)))
	must(t, setup.TearDown())
	if links := testhost.Links(); !reflect.DeepEqual(links, []string{"br0", "lo"}) {
		t.Error(links)
	}
	want := []specs.ContainerState{"creating", "creating", "running", "stopped", "stopped"}
	if !reflect.DeepEqual(told, want) {
		t.Error(told)
	}
	must(t, setup.Close())
	must(t, setup.Close())
}

func TestAnotherProcessTakesItDown(t *testing.T) {
	prepare(t)
	pid := container(t)
	setup, err := libcontainer.NewNetworkSetup(config(), "web")
	must(t, err)
	defer setup.Close()
	made, err := setup.Up(network.Target{Path: fmt.Sprintf("/proc/%d/ns/net", pid)}, state(0))
	must(t, err)
	text, err := json.Marshal(made)
	must(t, err)
	var read libcontainer.SetupState
	must(t, json.Unmarshal(text, &read))
	if !reflect.DeepEqual(&read, made) {
		t.Errorf("%+v, and not %+v", read, made)
	}
	command := exec.Command("/proc/self/exe")
	command.Env = append(os.Environ(), another+"=1")
	command.Stdin = strings.NewReader(string(text))
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if links := testhost.Links(); !reflect.DeepEqual(links, []string{"br0", "lo"}) {
		t.Error(links)
	}
	must(t, made.TearDown())
}

var errOwn = errors.New("no such colour")

func TestAHookThatFailsTakesAllOfItBack(t *testing.T) {
	prepare(t)
	pid := container(t)
	for name, test := range map[string]struct {
		hook configs.Hook
		want error
	}{
		"error":   {configs.NewFunctionHook(func(*specs.State) error { return errOwn }), errOwn},
		"wrapped": {configs.NewFunctionHook(func(*specs.State) error { return fmt.Errorf("paint: %w", errOwn) }), errOwn},
		"panic":   {configs.NewFunctionHook(func(*specs.State) error { panic("boom") }), errdefs.ErrPanic},
		"nil":     {configs.NewFunctionHook(func(*specs.State) error { var state *specs.State; return errors.New(state.ID) }), errdefs.ErrPanic},
		"program": {configs.Command{Path: "/bin/false"}, errdefs.ErrSystem},
	} {
		wanted := config()
		wanted.Hooks[configs.CreateRuntime] = configs.HookList{test.hook}
		setup, err := libcontainer.NewNetworkSetup(wanted, "web")
		must(t, err)
		made, err := setup.Up(network.Target{Pid: pid}, state(pid))
		if made != nil || !errors.Is(err, test.want) || !strings.Contains(err.Error(), "createRuntime #0") {
			t.Errorf("%s: %v", name, err)
		}
		must(t, setup.Close())
		if links := testhost.Links(); !reflect.DeepEqual(links, []string{"br0", "lo"}) {
			t.Errorf("%s: %v", name, links)
		}
	}
}

func TestManyContainersAtOnceUnderPressure(t *testing.T) {
	prepare(t)
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	var calls sync.Map
	var group sync.WaitGroup
	for number := range 10 {
		pid := container(t)
		group.Add(1)
		go func() {
			defer group.Done()
			wanted := config()
			id := fmt.Sprint("c", number)
			wanted.Networks[1].Address = fmt.Sprintf("10.9.0.%d/24", number+10)
			wanted.Hooks[configs.Prestart] = configs.HookList{configs.NewFunctionHook(func(state *specs.State) error {
				calls.Store(state.ID, true)
				return nil
			})}
			setup, err := libcontainer.NewNetworkSetup(wanted, id)
			if err != nil {
				t.Error(err)
				return
			}
			oci := state(pid)
			oci.ID = id
			made, err := setup.Up(network.Target{Pid: pid}, oci)
			if err != nil {
				t.Error(err)
				return
			}
			// The setup is dropped without Close.
			if err := made.TearDown(); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	for number := range 10 {
		if _, ok := calls.Load(fmt.Sprint("c", number)); !ok {
			t.Error("no hook of", number)
		}
	}
}
