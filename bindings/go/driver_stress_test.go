package netns_test

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/driverapi"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/native"
	"libnetns.dev/go/netns/internal/testhost"
)

func TestAHundredGoroutinesCallADriver(t *testing.T) {
	driver := &wires{}
	controller := wired(t, driver)
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	made := must(createWires(controller))
	defer made.Close()
	kept := native.Kept()
	driver.set("EndpointOperInfo", func() error { return errOwn })
	var group sync.WaitGroup
	for number := range 100 {
		group.Add(1)
		go func() {
			defer group.Done()
			name := fmt.Sprint("e", number)
			if _, err := made.CreateEndpoint(netns.EndpointConfig{Name: name}); err != nil {
				t.Error(err)
				return
			}
			if _, err := made.EndpointOperInfo(name); !errors.Is(err, errOwn) {
				t.Error(err)
			}
			if err := made.DeleteEndpoint(name); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	if len(driver.strange) > 0 {
		t.Error(driver.strange)
	}
	if native.Kept() != kept {
		t.Error("errors are kept:", native.Kept()-kept)
	}
}

func TestADriverMayCallTheControllerThatCalls(t *testing.T) {
	driver := &wires{}
	controller := wired(t, driver)
	made := must(createWires(controller))
	defer made.Close()
	depth := 0
	driver.set("CreateEndpoint", func() error {
		if depth++; depth > 3 {
			return errOwn
		}
		if _, err := controller.Networks(); err != nil {
			return err
		}
		_, err := made.CreateEndpoint(netns.EndpointConfig{Name: fmt.Sprint("deep", depth)})
		return err
	})
	_, err := made.CreateEndpoint(netns.EndpointConfig{Name: "e"})
	is(t, err, errOwn)
	var whole *errdefs.Error
	for cause := err; errors.As(cause, &whole); cause = whole.Cause {
		depth--
	}
	if depth != 0 {
		t.Error("not each call has its cause:", depth, err)
	}
	// Closed while a call is inside.
	driver.set("CreateEndpoint", func() error { return controller.Close() })
	if _, err := made.CreateEndpoint(netns.EndpointConfig{Name: "e"}); err != nil {
		t.Error(err)
	}
	driver.set("", nil)
	ok(t, made.DeleteEndpoint("e"))
	ok(t, made.Delete())
	again := must(netns.Open(netns.Options{}))
	*controller = *again
}

func TestJoinsByADriverAtOnce(t *testing.T) {
	driver := &wires{}
	controller := wired(t, driver)
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	made := must(createWires(controller))
	defer made.Close()
	var group sync.WaitGroup
	for number := range 10 {
		group.Add(1)
		go func() {
			defer group.Done()
			name := fmt.Sprint("e", number)
			box, err := controller.CreateSandbox(name)
			if err != nil {
				t.Error(err)
				return
			}
			defer box.Close()
			_, err = made.Connect(box, netns.EndpointConfig{Name: name})
			if err := errors.Join(err, made.Disconnect(name), box.Destroy()); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	if len(driver.strange) > 0 {
		t.Error(driver.strange)
	}
}

func TestADriverGoesWithItsController(t *testing.T) {
	testhost.Clean(t)
	before := native.Kept()
	for range 10 {
		// Nobody refers to it any more.
		controller := must(netns.Open(netns.Options{}))
		ok(t, controller.RegisterDriver("wires", &wires{}, driverapi.Capability{}))
		ok(t, controller.RegisterIpam("counting", &counting{}))
	}
	testhost.Eventually(t, func() bool { runtime.GC(); return native.Kept() == before })
}
