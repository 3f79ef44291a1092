package configs

import (
	"fmt"
	"slices"

	"libnetns.dev/go/netns/internal/native"
)

// NamespaceType is a type of namespace, as runc calls it.
type NamespaceType string

// The types of namespaces. They are tested against the library's.
const (
	NEWNET    NamespaceType = "NEWNET"
	NEWPID    NamespaceType = "NEWPID"
	NEWNS     NamespaceType = "NEWNS"
	NEWUTS    NamespaceType = "NEWUTS"
	NEWIPC    NamespaceType = "NEWIPC"
	NEWUSER   NamespaceType = "NEWUSER"
	NEWCGROUP NamespaceType = "NEWCGROUP"
	NEWTIME   NamespaceType = "NEWTIME"
)

// NamespaceTypes is all types, in the order in which a process should enter them: users first.
func NamespaceTypes() []NamespaceType {
	var types []NamespaceType
	for _, number := range native.NamespaceTypes() {
		types = append(types, NamespaceType(native.NamespaceTypeName(number)))
	}
	return types
}

// NsName is the file of a type in /proc/PID/ns: "net", "mnt"; empty for what is no type.
func NsName(ns NamespaceType) string {
	return native.NamespaceTypeFile(ns.number())
}

// IsNamespaceSupported is whether this kernel has namespaces of a type.
func IsNamespaceSupported(ns NamespaceType) bool {
	return native.NamespaceTypeIsSupported(ns.number())
}

// number is a netns_namespace_type, 0 for none.
func (t NamespaceType) number() int32 {
	return native.NamespaceTypeFromName(string(t))
}

// Namespace is a namespace of a container: a new one, or that of a path.
type Namespace struct {
	Type NamespaceType `json:"type"`
	Path string        `json:"path"`
}

// GetPath is where the namespace is: its path, or that of a process.
func (n *Namespace) GetPath(pid int) string {
	if n.Path != "" {
		return n.Path
	}
	return fmt.Sprintf("/proc/%d/ns/%s", pid, NsName(n.Type))
}

// Namespaces are those of a container, one of a type at most.
type Namespaces []Namespace

// Add adds a namespace, or gives the one of that type another path. An empty path is a new one.
func (n *Namespaces) Add(t NamespaceType, path string) {
	if at := n.index(t); at >= 0 {
		(*n)[at].Path = path
		return
	}
	*n = append(*n, Namespace{Type: t, Path: path})
}

// Remove takes the namespace of a type out, and is whether there was one.
func (n *Namespaces) Remove(t NamespaceType) bool {
	at := n.index(t)
	if at < 0 {
		return false
	}
	*n = slices.Delete(*n, at, at+1)
	return true
}

// Contains is whether there is one of a type, new or to be joined.
func (n *Namespaces) Contains(t NamespaceType) bool {
	return n.index(t) >= 0
}

// IsPrivate is whether there is a new one of a type.
func (n *Namespaces) IsPrivate(t NamespaceType) bool {
	at := n.index(t)
	return at >= 0 && (*n)[at].Path == ""
}

// PathOf is the path of the one of a type: empty when it is a new one, and when there is none.
func (n *Namespaces) PathOf(t NamespaceType) string {
	at := n.index(t)
	if at < 0 {
		return ""
	}
	return (*n)[at].Path
}

// CloneFlags is the flags of clone(2) and unshare(2) of all that are new; those with a path are left out. CLONE_NEWTIME,
// 0x80, is for unshare(2) and clone3(2) alone.
func (n *Namespaces) CloneFlags() uintptr {
	var flags uintptr
	for _, namespace := range n.all() {
		if namespace.Path == "" {
			flags |= uintptr(native.NamespaceTypeCloneFlag(namespace.Type.number()))
		}
	}
	return flags
}

func (n *Namespaces) index(t NamespaceType) int {
	return slices.IndexFunc(n.all(), func(namespace Namespace) bool { return namespace.Type == t })
}

func (n *Namespaces) all() []Namespace {
	if n == nil {
		return nil
	}
	return *n
}
