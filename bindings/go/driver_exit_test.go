package netns_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
)

func TestADriverThatEndsItsGoroutine(t *testing.T) {
	driver := &wires{}
	controller := wired(t, driver)
	for _, method := range append(methods, "EndpointOperInfo") {
		ended := false
		driver.set(method, func() error {
			defer func() { ended = true }()
			runtime.Goexit()
			return nil
		})
		err := try(controller)
		driver.set("", nil)
		is(t, err, errdefs.ErrPanic)
		if !ended || err == nil || !strings.Contains(err.Error(), method+" of wires: the callback ended its goroutine") {
			t.Errorf("%s: %v", method, err)
		}
		clear(t, controller)
	}
	ok(t, try(controller))
}

// ends is set for a process that ends by a handler of the log.
const ends = "NETNS_TEST_GOEXIT"

// exiting is a handler that ends its goroutine.
type exiting struct{ slog.Handler }

func (exiting) Handle(context.Context, slog.Record) error { runtime.Goexit(); return nil }

// The goroutine of the log's handler holds the library's locks, so it must not unwind.
func TestALogHandlerThatEndsItsGoroutineEndsTheProcess(t *testing.T) {
	if os.Getenv(ends) != "" {
		controller := open(t)
		demo := network(t, controller, netns.NetworkConfig{Name: "demo"})
		ok(t, netns.SetLogHandler(exiting{slog.NewTextHandler(os.Stderr, nil)}, slog.LevelInfo))
		left(t, controller, demo)
		return
	}
	command := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	for _, variable := range os.Environ() {
		// It makes a host of its own.
		if !strings.HasPrefix(variable, "NETNS_TESTHOST=") {
			command.Env = append(command.Env, variable)
		}
	}
	command.Env = append(command.Env, ends+"=1")
	said, err := command.CombinedOutput()
	words := "call the handler of the log: the callback ended its goroutine"
	if err == nil || !strings.Contains(string(said), words) || !strings.Contains(string(said), "exiting.Handle") {
		t.Errorf("%v: %s", err, said)
	}
}

// resident is how many bytes of memory the process has.
func resident() int {
	debug.FreeOSMemory()
	pages := must(strconv.Atoi(strings.Fields(string(must(os.ReadFile("/proc/self/statm"))))[1]))
	return pages * os.Getpagesize()
}

func TestWhatIsRefusedLeavesNoMemory(t *testing.T) {
	const calls, most = 300_000, 24 << 20
	driver := &wires{}
	controller := wired(t, driver)
	grown := 0
	driver.set("Join", func() error {
		name := driver.last.InterfaceName()
		before := resident()
		for range calls {
			if name.SetNames("a\x00", "wire") == nil {
				t.Error("a NUL is taken")
			}
		}
		grown = resident() - before
		return nil
	})
	ok(t, try(controller))
	if grown > most {
		t.Errorf("%d refusals take %d bytes", calls, grown)
	}
}
