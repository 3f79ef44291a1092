package netns

import (
	"os"

	"libnetns.dev/go/netns/internal/native"
)

// Sandbox is a container's network: a namespace, identified by the path where it is mounted (seed 000, Sandbox). The
// object is a handle, of three descriptors: Close leaves the sandbox as it is, Destroy ends it. Any number of goroutines
// may use it at once.
type Sandbox struct {
	handle    *native.Handle
	key, name string
}

// GenerateKey is the path of the sandbox of a container: /run/netns and the first 12 bytes of the container's id, a
// shorter id whole (seed 000, GenerateKey). It answers [errdefs.ErrBadRequest] when the id is no name.
func GenerateKey(id string) (string, error) {
	return native.GenerateKey(id)
}

// CreateSandbox makes a sandbox that the controller knows of, with lo up; `ip netns list` shows it. The name is 1 to 64
// letters, digits, '_', '.' and '-', the first a letter or a digit.
//
// It answers [errdefs.ErrAlreadyExists] when there is one of that name, [errdefs.ErrPermissionDenied] without
// CAP_SYS_ADMIN. Nothing is left behind.
func (c *Controller) CreateSandbox(name string) (*Sandbox, error) {
	return made(newSandbox)(native.CreateSandbox(c.native(), name))
}

// OpenSandbox opens the sandbox that this or another process, or `ip netns add`, made in the controller's directory. It
// answers [errdefs.ErrNotFound] when there is none, [errdefs.ErrBadRequest] when what lies there is no network namespace.
func (c *Controller) OpenSandbox(name string) (*Sandbox, error) {
	return made(newSandbox)(native.OpenSandbox(c.native(), name))
}

// Sandboxes is the names of the sandboxes that a controller made or joined and that are there, those in other directories
// than the controller's by their paths.
func (c *Controller) Sandboxes() ([]string, error) {
	return native.ListSandboxes(c.native())
}

// RemoveSandbox ends a sandbox of the controller's that is not open here, as Sandbox.Destroy does. One that is gone is no
// error.
func (c *Controller) RemoveSandbox(name string) error {
	return native.RemoveSandbox(c.native(), name)
}

// CreateSandboxIn makes a sandbox without a controller: nothing but the kernel knows of it. The base is the directory
// where it is mounted, absolute; empty for /run/netns. It fails as Controller.CreateSandbox does.
func CreateSandboxIn(base, name string) (*Sandbox, error) {
	return made(newSandbox)(native.CreateSandboxIn(base, name))
}

// OpenSandboxIn opens a sandbox without a controller, as Controller.OpenSandbox does.
func OpenSandboxIn(base, name string) (*Sandbox, error) {
	return made(newSandbox)(native.OpenSandboxIn(base, name))
}

// RemoveSandboxIn removes whatever sandbox is there without a controller, a stale file too. Nothing there is no error. It
// answers [errdefs.ErrForbidden] for a file that this library did not make.
func RemoveSandboxIn(base, name string) error {
	return native.RemoveSandboxIn(base, name)
}

// Close lets go of the object; the sandbox stays. It may be called again.
func (s *Sandbox) Close() error {
	s.native().Close()
	return nil
}

// Key is where the namespace is mounted (seed 000, Key), also after Close.
func (s *Sandbox) Key() string {
	if s == nil {
		return ""
	}
	return s.key
}

// Name is the last part of the key, what `ip netns` calls the sandbox, also after Close.
func (s *Sandbox) Name() string {
	if s == nil {
		return ""
	}
	return s.name
}

// Destroy ends the sandbox: unmounts it, and the kernel takes it down with every virtual device in it (seed 000,
// Destroy). Its endpoints leave it; those that Network.Connect made are deleted. Repeated calls succeed, also when
// somebody else removed the sandbox; one that was made at the same key since is left alone.
func (s *Sandbox) Destroy() error {
	return native.DestroySandbox(s.native())
}

// Namespace is the sandbox's namespace. It answers [errdefs.ErrNotFound] when the sandbox was destroyed by this object.
func (s *Sandbox) Namespace() (*Namespace, error) {
	return made(newNamespace)(native.SandboxNamespace(s.native()))
}

// File is a descriptor of the namespace, close-on-exec, for setns(2) and the like. The caller closes it; as long as it is
// open the namespace lives.
func (s *Sandbox) File() (*os.File, error) {
	fd, err := native.SandboxFd(s.native())
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), s.key), nil
}

// Do runs f inside the sandbox and answers its error.
//
// f runs on a thread of its own, in a goroutine of its own, and the thread ends with it: no goroutine is ever left
// elsewhere. What f calls is inside: system calls, sockets that it opens, which stay inside wherever they are used later,
// programs that it starts, and this library, for which the sandbox is the host then. Goroutines that f starts are
// outside; so is what packages do in goroutines of theirs, as net does to look up a name. A program that f starts with
// SysProcAttr.Pdeathsig dies when f returns, as its thread ends.
//
// A panic of f is raised here, as a *[Panic] with the value and the stack in f, and runtime.Goexit in f, as of testing.T.FailNow, ends the calling goroutine. Do may be
// called in f. runtime.UnlockOSThread may be called as often as LockOSThread was in f.
//
// It answers [errdefs.ErrNotFound] when the sandbox was destroyed by this object, [errdefs.ErrPermissionDenied] without
// CAP_SYS_ADMIN.
func (s *Sandbox) Do(f func() error) error {
	fd, err := native.SandboxFd(s.native())
	if err != nil {
		return err
	}
	return do(fd, s.key, f)
}

func newSandbox(handle *native.Handle) *Sandbox {
	key, name := native.SandboxKey(handle)
	return &Sandbox{handle, key, name}
}

func (s *Sandbox) native() *native.Handle {
	if s == nil {
		return nil
	}
	return s.handle
}
