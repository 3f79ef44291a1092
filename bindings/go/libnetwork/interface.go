package libnetwork

import (
	"fmt"
	"math"
	"net"
	"net/netip"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
)

// Interface represents the settings and identity of a network device. It is used as a return type for Network.Link, and it
// is common practice for the caller to use this information when moving interface SrcName from host namespace to DstName
// in a different net namespace with the appropriate network settings. What is empty is not set.
type Interface struct {
	// SrcName is the name of the interface in the origin network namespace.
	SrcName string
	// DstName is the name that is assigned to the interface as it moves inside; empty for "eth" and the lowest number
	// that is free.
	DstName string
	// MacAddress is "02:42:0a:01:00:05".
	MacAddress string
	// Address is the IPv4 address for the interface, "10.1.0.5/24".
	Address string
	// AddressIPv6 is the IPv6 address for the interface, with its prefix length.
	AddressIPv6 string
	// Gateway is the IPv4 gateway for the interface.
	Gateway string
	// GatewayIPv6 is the IPv6 gateway for the interface.
	GatewayIPv6 string
	// MTU is in bytes; 0 leaves the device's own.
	MTU int
}

func interfaceOf(device netns.Interface) *Interface {
	return &Interface{
		SrcName:     device.SrcName,
		DstName:     device.Name,
		MacAddress:  device.MAC.String(),
		Address:     text(device.Address),
		AddressIPv6: text(device.AddressIPv6),
		Gateway:     text(device.Gateway),
		GatewayIPv6: text(device.GatewayIPv6),
		MTU:         int(device.MTU),
	}
}

func (i *Interface) netns() (netns.Interface, error) {
	if i == nil {
		return netns.Interface{}, refused("interface", "it is nil")
	}
	if i.MTU < 0 || i.MTU > math.MaxInt32 {
		return netns.Interface{}, refused(fmt.Sprintf("MTU %d", i.MTU), "it is no number of bytes")
	}
	var reading reading
	own := netns.Interface{
		SrcName:     i.SrcName,
		Name:        i.DstName,
		MAC:         read(&reading, i.MacAddress, net.ParseMAC),
		Address:     read(&reading, i.Address, netip.ParsePrefix),
		AddressIPv6: read(&reading, i.AddressIPv6, netip.ParsePrefix),
		Gateway:     read(&reading, i.Gateway, netip.ParseAddr),
		GatewayIPv6: read(&reading, i.GatewayIPv6, netip.ParseAddr),
		MTU:         uint32(i.MTU),
	}
	return own, reading.err
}

// reading is of several texts: its error is that of the first that cannot be read.
type reading struct {
	err error
}

// read is what the text says; an empty one is not set.
func read[T any](reading *reading, text string, parse func(string) (T, error)) T {
	var value T
	if text == "" {
		return value
	}
	value, err := parse(text)
	if err != nil && reading.err == nil {
		reading.err = refused(fmt.Sprintf("%q", text), err.Error())
	}
	return value
}

// text is empty where the address is not set.
func text(address interface {
	IsValid() bool
	String() string
}) string {
	if !address.IsValid() {
		return ""
	}
	return address.String()
}

func refused(subject, cause string) error {
	return errdefs.New(errdefs.ErrBadRequest, "use", subject, cause)
}
