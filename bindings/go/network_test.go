package netns_test

import (
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/testhost"
)

func TestANetworkIsWhatItWasAskedToBe(t *testing.T) {
	controller := open(t)
	config := netns.NetworkConfig{
		Name: "all", Type: "bridge", IPv6: true, Internal: true, IPAM: "default", Meter: netns.Off,
		Subnet: &netns.SubnetConfig{
			Subnet:    netip.MustParsePrefix("10.7.0.0/16"),
			Gateway:   netip.MustParseAddr("10.7.0.9"),
			Range:     netip.MustParsePrefix("10.7.8.0/24"),
			Auxiliary: map[string]netip.Addr{"printer": netip.MustParseAddr("10.7.8.1")},
		},
		SubnetIPv6: &netns.SubnetConfig{Subnet: netip.MustParsePrefix("fd07::/64")},
		Options:    map[string]string{"com.docker.network.bridge.name": "br7"},
		Labels:     map[string]string{"team": "blue"},
		Firewall: netns.FirewallConfig{
			Isolate: netns.IsolateStrict, NoICC: true, NoMasquerade: true, NoAntiSpoofing: true,
		},
	}
	all := network(t, controller, config)
	details := must(all.Inspect())
	if details.Name != "all" || all.Name() != "all" || details.Type != "bridge" || !details.IPv6 || !details.Internal || details.NoIPv4 {
		t.Errorf("%+v", details)
	}
	four, six := details.Subnets[0], details.Subnets[1]
	if four.Subnet != config.Subnet.Subnet || four.Gateway != config.Subnet.Gateway || four.Range != config.Subnet.Range || four.Used == 0 {
		t.Errorf("%+v", four)
	}
	if six.Subnet != config.SubnetIPv6.Subnet {
		t.Errorf("%+v", six)
	}
	var written struct {
		Labels   map[string]string
		Meter    bool
		Firewall struct {
			Isolate                       string
			Icc, Masquerade, AntiSpoofing *bool
		}
	}
	written.Meter = true
	ok(t, json.Unmarshal(details.JSON, &written))
	if written.Labels["team"] != "blue" || written.Meter || written.Firewall.Isolate != "strict" || *written.Firewall.Icc {
		t.Errorf("%s", details.JSON)
	}
	if link := testhost.IP(t, "link", "show", "br7"); link[0]["ifname"] != "br7" {
		t.Error(link)
	}
	web := sandbox(t, controller, "web")
	endpoint := must(all.Connect(web, netns.EndpointConfig{Name: "web"}))
	if !config.Subnet.Range.Contains(endpoint.Address.Addr()) || endpoint.Address.Addr().String() == "10.7.8.1" {
		t.Error(endpoint.Address)
	}
	if endpoint.Interface.Gateway.IsValid() {
		t.Error("an internal network has a gateway")
	}
}

func TestNetworksAreListedOpenedAndDeleted(t *testing.T) {
	controller := open(t)
	types := must(controller.NetworkTypes())
	if !slices.Contains(types, "bridge") || !slices.Contains(types, "null") {
		t.Error(types)
	}
	demo := must(controller.CreateNetworkFromJSON([]byte(`{"name": "demo", "type": "bridge"}`)))
	if names := must(controller.Networks()); !slices.Equal(names, []string{"demo"}) {
		t.Error(names)
	}
	again := must(controller.OpenNetwork("demo"))
	if again.Name() != "demo" {
		t.Error(again.Name())
	}
	_, err := controller.CreateNetwork(netns.NetworkConfig{Name: "demo"})
	is(t, err, errdefs.ErrAlreadyExists)
	ok(t, again.Delete())
	ok(t, demo.Delete())
	_, err = demo.Inspect()
	is(t, err, errdefs.ErrNoNetwork)
	_, err = controller.OpenNetwork("demo")
	is(t, err, errdefs.ErrNoNetwork)
	ok(t, controller.RemoveNetwork("demo"))
	ok(t, controller.ForgetNetwork("demo"))
	_, err = controller.CreateNetwork(netns.NetworkConfig{Name: "demo", Type: "token-ring"})
	is(t, err, errdefs.ErrNotFound)
	_, err = controller.CreateNetwork(netns.NetworkConfig{Name: "demo", Meter: 7})
	is(t, err, errdefs.ErrBadRequest)
	bad := netns.SubnetConfig{Subnet: netip.PrefixFrom(netip.MustParseAddr("10.0.0.0"), 99)}
	_, err = controller.CreateNetwork(netns.NetworkConfig{Name: "demo", Subnet: &bad})
	is(t, err, errdefs.ErrBadRequest)
}

