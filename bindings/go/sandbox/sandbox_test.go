package sandbox_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"testing"

	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/testhost"
	"libnetns.dev/go/netns/sandbox"
)

func TestMain(m *testing.M) {
	os.Exit(testhost.Run(m))
}

func network(t *testing.T, text string) *net.IPNet {
	t.Helper()
	ip, network, err := net.ParseCIDR(text)
	if err != nil {
		t.Fatal(err)
	}
	return &net.IPNet{IP: ip, Mask: network.Mask}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refuses(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, errdefs.ErrBadRequest) {
		t.Error(err)
	}
}

func TestGenerateKey(t *testing.T) {
	if key := sandbox.GenerateKey("0123456789abcdef"); key != "/run/netns/0123456789ab" {
		t.Error(key)
	}
	if key := sandbox.GenerateKey("a/b"); key != "" {
		t.Error(key)
	}
}

// A key is where the namespace is, whatever slashes it has.
func TestKeysWithSlashes(t *testing.T) {
	testhost.Clean(t)
	web, err := sandbox.NewSandbox("/run/netns//web/")
	ok(t, err)
	if names := testhost.Look().Namespaces; web.Key() != "/run/netns/web" || !slices.Equal(names, []string{"web"}) {
		t.Error(web.Key(), names)
	}
	_, err = sandbox.OpenSandbox("/run/netns/web/")
	ok(t, err)
	_, err = sandbox.GetInfo("/run/netns/web/")
	ok(t, err)
	ok(t, web.Destroy())
	for _, key := range []string{"", "/", "web", "./web", "..", "/run/netns/..", "/run/netns/../web"} {
		_, err = sandbox.NewSandbox(key)
		refuses(t, err)
		_, err = sandbox.OpenSandbox(key)
		refuses(t, err)
		_, err = sandbox.GetInfo(key)
		refuses(t, err)
	}
}

func TestADeviceMovesInAndOut(t *testing.T) {
	testhost.Clean(t)
	testhost.Execute(t, "ip", "link", "add", "outer", "type", "veth", "peer", "name", "inner")
	t.Cleanup(func() { testhost.Execute(t, "ip", "link", "delete", "outer") })
	web, err := sandbox.NewSandbox("/run/netns/web")
	ok(t, err)
	device := &sandbox.Interface{
		SrcName: "inner", DstName: "lan", Address: network(t, "192.0.2.2/24"), AddressIPv6: network(t, "2001:db8::2/64"),
	}
	ok(t, web.AddInterface(device))
	ok(t, web.SetGateway(net.ParseIP("192.0.2.1")))
	ok(t, web.SetGatewayIPv6(net.ParseIP("2001:db8::1")))
	ok(t, web.SetGateway(nil))
	info, err := sandbox.GetInfo(web.Key())
	ok(t, err)
	if !info.Gateway.Equal(net.ParseIP("192.0.2.1")) || !info.GatewayIPv6.Equal(net.ParseIP("2001:db8::1")) {
		t.Error(info.Gateway, info.GatewayIPv6)
	}
	again, err := sandbox.OpenSandbox(web.Key())
	ok(t, err)
	own := again.Interfaces()
	if len(own) != 1 || len(info.Interfaces) != 1 {
		t.Fatal(own, info.Interfaces)
	}
	if got, want := fmt.Sprint(*own[0]), fmt.Sprint(*device); got != want {
		t.Errorf("%s, not %s", got, want)
	}
	if route := testhost.IPIn(t, "web", "route", "show", "default"); route[0]["gateway"] != "192.0.2.1" {
		t.Error(route)
	}
	ok(t, web.RemoveInterface(own[0]))
	if !slices.Contains(testhost.Links(), "inner") || len(again.Interfaces()) != 0 {
		t.Error("it is not back")
	}
	ok(t, web.Destroy())
	ok(t, web.Destroy())
	ok(t, again.Destroy())
	if web.Interfaces() != nil {
		t.Error("a sandbox that is gone has interfaces")
	}
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	testhost.Clean(t)
	web, err := sandbox.NewSandbox("/run/netns/web")
	ok(t, err)
	for _, address := range []*net.IPNet{
		{},
		{IP: net.IP{1, 2, 3}, Mask: net.CIDRMask(8, 32)},
		{IP: net.IP{1, 2, 3, 4}, Mask: net.IPMask{255, 0, 255, 0}},
		{IP: net.IP{1, 2, 3, 4}, Mask: net.CIDRMask(64, 128)},
		{IP: net.ParseIP("2001:db8::1"), Mask: net.CIDRMask(24, 32)},
	} {
		refuses(t, web.AddInterface(&sandbox.Interface{SrcName: "lo", Address: address}))
		refuses(t, web.RemoveInterface(&sandbox.Interface{SrcName: "lo", AddressIPv6: address}))
	}
	refuses(t, web.AddInterface(nil))
	refuses(t, web.RemoveInterface(nil))
	refuses(t, web.SetGateway(net.IP{1}))
	refuses(t, web.SetGatewayIPv6(net.IP{1}))
	ok(t, web.Destroy())
	for _, key := range []string{"web", "", "/run/netns/a\x00b", "/run/netns/.."} {
		_, err := sandbox.NewSandbox(key)
		refuses(t, err)
	}
	for _, open := range []error{second(sandbox.OpenSandbox("/run/netns/web")), second(sandbox.GetInfo("/run/netns/web"))} {
		if !errors.Is(open, errdefs.ErrNotFound) {
			t.Error(open)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func Example() {
	key := sandbox.GenerateKey("4d23e7c0ffee5a1d")
	web, err := sandbox.NewSandbox(key)
	if err != nil {
		panic(err)
	}
	defer web.Destroy()
	fmt.Println(web.Key(), len(web.Interfaces()))
	// Output: /run/netns/4d23e7c0ffee 0
}
