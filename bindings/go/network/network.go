// Package network is libcontainer's first networks (seed 001): single changes of links, and strategies by which a
// container comes to its network.
//
// All of it is about the network namespace of the calling thread. A goroutine that is somewhere else than the process is
// to be locked to its thread (runtime.LockOSThread) while it calls.
//
// Errors are those of errdefs: errdefs.ErrNotFound where there is no such link, and so on.
package network

import (
	"fmt"
	"math"

	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/argument"
	"libnetns.dev/go/netns/internal/native"
)

// ChangeInterfaceName renames a link; to its own name is no error. Before Linux 6.2 the kernel refuses while the link is
// up.
func ChangeInterfaceName(old, newName string) error {
	return native.SetLinkName(old, newName)
}

// CreateVethPair makes a pair of connected interfaces, both down. It is errdefs.ErrAlreadyExists, and neither is made,
// when a name is taken.
func CreateVethPair(name1, name2 string) error {
	return native.CreateVeth(name1, name2)
}

// InterfaceDown takes a link down; one that is down is no error.
func InterfaceDown(name string) error {
	return native.SetLinkDown(name)
}

// InterfaceUp brings a link up; one that is up is no error.
func InterfaceUp(name string) error {
	return native.SetLinkUp(name)
}

// SetDefaultGateway adds the default route of the gateway's family, "10.1.0.1" or "fd01::1", through a link. It is
// errdefs.ErrAlreadyExists when there is one.
func SetDefaultGateway(ip, ifaceName string) error {
	return native.SetDefaultGateway(ip, ifaceName)
}

// SetInterfaceInNamespaceFd moves a link to the network namespace of a descriptor, under the name that it has. The kernel
// takes it down on the way.
func SetInterfaceInNamespaceFd(name string, fd uintptr) error {
	if fd > math.MaxInt32 {
		return refuse("move link", name, fmt.Sprintf("%d is no descriptor", fd))
	}
	return native.SetLinkNsFd(name, int32(fd))
}

// SetInterfaceInNamespacePid moves a link to the network namespace of a process.
func SetInterfaceInNamespacePid(name string, nsPid int) error {
	pid, err := argument.Process("move link", name, nsPid)
	if err != nil {
		return err
	}
	return native.SetLinkNsPid(name, pid)
}

// SetInterfaceIp adds an address with its prefix length, "10.1.0.5/24" or "fd01::5/64", to a link.
func SetInterfaceIp(name string, rawIp string) error { //nolint:revive,staticcheck // seed 001's name
	return native.SetLinkAddress(name, rawIp)
}

// SetInterfaceMaster makes a link a port of a bridge; one that is a port of it is no error.
func SetInterfaceMaster(name, master string) error {
	return native.SetLinkMaster(name, master)
}

// SetMtu sets a link's MTU: 68 to 65535 bytes.
func SetMtu(name string, mtu int) error {
	if mtu < 0 || mtu > math.MaxInt32 {
		return refuse("set MTU of link", name, fmt.Sprintf("%d is no MTU", mtu))
	}
	return native.SetLinkMTU(name, uint32(mtu))
}

func refuse(operation, subject, cause string) error {
	return errdefs.New(errdefs.ErrBadRequest, operation, subject, cause)
}
