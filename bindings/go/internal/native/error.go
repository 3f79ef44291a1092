package native

// #include "program.h"
import "C"

import (
	"errors"
	"syscall"

	"libnetns.dev/go/netns/errdefs"
)

// failure is the error of a call that answered status, and nil for none. It frees raw.
func failure(status C.int32_t, raw *C.netns_error) error {
	if status >= 0 {
		return nil
	}
	if raw == nil {
		return errdefs.New(errdefs.Kind(status), "call", "libnetns", C.GoString(C.netns_status_name(status)))
	}
	defer C.netns_error_free(raw)
	return errdefs.Categorized(describe(raw))
}

func describe(raw *C.netns_error) *errdefs.Error {
	described := &errdefs.Error{
		Kind:          errdefs.Kind(C.netns_error_kind(raw)),
		Operation:     C.GoString(C.netns_error_operation(raw)),
		Subject:       C.GoString(C.netns_error_subject(raw)),
		Errno:         syscall.Errno(C.netns_error_errno(raw)),
		KernelMessage: C.GoString(C.netns_error_kernel_message(raw)),
		Message:       C.GoString(C.netns_error_message(raw)),
	}
	for i := range C.netns_error_rollback_count(raw) {
		described.Rollback = append(described.Rollback, errdefs.Categorized(describe(C.netns_error_rollback(raw, i))))
	}
	return withCause(described, raw)
}

// withCause has the error of the program's own that it comes from, which hand kept.
func withCause(described *errdefs.Error, raw *C.netns_error) *errdefs.Error {
	cause, ok := kept(uintptr(C.netns_go_error_token(raw))).(error)
	if !ok {
		return described
	}
	described.Cause = cause
	if errors.Is(cause, errdefs.ErrPanic) {
		described.Kind = errdefs.ErrPanic
	}
	var number syscall.Errno
	if described.Errno == 0 && errors.As(cause, &number) {
		described.Errno = number
	}
	return described
}
