package errdefs_test

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"libnetns.dev/go/netns/errdefs"
)

func TestKindNumberAndObject(t *testing.T) {
	err := errdefs.New(errdefs.ErrNotFound, "delete network", "blue: find network blue", "it is gone")
	for _, target := range []error{errdefs.ErrNotFound, errdefs.ErrNoNetwork, syscall.ENOENT, fs.ErrNotExist} {
		if !errors.Is(err, target) {
			t.Errorf("%v is not %v", err, target)
		}
	}
	for _, target := range []error{errdefs.ErrBusy, errdefs.ErrNoEndpoint, syscall.EEXIST, fs.ErrExist} {
		if errors.Is(err, target) {
			t.Errorf("%v is %v", err, target)
		}
	}
	var whole *errdefs.Error
	if !errors.As(err, &whole) || whole.Operation != "delete network" {
		t.Errorf("%#v is no *Error", err)
	}
}

// categories is each category's method, as Docker and containerd look for it.
var categories = map[string]func(error) bool{
	"NotFound":          func(err error) bool { var e interface{ NotFound() }; return errors.As(err, &e) },
	"AlreadyExists":     func(err error) bool { var e interface{ AlreadyExists() }; return errors.As(err, &e) },
	"Conflict":          func(err error) bool { var e interface{ Conflict() }; return errors.As(err, &e) },
	"Forbidden":         func(err error) bool { var e interface{ Forbidden() }; return errors.As(err, &e) },
	"InvalidParameter":  func(err error) bool { var e interface{ InvalidParameter() }; return errors.As(err, &e) },
	"NotImplemented":    func(err error) bool { var e interface{ NotImplemented() }; return errors.As(err, &e) },
	"Unavailable":       func(err error) bool { var e interface{ Unavailable() }; return errors.As(err, &e) },
	"System":            func(err error) bool { var e interface{ System() }; return errors.As(err, &e) },
	"ResourceExhausted": func(err error) bool { var e interface{ ResourceExhausted() }; return errors.As(err, &e) },
}

func TestEachKindHasItsCategoriesAndNoOther(t *testing.T) {
	for kind, want := range map[errdefs.Kind][]string{
		errdefs.ErrAlreadyExists:     {"AlreadyExists", "Conflict", "Forbidden"},
		errdefs.ErrBadRequest:        {"InvalidParameter"},
		errdefs.ErrBusy:              {"Unavailable"},
		errdefs.ErrForbidden:         {"Forbidden"},
		errdefs.ErrNotFound:          {"NotFound"},
		errdefs.ErrNotImplemented:    {"NotImplemented"},
		errdefs.ErrPermissionDenied:  {"Forbidden"},
		errdefs.ErrResourceExhausted: {"ResourceExhausted", "Unavailable"},
		errdefs.ErrSystem:            {"System"},
		errdefs.ErrUnsupported:       {"NotImplemented"},
		errdefs.ErrPanic:             {"System"},
	} {
		err := errdefs.New(kind, "try", "it", "no")
		wanted := map[string]bool{}
		for _, name := range want {
			wanted[name] = true
		}
		for name, has := range categories {
			if has(err) != wanted[name] {
				t.Errorf("%v: %s is %v", kind, name, has(err))
			}
		}
	}
}

func TestClosed(t *testing.T) {
	err := errdefs.Closed("list networks", "controller")
	if !errors.Is(err, errdefs.ErrClosed) || !errors.Is(err, errdefs.ErrForbidden) {
		t.Error(err)
	}
}
