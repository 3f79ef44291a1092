package libnetwork_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/testhost"
	"libnetns.dev/go/netns/libnetwork"
)

func TestMain(m *testing.M) {
	os.Exit(testhost.Run(m))
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%v, not %v", err, target)
	}
}

// options is a store of the test's own, whose network of that name is gone at the end.
func options(t *testing.T, network string) *libnetwork.Options {
	t.Helper()
	testhost.Clean(t)
	base := t.TempDir()
	where := netns.Options{RunDir: filepath.Join(base, "run"), NetworksDir: filepath.Join(base, "networks")}
	t.Cleanup(func() {
		controller, err := netns.Open(where)
		ok(t, err)
		defer controller.Close()
		endpoints, err := controller.Endpoints()
		ok(t, err)
		own, err := controller.OpenNetwork(network)
		if err == nil {
			for _, endpoint := range endpoints {
				ok(t, own.DeleteEndpoint(endpoint.Name))
			}
			ok(t, errors.Join(own.Delete(), own.Close()))
		}
	})
	return &libnetwork.Options{Controller: where, Network: netns.NetworkConfig{IPv6: true}}
}

// The namespace is at the path, whatever slashes that has.
func TestPathsWithSlashes(t *testing.T) {
	testhost.Clean(t)
	base := t.TempDir()
	namespace, err := libnetwork.NewNetworkNamespace(base + "//web/")
	ok(t, err)
	if namespace.Path() != base+"/web" {
		t.Error(namespace.Path())
	}
	ok(t, netns.RemoveSandboxIn(base, "web"))
	for _, path := range []string{"", "/", "web", "..", base + "/.."} {
		_, err = libnetwork.NewNetworkNamespace(path)
		is(t, err, errdefs.ErrBadRequest)
	}
}

func TestALinkMovesIntoANamespace(t *testing.T) {
	network, err := libnetwork.NewNetwork("simplebridge", "demo", options(t, "demo"))
	ok(t, err)
	if network.Name() != "demo" || network.Type() != "bridge" {
		t.Error(network.Name(), network.Type())
	}
	path := filepath.Join(t.TempDir(), "4d23e")
	namespace, err := libnetwork.NewNetworkNamespace(path)
	ok(t, err)
	defer func() { ok(t, netns.RemoveSandboxIn(filepath.Split(path))) }()
	if namespace.Path() != path || len(namespace.Interfaces()) != 0 {
		t.Error(namespace.Path(), namespace.Interfaces())
	}
	interfaces, err := network.Link("4d23e7c0ffee")
	ok(t, err)
	if len(interfaces) != 1 || !slices.Contains(testhost.Links(), interfaces[0].SrcName) {
		t.Fatalf("%+v", interfaces)
	}
	device := *interfaces[0]
	if !strings.Contains(device.Address, "/") || device.AddressIPv6 == "" || device.Gateway == "" || device.MacAddress == "" || device.MTU == 0 {
		t.Errorf("%+v", device)
	}
	ok(t, namespace.AddInterface(&device))
	own := namespace.Interfaces()
	if len(own) != 1 || own[0].DstName != "eth0" || own[0].Address != device.Address || own[0].MacAddress != device.MacAddress {
		t.Errorf("%+v", own[0])
	}
	sandbox, err := netns.OpenSandboxIn(filepath.Split(path))
	ok(t, err)
	defer sandbox.Close()
	ok(t, sandbox.Do(func() error {
		testhost.Execute(t, "ping", "-c1", "-W5", device.Gateway)
		return nil
	}))
}

func TestWhatCannotBeIsRefused(t *testing.T) {
	where := options(t, "demo")
	_, err := libnetwork.NewNetwork("token-ring", "demo", where)
	is(t, err, errdefs.ErrNotFound)
	_, err = libnetwork.NewNetwork("", "demo", where)
	is(t, err, errdefs.ErrBadRequest)
	_, err = libnetwork.NewNetwork("bridge", "a\x00b", *where)
	is(t, err, errdefs.ErrBadRequest)
	_, err = libnetwork.NewNetwork("bridge", "demo", map[string]string{})
	is(t, err, errdefs.ErrBadRequest)
	for _, path := range []string{"", "4d23e", "/run/netns/a\x00b", "/"} {
		_, err = libnetwork.NewNetworkNamespace(path)
		is(t, err, errdefs.ErrBadRequest)
	}
	path := filepath.Join(t.TempDir(), "web")
	namespace, err := libnetwork.NewNetworkNamespace(path)
	ok(t, err)
	_, err = libnetwork.NewNetworkNamespace(path)
	is(t, err, errdefs.ErrAlreadyExists)
	for _, device := range []*libnetwork.Interface{
		nil, {SrcName: "lo", MTU: -1}, {SrcName: "lo", Address: "10.1.0.5"}, {SrcName: "lo", AddressIPv6: "x"},
		{SrcName: "lo", Gateway: "10.1.0.1/24"}, {SrcName: "lo", GatewayIPv6: "::g"}, {SrcName: "lo", MacAddress: "02"},
		{SrcName: "a\x00b"},
	} {
		is(t, namespace.AddInterface(device), errdefs.ErrBadRequest)
	}
	is(t, namespace.AddInterface(&libnetwork.Interface{SrcName: "nothing"}), errdefs.ErrNotFound)
	ok(t, netns.RemoveSandboxIn(filepath.Split(path)))
}
