package netns_test

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/discoverapi"
	"libnetns.dev/go/netns/driverapi"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/native"
	"libnetns.dev/go/netns/internal/testhost"
	links "libnetns.dev/go/netns/network"
)

var _ driverapi.DriverCallback = &netns.Controller{}

// wires is a driver of pairs, whose ends in the host have no bridge.
type wires struct {
	mu      sync.Mutex
	calls   []string
	fails   map[string]func() error
	gateway net.IP
	last    driverapi.BirthInfo
	strange []string
}

// note is what happens in each method: it is where the caller was, and fails where the test wants it to.
func (w *wires) note(method string) error {
	w.mu.Lock()
	w.calls = append(w.calls, method)
	if here := testhost.Here(); here != testhost.Home() {
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

func TestADriverInGo(t *testing.T) {
	driver := &wires{}
	controller := wired(t, driver)
	if types := must(controller.NetworkTypes()); !slices.Contains(types, "wires") {
		t.Error(types)
	}
	wired := must(createWires(controller))
	box := must(controller.CreateSandbox("a"))
	endpoint := must(wired.Connect(box, netns.EndpointConfig{Name: "e"}))
	if endpoint.MAC.String() == "" || endpoint.Interface == nil || endpoint.Interface.Name != "wire0" {
		t.Errorf("%+v", endpoint)
	}
	inside := testhost.IPIn(t, "a", "address", "show", "wire0")
	if inside[0]["operstate"] == nil || inside[0]["address"] != endpoint.MAC.String() {
		t.Error(inside)
	}
	if routes := testhost.IPIn(t, "a", "route", "show", "192.0.2.0/24"); len(routes) != 1 || routes[0]["gateway"] != driver.gateway.String() {
		t.Error(routes)
	}
	if routes := testhost.IPIn(t, "a", "route", "show", "default"); len(routes) != 1 || routes[0]["dev"] != "wire0" {
		t.Error(routes)
	}
	if !slices.Contains(testhost.Links(), "h-e") || slices.Contains(testhost.Links(), "c-e") {
		t.Error(testhost.Links())
	}
	if info := string(must(wired.EndpointOperInfo("e"))); info != `{"colour":"red","name":"e","number":7}` {
		t.Error(info)
	}
	// What the driver got is over.
	late := driver.last
	is(t, late.SetGateway(driver.gateway), errdefs.ErrClosed)
	is(t, late.InterfaceName().SetNames("a", "b"), errdefs.ErrClosed)
	is(t, late.SetBirth(driverapi.Birth{}), errdefs.ErrClosed)
	late.DisableGatewayService()
	if late.MTU() != 0 || late.Interface().Address() != nil || late.Interface().MacAddress() != nil {
		t.Error("an object outlives its call")
	}
	ok(t, wired.Disconnect("e"))
	ok(t, box.Destroy())
	ok(t, wired.Delete())
	want := []string{"CreateNetwork", "CreateEndpoint", "Join", "Leave", "DeleteEndpoint", "DeleteNetwork"}
	order := driver.order()
	order = slices.DeleteFunc(order, func(call string) bool { return !slices.Contains(want, call) })
	if !slices.Equal(order, want) || len(driver.strange) > 0 {
		t.Error(driver.calls, driver.strange)
	}
	ok(t, box.Close())
	ok(t, wired.Close())
}

func TestRegistrations(t *testing.T) {
	driver := &wires{}
	controller := wired(t, driver)
	kept := native.Kept()
	err := controller.RegisterDriver("wires", driver, driverapi.Capability{})
	is(t, err, errdefs.ErrForbidden)
	var active driverapi.ErrActiveRegistration
	if !errors.As(err, &active) || active != "wires" {
		t.Error(err)
	}
	for _, name := range []string{"", "a b", "a\x00", "\xff", string(make([]byte, 1<<20))} {
		is(t, controller.RegisterDriver(name, driver, driverapi.Capability{}), errdefs.ErrBadRequest)
		is(t, controller.RegisterIpam(name, &counting{}), errdefs.ErrBadRequest)
	}
	is(t, controller.RegisterDriver("other", nil, driverapi.Capability{}), errdefs.ErrBadRequest)
	is(t, controller.RegisterDriver("other", driver, driverapi.Capability{DataScope: "cosmic"}), errdefs.ErrBadRequest)
	is(t, controller.RegisterDriver("other", driver, driverapi.Capability{ConnectivityScope: "cosmic"}), errdefs.ErrBadRequest)
	is(t, controller.RegisterIpam("other", nil), errdefs.ErrBadRequest)
	closed := must(netns.Open(netns.Options{}))
	ok(t, closed.Close())
	for _, controller := range []*netns.Controller{nil, {}, closed} {
		is(t, controller.RegisterDriver("wires", driver, driverapi.Capability{}), errdefs.ErrClosed)
		is(t, controller.RegisterIpam("own", &counting{}), errdefs.ErrClosed)
	}
	if native.Kept() != kept {
		t.Error("what was refused is kept")
	}
}

// global is a driver whose networks span hosts.
type global struct {
	wires
	told []interface{}
}

func (g *global) DiscoverNew(_ discoverapi.DiscoveryType, data interface{}) error {
	g.told = append(g.told, data)
	return nil
}

func (g *global) NetworkAllocate(nid string, options map[string]string, ipv4, _ []driverapi.IPAMData) (map[string]string, error) {
	allocated := maps.Clone(options)
	if allocated == nil {
		allocated = map[string]string{}
	}
	allocated["vni"] = "7"
	return allocated, g.note("NetworkAllocate")
}

func (g *global) NetworkFree(string) error { return g.note("NetworkFree") }

func TestADriverOfGlobalScope(t *testing.T) {
	testhost.Clean(t)
	controller := must(netns.Open(netns.Options{}))
	defer controller.Close()
	driver := &global{}
	ok(t, controller.RegisterDriver("cluster", driver, driverapi.Capability{DataScope: driverapi.GlobalScope}))
	ok(t, controller.DiscoverNew(netns.DiscoveryNode, []byte(`{"Address":"192.0.2.1","Self":true}`)))
	ok(t, controller.DiscoverNew(netns.DiscoveryEncryptionKeysConfig, []byte(`{"Keys":["AQI="],"Tags":[7]}`)))
	ok(t, controller.DiscoverNew(netns.DiscoveryEncryptionKeysUpdate, []byte(`{"Key":"AQI=","Tag":7}`)))
	ok(t, controller.DiscoverNew(netns.DiscoveryDatastoreConfig, []byte(`{"Scope":"global"}`)))
	if node, ok := driver.told[0].(discoverapi.NodeDiscoveryData); !ok || node.Address != "192.0.2.1" || !node.Self {
		t.Errorf("%#v", driver.told)
	}
	if keys, ok := driver.told[1].(discoverapi.DriverEncryptionConfig); !ok || keys.Tags[0] != 7 || keys.Keys[0][1] != 2 {
		t.Errorf("%#v", driver.told)
	}
	if _, ok := driver.told[2].(discoverapi.DriverEncryptionUpdate); !ok || len(driver.told) != 4 {
		t.Errorf("%#v", driver.told)
	}
	driver.set("DiscoverDelete", func() error { return errOwn })
	is(t, controller.DiscoverDelete(netns.DiscoveryNode, []byte(`{}`)), errOwn)
	made := must(controller.CreateNetwork(netns.NetworkConfig{Name: "n", Type: "cluster"}))
	ok(t, made.Delete())
	ok(t, made.Close())
	if order := driver.order(); !slices.Contains(order, "NetworkAllocate") || !slices.Contains(order, "NetworkFree") {
		t.Error(order)
	}
}

func TestNumbersOfDriversAreThoseOfC(t *testing.T) {
	numbers := map[string]int64{
		"DISCOVERY_NODE":                   int64(discoverapi.NodeDiscovery),
		"DISCOVERY_DATASTORE_CONFIG":       int64(discoverapi.DatastoreConfig),
		"DISCOVERY_ENCRYPTION_KEYS_CONFIG": int64(discoverapi.EncryptionKeysConfig),
		"DISCOVERY_ENCRYPTION_KEYS_UPDATE": int64(discoverapi.EncryptionKeysUpdate),
		"ROUTE_TYPE_NEXT_HOP":              driverapi.NextHop,
		"ROUTE_TYPE_CONNECTED":             driverapi.Connected,
		"TABLE_EVENT_CREATE":               int64(driverapi.Create),
		"TABLE_EVENT_UPDATE":               int64(driverapi.Update),
		"TABLE_EVENT_DELETE":               int64(driverapi.Delete),
		"STATS_LINE_WORDS":                 netns.StatsLineWords,
	}
	if !maps.Equal(numbers, native.ProgramConstants()) {
		t.Error(numbers, native.ProgramConstants())
	}
	var reading netns.Reading
	layout := map[string]uintptr{
		"slot.slot":        unsafe.Offsetof(reading.Slot) + unsafe.Offsetof(reading.Slot.Slot),
		"slot.life":        unsafe.Offsetof(reading.Slot) + unsafe.Offsetof(reading.Slot.Life),
		"counters":         unsafe.Offsetof(reading.Counters),
		"rx_bytes":         unsafe.Offsetof(reading.Counters.RxBytes),
		"rx_packets":       unsafe.Offsetof(reading.Counters.RxPackets),
		"tx_bytes":         unsafe.Offsetof(reading.Counters.TxBytes),
		"tx_packets":       unsafe.Offsetof(reading.Counters.TxPackets),
		"namespace_cookie": unsafe.Offsetof(reading.NamespaceCookie),
		"digest":           unsafe.Offsetof(reading.Digest),
		"index":            unsafe.Offsetof(reading.Index),
		"mark":             unsafe.Offsetof(reading.Mark),
		"flags":            unsafe.Sizeof(reading) - 8,
		"size":             unsafe.Sizeof(reading),
	}
	if !maps.Equal(layout, native.ReadingLayout) {
		t.Error(layout, native.ReadingLayout)
	}
}
