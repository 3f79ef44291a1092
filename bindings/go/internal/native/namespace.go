package native

// #define _GNU_SOURCE
// #include <sched.h>
// #include <netns.h>
import "C"

import "unsafe"

func (c *call) namespace(handle *Handle) *C.netns_namespace {
	return (*C.netns_namespace)(c.object(handle))
}

func namespaceHandle(namespace *C.netns_namespace) *Handle {
	return newHandle("namespace", unsafe.Pointer(namespace), func(pointer unsafe.Pointer) {
		C.netns_namespace_free((*C.netns_namespace)(pointer))
	})
}

// CurrentNamespace is netns_namespace_current.
func CurrentNamespace() (*Handle, error) {
	return ask("open namespace", namespaceHandle, func(c *call, ret **C.netns_namespace) C.int32_t {
		return C.netns_namespace_current(ret, &c.raised)
	})
}

// CreateNamespace is netns_namespace_create.
func CreateNamespace() (*Handle, error) {
	return ask("create namespace", namespaceHandle, func(c *call, ret **C.netns_namespace) C.int32_t {
		return C.netns_namespace_create(ret, &c.raised)
	})
}

// OpenNamespace is netns_namespace_open.
func OpenNamespace(path string) (*Handle, error) {
	return ask("open namespace", namespaceHandle, func(c *call, ret **C.netns_namespace) C.int32_t {
		path := c.text(path)
		if c.err != nil {
			return 0
		}
		return C.netns_namespace_open(path, ret, &c.raised)
	})
}

// NamespaceOfPid is netns_namespace_of_pid.
func NamespaceOfPid(pid uint32) (*Handle, error) {
	return ask("open namespace", namespaceHandle, func(c *call, ret **C.netns_namespace) C.int32_t {
		return C.netns_namespace_of_pid(C.uint32_t(pid), ret, &c.raised)
	})
}

// NamespaceOfFd is netns_namespace_of_fd.
func NamespaceOfFd(fd int32) (*Handle, error) {
	return ask("open namespace", namespaceHandle, func(c *call, ret **C.netns_namespace) C.int32_t {
		return C.netns_namespace_of_fd(C.int32_t(fd), ret, &c.raised)
	})
}

// PersistNamespace is netns_namespace_persist.
func PersistNamespace(namespace *Handle, path string) error {
	return run("persist namespace", func(c *call) C.int32_t {
		namespace, path := c.namespace(namespace), c.text(path)
		if c.err != nil {
			return 0
		}
		return C.netns_namespace_persist(namespace, path, &c.raised)
	})
}

// ForgetNamespace is netns_namespace_forget.
func ForgetNamespace(path string) error {
	return run("forget namespace", func(c *call) C.int32_t {
		path := c.text(path)
		if c.err != nil {
			return 0
		}
		return C.netns_namespace_forget(path, &c.raised)
	})
}

// NamespaceID is netns_namespace_device and netns_namespace_inode.
func NamespaceID(namespace *Handle) (device, inode uint64, err error) {
	err = run("identify namespace", func(c *call) C.int32_t {
		namespace := c.namespace(namespace)
		device, inode = uint64(C.netns_namespace_device(namespace)), uint64(C.netns_namespace_inode(namespace))
		return 0
	})
	return device, inode, err
}

// NamespaceFd is netns_namespace_fd.
func NamespaceFd(namespace *Handle) (int, error) {
	return ask("open namespace", takeFd, func(c *call, ret *C.int32_t) C.int32_t {
		namespace := c.namespace(namespace)
		if c.err != nil {
			return 0
		}
		return C.netns_namespace_fd(namespace, ret, &c.raised)
	})
}

// EnterNamespace moves the calling thread to the network namespace of a descriptor (setns(2)). There is no way back
// that Go's runtime would not have to know of: the goroutine is to be locked to the thread, which must end with it.
func EnterNamespace(fd int) error {
	_, err := C.setns(C.int(fd), C.CLONE_NEWNET)
	return err
}
