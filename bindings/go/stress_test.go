package netns_test

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/testhost"
)

// atOnce runs count goroutines at once.
func atOnce(count int, run func(number int)) {
	var group sync.WaitGroup
	begin := make(chan struct{})
	for number := range count {
		group.Add(1)
		go func() {
			defer group.Done()
			<-begin
			run(number)
		}()
	}
	close(begin)
	group.Wait()
}

func TestFiveHundredGoroutinesStayAtHome(t *testing.T) {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{Name: "demo"})
	shared := sandbox(t, controller, "shared")
	must(demo.Connect(shared, netns.EndpointConfig{Name: "shared"}))
	home := testhost.Home()
	readers := []func() error{
		func() error { return shared.Do(notAt(home)) },
		func() error { _, _, err := demo.Stats("shared", netns.StatsFull); return err },
		func() error { return second(demo.Inspect()) },
		func() error { return second(shared.Info()) },
		func() error { return second(controller.Endpoints()) },
	}
	writers := func(name string) []func() error {
		var own *netns.Sandbox
		return []func() error{
			func() (err error) { own, err = controller.CreateSandbox(name); return err },
			func() error { return second(demo.Connect(own, netns.EndpointConfig{Name: name})) },
			func() error { return own.Do(notAt(home)) },
			func() error { return demo.Disconnect(name) },
			func() error { return own.Destroy() },
			func() error { return own.Close() },
		}
	}
	atOnce(500, func(number int) {
		calls := readers
		if number%10 == 0 {
			calls = writers(fmt.Sprintf("web%d", number))
		}
		for what, call := range calls {
			if err := call(); err != nil {
				t.Errorf("goroutine %d, call %d: %v", number, what, err)
			}
			if here := testhost.Here(); here != home {
				t.Errorf("goroutine %d, call %d: its thread is in %s", number, what, here)
			}
		}
	})
	if endpoints := must(controller.Endpoints()); len(endpoints) != 1 {
		t.Error(len(endpoints), "endpoints are left")
	}
}

func notAt(home string) func() error {
	return func() error {
		if testhost.Here() == home {
			return errors.New("it is not inside")
		}
		return nil
	}
}

func TestEverythingIsClosedWhileCallsAreInside(t *testing.T) {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{Name: "demo"})
	web := sandbox(t, controller, "web")
	for range 20 {
		other := must(controller.OpenNetwork("demo"))
		inner := must(controller.OpenSandbox("web"))
		namespace := must(inner.Namespace())
		events := must(controller.Events())
		atOnce(40, func(number int) {
			if number%8 == 7 {
				ok(t, errors.Join(other.Close(), inner.Close(), namespace.Close(), events.Close()))
				return
			}
			for _, call := range []func() error{
				func() error { return second(other.Inspect()) },
				func() error { return second(other.PlanConnect(inner, netns.EndpointConfig{Name: "x"})) },
				func() error { return second(inner.Info()) },
				func() error { return inner.Do(func() error { return inner.Close() }) },
				func() error { return namespace.Do(func() error { return nil }) },
				func() error { return second(events.Next(t.Context())) },
			} {
				if err := call(); err != nil && !errors.Is(err, errdefs.ErrClosed) {
					t.Error(err)
				}
			}
		})
		is(t, second(other.Inspect()), errdefs.ErrClosed)
	}
	if must(demo.Inspect()).Name != "demo" || web.Key() == "" {
		t.Error("the network is gone")
	}
}

// Objects that nobody closes close themselves, and no earlier than they are used for the last time.
func TestDroppedObjectsUnderPressure(t *testing.T) {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{Name: "demo"})
	web := sandbox(t, controller, "web")
	must(demo.Connect(web, netns.EndpointConfig{Name: "web"}))
	before := testhost.Look()
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	atOnce(20, func(number int) {
		for range 30 {
			waste := make([][]byte, 0, 64)
			for range 64 {
				waste = append(waste, make([]byte, 1024))
			}
			runtime.KeepAlive(waste)
			for _, err := range []error{
				second(must(controller.OpenNetwork("demo")).Inspect()),
				second(must(controller.OpenSandbox("web")).Info()),
				must(must(controller.OpenSandbox("web")).Namespace()).Do(func() error { return nil }),
				second(must(netns.CreateNamespace()).File()),
			} {
				if err != nil {
					t.Error(err)
				}
			}
		}
	})
	ok(t, before.Returned())
}

func TestADroppedListenerClosesItself(t *testing.T) {
	controller := open(t)
	listen := func() *netns.Events {
		events := must(controller.Events())
		web := must(controller.CreateSandbox("web"))
		ok(t, errors.Join(web.Destroy(), web.Close()))
		must(events.Next(t.Context()))
		return events
	}
	// The controller keeps the socket that it tells listeners by.
	ok(t, listen().Close())
	before := testhost.Look()
	for range 10 {
		listen()
	}
	ok(t, before.Returned())
}

func TestDroppedControllersCloseThemselves(t *testing.T) {
	testhost.Clean(t)
	base := t.TempDir()
	for range 20 {
		controller := must(netns.Open(netns.Options{RunDir: base + "/run", NetworksDir: base + "/networks"}))
		must(controller.Networks())
	}
}
