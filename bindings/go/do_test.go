package netns_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/testhost"
)

// alone is a namespace that is gone at the end.
func alone(t testing.TB) *netns.Namespace {
	t.Helper()
	testhost.Clean(t)
	namespace := must(netns.CreateNamespace())
	t.Cleanup(func() { ok(t, namespace.Close()) })
	return namespace
}

func TestDoIsInsideAndNothingElseIs(t *testing.T) {
	namespace := alone(t)
	outside, inside := testhost.Here(), namespace.String()
	if inside == outside {
		t.Fatal("it is no other namespace")
	}
	var here, goroutine, program string
	ok(t, namespace.Do(func() error {
		here = testhost.Here()
		started := make(chan string)
		go func() { started <- testhost.Here() }()
		goroutine = <-started
		text, err := exec.Command("readlink", "/proc/self/ns/net").Output()
		program = strings.TrimSpace(string(text))
		return err
	}))
	if here != inside || program != inside || goroutine != outside {
		t.Errorf("inside %s: f %s, a program %s, a goroutine %s", inside, here, program, goroutine)
	}
	if testhost.Here() != outside {
		t.Error("the caller is elsewhere")
	}
}

func TestDoAnswersTheError(t *testing.T) {
	namespace := alone(t)
	mine := errors.New("mine")
	if err := namespace.Do(func() error { return mine }); err != mine {
		t.Error(err)
	}
	is(t, namespace.Do(nil), errdefs.ErrBadRequest)
}

func TestDoIsNested(t *testing.T) {
	first, second := alone(t), alone(t)
	ok(t, first.Do(func() error {
		if testhost.Here() != first.String() {
			t.Error("not in the first")
		}
		err := second.Do(func() error {
			if testhost.Here() != second.String() {
				t.Error("not in the second")
			}
			return nil
		})
		if testhost.Here() != first.String() {
			t.Error("not in the first any more")
		}
		return err
	}))
}

func TestAPanicInDoIsTheCallers(t *testing.T) {
	namespace := alone(t)
	for _, thrown := range []any{"text", 7, errors.New("error")} {
		func() {
			defer func() {
				caught, is := recover().(*netns.Panic)
				if !is || caught.Value != thrown || !strings.Contains(caught.Error(), "do_test.go") {
					t.Errorf("%v, not %v", caught, thrown)
				}
			}()
			// The innermost place counts.
			err := namespace.Do(func() error { return namespace.Do(func() error { panic(thrown) }) })
			t.Error("it returned", err)
		}()
	}
	func() {
		defer func() {
			var mistake runtime.Error
			if caught, is := recover().(error); !is || !errors.As(caught, &mistake) || !errors.Is(caught, netns.ErrPanic) {
				t.Error("it is no runtime.Error")
			}
		}()
		_ = namespace.Do(func() error {
			var nothing []int
			return errors.New(string(rune(nothing[3])))
		})
	}()
	if testhost.Here() != testhost.Home() {
		t.Error("the caller is elsewhere")
	}
}

func TestGoexitInDoEndsTheCaller(t *testing.T) {
	namespace := alone(t)
	returned, cleaned := false, false
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		_ = namespace.Do(func() error {
			defer func() { cleaned = true }()
			runtime.Goexit()
			return nil
		})
		returned = true
	}()
	group.Wait()
	if returned || !cleaned {
		t.Error("returned", returned, "cleaned", cleaned)
	}
}

