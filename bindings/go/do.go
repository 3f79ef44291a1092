package netns

import (
	"errors"
	"os"
	"runtime"
	"syscall"

	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/native"
)

// visit is a function on its way through a namespace.
type visit struct {
	fd      int
	subject string
	f       func() error

	// How it ended: by an error or none, a panic, or runtime.Goexit.
	err      error
	panicked *errdefs.Panic
	exited   bool
}

// do runs f in the network namespace of the descriptor, which it closes.
func do(fd int, subject string, f func() error) error {
	defer syscall.Close(fd)
	if f == nil {
		return errdefs.New(errdefs.ErrBadRequest, "run inside", subject, "there is no function")
	}
	visit := &visit{fd: fd, subject: subject, f: f}
	ended := make(chan struct{})
	go visit.run(ended)
	<-ended
	if visit.panicked != nil {
		panic(visit.panicked)
	}
	if visit.exited {
		runtime.Goexit()
	}
	return visit.err
}

// run is the whole of a goroutine. It stays locked to its thread, which so ends with it.
func (v *visit) run(ended chan<- struct{}) {
	runtime.LockOSThread()
	if syscall.Gettid() == os.Getpid() {
		v.runElsewhere(ended)
		return
	}
	if err := native.EnterNamespace(v.fd); err != nil {
		runtime.UnlockOSThread()
		v.err = refused(v.subject, err)
		close(ended)
		return
	}
	// f may call runtime.Goexit, so what follows is deferred.
	v.exited = true
	defer close(ended)
	defer func() {
		if value := recover(); value != nil {
			v.panicked, v.exited = errdefs.Panicked(value), false
		}
	}()
	v.err = v.f()
	v.exited = false
}

// runElsewhere runs it on another thread: the process's first one cannot end, and would stay inside for good. It is held
// until then, so that the other goroutine cannot get it.
func (v *visit) runElsewhere(ended chan<- struct{}) {
	elsewhere := make(chan struct{})
	go v.run(elsewhere)
	<-elsewhere
	runtime.UnlockOSThread()
	close(ended)
}

func refused(subject string, err error) error {
	var number syscall.Errno
	errors.As(err, &number)
	kind := errdefs.ErrSystem
	if number == syscall.EPERM {
		kind = errdefs.ErrPermissionDenied
	}
	return errdefs.Categorized(&errdefs.Error{
		Kind: kind, Operation: "enter namespace", Subject: subject, Errno: number,
		Message: "enter namespace " + subject + ": " + err.Error(),
	})
}
