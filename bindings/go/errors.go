package netns

import "libnetns.dev/go/netns/errdefs"

// Error is what a call answers when it fails; errors.As finds it. [errdefs.Error] has its methods.
type Error = errdefs.Error

// Kind is the category of an Error.
type Kind = errdefs.Kind

// Panic is what a function of the program panicked with: in a callback, or in Do.
type Panic = errdefs.Panic

// The kinds of errors, for errors.Is.
const (
	// ErrAlreadyExists: the object, its name or its address is already there.
	ErrAlreadyExists = errdefs.ErrAlreadyExists
	// ErrBadRequest: an argument cannot be right, whatever the state of the host.
	ErrBadRequest = errdefs.ErrBadRequest
	// ErrBusy: the object is in use, or kept changing while it was read.
	ErrBusy = errdefs.ErrBusy
	// ErrForbidden: the request is valid but not allowed on this object.
	ErrForbidden = errdefs.ErrForbidden
	// ErrNotFound: the object is not there, or not any more.
	ErrNotFound = errdefs.ErrNotFound
	// ErrNotImplemented: the driver does not offer the operation.
	ErrNotImplemented = errdefs.ErrNotImplemented
	// ErrPermissionDenied: the process lacks a privilege that the operation needs.
	ErrPermissionDenied = errdefs.ErrPermissionDenied
	// ErrResourceExhausted: a limit was reached.
	ErrResourceExhausted = errdefs.ErrResourceExhausted
	// ErrSystem: the kernel refused for a reason that has no kind of its own; see Error.Errno.
	ErrSystem = errdefs.ErrSystem
	// ErrUnsupported: this kernel, or this build of it, does not have the feature.
	ErrUnsupported = errdefs.ErrUnsupported
	// ErrPanic: a mistake in the library, or in a callback of the program.
	ErrPanic = errdefs.ErrPanic
)

// What is not there, for errors.Is: narrower than ErrNotFound.
const (
	// ErrNoNetwork: there is no such network.
	ErrNoNetwork = errdefs.ErrNoNetwork
	// ErrNoEndpoint: there is no such endpoint.
	ErrNoEndpoint = errdefs.ErrNoEndpoint
)

// ErrClosed is what a method answers after Close, and of nil and the zero value. It is of the kind ErrForbidden.
var ErrClosed = errdefs.ErrClosed
