package netns

import (
	"fmt"
	"net/netip"

	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/native"
)

// Ipam is what manages addresses: it hands out pools to networks and addresses to endpoints (Docker's IpamDriver).
//
// Methods are called as those of a driverapi.Driver. They may ask the controller for the list of networks, but must not
// make, join or take away anything. Every release may be repeated, and succeeds when there is nothing to release.
type Ipam interface {
	// DefaultAddressSpaces is the names of the address spaces whose pools are chosen where nobody names one; Docker's
	// are LocalDefault and GlobalDefault.
	DefaultAddressSpaces() (local, global string, err error)
	// RequestPool is a pool for a network.
	RequestPool(request PoolRequest) (Pool, error)
	// ReleasePool gives a pool back, by its id, with all its addresses.
	ReleasePool(id string) error
	// RequestAddress is an address of a pool.
	RequestAddress(request AddressRequest) (Address, error)
	// ReleaseAddress gives an address back to the pool of an id.
	ReleaseAddress(pool string, address netip.Addr) error
}

// PoolRequest is what a network asks of its address management.
type PoolRequest struct {
	// AddressSpace is where the pool is to be from.
	AddressSpace string
	// Pool is the one that is wanted. The zero value leaves the choice to the address management.
	Pool netip.Prefix
	// SubPool is the part of the pool that addresses come from when none is asked for by name. The zero value is all.
	SubPool netip.Prefix
	// IPv6 is whether the pool is to be one of IPv6, when none is named.
	IPv6 bool
	// InUse is what the pool must not overlap: the pools of other networks and the host's routes.
	InUse []netip.Prefix
	// Options are those of the network's address management.
	Options map[string]string
}

// Pool is a pool that an address management gave.
type Pool struct {
	// Pool is the subnet, without host bits.
	Pool netip.Prefix
	// ID is how it is known from now on: SPACE/POOL or SPACE/POOL/SUB-POOL, as in "LocalDefault/10.1.0.0/16". Empty
	// is that of the request's address space and sub-pool.
	ID string
	// Data is what the address management says besides.
	Data map[string]string
}

// AddressRequest is what an endpoint, or a network for its gateway, asks of its address management.
type AddressRequest struct {
	// Pool is the pool's id.
	Pool string
	// Address is the one that is wanted. The zero value is a free one.
	Address netip.Addr
	// Options has "RequestAddressType" as "com.docker.network.gateway" where it is for a gateway.
	Options map[string]string
}

// Address is an address that an address management gave.
type Address struct {
	// Address has the pool's prefix length: 10.1.0.5/16.
	Address netip.Prefix
	// Data is what the address management says besides.
	Data map[string]string
}

// RegisterIpam makes an address management known by a name, for networks whose definition says so. It is known to this
// controller alone, until that is closed and no object of it is left. The library refers to it until then: a controller
// that its own address management refers to is never collected as garbage, and needs Close. It is ErrForbidden when the
// name is taken.
func (c *Controller) RegisterIpam(name string, ipam Ipam) error {
	if ipam == nil {
		return native.RegisterIpam(c.native(), name, nil)
	}
	return native.RegisterIpam(c.native(), name, ipamAdapter{ipam})
}

// ipamAdapter is an Ipam whose addresses are texts.
type ipamAdapter struct{ Ipam }

func (a ipamAdapter) RequestPool(request native.PoolRequest) (pool, id string, data map[string]string, err error) {
	asked := PoolRequest{
		AddressSpace: request.AddressSpace,
		IPv6:         request.Flags&native.PoolIPv6 != 0,
		Options:      request.Options,
	}
	if asked.Pool, err = parsePrefix(request.Pool); err != nil {
		return "", "", nil, err
	}
	if asked.SubPool, err = parsePrefix(request.SubPool); err != nil {
		return "", "", nil, err
	}
	for _, text := range request.InUse {
		used, err := parsePrefix(text)
		if err != nil {
			return "", "", nil, err
		}
		asked.InUse = append(asked.InUse, used)
	}
	given, err := a.Ipam.RequestPool(asked)
	if err == nil && !given.Pool.IsValid() {
		err = errdefs.New(errdefs.ErrBadRequest, "use", "the pool of RequestPool", "it is none")
	}
	return fmt.Sprint(given.Pool), given.ID, given.Data, err
}

func (a ipamAdapter) RequestAddress(pool, address string, options map[string]string) (string, map[string]string, error) {
	request := AddressRequest{Pool: pool, Options: options}
	if address != "" {
		wanted, err := netip.ParseAddr(address)
		if err != nil {
			return "", nil, err
		}
		request.Address = wanted
	}
	given, err := a.Ipam.RequestAddress(request)
	if err == nil && !given.Address.IsValid() {
		err = errdefs.New(errdefs.ErrBadRequest, "use", "the address of RequestAddress", "it is none")
	}
	return fmt.Sprint(given.Address), given.Data, err
}

func (a ipamAdapter) ReleaseAddress(pool, address string) error {
	released, err := netip.ParseAddr(address)
	if err != nil {
		return err
	}
	return a.Ipam.ReleaseAddress(pool, released)
}

// parsePrefix is the zero value of an empty text.
func parsePrefix(text string) (netip.Prefix, error) {
	if text == "" {
		return netip.Prefix{}, nil
	}
	return netip.ParsePrefix(text)
}
