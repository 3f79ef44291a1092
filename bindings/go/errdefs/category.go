package errdefs

import "fmt"

// The categories, as the field's packages know them by their methods (seed 004, ErrNoNetwork.NotFound and its like;
// moby's errdefs and containerd/errdefs v1.0.0, whose IsAlreadyExists asks for AlreadyExists() and whose IsPermissionDenied
// asks for Forbidden()). Each is a type of its own, as an error is of one that has all of its methods.

// details is embedded by a name that is not that of the method Error.
type details = Error

type alreadyExists struct{ *details }

func (alreadyExists) AlreadyExists()  {}
func (alreadyExists) Conflict()       {}
func (alreadyExists) Forbidden()      {}
func (e alreadyExists) Unwrap() error { return e.details }

type badRequest struct{ *details }

func (badRequest) BadRequest()       {}
func (badRequest) InvalidParameter() {}
func (e badRequest) Unwrap() error   { return e.details }

type busy struct{ *details }

func (busy) Retry()          {}
func (busy) Unavailable()    {}
func (e busy) Unwrap() error { return e.details }

type forbidden struct{ *details }

func (forbidden) Forbidden()      {}
func (e forbidden) Unwrap() error { return e.details }

type notFound struct{ *details }

func (notFound) NotFound()       {}
func (e notFound) Unwrap() error { return e.details }

type notImplemented struct{ *details }

func (notImplemented) NotImplemented() {}
func (e notImplemented) Unwrap() error { return e.details }

type exhausted struct{ *details }

func (exhausted) ResourceExhausted() {}
func (exhausted) Unavailable()       {}
func (e exhausted) Unwrap() error    { return e.details }

type system struct{ *details }

func (system) Internal()       {}
func (system) System()         {}
func (e system) Unwrap() error { return e.details }

// Categorized is the error with the methods of its category. errors.As finds the *Error in it.
func Categorized(e *Error) error {
	switch e.Kind {
	case ErrAlreadyExists:
		return alreadyExists{e}
	case ErrBadRequest:
		return badRequest{e}
	case ErrBusy:
		return busy{e}
	case ErrForbidden, ErrPermissionDenied:
		return forbidden{e}
	case ErrNotFound:
		return notFound{e}
	case ErrNotImplemented, ErrUnsupported:
		return notImplemented{e}
	case ErrResourceExhausted:
		return exhausted{e}
	}
	return system{e}
}

// New is an error of this binding's own, in its category.
func New(kind Kind, operation, subject, cause string) error {
	return Categorized(&Error{
		Kind: kind, Operation: operation, Subject: subject,
		Message: fmt.Sprintf("%s %s: %s", operation, subject, cause),
	})
}

// Closed is ErrClosed for an operation on an object.
func Closed(operation, object string) error {
	return Categorized(&Error{
		Kind: ErrForbidden, Operation: operation, Subject: object, Cause: ErrClosed,
		Message: fmt.Sprintf("%s %s: %v", operation, object, ErrClosed),
	})
}
