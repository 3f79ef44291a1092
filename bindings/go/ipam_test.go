package netns_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/native"
)

// counting is an address management of three addresses.
type counting struct {
	mu       sync.Mutex
	last     int
	asked    netns.PoolRequest
	released []string
	fails    map[string]func() error
}

func (c *counting) note(method string) error {
	if fails := c.fails[method]; fails != nil {
		return fails()
	}
	return nil
}

func (c *counting) DefaultAddressSpaces() (local, global string, err error) {
	return "mine", "ours", c.note("DefaultAddressSpaces")
}

func (c *counting) RequestPool(request netns.PoolRequest) (netns.Pool, error) {
	c.asked = request
	pool := netns.Pool{Pool: netip.MustParsePrefix("10.99.0.0/16"), ID: "mine/10.99.0.0/16", Data: map[string]string{"a": "b"}}
	return pool, c.note("RequestPool")
}

func (c *counting) ReleasePool(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.released = append(c.released, id)
	return c.note("ReleasePool")
}

func (c *counting) RequestAddress(request netns.AddressRequest) (netns.Address, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.note("RequestAddress"); err != nil {
		return netns.Address{}, err
	}
	if request.Address.IsValid() {
		return netns.Address{Address: netip.PrefixFrom(request.Address, 16)}, nil
	}
	if c.last++; c.last > 3 {
		return netns.Address{}, fmt.Errorf("three are enough: %w", errdefs.ErrResourceExhausted)
	}
	return netns.Address{Address: netip.MustParsePrefix(fmt.Sprintf("10.99.0.%d/16", c.last))}, nil
}

func (c *counting) ReleaseAddress(pool string, address netip.Addr) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.released = append(c.released, address.String())
	return c.note("ReleaseAddress")
}

func TestAddressesCanBeManagedInGo(t *testing.T) {
	controller := wired(t, &wires{})
	ipam := &counting{}
	ok(t, controller.RegisterIpam("counting", ipam))
	is(t, controller.RegisterIpam("counting", ipam), errdefs.ErrForbidden)
	made := must(controller.CreateNetwork(netns.NetworkConfig{
		Name: "n", Type: "wires", IPAM: "counting", IPAMOptions: map[string]string{"colour": "red"},
	}))
	defer made.Close()
	if ipam.asked.AddressSpace != "mine" || ipam.asked.Options["colour"] != "red" || ipam.asked.IPv6 || ipam.asked.Pool.IsValid() {
		t.Errorf("%+v", ipam.asked)
	}
	if details := must(made.Inspect()); details.Subnets[0].Gateway.String() != "10.99.0.1" {
		t.Errorf("%+v", details)
	}
	for name, want := range map[string]string{"a": "10.99.0.2/16", "b": "10.99.7.7/16"} {
		config := netns.EndpointConfig{Name: name}
		if name == "b" {
			config.Address = netip.MustParseAddr("10.99.7.7")
		}
		if endpoint := must(made.CreateEndpoint(config)); endpoint.Address.String() != want {
			t.Errorf("%+v", endpoint)
		}
	}
	_, err := made.CreateEndpoint(netns.EndpointConfig{Name: "c"})
	ok(t, err)
	_, err = made.CreateEndpoint(netns.EndpointConfig{Name: "d"})
	is(t, err, errdefs.ErrResourceExhausted)
	if !strings.Contains(err.Error(), "three are enough") {
		t.Error(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		ok(t, made.DeleteEndpoint(name))
	}
	ok(t, made.Delete())
	for _, released := range []string{"10.99.0.2", "10.99.7.7", "10.99.0.3", "mine/10.99.0.0/16"} {
		if !slices.Contains(ipam.released, released) {
			t.Error(ipam.released)
		}
	}
}

func TestAnAddressManagementThatFails(t *testing.T) {
	controller := wired(t, &wires{})
	ipam := &counting{}
	ok(t, controller.RegisterIpam("counting", ipam))
	kept := native.Kept()
	for _, method := range []string{"DefaultAddressSpaces", "RequestPool", "RequestAddress"} {
		for name, test := range map[string]struct {
			fails func() error
			want  error
		}{
			"error": {func() error { return errOwn }, errOwn},
			"panic": {func() error { panic("boom") }, errdefs.ErrPanic},
		} {
			ipam.fails = map[string]func() error{method: test.fails}
			_, err := controller.CreateNetwork(netns.NetworkConfig{Name: "n", Type: "wires", IPAM: "counting"})
			is(t, err, test.want)
			if networks := must(controller.Networks()); len(networks) > 0 {
				t.Errorf("%s in %s: %v", name, method, networks)
			}
		}
	}
	if native.Kept() != kept {
		t.Error("errors are kept")
	}
}

// wrong is an address management whose answers are none.
type wrong struct{ counting }

func (w *wrong) RequestPool(netns.PoolRequest) (netns.Pool, error) {
	return netns.Pool{}, nil
}

func TestAnAddressManagementThatAnswersNothing(t *testing.T) {
	controller := wired(t, &wires{})
	ok(t, controller.RegisterIpam("wrong", &wrong{}))
	_, err := controller.CreateNetwork(netns.NetworkConfig{Name: "n", Type: "wires", IPAM: "wrong"})
	is(t, err, errdefs.ErrBadRequest)
}
