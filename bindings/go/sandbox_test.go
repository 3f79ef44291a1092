package netns_test

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/testhost"
)

func TestGenerateKey(t *testing.T) {
	for id, want := range map[string]string{"0123456789abcdef": "/run/netns/0123456789ab", "web": "/run/netns/web"} {
		if key := must(netns.GenerateKey(id)); key != want {
			t.Error(key)
		}
	}
	for _, id := range []string{"", ".", "..", "a/b", "-x", "a\x00b"} {
		_, err := netns.GenerateKey(id)
		is(t, err, errdefs.ErrBadRequest)
	}
}

func TestSandboxesAreListedOpenedAndDestroyed(t *testing.T) {
	controller := open(t)
	web := must(controller.CreateSandbox("web"))
	if web.Key() != "/run/netns/web" || web.Name() != "web" {
		t.Error(web.Key(), web.Name())
	}
	if names := must(controller.Sandboxes()); !slices.Equal(names, []string{"web"}) {
		t.Error(names)
	}
	if lo := testhost.IPIn(t, "web", "link", "show", "lo"); !slices.Contains(lo[0]["flags"].([]any), any("UP")) {
		t.Error(lo)
	}
	_, err := controller.CreateSandbox("web")
	is(t, err, errdefs.ErrAlreadyExists)
	again := must(controller.OpenSandbox("web"))
	ok(t, web.Destroy())
	ok(t, web.Destroy())
	ok(t, again.Destroy())
	_, err = web.File()
	is(t, err, errdefs.ErrNotFound)
	is(t, web.Do(func() error { return nil }), errdefs.ErrNotFound)
	_, err = controller.OpenSandbox("web")
	is(t, err, errdefs.ErrNotFound)
	ok(t, web.Close())
	ok(t, again.Close())
	ok(t, must(controller.CreateSandbox("web")).Close())
	ok(t, controller.RemoveSandbox("web"))
	ok(t, controller.RemoveSandbox("web"))
}

func TestSandboxesWithoutAController(t *testing.T) {
	testhost.Clean(t)
	base := t.TempDir()
	web := must(netns.CreateSandboxIn(base, "web"))
	again := must(netns.OpenSandboxIn(base, "web"))
	if again.Key() != base+"/web" {
		t.Error(again.Key())
	}
	_, err := netns.CreateSandboxIn(base, "web")
	is(t, err, errdefs.ErrAlreadyExists)
	ok(t, netns.RemoveSandboxIn(base, "web"))
	ok(t, netns.RemoveSandboxIn(base, "web"))
	_, err = netns.OpenSandboxIn(base, "web")
	is(t, err, errdefs.ErrNotFound)
	ok(t, os.WriteFile(base+"/mine", []byte("text"), 0o600))
	is(t, netns.RemoveSandboxIn(base, "mine"), errdefs.ErrForbidden)
	ok(t, web.Close())
	ok(t, again.Close())
}

func TestADeviceMovesInAndOut(t *testing.T) {
	controller := open(t)
	web := sandbox(t, controller, "web")
	testhost.Execute(t, "ip", "link", "add", "outer", "type", "veth", "peer", "name", "inner")
	t.Cleanup(func() { testhost.Execute(t, "ip", "link", "delete", "outer") })
	device := netns.Interface{
		SrcName: "inner", Prefix: "lan", MTU: 1300, MAC: net.HardwareAddr{2, 9, 9, 9, 9, 9},
		Address:     netip.MustParsePrefix("192.0.2.2/24"),
		AddressIPv6: netip.MustParsePrefix("2001:db8::2/64"),
		Gateway:     netip.MustParseAddr("192.0.2.1"),
		GatewayIPv6: netip.MustParseAddr("2001:db8::1"),
		Routes:      []netns.Route{{Destination: netip.MustParsePrefix("198.51.100.0/24")}},
		Neighbours:  []netns.Neighbour{{Address: netip.MustParseAddr("192.0.2.9"), MAC: net.HardwareAddr{2, 0, 0, 0, 0, 9}}},
	}
	if plan := must(web.PlanAddInterface(device)); plan.StepCount() == 0 || !slices.Contains(testhost.Links(), "inner") {
		t.Error(plan)
	}
	added := must(web.AddInterface(device))
	if added.Name != "lan0" || added.SrcName != "inner" || added.Address != device.Address {
		t.Errorf("%+v", added)
	}
	link := testhost.IPIn(t, "web", "address", "show", "lan0")[0]
	if link["mtu"] != 1300.0 || link["address"] != "02:09:09:09:09:09" {
		t.Error(link)
	}
	info, interfaces := must(web.Info()), must(web.Interfaces())
	if info.Gateway != device.Gateway || info.GatewayIPv6 != device.GatewayIPv6 || len(info.Interfaces) != 1 || len(interfaces) != 1 {
		t.Errorf("%+v", info)
	}
	if len(interfaces[0].Neighbours) != 1 || interfaces[0].Neighbours[0].Address != device.Neighbours[0].Address {
		t.Errorf("%+v", interfaces[0])
	}
	ok(t, web.SetGateway(netip.MustParseAddr("192.0.2.254")))
	ok(t, web.SetGatewayIPv6(netip.MustParseAddr("2001:db8::254")))
	ok(t, web.SetGateway(netip.Addr{}))
	is(t, web.SetGateway(netip.MustParseAddr("203.0.113.1")), errdefs.ErrBadRequest)
	if route := testhost.IPIn(t, "web", "route", "show", "default"); len(route) != 1 || route[0]["gateway"] != "192.0.2.254" {
		t.Error(route)
	}
	route := netns.Route{Destination: netip.MustParsePrefix("203.0.113.0/24"), NextHop: netip.MustParseAddr("192.0.2.3")}
	ok(t, web.AddRoute(route))
	is(t, web.AddRoute(route), errdefs.ErrAlreadyExists)
	if routes := must(web.Info()).Routes; !slices.Contains(routes, route) {
		t.Error(routes)
	}
	ok(t, web.RemoveRoute(route))
	ok(t, web.RemoveRoute(route))
	ok(t, web.RemoveInterface(added))
	ok(t, web.RemoveInterface(added))
	if !slices.Contains(testhost.Links(), "inner") || len(must(web.Interfaces())) != 0 {
		t.Error("it is not back")
	}
	_, err := web.AddInterface(netns.Interface{SrcName: "nothing"})
	is(t, err, errdefs.ErrNotFound)
}

