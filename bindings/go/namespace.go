package netns

import (
	"fmt"
	"os"

	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/native"
)

// Namespace is a network namespace, kept alive by an open descriptor (network_namespaces(7)). Any number of goroutines
// may use it at once.
type Namespace struct {
	handle *native.Handle
}

// CreateNamespace makes a namespace that nothing but the object keeps alive. It answers [errdefs.ErrPermissionDenied]
// without CAP_SYS_ADMIN, [errdefs.ErrResourceExhausted] when user.max_net_namespaces is reached.
func CreateNamespace() (*Namespace, error) {
	return made(newNamespace)(native.CreateNamespace())
}

// CurrentNamespace is the calling thread's namespace: outside of a Do, that of the process. It answers
// [errdefs.ErrNotFound] when /proc is not mounted.
func CurrentNamespace() (*Namespace, error) {
	return made(newNamespace)(native.CurrentNamespace())
}

// OpenNamespace is the namespace that a file names: a bind mount such as /run/netns/web, or /proc/PID/ns/net. It answers
// [errdefs.ErrNotFound] when there is no such file, [errdefs.ErrBadRequest] when it is no network namespace.
func OpenNamespace(path string) (*Namespace, error) {
	return made(newNamespace)(native.OpenNamespace(path))
}

// NamespaceOfPid is the network namespace of a process. It answers [errdefs.ErrNotFound] when there is no such process,
// [errdefs.ErrPermissionDenied] when it is not the caller's to inspect.
func NamespaceOfPid(pid uint32) (*Namespace, error) {
	return made(newNamespace)(native.NamespaceOfPid(pid))
}

// NamespaceOfFile is the namespace of an open file, which stays the caller's. It answers [errdefs.ErrBadRequest] when it
// is none of a network namespace, or not open.
func NamespaceOfFile(file *os.File) (*Namespace, error) {
	var namespace *Namespace
	var answer error
	raw, err := file.SyscallConn()
	if err == nil {
		// The descriptor stays open meanwhile.
		err = raw.Control(func(fd uintptr) { namespace, answer = made(newNamespace)(native.NamespaceOfFd(int32(fd))) })
	}
	if err != nil {
		return nil, errdefs.New(errdefs.ErrBadRequest, "open namespace", "of file", err.Error())
	}
	return namespace, answer
}

// ForgetNamespace unmounts and removes what Namespace.Persist made; no error when it is gone. It answers
// [errdefs.ErrForbidden] for a file that is not one of those.
func ForgetNamespace(path string) error {
	return native.ForgetNamespace(path)
}

// Close lets go of the object; a namespace that nothing else keeps alive goes with it. It may be called again.
func (n *Namespace) Close() error {
	n.native().Close()
	return nil
}

// Persist mounts the namespace on a new file, so that it outlives its descriptors and others can open it; its directory
// is made when it is missing. Under /run/netns, `ip netns` sees it.
//
// It answers [errdefs.ErrAlreadyExists] when something other than a stale empty file is there,
// [errdefs.ErrPermissionDenied] without CAP_SYS_ADMIN. Nothing is left behind.
func (n *Namespace) Persist(path string) error {
	return native.PersistNamespace(n.native(), path)
}

// ID is the numbers of device and inode of its file, which tell one namespace from another (namespaces(7)). The inode is
// that of `readlink /proc/self/ns/net`.
func (n *Namespace) ID() (device, inode uint64, err error) {
	return native.NamespaceID(n.native())
}

// File is a descriptor of the namespace, close-on-exec, which the caller closes.
func (n *Namespace) File() (*os.File, error) {
	fd, err := native.NamespaceFd(n.native())
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), n.String()), nil
}

// Do runs f inside the namespace, as Sandbox.Do does, panics and all. A program that f starts with
// SysProcAttr.Pdeathsig dies when f returns.
func (n *Namespace) Do(f func() error) error {
	fd, err := native.NamespaceFd(n.native())
	if err != nil {
		return err
	}
	return do(fd, n.String(), f)
}

// String is as of `readlink /proc/self/ns/net`: "net:[4026531840]".
func (n *Namespace) String() string {
	_, inode, err := n.ID()
	if err != nil {
		return "net:[closed]"
	}
	return fmt.Sprintf("net:[%d]", inode)
}

func newNamespace(handle *native.Handle) *Namespace {
	return &Namespace{handle}
}

func (n *Namespace) native() *native.Handle {
	if n == nil {
		return nil
	}
	return n.handle
}
