package netns_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/testhost"
)

// hostile is no name of anything.
var hostile = []string{
	"a\x00b", "\x00", "", ".", "..", "../../etc", "a/b", "/etc/passwd", "-rf", "\xff\xfe", "a b", "a\nb", "%s%n", "näme",
	strings.Repeat("a", 65), strings.Repeat("x", 1<<20), "$(reboot)", "'; drop table endpoints; --",
}

func TestHostileNamesAreRefused(t *testing.T) {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{Name: "demo"})
	web := sandbox(t, controller, "web")
	before := testhost.Look()
	for _, name := range hostile {
		refused := map[string]error{
			"CreateNetwork":  second(controller.CreateNetwork(netns.NetworkConfig{Name: name})),
			"FromJSON":       second(controller.CreateNetworkFromJSON([]byte(name))),
			"network type":   second(controller.CreateNetwork(netns.NetworkConfig{Name: "x", Type: name + "!"})),
			"OpenNetwork":    second(controller.OpenNetwork(name)),
			"CreateSandbox":  second(controller.CreateSandbox(name)),
			"OpenSandbox":    second(controller.OpenSandbox(name)),
			"CreateSandboxI": second(netns.CreateSandboxIn(t.TempDir(), name)),
			"OpenSandboxIn":  second(netns.OpenSandboxIn(t.TempDir(), name)),
			"CreateEndpoint": second(demo.CreateEndpoint(netns.EndpointConfig{Name: name})),
			"Connect":        second(demo.Connect(web, netns.EndpointConfig{Name: name})),
			"Link":           second(demo.Link(netns.EndpointConfig{Name: name})),
			"Join":           second(demo.Join(name, web)),
			"Endpoint":       second(demo.Endpoint(name)),
			"OperInfo":       second(demo.EndpointOperInfo(name)),
			"Publish":        second(demo.Publish(name, "80")),
			"port":           second(demo.CreateEndpoint(netns.EndpointConfig{Name: "x", Ports: []string{name}})),
			"CreateBridge":   second(netns.CreateBridge(name, netns.BridgeOptions{})),
			"AddInterface":   second(web.AddInterface(netns.Interface{SrcName: name})),
			"OpenNamespace":  second(netns.OpenNamespace(name + "!")),
			"ParsePlan":      second(netns.ParsePlan([]byte(name))),
			"option":         second(controller.CreateNetwork(netns.NetworkConfig{Name: "x", Options: map[string]string{name: name}})),
		}
		for what, err := range refused {
			var known *errdefs.Error
			if !errors.As(err, &known) {
				t.Errorf("%s of %.20q: %v", what, name, err)
			}
		}
		for _, err := range []error{
			controller.RemoveNetwork(name), controller.ForgetNetwork(name), controller.RemoveSandbox(name), netns.RemoveSandboxIn("", name),
			demo.Leave(name), demo.Disconnect(name), demo.DeleteEndpoint(name), demo.ForgetEndpoint(name),
			demo.Withdraw(name), demo.SetMeter(name, false), netns.ForgetNamespace("/run/" + name + "!"),
		} {
			var known *errdefs.Error
			if err != nil && !errors.As(err, &known) {
				t.Error(err)
			}
		}
	}
	ok(t, before.Returned())
	if endpoints := must(controller.Endpoints()); len(endpoints) != 0 {
		t.Errorf("%+v", endpoints)
	}
}

func TestANULIsRefusedWhereverItIs(t *testing.T) {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{Name: "demo"})
	web := sandbox(t, controller, "web")
	const nul = "a\x00b"
	pair := map[string]string{"a": nul}
	zone := netip.MustParseAddr("fe80::1").WithZone(nul)
	for _, err := range []error{
		second(controller.CreateNetwork(netns.NetworkConfig{Name: "x", IPAM: nul})),
		second(controller.CreateNetwork(netns.NetworkConfig{Name: "x", Labels: pair})),
		second(controller.CreateNetwork(netns.NetworkConfig{Name: "x", IPAMOptions: pair})),
		second(controller.CreateNetwork(netns.NetworkConfig{Name: "x", Firewall: netns.FirewallConfig{SourceIPv6: zone}})),
		second(demo.CreateEndpoint(netns.EndpointConfig{Name: "x", InterfaceName: nul})),
		second(demo.CreateEndpoint(netns.EndpointConfig{Name: "x", InterfacePrefix: nul})),
		second(demo.CreateEndpoint(netns.EndpointConfig{Name: "x", AddressIPv6: zone})),
		second(demo.CreateEndpoint(netns.EndpointConfig{Name: "x", Aliases: []string{"a", nul}})),
		second(demo.CreateEndpoint(netns.EndpointConfig{Name: "x", Sysctls: map[string]string{nul: "1"}})),
		second(demo.CreateEndpoint(netns.EndpointConfig{Name: "x", Ports: []string{"80", "80" + nul}})),
		second(demo.CreateEndpoint(netns.EndpointConfig{Name: "x", MAC: make(net.HardwareAddr, 20)})),
		second(web.AddInterface(netns.Interface{SrcName: "lo", Name: nul})),
		web.SetGatewayIPv6(zone),
		web.AddRoute(netns.Route{}),
		controller.DiscoverNew(netns.DiscoveryNode, []byte(nul)),
		second(netns.CreateSandboxIn("/run/"+nul, "web")),
	} {
		is(t, err, errdefs.ErrBadRequest)
	}
	if endpoints := must(controller.Endpoints()); len(endpoints) != 0 {
		t.Errorf("%+v", endpoints)
	}
}

// What is nil in a call is as good as closed.
func TestNilArguments(t *testing.T) {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{Name: "demo"})
	is(t, second(demo.Connect(nil, netns.EndpointConfig{Name: "x"})), errdefs.ErrClosed)
	is(t, second(demo.Join("x", &netns.Sandbox{})), errdefs.ErrClosed)
	events := must(controller.Events())
	defer events.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	is(t, second(events.Next(ctx)), context.Canceled)
}

func second[T any](_ T, err error) error { return err }
