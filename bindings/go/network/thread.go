package network

import (
	"os"
	"runtime"
	"syscall"
)

// attempts is how often it is tried to leave the process's first thread: that of a goroutine that its caller has locked
// there cannot be left.
const attempts = 100

// lockThread locks the goroutine to a thread that ends with it. The process's first one cannot end, and would stay where
// it was taken to for good, so it is left where that is possible.
func lockThread() {
	for range attempts {
		runtime.LockOSThread()
		if !onFirstThread() {
			return
		}
		runtime.UnlockOSThread()
		if free, ok := holdFirstThread(); ok {
			runtime.LockOSThread()
			close(free)
			return
		}
	}
	runtime.LockOSThread()
}

// holdFirstThread has another goroutine be on the first thread, until free is closed.
func holdFirstThread() (free chan struct{}, ok bool) {
	free, held := make(chan struct{}), make(chan bool)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		first := onFirstThread()
		held <- first
		if first {
			<-free
		}
	}()
	return free, <-held
}

func onFirstThread() bool {
	return syscall.Gettid() == os.Getpid()
}