func TestDoOfALockedGoroutine(t *testing.T) {
	namespace := alone(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread := syscall.Gettid()
	ok(t, namespace.Do(func() error {
		if syscall.Gettid() == thread || testhost.Here() != namespace.String() {
			t.Error("it is on the caller's thread")
		}
		return nil
	}))
	if syscall.Gettid() != thread || testhost.Here() != testhost.Home() {
		t.Error("the caller is elsewhere")
	}
}

// The process's first thread cannot end: whatever thread a goroutine got, /proc/self/ns/net stays what it is.
func TestTheFirstThreadStaysAtHome(t *testing.T) {
	namespace := alone(t)
	home := testhost.Home()
	var group sync.WaitGroup
	for range 200 {
		group.Add(1)
		go func() {
			defer group.Done()
			if err := namespace.Do(func() error { return nil }); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	if testhost.Home() != home {
		t.Error("the process is elsewhere")
	}
}

func TestSocketsOfDoStayInside(t *testing.T) {
	namespace := alone(t)
	var listener net.Listener
	ok(t, namespace.Do(func() (err error) {
		if _, err = exec.Command("ip", "link", "set", "lo", "up").Output(); err != nil {
			return err
		}
		listener, err = net.Listen("tcp", "127.0.0.1:0")
		return err
	}))
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			conn.Close()
		}
	}()
	address := listener.Addr().String()
	if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		conn.Close()
		t.Error("it was reached from outside")
	}
	ok(t, namespace.Do(func() error {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err
	}))
}

func TestTheLibraryInsideOfDo(t *testing.T) {
	controller := open(t)
	web := sandbox(t, controller, "web")
	base := t.TempDir()
	ok(t, web.Do(func() error {
		current := must(netns.CurrentNamespace())
		defer current.Close()
		if current.String() != testhost.Here() {
			t.Error(current)
		}
		bridge, err := netns.CreateBridge("inner", netns.BridgeOptions{})
		if err != nil {
			return err
		}
		defer bridge.Close()
		nested, err := netns.CreateSandboxIn(base, "nested")
		if err != nil {
			return err
		}
		defer nested.Close()
		return errors.Join(nested.Destroy(), bridge.Delete())
	}))
}

func TestNamespacesComeFromEverywhere(t *testing.T) {
	namespace := alone(t)
	file := must(namespace.File())
	defer file.Close()
	of := must(netns.NamespaceOfFile(file))
	defer of.Close()
	path := filepath.Join(t.TempDir(), "kept")
	ok(t, namespace.Persist(path))
	is(t, namespace.Persist(path), errdefs.ErrAlreadyExists)
	opened := must(netns.OpenNamespace(path))
	defer opened.Close()
	mine := must(netns.NamespaceOfPid(uint32(os.Getpid())))
	defer mine.Close()
	current := must(netns.CurrentNamespace())
	defer current.Close()
	if of.String() != namespace.String() || opened.String() != namespace.String() || mine.String() != testhost.Home() || current.String() != mine.String() {
		t.Error(namespace, of, opened, mine, current)
	}
	device, inode, err := namespace.ID()
	var stat syscall.Stat_t
	ok(t, syscall.Stat(path, &stat))
	if err != nil || device != stat.Dev || inode != stat.Ino {
		t.Error(device, inode, err)
	}
	ok(t, netns.ForgetNamespace(path))
	ok(t, netns.ForgetNamespace(path))
	_, err = netns.OpenNamespace(path)
	is(t, err, errdefs.ErrNotFound)
	_, err = netns.OpenNamespace("/etc/hostname")
	is(t, err, errdefs.ErrBadRequest)
	_, err = netns.NamespaceOfPid(1 << 31)
	is(t, err, errdefs.ErrNotFound)
	null := must(os.Open("/dev/null"))
	_, err = netns.NamespaceOfFile(null)
	is(t, err, errdefs.ErrBadRequest)
	ok(t, null.Close())
	_, err = netns.NamespaceOfFile(null)
	is(t, err, errdefs.ErrBadRequest)
	_, err = netns.NamespaceOfFile(nil)
	is(t, err, errdefs.ErrBadRequest)
}

func TestASandboxsNamespace(t *testing.T) {
	controller := open(t)
	web := sandbox(t, controller, "web")
	namespace := must(web.Namespace())
	defer namespace.Close()
	file := must(web.File())
	defer file.Close()
	of := must(netns.NamespaceOfFile(file))
	defer of.Close()
	ok(t, web.Do(func() error {
		if here := testhost.Here(); here != namespace.String() || here != of.String() {
			t.Error(here, namespace, of)
		}
		return nil
	}))
}
