package native

// #include <netns.h>
import "C"

import "unsafe"

// Info is netns_info.
type Info struct {
	Interfaces           []Interface
	Gateway, GatewayIPv6 string
	Routes               []Route
}

func (c *call) sandbox(handle *Handle) *C.netns_sandbox {
	return (*C.netns_sandbox)(c.object(handle))
}

func sandboxHandle(sandbox *C.netns_sandbox) *Handle {
	return newHandle("sandbox", unsafe.Pointer(sandbox), func(pointer unsafe.Pointer) {
		C.netns_sandbox_free((*C.netns_sandbox)(pointer))
	})
}

// CreateSandbox is netns_sandbox_create.
func CreateSandbox(controller *Handle, name string) (*Handle, error) {
	return ask("create sandbox", sandboxHandle, func(c *call, ret **C.netns_sandbox) C.int32_t {
		owner, name := c.controller(controller), c.text(name)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_create(owner, name, ret, &c.raised)
	})
}

// OpenSandbox is netns_sandbox_open.
func OpenSandbox(controller *Handle, name string) (*Handle, error) {
	return ask("open sandbox", sandboxHandle, func(c *call, ret **C.netns_sandbox) C.int32_t {
		owner, name := c.controller(controller), c.text(name)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_open(owner, name, ret, &c.raised)
	})
}

// CreateSandboxIn is netns_sandbox_create_in.
func CreateSandboxIn(base, name string) (*Handle, error) {
	return ask("create sandbox", sandboxHandle, func(c *call, ret **C.netns_sandbox) C.int32_t {
		base, name := c.optional(base), c.text(name)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_create_in(base, name, ret, &c.raised)
	})
}

// OpenSandboxIn is netns_sandbox_open_in.
func OpenSandboxIn(base, name string) (*Handle, error) {
	return ask("open sandbox", sandboxHandle, func(c *call, ret **C.netns_sandbox) C.int32_t {
		base, name := c.optional(base), c.text(name)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_open_in(base, name, ret, &c.raised)
	})
}

// RemoveSandbox is netns_sandbox_remove.
func RemoveSandbox(controller *Handle, name string) error {
	return run("destroy sandbox", func(c *call) C.int32_t {
		owner, name := c.controller(controller), c.text(name)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_remove(owner, name, &c.raised)
	})
}

// RemoveSandboxIn is netns_sandbox_remove_in.
func RemoveSandboxIn(base, name string) error {
	return run("destroy sandbox", func(c *call) C.int32_t {
		base, name := c.optional(base), c.text(name)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_remove_in(base, name, &c.raised)
	})
}

// ListSandboxes is netns_sandbox_list.
func ListSandboxes(controller *Handle) ([]string, error) {
	return ask("list sandboxes", takeNames, func(c *call, ret **C.netns_names) C.int32_t {
		owner := c.controller(controller)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_list(owner, ret, &c.raised)
	})
}

// GenerateKey is netns_sandbox_generate_key.
func GenerateKey(id string) (string, error) {
	var key string
	err := run("generate key", func(c *call) C.int32_t {
		id := c.text(id)
		if c.err != nil {
			return 0
		}
		size := one[C.size_t](c.arena)
		status := C.netns_sandbox_generate_key(id, nil, size, &c.raised)
		if status < 0 {
			return status
		}
		buffer := &allocate[C.char](c.arena, int(*size))[0]
		status = C.netns_sandbox_generate_key(id, buffer, size, &c.raised)
		key = C.GoString(buffer)
		return status
	})
	return key, err
}

// SandboxKey is netns_sandbox_key and netns_sandbox_name.
func SandboxKey(sandbox *Handle) (key, name string) {
	_ = run("name sandbox", func(c *call) C.int32_t {
		sandbox := c.sandbox(sandbox)
		key, name = C.GoString(C.netns_sandbox_key(sandbox)), C.GoString(C.netns_sandbox_name(sandbox))
		return 0
	})
	return key, name
}

// SandboxNamespace is netns_sandbox_namespace.
func SandboxNamespace(sandbox *Handle) (*Handle, error) {
	return ask("open namespace of sandbox", namespaceHandle, func(c *call, ret **C.netns_namespace) C.int32_t {
		sandbox := c.sandbox(sandbox)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_namespace(sandbox, ret, &c.raised)
	})
}

// SandboxFd is netns_sandbox_fd.
func SandboxFd(sandbox *Handle) (int, error) {
	return ask("open namespace of sandbox", takeFd, func(c *call, ret *C.int32_t) C.int32_t {
		sandbox := c.sandbox(sandbox)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_fd(sandbox, ret, &c.raised)
	})
}

// DestroySandbox is netns_sandbox_destroy.
func DestroySandbox(sandbox *Handle) error {
	return run("destroy sandbox", func(c *call) C.int32_t {
		sandbox := c.sandbox(sandbox)
		if c.err != nil {
			return 0
		}
		return C.netns_sandbox_destroy(sandbox, &c.raised)
	})
}
