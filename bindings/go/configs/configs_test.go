package configs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"libnetns.dev/go/netns/configs"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/native"
	"libnetns.dev/go/netns/internal/testhost"
)

func TestMain(m *testing.M) {
	os.Exit(testhost.Run(m))
}

func second() *time.Duration {
	timeout := time.Second
	return &timeout
}

var whole = configs.Config{
	ParentDeathSignal: 9,
	Rootfs:            "/srv/<root> & \u2028é",
	Namespaces:        configs.Namespaces{{Type: configs.NEWNET}, {Type: configs.NEWPID, Path: "/proc/1/ns/pid"}},
	Networks: []*configs.Network{
		{Type: "loopback"},
		{
			Type: "veth", Name: "eth1", Bridge: "br0", MacAddress: "02:00:00:00:00:01", Address: "10.1.0.2/16",
			Gateway: "10.1.0.1", IPv6Address: "fd01::2/64", IPv6Gateway: "fd01::1", Mtu: 1400, TxQueueLen: 7,
			HostInterfaceName: "veth0", HairpinMode: true,
		},
	},
	Routes:          []*configs.Route{{Destination: "10.2.0.0/16", Source: "10.1.0.2", Gateway: "10.1.0.9", InterfaceName: "eth1"}},
	AppArmorProfile: "a", ProcessLabel: "b", Version: "1.2.0", Labels: []string{"a=b", "\x00"},
	Hooks: configs.Hooks{
		configs.Prestart: {configs.NewCommandHook(configs.Command{Path: "/bin/true", Args: []string{"a", ""}, Env: []string{"A=b"}, Dir: "/", Timeout: second()})},
		configs.Poststop: {configs.Command{Path: "/bin/false"}, &configs.CommandHook{Command: configs.Command{Path: "/c"}}},
	},
}

