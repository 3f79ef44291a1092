package netns_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"unsafe"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/discoverapi"
	"libnetns.dev/go/netns/driverapi"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/native"
	"libnetns.dev/go/netns/internal/testhost"
)

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
