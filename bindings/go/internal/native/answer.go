package native

// #include "program.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"syscall"

	"libnetns.dev/go/netns/errdefs"
)

// answer runs a callback of the program for C: its error, or its panic, becomes the library's, and comes out of the
// call that caused it as itself. What is called, "call Join of wires", is for people.
func answer(operation, subject string, raised **C.netns_error, run func() error) (status C.int32_t) {
	ended := false
	defer func() {
		value := recover()
		if !ended && value == nil {
			refuseExit(operation, subject)
		}
		if value != nil {
			status = hand(operation, subject, &errdefs.Panic{Value: value, Stack: debug.Stack()}, raised)
		}
	}()
	err := run()
	ended = true
	if err == nil {
		return 0
	}
	return hand(operation, subject, err, raised)
}

// refuseExit ends the process: runtime.Goexit would leave the library in the middle of what it does, with its locks.
func refuseExit(operation, subject string) {
	text := fmt.Sprintf("libnetns: %s %s: the callback ended its goroutine (runtime.Goexit, testing.T.FailNow)", operation, subject)
	go panic(text)
	select {}
}

// hand makes the library's error of err.
func hand(operation, subject string, err error, raised **C.netns_error) C.int32_t {
	arena := newArena(operation)
	defer arena.free()
	kind := kindOf(err)
	said := C.netns_error_new(C.int32_t(kind), arena.clean(operation), arena.clean(subject), arena.clean(err.Error()), 0)
	token := keep(err)
	if C.netns_go_error_set(said, C.uintptr_t(token)) == 0 {
		drop(token)
	}
	*raised = said
	return C.int32_t(kind)
}

// category is the kind of errors that have one of the methods by which Docker's and containerd's packages know it.
var category = []struct {
	kind errdefs.Kind
	is   func(error) bool
}{
	{errdefs.ErrNotFound, has[interface{ NotFound() }]},
	{errdefs.ErrAlreadyExists, has[interface{ Conflict() }]},
	{errdefs.ErrNotImplemented, has[interface{ NotImplemented() }]},
	{errdefs.ErrBadRequest, has[interface{ InvalidParameter() }]},
	{errdefs.ErrBadRequest, has[interface{ BadRequest() }]},
	{errdefs.ErrForbidden, has[interface{ Forbidden() }]},
	{errdefs.ErrForbidden, has[interface{ Unauthorized() }]},
	{errdefs.ErrResourceExhausted, has[interface{ ResourceExhausted() }]},
	{errdefs.ErrBusy, has[interface{ Unavailable() }]},
	{errdefs.ErrBusy, has[interface{ Retry() }]},
}

func has[T any](err error) bool {
	var found T
	return errors.As(err, &found)
}

var kindOfNumber = map[syscall.Errno]errdefs.Kind{
	syscall.EEXIST: errdefs.ErrAlreadyExists, syscall.EADDRINUSE: errdefs.ErrAlreadyExists,
	syscall.EINVAL: errdefs.ErrBadRequest, syscall.ERANGE: errdefs.ErrBadRequest,
	syscall.EBUSY: errdefs.ErrBusy, syscall.EAGAIN: errdefs.ErrBusy,
	syscall.ENOENT: errdefs.ErrNotFound, syscall.ENODEV: errdefs.ErrNotFound, syscall.ENXIO: errdefs.ErrNotFound,
	syscall.ESRCH: errdefs.ErrNotFound, syscall.EADDRNOTAVAIL: errdefs.ErrNotFound,
	syscall.EPERM: errdefs.ErrPermissionDenied, syscall.EACCES: errdefs.ErrPermissionDenied,
	syscall.EROFS:  errdefs.ErrPermissionDenied,
	syscall.EMFILE: errdefs.ErrResourceExhausted, syscall.ENFILE: errdefs.ErrResourceExhausted,
	syscall.ENOMEM: errdefs.ErrResourceExhausted, syscall.ENOBUFS: errdefs.ErrResourceExhausted,
	syscall.ENOSPC:     errdefs.ErrResourceExhausted,
	syscall.EOPNOTSUPP: errdefs.ErrUnsupported, syscall.ENOSYS: errdefs.ErrUnsupported,
	syscall.EAFNOSUPPORT: errdefs.ErrUnsupported,
}

// kindOf is the kind of an error of the program's.
func kindOf(err error) errdefs.Kind {
	var panicked *errdefs.Panic
	if errors.As(err, &panicked) {
		return errdefs.ErrPanic
	}
	var own *errdefs.Error
	if errors.As(err, &own) && own.Kind < 0 {
		return own.Kind
	}
	var kind errdefs.Kind
	if errors.As(err, &kind) && kind < 0 {
		return kind
	}
	for _, known := range category {
		if known.is(err) {
			return known.kind
		}
	}
	var number syscall.Errno
	if errors.As(err, &number) && kindOfNumber[number] != 0 {
		return kindOfNumber[number]
	}
	return errdefs.ErrSystem
}

// clean is a text that C can say: without NULs.
func (a *arena) clean(text string) *C.char {
	return a.text(strings.ReplaceAll(text, "\x00", `\0`))
}
