package sandbox

import (
	"net"
	"net/netip"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
)

func (i *Interface) netns() (netns.Interface, error) {
	if i == nil {
		return netns.Interface{}, errdefs.New(errdefs.ErrBadRequest, "use", "interface", "it is nil")
	}
	address, err := prefix(i.Address)
	if err != nil {
		return netns.Interface{}, err
	}
	addressIPv6, err := prefix(i.AddressIPv6)
	if err != nil {
		return netns.Interface{}, err
	}
	return netns.Interface{SrcName: i.SrcName, Name: i.DstName, Address: address, AddressIPv6: addressIPv6}, nil
}

func interfacesOf(interfaces []netns.Interface) []*Interface {
	var of []*Interface
	for _, own := range interfaces {
		of = append(of, &Interface{
			SrcName:     own.SrcName,
			DstName:     own.Name,
			Address:     ipNet(own.Address),
			AddressIPv6: ipNet(own.AddressIPv6),
		})
	}
	return of
}

// addr is the address; an empty one is not set.
func addr(ip net.IP) (netip.Addr, error) {
	if len(ip) == 0 {
		return netip.Addr{}, nil
	}
	address, ok := netip.AddrFromSlice(ip)
	if !ok {
		return netip.Addr{}, errdefs.New(errdefs.ErrBadRequest, "use address", ip.String(), "it has neither 4 nor 16 bytes")
	}
	return address.Unmap(), nil
}

// prefix is the address with its prefix length; nil is not set.
func prefix(network *net.IPNet) (netip.Prefix, error) {
	if network == nil {
		return netip.Prefix{}, nil
	}
	address, err := addr(network.IP)
	if err != nil {
		return netip.Prefix{}, err
	}
	length, bits := network.Mask.Size()
	// The mask of an IPv4 address may be that of its IPv6 form.
	of := netip.PrefixFrom(address, length-(bits-address.BitLen()))
	if bits < address.BitLen() || !of.IsValid() {
		return netip.Prefix{}, errdefs.New(errdefs.ErrBadRequest, "use address", network.String(), "address and mask do not go together")
	}
	return of, nil
}

func ipNet(prefix netip.Prefix) *net.IPNet {
	if !prefix.IsValid() {
		return nil
	}
	return &net.IPNet{
		IP:   prefix.Addr().AsSlice(),
		Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen()),
	}
}
