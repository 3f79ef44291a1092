// Package errdefs is the errors of libnetns: one type, a kind each for callers that branch, and the categories that
// Docker's and containerd's packages of this name look for.
//
//	if errors.Is(err, errdefs.ErrNoNetwork) { … }    // which object is missing
//	if errors.Is(err, errdefs.ErrNotFound) { … }     // the kind
//	if errors.Is(err, unix.ENOENT) { … }             // the number
//	var e *errdefs.Error
//	if errors.As(err, &e) { … e.Operation … }        // all of it
package errdefs

import (
	"fmt"
	"strings"
	"syscall"
)

// Kind is the category of an Error. The numbers are those of netns_status in netns.h.
type Kind int32

// The kinds. They are errors themselves, for errors.Is.
const (
	// ErrAlreadyExists: the object, its name or its address is already there.
	ErrAlreadyExists Kind = -1
	// ErrBadRequest: an argument cannot be right, whatever the state of the host.
	ErrBadRequest Kind = -2
	// ErrBusy: the object is in use, or kept changing while it was read.
	ErrBusy Kind = -3
	// ErrForbidden: the request is valid but not allowed on this object.
	ErrForbidden Kind = -4
	// ErrNotFound: the object is not there, or not any more.
	ErrNotFound Kind = -5
	// ErrNotImplemented: the driver does not offer the operation.
	ErrNotImplemented Kind = -6
	// ErrPermissionDenied: the process lacks a privilege that the operation needs.
	ErrPermissionDenied Kind = -7
	// ErrResourceExhausted: a limit was reached.
	ErrResourceExhausted Kind = -8
	// ErrSystem: the kernel refused for a reason that has no kind of its own; see Error.Errno.
	ErrSystem Kind = -9
	// ErrUnsupported: this kernel, or this build of it, does not have the feature.
	ErrUnsupported Kind = -10
	// ErrPanic: a mistake in the library, or in a callback of the program.
	ErrPanic Kind = -11
)

var kinds = map[Kind]struct {
	text  string
	errno syscall.Errno
}{
	ErrAlreadyExists:     {"already exists", syscall.EEXIST},
	ErrBadRequest:        {"bad request", syscall.EINVAL},
	ErrBusy:              {"busy", syscall.EBUSY},
	ErrForbidden:         {"forbidden", syscall.EPERM},
	ErrNotFound:          {"not found", syscall.ENOENT},
	ErrNotImplemented:    {"not implemented", syscall.ENOSYS},
	ErrPermissionDenied:  {"permission denied", syscall.EPERM},
	ErrResourceExhausted: {"resource exhausted", syscall.ENOSPC},
	ErrSystem:            {"system error", syscall.EIO},
	ErrUnsupported:       {"unsupported", syscall.EOPNOTSUPP},
	ErrPanic:             {"panic", syscall.EFAULT},
}

// Error is the kind in words.
func (k Kind) Error() string {
	if known, ok := kinds[k]; ok {
		return known.text
	}
	return fmt.Sprintf("status %d", int32(k))
}

// missing is an object of a sort that is not there.
type missing string

func (m missing) Error() string { return "no such " + string(m) }

// NotFound marks the category.
func (m missing) NotFound() {}

// What is not there, for errors.Is: narrower than ErrNotFound.
const (
	ErrNoNetwork  missing = "network"
	ErrNoEndpoint missing = "endpoint"
)

// closed is the use of an object after its Close, of nil, or of a zero value.
type closed struct{}

func (closed) Error() string { return "the object is closed" }

// ErrClosed is what a method answers after Close, and of nil and the zero value. It is of the kind ErrForbidden.
var ErrClosed error = closed{}

// Error is what a call of libnetns answers when it fails.
type Error struct {
	// Kind is the category.
	Kind Kind
	// Operation is what was attempted, a verb phrase: "create link".
	Operation string
	// Subject is the object that it was attempted on.
	Subject string
	// Errno is the system's number, or 0.
	Errno syscall.Errno
	// KernelMessage is the kernel's own words, or empty.
	KernelMessage string
	// Message is the whole text.
	Message string
	// Rollback is what could not be undone on the way back; empty when the state is as it was before.
	Rollback []error
	// Cause is the error of the caller's own code that it comes from, as of a driver, or nil.
	Cause error
}

// Error is the whole text: operation, object, cause.
func (e *Error) Error() string { return e.Message }

// Unwrap is the error of the caller's own code, if it was one.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is the kind, the sort of object that is missing, or the number. Where the system gave no
// number the kind's customary one counts, as ENOENT for ErrNotFound.
func (e *Error) Is(target error) bool {
	switch target := target.(type) {
	case Kind:
		return e.Kind == target
	case missing:
		return e.Kind == ErrNotFound && e.tried("find "+string(target))
	case syscall.Errno:
		return e.number() == target
	}
	return e.number() != 0 && e.number().Is(target)
}

func (e *Error) number() syscall.Errno {
	if e.Errno != 0 {
		return e.Errno
	}
	return kinds[e.Kind].errno
}

// tried reports whether the innermost operation is this one. A part of a larger one is in the subject.
func (e *Error) tried(operation string) bool {
	whole := e.Operation + " " + e.Subject
	if at := strings.LastIndex(whole, ": "); at >= 0 {
		whole = whole[at+2:]
	}
	return strings.HasPrefix(whole, operation+" ")
}
