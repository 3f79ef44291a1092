package netns_test

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/discoverapi"
	"libnetns.dev/go/netns/driverapi"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/native"
	"libnetns.dev/go/netns/internal/testhost"
	links "libnetns.dev/go/netns/network"
)

// wires is a driver of pairs, whose ends in the host have no bridge.
type wires struct {
	mu      sync.Mutex
	calls   []string
	fails   map[string]func() error
	gateway net.IP
	last    driverapi.BirthInfo
	strange []string
}

// host is where the tests are. The process's first thread, by which testhost.Home tells, is elsewhere while the library
// is inside of a sandbox on it.
var host = testhost.Here()

// note is what happens in each method: it is where the caller was, and fails where the test wants it to.
func (w *wires) note(method string) error {
	w.mu.Lock()
	w.calls = append(w.calls, method)
	if here := testhost.Here(); here != host {
		w.strange = append(w.strange, method)
	}
	fails := w.fails[method]
	w.mu.Unlock()
	if fails == nil {
		return nil
	}
	return fails()
}

func (w *wires) set(method string, fails func() error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fails = map[string]func() error{method: fails}
}

func (w *wires) order() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var order []string
	for _, call := range w.calls {
		if !slices.Contains(order, call) {
			order = append(order, call)
		}
	}
	return order
}

func (w *wires) Type() string { return "wires" }

func (w *wires) CreateNetwork(_ string, _ map[string]interface{}, info driverapi.NetworkInfo, ipv4, ipv6 []driverapi.IPAMData) error {
	if len(ipv4) != 1 || len(ipv6) != 0 || ipv4[0].Pool == nil || ipv4[0].Gateway == nil {
		return fmt.Errorf("addresses %v, %v", ipv4, ipv6)
	}
	w.mu.Lock()
	w.gateway = ipv4[0].Gateway.IP
	w.mu.Unlock()
	if err := info.TableEventRegister("table"); err != nil {
		return err
	}
	if err := info.TableEventRegister(""); !errors.Is(err, errdefs.ErrBadRequest) {
		return fmt.Errorf("a table without a name is registered: %v", err)
	}
	return w.note("CreateNetwork")
}

func (w *wires) DeleteNetwork(string) error { return w.note("DeleteNetwork") }

func (w *wires) CreateEndpoint(_, eid string, info driverapi.InterfaceInfo, _ map[string]interface{}) error {
	if info.Address() == nil || info.AddressIPv6() != nil {
		return errors.New("the address is not there")
	}
	if err := info.SetIPAddress(info.Address()); !errors.Is(err, errdefs.ErrForbidden) {
		return fmt.Errorf("the address can be changed: %v", err)
	}
	if err := info.SetMacAddress(nil); !errors.Is(err, errdefs.ErrBadRequest) && info.MacAddress() == nil {
		return fmt.Errorf("no MAC address is set: %v", err)
	}
	if info.MacAddress() == nil {
		if err := info.SetMacAddress(net.HardwareAddr{2, 0, 0, 0, 0, 7}); err != nil {
			return err
		}
	}
	if err := w.note("CreateEndpoint"); err != nil {
		return err
	}
	return links.CreateVethPair("h-"+eid, "c-"+eid)
}

func (w *wires) DeleteEndpoint(_, eid string) error {
	// It may be gone.
	_ = exec.Command("ip", "link", "delete", "h-"+eid).Run()
	return w.note("DeleteEndpoint")
}

func (w *wires) EndpointOperInfo(_, eid string) (map[string]interface{}, error) {
	return map[string]interface{}{"colour": "red", "number": 7, "name": eid}, w.note("EndpointOperInfo")
}

func (w *wires) Join(_, eid, key string, info driverapi.JoinInfo, _ map[string]interface{}) error {
	birth, ok := info.(driverapi.BirthInfo)
	if !ok || birth.Interface().Address() == nil || key == "" {
		return errors.New("the library's JoinInfo is no BirthInfo")
	}
	if err := birth.Interface().SetMacAddress(net.HardwareAddr{2, 0, 0, 0, 0, 8}); !errors.Is(err, errdefs.ErrForbidden) {
		return fmt.Errorf("Join can change the interface: %v", err)
	}
	w.mu.Lock()
	w.last = birth
	gateway := w.gateway
	w.mu.Unlock()
	_, subnet, _ := net.ParseCIDR("192.0.2.0/24")
	_, wide, _ := net.ParseCIDR("198.51.100.0/24")
	for _, err := range []error{
		info.InterfaceName().SetNames("c-"+eid, "wire"),
		info.SetGateway(gateway),
		info.AddStaticRoute(subnet, driverapi.NextHop, gateway),
		info.AddStaticRoute(wide, driverapi.Connected, nil),
		info.AddTableEntry("table", "key", []byte{0, 1}),
		info.AddTableEntry("table", "none", nil),
	} {
		if err != nil {
			return err
		}
	}
	for _, err := range []error{
		info.InterfaceName().SetNames("a/b", "wire"), info.InterfaceName().SetNames("a\x00", "wire"),
		info.SetGateway(nil), info.SetGateway(net.ParseIP("fd01::1")), info.SetGatewayIPv6(gateway),
		info.AddStaticRoute(nil, driverapi.NextHop, gateway), info.AddStaticRoute(subnet, 7, gateway),
		info.AddTableEntry("", "", nil), birth.SetBirth(driverapi.Birth{}),
		birth.SetBirth(driverapi.Birth{Link: []byte(`{}`), After: []byte("7")}),
	} {
		if !errors.Is(err, errdefs.ErrBadRequest) {
			return fmt.Errorf("what cannot be right is taken: %v", err)
		}
	}
	return w.note("Join")
}

func (w *wires) Leave(string, string) error { return w.note("Leave") }

func (w *wires) ProgramExternalConnectivity(string, string, map[string]interface{}) error {
	return w.note("ProgramExternalConnectivity")
}

func (w *wires) RevokeExternalConnectivity(string, string) error {
	return w.note("RevokeExternalConnectivity")
}

func (w *wires) NetworkAllocate(string, map[string]string, []driverapi.IPAMData, []driverapi.IPAMData) (map[string]string, error) {
	return nil, &driverapi.ErrNotImplemented{}
}

func (w *wires) NetworkFree(string) error { return &driverapi.ErrNotImplemented{} }

func (w *wires) EventNotify(driverapi.EventType, string, string, string, []byte) {}

func (w *wires) DiscoverNew(discoverapi.DiscoveryType, interface{}) error {
	return w.note("DiscoverNew")
}

func (w *wires) DiscoverDelete(discoverapi.DiscoveryType, interface{}) error {
	return w.note("DiscoverDelete")
}

// wired is a controller with the driver, of which nothing stays at the end: no link, no descriptor, no value that C has.
func wired(t *testing.T, driver driverapi.Driver) *netns.Controller {
	t.Helper()
	testhost.Clean(t)
	before := native.Kept()
	controller := must(netns.Open(netns.Options{}))
	t.Cleanup(func() {
		for _, name := range must(controller.Networks()) {
			ok(t, controller.RemoveNetwork(name))
		}
		ok(t, controller.Close())
		testhost.Eventually(t, func() bool { runtime.GC(); return native.Kept() == before })
	})
	ok(t, controller.RegisterDriver("wires", driver, driverapi.Capability{DataScope: driverapi.LocalScope}))
	return controller
}

func createWires(controller *netns.Controller) (*netns.Network, error) {
	return controller.CreateNetwork(netns.NetworkConfig{Name: "n", Type: "wires"})
}
