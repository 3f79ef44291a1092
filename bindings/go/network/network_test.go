package network_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/native"
	"libnetns.dev/go/netns/internal/testhost"
	"libnetns.dev/go/netns/network"
)

func TestMain(m *testing.M) {
	os.Exit(testhost.Run(m))
}

// container is a process in a network namespace of its own.
func container(t *testing.T) int {
	t.Helper()
	command := exec.Command("sleep", "1000")
	command.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return command.Process.Pid
}

// inside asks ip in the container.
func inside(t *testing.T, pid int, args ...string) []testhost.Object {
	t.Helper()
	text := testhost.Execute(t, "nsenter", append([]string{"-t", fmt.Sprint(pid), "-n", "ip", "-d", "-j"}, args...)...)
	var answer []testhost.Object
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func bridge(t *testing.T) {
	t.Helper()
	testhost.Execute(t, "ip", "link", "add", "br0", "type", "bridge")
	testhost.Execute(t, "ip", "link", "set", "br0", "up")
	t.Cleanup(func() { testhost.Execute(t, "ip", "link", "delete", "br0") })
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheTenFunctions(t *testing.T) {
	testhost.Clean(t)
	bridge(t)
	pid := container(t)
	must(t,
		network.CreateVethPair("a", "b"),
		network.SetInterfaceMaster("a", "br0"),
		network.SetMtu("a", 1400),
		network.InterfaceUp("a"),
		network.ChangeInterfaceName("b", "c"),
		network.SetInterfaceIp("c", "10.9.0.2/24"),
		network.InterfaceUp("c"),
		network.SetDefaultGateway("10.9.0.1", "c"),
	)
	a := testhost.IP(t, "link", "show", "a")[0]
	if a["master"] != "br0" || a["mtu"] != 1400.0 {
		t.Error(a)
	}
	if route := testhost.IP(t, "route", "show", "default"); route[0]["gateway"] != "10.9.0.1" || route[0]["dev"] != "c" {
		t.Error(route)
	}
	must(t, network.InterfaceDown("c"), network.SetInterfaceInNamespacePid("c", pid))
	if c := inside(t, pid, "link", "show", "c"); len(c) != 1 {
		t.Error(c)
	}
	file, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	must(t, err)
	defer file.Close()
	must(t, network.SetInterfaceInNamespaceFd("a", file.Fd()))
	if links := testhost.Links(); !reflect.DeepEqual(links, []string{"br0", "lo"}) {
		t.Error(links)
	}
}

func TestWhatIsWrongOfALinkIsSaid(t *testing.T) {
	testhost.Clean(t)
	for name, test := range map[string]struct {
		err  error
		want error
	}{
		"no link":      {network.InterfaceUp("nothing"), errdefs.ErrNotFound},
		"no entry":     {network.InterfaceUp("nothing"), syscall.ENOENT},
		"NUL":          {network.ChangeInterfaceName("lo", "a\x00b"), errdefs.ErrBadRequest},
		"no name":      {network.CreateVethPair("", "b"), errdefs.ErrBadRequest},
		"long":         {network.CreateVethPair(strings.Repeat("a", 1<<16), "b"), errdefs.ErrBadRequest},
		"no UTF-8":     {network.InterfaceUp("\xff\xfe"), errdefs.ErrBadRequest},
		"MTU":          {network.SetMtu("lo", -1), errdefs.ErrBadRequest},
		"huge MTU":     {network.SetMtu("lo", math.MaxInt), errdefs.ErrBadRequest},
		"process":      {network.SetInterfaceInNamespacePid("lo", -1), errdefs.ErrBadRequest},
		"no process":   {network.SetInterfaceInNamespacePid("lo", math.MaxInt32), errdefs.ErrNotFound},
		"descriptor":   {network.SetInterfaceInNamespaceFd("lo", math.MaxUint64), errdefs.ErrBadRequest},
		"no namespace": {network.SetInterfaceInNamespaceFd("lo", 0), errdefs.ErrBadRequest},
		"address":      {network.SetInterfaceIp("lo", "10.1.0.5"), errdefs.ErrBadRequest},
		"master":       {network.SetInterfaceMaster("lo", "nothing"), errdefs.ErrNotFound},
		"gateway":      {network.SetDefaultGateway("me", "lo"), errdefs.ErrBadRequest},
		"taken":        {network.CreateVethPair("lo", "b"), errdefs.ErrAlreadyExists},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%s: %v is not %v", name, test.err, test.want)
		}
	}
}

func TestVethByBothStepsAndAtOnce(t *testing.T) {
	testhost.Clean(t)
	bridge(t)
	config := &network.Network{
		Type: "veth", Bridge: "br0", VethPrefix: "veth", Address: "10.9.0.2/24", Gateway: "10.9.0.1", Mtu: 1400,
	}
	strategy, err := network.GetStrategy("veth")
	must(t, err)
	pid := container(t)
	state := &network.NetworkState{}
	must(t, strategy.Create(config, pid, state))
	if !strings.HasPrefix(state.VethHost, "veth") || state.VethChild == "" {
		t.Fatalf("%+v", state)
	}
	done := make(chan error)
	go func() {
		path := fmt.Sprintf("/proc/%d/ns/net", pid)
		err := (&network.NetNS{}).Initialize(&network.Network{}, &network.NetworkState{NsPath: path})
		if err == nil {
			err = strategy.Initialize(config, state)
		}
		done <- err
	}()
	must(t, <-done)
	if eth0 := inside(t, pid, "address", "show", "eth0"); eth0[0]["mtu"] != 1400.0 {
		t.Error(eth0)
	}
	if stats, err := network.GetStats(state); err != nil || stats == nil {
		t.Error(stats, err)
	}

	second, err := network.Setup(config, network.Target{Pid: container(t)})
	must(t, err)
	if second.VethChild != "eth0" {
		t.Errorf("%+v", second)
	}
	third := fmt.Sprintf("/proc/%d/ns/net", container(t))
	if _, err := network.Setup(config, network.Target{Path: third}); err != nil {
		t.Error(err)
	}
	for _, target := range []network.Target{{}, {Pid: -1}, {Pid: math.MaxInt}, {Pid: os.Getpid()}, {Path: "/nothing"}, {Path: "a\x00"}} {
		if made, err := network.Setup(config, target); err == nil || made != nil {
			t.Errorf("%+v: %v", target, err)
		}
	}
	for _, link := range testhost.Links() {
		if strings.HasPrefix(link, "veth") {
			testhost.Execute(t, "ip", "link", "delete", link)
		}
	}
}

func TestNetNSStaysOnItsThread(t *testing.T) {
	testhost.Clean(t)
	home := testhost.Home()
	path := fmt.Sprintf("/proc/%d/ns/net", container(t))
	strategy, err := network.GetStrategy("netns")
	must(t, err)
	config, state := &network.Network{Type: "netns", NsPath: path}, &network.NetworkState{}
	must(t, strategy.Create(config, os.Getpid(), state))
	if state.NsPath != path {
		t.Fatalf("%+v", state)
	}
	there, err := os.Readlink(path)
	must(t, err)
	for range 20 {
		done := make(chan string)
		go func() {
			if err := strategy.Initialize(config, state); err != nil {
				done <- err.Error()
				return
			}
			for range 100 {
				runtime.Gosched()
			}
			done <- testhost.Here()
		}()
		if here := <-done; here != there || here == home {
			t.Errorf("%s, and not %s", here, there)
		}
	}
	state.NsPath = "/nothing"
	if err := strategy.Initialize(config, state); !errors.Is(err, errdefs.ErrNotFound) {
		t.Error(err)
	}
	if here := testhost.Here(); here != home {
		t.Error(here)
	}
}

func TestUnknownTypesAndNil(t *testing.T) {
	for _, tpe := range []string{"", "nothing", "a\x00"} {
		strategy, err := network.GetStrategy(tpe)
		if err != network.ErrNotValidStrategyType || strategy != nil || !errors.Is(err, errdefs.ErrNotFound) {
			t.Errorf("%q: %v", tpe, err)
		}
	}
	for _, strategy := range []network.NetworkStrategy{&network.Veth{}, &network.Loopback{}, &network.NetNS{}} {
		for _, err := range []error{
			strategy.Create(nil, 1, &network.NetworkState{}),
			strategy.Create(&network.Network{}, 1, nil),
			strategy.Initialize(nil, nil),
			strategy.Create(&network.Network{Mtu: -1}, 1, &network.NetworkState{}),
		} {
			if !errors.Is(err, errdefs.ErrBadRequest) {
				t.Errorf("%T: %v", strategy, err)
			}
		}
	}
	if _, err := network.GetStats(nil); !errors.Is(err, errdefs.ErrBadRequest) {
		t.Error(err)
	}
	if _, err := network.Setup(nil, network.Target{}); !errors.Is(err, errdefs.ErrBadRequest) {
		t.Error(err)
	}
	if err := network.RegisterStrategy("own", nil); !errors.Is(err, errdefs.ErrBadRequest) {
		t.Error(err)
	}
	if stats, err := network.GetStats(&network.NetworkState{}); err != nil || *stats != (network.NetworkStats{}) {
		t.Error(stats, err)
	}
	if _, err := network.GetStats(&network.NetworkState{VethHost: "nothing"}); !errors.Is(err, errdefs.ErrNotFound) {
		t.Error(err)
	}
}

func TestJSONIsTheLibrarys(t *testing.T) {
	for _, config := range []network.Network{
		{}, {Type: "veth", Bridge: "br0", VethPrefix: "veth", Address: "10.1.0.2/16", Gateway: "10.1.0.1", Mtu: 1400},
		{Type: "netns", NsPath: "/proc/1/ns/net"}, {Type: "<&>\u2028\x01é\"\\"},
	} {
		text, err := json.Marshal(config)
		must(t, err)
		again, err := native.StrategyNetworkJSON(string(text))
		if err != nil || again != string(text) {
			t.Errorf("%s, and not %s: %v", again, text, err)
		}
	}
	for _, state := range []network.NetworkState{{}, {VethHost: "a", VethChild: "b", NsPath: "c"}} {
		text, err := json.Marshal(state)
		must(t, err)
		again, err := native.StrategyStateJSON(string(text))
		if err != nil || again != string(text) {
			t.Errorf("%s, and not %s: %v", again, text, err)
		}
	}
	text, err := json.Marshal(network.NetworkStats{RxBytes: 1, TxDropped: 8})
	const want = `{"rx_bytes":1,"rx_packets":0,"rx_errors":0,"rx_dropped":0,"tx_bytes":0,"tx_packets":0,"tx_errors":0,"tx_dropped":8}`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}