func TestJSONIsTheLibrarysByteByByte(t *testing.T) {
	for _, config := range []configs.Config{{}, whole} {
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		handle, err := native.NewConfig(string(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := native.ConfigJSON(handle)
		handle.Close()
		if err != nil || again != string(text) {
			t.Errorf("%s\nand not\n%s: %v", again, text, err)
		}
		var read configs.Config
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		if third, err := json.Marshal(&read); err != nil || string(third) != string(text) {
			t.Errorf("%s\nand not\n%s: %v", third, text, err)
		}
	}
}

func TestHooksThatAreNoProgramsAreNotInJSON(t *testing.T) {
	hooks := configs.Hooks{configs.Prestart: {
		configs.NewFunctionHook(func(*specs.State) error { return nil }), configs.Command{Path: "/a"}, nil,
	}}
	text, err := json.Marshal(hooks)
	if err != nil || strings.Count(string(text), "path") != 1 {
		t.Errorf("%s, %v", text, err)
	}
	for _, text := range []string{`{"sometime":[{"path":"/a"}],"prestart":[]}`, `null`, `{}`} {
		var read configs.Hooks
		if err := json.Unmarshal([]byte(text), &read); err != nil || len(read["sometime"]) != 0 {
			t.Errorf("%s: %v, %v", text, read, err)
		}
	}
	var read configs.Hooks
	if json.Unmarshal([]byte(`{"prestart":7}`), &read) == nil {
		t.Error("a number is no list of hooks")
	}
}

func TestNamesAreTheLibrarys(t *testing.T) {
	for number, name := range configs.HookNames() {
		if native.HookName(int32(number)+1) != string(name) {
			t.Error(name)
		}
	}
	want := []configs.NamespaceType{
		configs.NEWUSER, configs.NEWIPC, configs.NEWUTS, configs.NEWNET, configs.NEWPID, configs.NEWNS,
		configs.NEWCGROUP, configs.NEWTIME,
	}
	if types := configs.NamespaceTypes(); !reflect.DeepEqual(types, want) {
		t.Error(types)
	}
}

func TestNamespaces(t *testing.T) {
	var all configs.Namespaces
	all.Add(configs.NEWNET, "/a")
	all.Add(configs.NEWPID, "")
	all.Add(configs.NEWUSER, "")
	if all.CloneFlags() != syscall.CLONE_NEWPID|syscall.CLONE_NEWUSER {
		t.Errorf("%x", all.CloneFlags())
	}
	if !all.Contains(configs.NEWNET) || all.IsPrivate(configs.NEWNET) || !all.IsPrivate(configs.NEWPID) || all.PathOf(configs.NEWNET) != "/a" {
		t.Error(all)
	}
	all.Add(configs.NEWNET, "")
	if len(all) != 3 || all.PathOf(configs.NEWNET) != "" || !all.Remove(configs.NEWNET) || all.Remove(configs.NEWNET) {
		t.Error(all)
	}
	all.Add("NEWFOO", "")
	if all.CloneFlags() != syscall.CLONE_NEWPID|syscall.CLONE_NEWUSER {
		t.Errorf("%x", all.CloneFlags())
	}
	var none *configs.Namespaces
	if none.Contains(configs.NEWNET) || none.IsPrivate(configs.NEWNET) || none.PathOf(configs.NEWNET) != "" || none.CloneFlags() != 0 || none.Remove(configs.NEWNET) {
		t.Error("nil has namespaces")
	}
	if configs.NsName(configs.NEWNS) != "mnt" || configs.NsName("a\x00") != "" || !configs.IsNamespaceSupported(configs.NEWNET) || configs.IsNamespaceSupported("NEWFOO") {
		t.Error(configs.NsName(configs.NEWNS))
	}
	if path := (&configs.Namespace{Type: configs.NEWNET}).GetPath(7); path != "/proc/7/ns/net" {
		t.Error(path)
	}
}

func state() *specs.State {
	return &specs.State{Version: specs.Version, ID: "web", Status: specs.StateCreated, Pid: 1, Annotations: map[string]string{"a": "b"}}
}

func TestCommandsRun(t *testing.T) {
	testhost.Clean(t)
	out := t.TempDir() + "/state"
	command := configs.Command{Path: "/bin/sh", Args: []string{"sh", "-c", "cat >$OUT; pwd >>$OUT"}, Env: []string{"OUT=" + out, "PATH=/bin:/usr/bin"}, Dir: "/usr"}
	if err := configs.NewCommandHook(command).Run(state()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil || !strings.HasSuffix(string(text), "/usr\n") || !strings.Contains(string(text), `"annotations":{"a":"b"}`) {
		t.Errorf("%s, %v", text, err)
	}
	timeout, zero := 50*time.Millisecond, time.Duration(0)
	for name, test := range map[string]struct {
		command configs.Command
		want    error
	}{
		"fails":     {configs.Command{Path: "/bin/false"}, errdefs.ErrSystem},
		"nothing":   {configs.Command{Path: "/nothing"}, errdefs.ErrNotFound},
		"relative":  {configs.Command{Path: "true"}, errdefs.ErrBadRequest},
		"empty":     {configs.Command{}, errdefs.ErrBadRequest},
		"NUL":       {configs.Command{Path: "/bin/true", Args: []string{"a\x00b"}}, errdefs.ErrBadRequest},
		"no name":   {configs.Command{Path: "/bin/true", Env: []string{"=b"}}, errdefs.ErrBadRequest},
		"too long":  {configs.Command{Path: "/bin/sleep", Args: []string{"sleep", "60"}, Timeout: &timeout}, syscall.ETIME},
		"no time":   {configs.Command{Path: "/bin/true", Timeout: &zero}, errdefs.ErrBadRequest},
		"directory": {configs.Command{Path: "/bin/true", Dir: "/nothing"}, errdefs.ErrNotFound},
	} {
		if err := test.command.Run(state()); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := command.Run(nil); !errors.Is(err, errdefs.ErrBadRequest) {
		t.Error(err)
	}
	if err := command.Run(&specs.State{ID: "a"}); err != nil {
		t.Error(err)
	}
}

func TestHooksRunInOrder(t *testing.T) {
	var ran []int
	failing := func(number int) configs.Hook {
		return configs.NewFunctionHook(func(*specs.State) error {
			ran = append(ran, number)
			return fmt.Errorf("number %d: %w", number, errdefs.ErrBusy)
		})
	}
	hooks := configs.Hooks{}
	for _, name := range configs.HookNames() {
		hooks[name] = configs.HookList{failing(0), failing(1), nil}
	}
	for _, name := range configs.HookNames() {
		ran = nil
		want := 1
		if name == configs.Poststart || name == configs.Poststop {
			want = 2
		}
		err := hooks.Run(name, state())
		if !errors.Is(err, errdefs.ErrBusy) || !strings.Contains(err.Error(), string(name)+" #0: number 0") || len(ran) != want {
			t.Errorf("%s: %v, %v", name, err, ran)
		}
	}
	if err := hooks.Run("never", state()); err != nil {
		t.Error(err)
	}
	for _, hook := range []configs.Hook{nil, configs.FuncHook{}, (*configs.CommandHook)(nil)} {
		if _, ok := configs.CommandOf(hook); ok {
			t.Errorf("%T is a program", hook)
		}
	}
	if err := (configs.Hooks{configs.Prestart: {configs.FuncHook{}}}).Run(configs.Prestart, state()); !errors.Is(err, errdefs.ErrBadRequest) {
		t.Error(err)
	}
}
