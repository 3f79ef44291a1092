package netns_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/internal/testhost"
)

func TestMain(m *testing.M) {
	os.Exit(testhost.Run(m))
}

// must is the value, where there is no error.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// is fails the test where err is not the target.
func is(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%v, not %v", err, target)
	}
}

// open is a controller with directories of the test's own, which must be as it was at the end.
func open(t testing.TB) *netns.Controller {
	t.Helper()
	testhost.Clean(t)
	return openAt(t, options(t.TempDir()))
}

// options is of directories below base.
func options(base string) netns.Options {
	return netns.Options{NetworksDir: filepath.Join(base, "networks"), RunDir: filepath.Join(base, "run")}
}

// openAt is a controller that is closed at the end.
func openAt(t testing.TB, options netns.Options) *netns.Controller {
	t.Helper()
	controller := must(netns.Open(options))
	t.Cleanup(func() { ok(t, controller.Close()) })
	return controller
}

// network is one of the controller's, deleted at the end.
func network(t testing.TB, controller *netns.Controller, config netns.NetworkConfig) *netns.Network {
	t.Helper()
	made := must(controller.CreateNetwork(config))
	t.Cleanup(func() {
		ok(t, made.Delete())
		ok(t, made.Close())
	})
	return made
}

// sandbox is one of the controller's, destroyed at the end.
func sandbox(t testing.TB, controller *netns.Controller, name string) *netns.Sandbox {
	t.Helper()
	made := must(controller.CreateSandbox(name))
	t.Cleanup(func() {
		ok(t, made.Destroy())
		ok(t, made.Close())
	})
	return made
}
