package netns_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/driverapi"
	"libnetns.dev/go/netns/errdefs"
)

var errOwn = errors.New("no such colour")

// try makes a network, an endpoint and all of the rest until something fails, and takes all of it away again.
func try(controller *netns.Controller) error {
	made, err := createWires(controller)
	if err != nil {
		return err
	}
	defer made.Close()
	box, err := controller.CreateSandbox("a")
	if err != nil {
		return err
	}
	defer box.Close()
	return errors.Join(attempt(made, box), box.Destroy(), made.Delete())
}

func attempt(made *netns.Network, box *netns.Sandbox) error {
	if _, err := made.Connect(box, netns.EndpointConfig{Name: "e"}); err != nil {
		return err
	}
	_, err := made.EndpointOperInfo("e")
	return errors.Join(err, made.Disconnect("e"))
}

// kinds is errors of a driver, and the kind that comes of each.
var kinds = map[string]struct {
	err  error
	kind error
}{
	"own":             {errOwn, errdefs.ErrSystem},
	"wrapped":         {fmt.Errorf("paint: %w", errOwn), errdefs.ErrSystem},
	"no network":      {driverapi.ErrNoNetwork("n"), errdefs.ErrNotFound},
	"no endpoint":     {driverapi.ErrNoEndpoint("e"), errdefs.ErrNotFound},
	"endpoint exists": {driverapi.ErrEndpointExists("e"), errdefs.ErrForbidden},
	"registered":      {driverapi.ErrActiveRegistration("e"), errdefs.ErrForbidden},
	"busy":            {fmt.Errorf("paint: %w", errdefs.New(errdefs.ErrBusy, "paint", "e", "it is wet")), errdefs.ErrBusy},
	"kind":            {errdefs.ErrResourceExhausted, errdefs.ErrResourceExhausted},
	"number":          {syscall.ENOENT, errdefs.ErrNotFound},
	"no file":         {fmt.Errorf("paint: %w", fs.ErrNotExist), errdefs.ErrNotFound},
	"file":            {fs.ErrExist, errdefs.ErrAlreadyExists},
	"permission":      {fs.ErrPermission, errdefs.ErrPermissionDenied},
	"deadline":        {context.DeadlineExceeded, errdefs.ErrSystem},
	"canceled":        {context.Canceled, errdefs.ErrSystem},
	"there already":   {&there{}, errdefs.ErrAlreadyExists},
	"exists":          {&nameTaken{}, errdefs.ErrAlreadyExists},
	"zero kind":       {errdefs.Kind(0), errdefs.ErrSystem},
	"no kind":         {&errdefs.Error{Message: "empty"}, errdefs.ErrSystem},
	"other kind":      {errdefs.Kind(-1000), errdefs.Kind(-1000)},
}

// there is an error as containerd's.
type there struct{}

func (*there) Error() string  { return "it is there" }
func (*there) AlreadyExists() {}

type nameTaken struct{}

func (*nameTaken) Error() string { return "the name is taken" }
func (*nameTaken) Conflict()     {}

// methods is those that a join and its end come to, in which a failure fails the call.
var methods = []string{"CreateNetwork", "CreateEndpoint", "Join"}

func TestWhatADriverAnswersIsTheCallersError(t *testing.T) {
	driver := &wires{}
	controller := wired(t, driver)
	for _, method := range methods {
		for name, test := range kinds {
			driver.set(method, func() error { return test.err })
			err := try(controller)
			driver.set("", nil)
			if !errors.Is(err, test.err) || !errors.Is(err, test.kind) {
				t.Errorf("%s in %s: %v", name, method, err)
				continue
			}
			if !strings.Contains(err.Error(), test.err.Error()) || !strings.Contains(err.Error(), method) {
				t.Errorf("%s in %s: %v", name, method, err)
			}
			var whole *errdefs.Error
			if !errors.As(err, &whole) || whole.Cause != test.err {
				t.Errorf("%s in %s: %#v", name, method, whole)
			}
			if name == "no network" {
				var no driverapi.ErrNoNetwork
				if !errors.As(err, &no) {
					t.Errorf("%v is no ErrNoNetwork", err)
				}
			}
			if endpoints := must(controller.Endpoints()); len(endpoints) > 0 {
				t.Errorf("%s in %s: %+v", name, method, endpoints)
			}
			clear(t, controller)
		}
	}
}

// clear takes away what a driver would not let go. Of a join that failed nothing is there.
func clear(t *testing.T, controller *netns.Controller) {
	t.Helper()
	for _, endpoint := range must(controller.Endpoints()) {
		of := must(controller.OpenNetwork(endpoint.Network))
		ok(t, of.Disconnect(endpoint.Name))
		ok(t, of.Close())
	}
	for _, name := range must(controller.Sandboxes()) {
		ok(t, controller.RemoveSandbox(name))
	}
	for _, name := range must(controller.Networks()) {
		ok(t, controller.RemoveNetwork(name))
	}
}

func TestNotImplementedIsTheCallersError(t *testing.T) {
	driver := &wires{}
	controller := wired(t, driver)
	driver.set("EndpointOperInfo", func() error { return &driverapi.ErrNotImplemented{} })
	err := try(controller)
	is(t, err, errdefs.ErrNotImplemented)
	var missing interface{ NotImplemented() }
	if !errors.As(err, &missing) {
		t.Error(err)
	}
}

func TestPanicsOfADriver(t *testing.T) {
	driver := &wires{}
	controller := wired(t, driver)
	every := []string{
		"CreateNetwork", "DeleteNetwork", "CreateEndpoint", "DeleteEndpoint", "EndpointOperInfo", "Join", "Leave",
		"ProgramExternalConnectivity", "RevokeExternalConnectivity",
	}
	quiet := map[string]bool{}
	for _, method := range every {
		for name, value := range map[string]any{"text": "boom", "error": errOwn, "number": 7} {
			driver.set(method, func() error { panic(value) })
			err := try(controller)
			driver.set("", nil)
			clear(t, controller)
			if err == nil {
				// It was past undoing, or nobody called it: the log has it.
				quiet[method] = true
				continue
			}
			var panicked *errdefs.Panic
			if !errors.Is(err, errdefs.ErrPanic) || !errors.As(err, &panicked) || panicked.Value != value {
				t.Errorf("%s in %s: %v", name, method, err)
				continue
			}
			if !strings.Contains(err.Error(), fmt.Sprint("panic: ", value)) || strings.Contains(err.Error(), "goroutine ") || !strings.Contains(string(panicked.Stack), "note") {
				t.Errorf("%s in %s: %v", name, method, err)
			}
			if own, ok := value.(error); ok {
				is(t, err, own)
			}
		}
	}
	for _, method := range append(methods, "EndpointOperInfo") {
		if quiet[method] {
			t.Error("no panic comes out of", method)
		}
	}
	for _, method := range methods {
		driver.set(method, func() error { panic(nil) })
		is(t, try(controller), errdefs.ErrPanic)
		driver.set("", nil)
		clear(t, controller)
	}
}

// moody is an error that cannot say what it is.
type moody struct{ text string }

func (m *moody) Error() string { return m.text }

func TestAnErrorThatPanics(t *testing.T) {
	driver := &wires{}
	controller := wired(t, driver)
	for _, method := range methods {
		driver.set(method, func() error {
			var none *moody
			return none
		})
		is(t, try(controller), errdefs.ErrPanic)
		driver.set("", nil)
		clear(t, controller)
	}
}
