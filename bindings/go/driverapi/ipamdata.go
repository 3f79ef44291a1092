package driverapi

import (
	"encoding/json"
	"fmt"
	"net"

	"libnetns.dev/go/netns/errdefs"
)

// IPAMData is a network's addresses of one family, as its driver sees them.
type IPAMData struct {
	// AddressSpace is where the pool is from; it may be empty.
	AddressSpace string
	// Pool is the subnet, or nil.
	Pool *net.IPNet
	// Gateway is the gateway with the subnet's prefix length, or nil.
	Gateway *net.IPNet
	// AuxAddresses are addresses that others have, by their names.
	AuxAddresses map[string]*net.IPNet
}

// wire is IPAMData in JSON, as plugins get it.
type wire struct {
	AddressSpace string
	AuxAddresses map[string]string `json:",omitempty"`
	Gateway      string            `json:",omitempty"`
	Pool         string            `json:",omitempty"`
}

// MarshalJSON encodes it as plugins get it: the address space always, and what else there is. It is a bad request where an
// address has no prefix length.
func (i *IPAMData) MarshalJSON() ([]byte, error) {
	said := wire{AddressSpace: i.AddressSpace, Pool: text(i.Pool), Gateway: text(i.Gateway)}
	if err := check(i.Pool, i.Gateway); err != nil {
		return nil, err
	}
	for name, address := range i.AuxAddresses {
		if err := check(address); err != nil {
			return nil, err
		}
		if text(address) == "" {
			continue
		}
		if said.AuxAddresses == nil {
			said.AuxAddresses = map[string]string{}
		}
		said.AuxAddresses[name] = text(address)
	}
	return json.Marshal(said)
}

// UnmarshalJSON decodes what MarshalJSON encoded. It is a bad request where an address is no CIDR.
func (i *IPAMData) UnmarshalJSON(data []byte) error {
	var said wire
	if err := json.Unmarshal(data, &said); err != nil {
		return err
	}
	read := IPAMData{AddressSpace: said.AddressSpace}
	var err error
	if read.Pool, err = parse("Pool", said.Pool); err != nil {
		return err
	}
	if read.Gateway, err = parse("Gateway", said.Gateway); err != nil {
		return err
	}
	for name, address := range said.AuxAddresses {
		if address == "" {
			return noAddress("AuxAddresses", address)
		}
		if read.AuxAddresses == nil {
			read.AuxAddresses = map[string]*net.IPNet{}
		}
		if read.AuxAddresses[name], err = parse("AuxAddresses", address); err != nil {
			return err
		}
	}
	*i = read
	return nil
}

// String is it in words.
func (i *IPAMData) String() string {
	return fmt.Sprintf("AddressSpace: %s\nPool: %v\nGateway: %v\nAddresses: %v", i.AddressSpace, i.Pool, i.Gateway, i.AuxAddresses)
}

// IsV6 is whether it is of IPv6.
func (i *IPAMData) IsV6() bool {
	return i.Pool != nil && i.Pool.IP.To4() == nil
}

// text is empty for nil and the zero value.
func text(address *net.IPNet) string {
	if address == nil || len(address.IP) == 0 && len(address.Mask) == 0 {
		return ""
	}
	return address.String()
}

// check refuses what net.IPNet writes as "<nil>", or what cannot be read back.
func check(addresses ...*net.IPNet) error {
	for _, address := range addresses {
		if _, err := parse("address", text(address)); err != nil {
			return err
		}
	}
	return nil
}

// parse keeps the host's bits.
func parse(field, text string) (*net.IPNet, error) {
	if text == "" {
		return nil, nil
	}
	ip, subnet, err := net.ParseCIDR(text)
	if err != nil {
		return nil, noAddress(field, text)
	}
	subnet.IP = ip
	return subnet, nil
}

func noAddress(field, text string) error {
	const cause = "it is no address with a prefix length, as 10.1.0.1/24 is"
	return errdefs.New(errdefs.ErrBadRequest, "read "+field, fmt.Sprintf("%q", text), cause)
}