func TestAnEndpointsLife(t *testing.T) {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{Name: "demo", IPv6: true})
	web := sandbox(t, controller, "web")
	mac := net.HardwareAddr{2, 0x42, 1, 2, 3, 4}
	made := must(demo.CreateEndpoint(netns.EndpointConfig{Name: "a", MAC: mac, InterfacePrefix: "lan", MTU: 1400}))
	if made.Name != "a" || made.Network != "demo" || made.Sandbox != "" || made.MAC.String() != mac.String() {
		t.Errorf("%+v", made)
	}
	joined := must(demo.Join("a", web))
	if joined.Sandbox != web.Key() || joined.Interface.Name != "lan0" || joined.Interface.MTU != 1400 {
		t.Errorf("%+v", joined)
	}
	_, err := demo.Join("a", web)
	is(t, err, errdefs.ErrBusy)
	is(t, demo.DeleteEndpoint("a"), errdefs.ErrBusy)
	if link := testhost.IPIn(t, "web", "link", "show", "lan0"); link[0]["address"] != mac.String() || link[0]["mtu"] != 1400.0 {
		t.Error(link)
	}
	if all := must(controller.Endpoints()); len(all) != 1 || all[0].Name != "a" || all[0].Address != made.Address {
		t.Errorf("%+v", all)
	}
	if !json.Valid(must(demo.EndpointOperInfo("a"))) || !json.Valid(joined.JSON) {
		t.Error("no JSON")
	}
	stats, source, err := demo.Stats("a", netns.StatsFull)
	if err != nil || source == netns.StatsFromOther {
		t.Error(stats, source, err)
	}
	ok(t, demo.Leave("a"))
	ok(t, demo.Leave("a"))
	if left := must(demo.Endpoint("a")); left.Sandbox != "" || left.Address != made.Address {
		t.Errorf("%+v", left)
	}
	ok(t, demo.DeleteEndpoint("a"))
	_, err = demo.Endpoint("a")
	is(t, err, errdefs.ErrNoEndpoint)
	must(demo.CreateEndpoint(netns.EndpointConfig{Name: "b"}))
	ok(t, demo.ForgetEndpoint("b"))
	ok(t, demo.Disconnect("b"))
}