func TestWhatANetworkLinksMovesIn(t *testing.T) {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{Name: "demo"})
	web := sandbox(t, controller, "web")
	endpoint := must(demo.Link(netns.EndpointConfig{Name: "web"}))
	if !endpoint.Linked || !slices.Contains(testhost.Links(), endpoint.Interface.SrcName) {
		t.Errorf("%+v", endpoint)
	}
	added := must(web.AddInterface(*endpoint.Interface))
	if added.Name != "eth0" || added.Address != endpoint.Address {
		t.Errorf("%+v", added)
	}
	ok(t, web.Do(func() error {
		testhost.Execute(t, "ping", "-c1", "-W5", added.Gateway.String())
		return nil
	}))
	ok(t, demo.DeleteEndpoint("web"))
}

func TestABridgeWithoutAController(t *testing.T) {
	testhost.Clean(t)
	web := must(netns.CreateSandboxIn("", "web"))
	options := netns.BridgeOptions{
		Bridge: "br9", Gateway: netip.MustParsePrefix("10.9.0.1/24"), MTU: 1400, TxQueueLen: 500,
		MAC: net.HardwareAddr{2, 1, 1, 1, 1, 1}, Hairpin: true, Isolated: true, MulticastSnooping: true,
	}
	nine := must(netns.CreateBridge("nine", options))
	if nine.Name() != "nine" || nine.Device() != "br9" || nine.MTU() != 1400 {
		t.Error(nine.Name(), nine.Device(), nine.MTU())
	}
	if link := testhost.IP(t, "link", "show", "br9")[0]; link["address"] != "02:01:01:01:01:01" {
		t.Error(link)
	}
	endpoint := netns.BridgeEndpoint{
		Name: "web", InterfaceName: "nine0", Address: netip.MustParsePrefix("10.9.0.2/24"),
		Isolated: netns.Off, Hairpin: netns.On, MAC: net.HardwareAddr{2, 1, 1, 1, 1, 2},
	}
	plan := must(nine.PlanJoin(web, endpoint))
	ok(t, nine.Apply(plan, web))
	is(t, nine.Apply(plan, web), errdefs.ErrAlreadyExists)
	is(t, nine.Delete(), errdefs.ErrBusy)
	if own := must(web.Interfaces()); own[0].Name != "nine0" || own[0].Address != endpoint.Address {
		t.Errorf("%+v", own)
	}
	ok(t, nine.Unlink("web"))
	ok(t, nine.Unlink("web"))
	joined := must(nine.Join(web, endpoint))
	if joined.Name != "nine0" || joined.MTU != 1400 {
		t.Errorf("%+v", joined)
	}
	_, err := nine.Join(web, endpoint)
	is(t, err, errdefs.ErrAlreadyExists)
	_, err = nine.Join(web, netns.BridgeEndpoint{Name: "odd", Hairpin: 7})
	is(t, err, errdefs.ErrBadRequest)
	if must(nine.PlanLink(netns.BridgeEndpoint{Name: "other"})).StepCount() == 0 {
		t.Error("nothing to do")
	}
	linked := must(nine.Link(netns.BridgeEndpoint{Name: "other", InterfacePrefix: "lan"}))
	if len(linked) != 1 || linked[0].Prefix+linked[0].Name == "" {
		t.Errorf("%+v", linked)
	}
	ok(t, nine.Unlink("other"))
	ok(t, web.Destroy())
	ok(t, web.Close())
	testhost.Eventually(t, func() bool { return nine.Delete() == nil })
	ok(t, nine.Close())
	if slices.ContainsFunc(testhost.Links(), func(name string) bool { return strings.HasPrefix(name, "br") }) {
		t.Error(testhost.Links())
	}
}
