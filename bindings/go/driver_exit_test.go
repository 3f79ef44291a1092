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
)

// ends is set for a process in which a goroutine ends that is inside of the library: the name of whose.
const ends = "NETNS_TEST_GOEXIT"

// exiting is a handler that ends its goroutine.
type exiting struct{ slog.Handler }

func (exiting) Handle(context.Context, slog.Record) error { runtime.Goexit(); return nil }

// end ends a goroutine that holds the library's locks.
func end(t *testing.T, whose string) {
	if whose == "log" {
		controller := open(t)
		demo := network(t, controller, netns.NetworkConfig{Name: "demo"})
		ok(t, netns.SetLogHandler(exiting{slog.NewTextHandler(os.Stderr, nil)}, slog.LevelInfo))
		left(t, controller, demo)
		return
	}
	driver := &wires{}
	controller := wired(t, driver)
	driver.set(whose, func() error {
		defer func() {
			if whose == "Join" {
				panic("on its way")
			}
		}()
		runtime.Goexit()
		return nil
	})
	t.Fatal("it goes on:", try(controller))
}

func TestACallbackThatEndsItsGoroutineEndsTheProcess(t *testing.T) {
	if whose := os.Getenv(ends); whose != "" {
		end(t, whose)
		return
	}
	for whose, words := range map[string][]string{
		"log":           {"call the handler of the log: the callback ended its goroutine", "exiting.Handle"},
		"CreateNetwork": {"call CreateNetwork of wires: the callback ended its goroutine", "(*wires).note"},
		"Join":          {"call Join of wires: the callback ended its goroutine", "goroutine "},
	} {
		command := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
		for _, variable := range os.Environ() {
			// It makes a host of its own.
			if !strings.HasPrefix(variable, "NETNS_TESTHOST=") {
				command.Env = append(command.Env, variable)
			}
		}
		command.Env = append(command.Env, ends+"="+whose)
		said, err := command.CombinedOutput()
		if err == nil || !strings.Contains(string(said), words[0]) || !strings.Contains(string(said), words[1]) {
			t.Errorf("%s: %v: %s", whose, err, said)
		}
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