func TestWhatAnEndpointIsAskedToBe(t *testing.T) {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{
		Name: "demo", IPv6: true,
		Subnet:     &netns.SubnetConfig{Subnet: netip.MustParsePrefix("10.7.0.0/24")},
		SubnetIPv6: &netns.SubnetConfig{Subnet: netip.MustParsePrefix("fd07::/64")},
	})
	web := sandbox(t, controller, "web")
	neighbour := netns.Neighbour{Address: netip.MustParseAddr("10.7.0.77"), MAC: net.HardwareAddr{2, 0, 0, 0, 0, 7}}
	route := netns.Route{Destination: netip.MustParsePrefix("10.8.0.0/24"), NextHop: netip.MustParseAddr("10.7.0.1")}
	endpoint := must(demo.Connect(web, netns.EndpointConfig{
		Name: "web", InterfaceName: "front", NoDefaultRoute: true, Meter: netns.Off, GatewayPriority: -3,
		Address: netip.MustParseAddr("10.7.0.50"), AddressIPv6: netip.MustParseAddr("fd07::50"),
		Aliases: []string{"www"}, Labels: map[string]string{"a": "b"},
		Sysctls:    map[string]string{"net.ipv4.conf.IFNAME.log_martians": "1"},
		Routes:     []netns.Route{route},
		Neighbours: []netns.Neighbour{neighbour},
	}))
	if endpoint.Slot != nil || endpoint.Interface.Routes[0] != route {
		t.Errorf("%+v", endpoint)
	}
	addresses := testhost.IPIn(t, "web", "address", "show", "front")[0]["addr_info"].([]any)
	var found []string
	for _, address := range addresses {
		found = append(found, address.(testhost.Object)["local"].(string))
	}
	if !slices.Contains(found, "10.7.0.50") || !slices.Contains(found, "fd07::50") {
		t.Error(found)
	}
	if routes := testhost.IPIn(t, "web", "route", "show", "default"); len(routes) != 0 {
		t.Error(routes)
	}
	if routes := testhost.IPIn(t, "web", "route", "show", "10.8.0.0/24"); len(routes) != 1 || routes[0]["gateway"] != "10.7.0.1" {
		t.Error(routes)
	}
	if known := testhost.IPIn(t, "web", "neigh", "show", "10.7.0.77"); known[0]["lladdr"] != "02:00:00:00:00:07" {
		t.Error(known)
	}
	martians := testhost.Execute(t, "ip", "netns", "exec", "web", "cat", "/proc/sys/net/ipv4/conf/front/log_martians")
	if strings.TrimSpace(martians) != "1" {
		t.Error(martians)
	}
	_, err := demo.Connect(web, netns.EndpointConfig{Name: "other", Address: netip.MustParseAddr("10.7.0.50")})
	is(t, err, errdefs.ErrAlreadyExists)
}

func TestAPlanTellsAndChangesNothing(t *testing.T) {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{Name: "demo"})
	web := sandbox(t, controller, "web")
	before := testhost.Look()
	plan := must(demo.PlanConnect(web, netns.EndpointConfig{Name: "web"}))
	link := must(demo.PlanLink(netns.EndpointConfig{Name: "web"}))
	ok(t, before.Returned())
	if plan.StepCount() == 0 || link.StepCount() == 0 || !strings.Contains(plan.String(), "eth0") {
		t.Error(plan, link)
	}
	written := must(json.Marshal(plan))
	var read netns.Plan
	ok(t, json.Unmarshal(written, &read))
	if read.String() != plan.String() || read.StepCount() != plan.StepCount() {
		t.Error(read)
	}
	if empty := must(netns.ParsePlan([]byte(netns.Plan{}.JSON()))); empty.StepCount() != 0 {
		t.Error(empty)
	}
	_, err := netns.ParsePlan([]byte(`{"steps": 7}`))
	is(t, err, errdefs.ErrBadRequest)
	is(t, read.UnmarshalJSON([]byte("[]")), errdefs.ErrBadRequest)
	same := read
	ok(t, json.Unmarshal([]byte("null"), &read))
	if read != same {
		t.Error("null changes a plan")
	}
}

func TestMeteringIsSwitched(t *testing.T) {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{Name: "demo", Meter: netns.Off})
	web := sandbox(t, controller, "web")
	must(demo.Connect(web, netns.EndpointConfig{Name: "web"}))
	err := demo.SetMeter("web", true)
	if errors.Is(err, errdefs.ErrNotImplemented) || errors.Is(err, errdefs.ErrPermissionDenied) {
		testhost.CannotRun(t, err.Error())
	}
	ok(t, err)
	if must(demo.Endpoint("web")).Slot == nil {
		t.Error("it is not metered")
	}
	_, source, err := demo.Stats("web", netns.StatsFast)
	if err != nil || source != netns.StatsFromCounters {
		t.Error(source, err)
	}
	ok(t, demo.SetMeter("web", false))
	_, source, err = demo.Stats("web", netns.StatsFast)
	if err != nil || source != netns.StatsFromKernel {
		t.Error(source, err)
	}
	_, _, err = demo.Stats("nobody", netns.StatsFull)
	is(t, err, errdefs.ErrNoEndpoint)
	_, _, err = demo.Stats("web", 9)
	is(t, err, errdefs.ErrBadRequest)
}
