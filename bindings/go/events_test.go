package netns_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/testhost"
)

// patience is how long something may take that is sure to come.
const patience = 30 * time.Second

func TestWhatHappensIsHeard(t *testing.T) {
	controller := open(t)
	events := must(controller.Events())
	defer events.Close()
	demo := must(controller.CreateNetwork(netns.NetworkConfig{Name: "demo"}))
	web := must(controller.CreateSandbox("web"))
	must(demo.Connect(web, netns.EndpointConfig{Name: "a"}))
	ok(t, demo.Disconnect("a"))
	ok(t, web.Destroy())
	ok(t, web.Close())
	ok(t, demo.Delete())
	ok(t, demo.Close())
	want := []netns.EventKind{
		netns.EventNetworkCreated, netns.EventSandboxCreated, netns.EventEndpointCreated, netns.EventEndpointJoined,
		netns.EventEndpointLeft, netns.EventEndpointDeleted, netns.EventSandboxDestroyed, netns.EventNetworkDeleted,
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var heard []netns.EventKind
	for event, err := range events.All(ctx) {
		ok(t, err)
		heard = append(heard, event.Kind)
		if event.Process != uint32(os.Getpid()) || time.Since(event.Time).Abs() > time.Hour || event.Missed != 0 {
			t.Errorf("%+v", event)
		}
		if event.Kind == netns.EventEndpointJoined && (event.Network != "demo" || event.Endpoint != "a" || event.Sandbox != web.Key()) {
			t.Errorf("%+v", event)
		}
		if len(heard) == len(want) {
			break
		}
	}
	if !slices.Equal(heard, want) {
		t.Error(heard)
	}
}

func TestACancelledContextEndsTheWaiting(t *testing.T) {
	controller := open(t)
	events := must(controller.Events())
	defer events.Close()
	ctx, cancel := context.WithCancel(context.Background())
	waiting := make(chan error)
	go func() {
		_, err := events.Next(ctx)
		waiting <- err
	}()
	cancel()
	is(t, <-waiting, context.Canceled)
	for _, err := range events.All(ctx) {
		is(t, err, context.Canceled)
	}
	// Another context gets what comes later.
	web := must(controller.CreateSandbox("web"))
	defer web.Close()
	again, end := context.WithTimeout(context.Background(), patience)
	defer end()
	if event := must(events.Next(again)); event.Kind != netns.EventSandboxCreated {
		t.Errorf("%+v", event)
	}
	ok(t, web.Destroy())
}

func TestCloseEndsTheWaitingOfAll(t *testing.T) {
	controller := open(t)
	events := must(controller.Events())
	var group sync.WaitGroup
	for range 20 {
		group.Add(1)
		go func() {
			defer group.Done()
			_, err := events.Next(context.Background())
			is(t, err, errdefs.ErrClosed)
		}()
	}
	testhost.Eventually(t, func() bool { return waiting() == 20 })
	ok(t, events.Close())
	group.Wait()
	ok(t, events.Close())
	for range events.All(context.Background()) {
		t.Error("a closed listener hears")
	}
}

// waiting is how many goroutines are in Next.
func waiting() int {
	stacks := make([]byte, 1<<20)
	return bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte("(*listener).next("))
}

func TestOneOfManyListenersGetsAnEvent(t *testing.T) {
	controller := open(t)
	events := must(controller.Events())
	defer events.Close()
	const count = 50
	for range count {
		web := must(controller.CreateSandbox("web"))
		ok(t, errors.Join(web.Destroy(), web.Close()))
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var heard sync.Map
	var group sync.WaitGroup
	for listener := range 10 {
		group.Add(1)
		go func() {
			defer group.Done()
			for number := range 2 * count / 10 {
				event, err := events.Next(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				heard.Store([2]int{listener, number}, event)
			}
		}()
	}
	group.Wait()
	total := 0
	heard.Range(func(any, any) bool { total++; return true })
	if total != 2*count {
		t.Error(total)
	}
}
