package network_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/testhost"
	"libnetns.dev/go/netns/network"
)

// dummy is a strategy whose container gets a dummy link.
type dummy struct {
	mu          sync.Mutex
	createFails func() error
	initFails   func() error
	calls       []string
	pids        []int
}

func (d *dummy) note(call string, fails func() error) error {
	d.mu.Lock()
	d.calls = append(d.calls, call)
	d.mu.Unlock()
	if fails == nil {
		return nil
	}
	return fails()
}

func (d *dummy) Create(n *network.Network, pid int, state *network.NetworkState) error {
	d.mu.Lock()
	d.pids = append(d.pids, pid)
	d.mu.Unlock()
	state.VethChild = "made for " + n.Bridge
	return d.note("create", d.createFails)
}

func (d *dummy) Initialize(n *network.Network, state *network.NetworkState) error {
	if !strings.HasPrefix(state.VethChild, "made for ") {
		return fmt.Errorf("the state says %q", state.VethChild)
	}
	state.NsPath = testhost.Here()
	return d.note("initialize", d.initFails)
}

var registered = sync.OnceValue(func() *dummy {
	own := &dummy{}
	if err := network.RegisterStrategy("dummy", own); err != nil {
		panic(err)
	}
	return own
})

func TestAStrategyInGo(t *testing.T) {
	testhost.Clean(t)
	own := registered()
	if err := network.RegisterStrategy("dummy", own); !errors.Is(err, errdefs.ErrAlreadyExists) {
		t.Error(err)
	}
	if err := network.RegisterStrategy("", own); !errors.Is(err, errdefs.ErrBadRequest) {
		t.Error(err)
	}
	if err := network.RegisterStrategy("veth", own); !errors.Is(err, errdefs.ErrAlreadyExists) {
		t.Error(err)
	}
	if got, err := network.GetStrategy("dummy"); got != network.NetworkStrategy(own) || err != nil {
		t.Error(got, err)
	}
	pid := container(t)
	state, err := network.Setup(&network.Network{Type: "dummy", Bridge: "b"}, network.Target{Pid: pid})
	must(t, err)
	if state.VethChild != "made for b" || state.NsPath == testhost.Home() || own.pids[len(own.pids)-1] == 0 {
		t.Errorf("%+v", state)
	}
	if here := testhost.Here(); here != testhost.Home() {
		t.Error(here)
	}
}

var errOwn = errors.New("no such colour")

func TestAStrategyInGoThatFails(t *testing.T) {
	testhost.Clean(t)
	own := registered()
	pid := container(t)
	for name, test := range map[string]struct {
		fails func() error
		want  error
		words string
	}{
		"error": {func() error { return errOwn }, errOwn, "no such colour"},
		"wrapped": {
			func() error { return fmt.Errorf("paint: %w", errdefs.New(errdefs.ErrBusy, "paint", "it", "it is wet")) },
			errdefs.ErrBusy, "it is wet",
		},
		"panic":          {func() error { panic("boom") }, errdefs.ErrPanic, "boom"},
		"panic of error": {func() error { panic(errOwn) }, errOwn, "no such colour"},
		"NUL":            {func() error { return errors.New("a\x00b") }, errdefs.ErrSystem, `a\0b`},
		"bytes":          {func() error { return errors.New("\xff") }, errdefs.ErrSystem, ""},
	} {
		for step, set := range map[string]func(func() error){
			"create":     func(fails func() error) { own.createFails = fails },
			"initialize": func(fails func() error) { own.initFails = fails },
		} {
			set(test.fails)
			state, err := network.Setup(&network.Network{Type: "dummy"}, network.Target{Pid: pid})
			set(nil)
			if state != nil || !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.words) {
				t.Errorf("%s in %s: %v", name, step, err)
			}
		}
	}
}

// A thread that the runtime makes is where the one is that makes it: none may come of a thread that is inside.
func TestGoroutinesOfAStrategyLeaveNoThreadInside(t *testing.T) {
	testhost.Clean(t)
	own := registered()
	pid := container(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	for range 5 {
		var blocked sync.WaitGroup
		pipe := make([]int, 2)
		must(t, syscall.Pipe2(pipe, syscall.O_CLOEXEC))
		own.initFails = func() error {
			for range 12 {
				blocked.Add(1)
				go func() {
					defer blocked.Done()
					// It holds a thread until the other end is closed.
					_, _ = syscall.Read(pipe[0], make([]byte, 1))
				}()
				runtime.Gosched()
			}
			return nil
		}
		_, err := network.Setup(&network.Network{Type: "dummy"}, network.Target{Pid: pid})
		own.initFails = nil
		must(t, err)
		if strangers := testhost.Look().Strangers; len(strangers) > 0 {
			t.Error("inside:", strangers)
		}
		must(t, syscall.Close(pipe[1]))
		blocked.Wait()
		must(t, syscall.Close(pipe[0]))
	}
}
