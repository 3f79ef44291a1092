package native

// #include "program.h"
import "C"

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"libnetns.dev/go/netns/errdefs"
)

// answer runs a callback of the program for C: its error, or its panic, becomes the library's, and comes out of the
// call that caused it as itself. What is called, "call Join of wires", is for people.
func answer(operation, subject string, raised **C.netns_error, run func() error) C.int32_t {
	// As in run, for the library's own threads.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	failed := attempt(run, operation+" "+subject)
	if failed == nil {
		return 0
	}
	return hand(operation, subject, failed, raised)
}

// refusal is an error of the program's, and what the library has to know of it.
type refusal struct {
	err  error
	kind errdefs.Kind
	text string
}

// attempt is what run answers. It stays in this goroutine, on this thread: C's frames are below it, and another one costs
// ten times as much as the call. What is called is for people.
func attempt(run func() error, what string) *refusal {
	returned := false
	defer func() {
		if !returned {
			refuseExit(what)
		}
	}()
	failed := recovered(run)
	returned = true
	return failed
}

// recovered is what run answers. It does not return where the goroutine ends, also when that panics on its way.
func recovered(run func() error) (failed *refusal) {
	defer func() {
		if value := recover(); value != nil {
			panicked := errdefs.Panicked(value)
			failed = &refusal{panicked, errdefs.ErrPanic, panicked.Short()}
		}
	}()
	err := run()
	if err == nil {
		return nil
	}
	// These are the program's methods, too.
	return &refusal{err, kindOf(err), textOf(err)}
}

// refuseExit ends the process: runtime.Goexit would leave the library in the middle of what it does, with its locks. The
// stack says who it was.
func refuseExit(what string) {
	const text = "libnetns: %s: the callback ended its goroutine (runtime.Goexit, testing.T.FailNow)\n\n%s"
	go panic(fmt.Sprintf(text, what, debug.Stack()))
	select {}
}

// hand makes the library's error of one of the program's.
func hand(operation, subject string, failed *refusal, raised **C.netns_error) C.int32_t {
	arena := newArena(operation)
	defer arena.free()
	made := C.netns_error_new(C.int32_t(failed.kind), arena.clean(operation), arena.clean(subject), arena.clean(failed.text), 0)
	token := keep(failed.err)
	if C.netns_go_error_set(made, C.uintptr_t(token)) == 0 {
		drop(token)
	}
	*raised = made
	return C.int32_t(failed.kind)
}

// category is the kind of errors that have one of the methods by which Docker's and containerd's packages know it.
var category = []struct {
	kind errdefs.Kind
	is   func(error) bool
}{
	{errdefs.ErrNotFound, has[interface{ NotFound() }]},
	{errdefs.ErrAlreadyExists, has[interface{ AlreadyExists() }]},
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

// kindOfFile is the kind of what package io/fs, and os with it, has names for.
var kindOfFile = []struct {
	kind errdefs.Kind
	err  error
}{
	{errdefs.ErrNotFound, fs.ErrNotExist},
	{errdefs.ErrAlreadyExists, fs.ErrExist},
	{errdefs.ErrPermissionDenied, fs.ErrPermission},
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
	for _, known := range kindOfFile {
		if errors.Is(err, known.err) {
			return known.kind
		}
	}
	return errdefs.ErrSystem
}

// textOf is an error in words. Stacks are for those who ask for them.
func textOf(err error) string {
	if panicked, ok := err.(*errdefs.Panic); ok {
		return panicked.Short()
	}
	return err.Error()
}

// clean is a text that C can say: without NULs.
func (a *arena) clean(text string) *C.char {
	return a.text(strings.ReplaceAll(text, "\x00", `\0`))
}
