package native

// #include "program.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"unsafe"

	"libnetns.dev/go/netns/driverapi"
	"libnetns.dev/go/netns/errdefs"
)

// lent is an object of the library's that may be used until the callback returns that got it, by one at a time.
type lent struct {
	mu      sync.Mutex
	pointer unsafe.Pointer
}

func lend(pointer unsafe.Pointer) *lent {
	return &lent{pointer: pointer}
}

func (l *lent) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pointer = nil
}

// use is run with the object, of which one at a time makes use. Nothing in there calls the program back.
func (l *lent) use(operation string, inside func(c *call, pointer unsafe.Pointer) C.int32_t) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pointer == nil {
		return errdefs.Closed(operation, "info")
	}
	return run(operation, func(c *call) C.int32_t { return inside(c, l.pointer) })
}

// look reads a text of the object, or an empty one.
func (l *lent) look(read func(pointer unsafe.Pointer) *C.char) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pointer == nil {
		return ""
	}
	return C.GoString(read(l.pointer))
}

type networkInfo struct{ lent *lent }

func (n networkInfo) TableEventRegister(tableName string) error {
	return n.lent.use("register table", func(c *call, info unsafe.Pointer) C.int32_t {
		return C.netns_driver_info_register_table((*C.netns_driver_info)(info), c.text(tableName), &c.raised)
	})
}

type interfaceInfo struct {
	lent *lent
	// open is whether the driver may choose.
	open bool
}

func (i interfaceInfo) SetMacAddress(mac net.HardwareAddr) error {
	return i.choose("set MAC address", mac.String(), func(c *call, info *C.netns_driver_interface, text *C.char) C.int32_t {
		return C.netns_driver_interface_set_mac_address(info, text, &c.raised)
	})
}

func (i interfaceInfo) SetIPAddress(ip *net.IPNet) error {
	return i.choose("set address", netText(ip), func(c *call, info *C.netns_driver_interface, text *C.char) C.int32_t {
		return C.netns_driver_interface_set_ip_address(info, text, &c.raised)
	})
}

func (i interfaceInfo) choose(
	operation, text string, set func(*call, *C.netns_driver_interface, *C.char) C.int32_t,
) error {
	if !i.open {
		return errdefs.New(errdefs.ErrForbidden, operation, text, "CreateEndpoint alone chooses addresses")
	}
	return i.lent.use(operation, func(c *call, info unsafe.Pointer) C.int32_t {
		return set(c, (*C.netns_driver_interface)(info), c.text(text))
	})
}

func (i interfaceInfo) MacAddress() net.HardwareAddr {
	mac, _ := net.ParseMAC(i.lent.look(func(info unsafe.Pointer) *C.char {
		return C.netns_driver_interface_mac((*C.netns_driver_interface)(info))
	}))
	return mac
}

func (i interfaceInfo) Address() *net.IPNet {
	return netOf(i.lent.look(func(info unsafe.Pointer) *C.char {
		return C.netns_driver_interface_address((*C.netns_driver_interface)(info))
	}))
}

func (i interfaceInfo) AddressIPv6() *net.IPNet {
	return netOf(i.lent.look(func(info unsafe.Pointer) *C.char {
		return C.netns_driver_interface_address_ipv6((*C.netns_driver_interface)(info))
	}))
}

// netOf is an address with its subnet's mask, or nil for none.
func netOf(text string) *net.IPNet {
	ip, subnet, err := net.ParseCIDR(text)
	if err != nil {
		return nil
	}
	subnet.IP = ip
	if short := ip.To4(); short != nil {
		subnet.IP = short
	}
	return subnet
}

// netText is "10.1.0.5/24", or empty for nil and the zero value.
func netText(address *net.IPNet) string {
	if address == nil || len(address.IP) == 0 && len(address.Mask) == 0 {
		return ""
	}
	return address.String()
}

// ipText is empty for nil.
func ipText(ip net.IP) string {
	if len(ip) == 0 {
		return ""
	}
	return ip.String()
}

// optionsOf is a JSON object, of which NULL is an empty one.
func optionsOf(text *C.char) (map[string]interface{}, error) {
	options := map[string]interface{}{}
	if text == nil {
		return options, nil
	}
	err := json.Unmarshal([]byte(C.GoString(text)), &options)
	return options, err
}

func pools(network *C.netns_driver_network) (ipv4, ipv6 []driverapi.IPAMData, err error) {
	if ipv4, err = poolsOf(network.ipv4, network.ipv4_count); err != nil {
		return nil, nil, err
	}
	ipv6, err = poolsOf(network.ipv6, network.ipv6_count)
	return ipv4, ipv6, err
}

func poolsOf(pools **C.netns_ipam_data, count C.size_t) ([]driverapi.IPAMData, error) {
	var all []driverapi.IPAMData
	for _, pool := range unsafe.Slice(pools, count) {
		data := driverapi.IPAMData{
			AddressSpace: C.GoString(pool.address_space),
			Pool:         netOf(C.GoString(pool.pool)),
			Gateway:      netOf(C.GoString(pool.gateway)),
		}
		for name, text := range pairsOf(pool.auxiliary, pool.auxiliary_count) {
			address := netOf(text)
			if address == nil {
				return nil, fmt.Errorf("address %q of %q cannot be read", text, name)
			}
			if data.AuxAddresses == nil {
				data.AuxAddresses = map[string]*net.IPNet{}
			}
			data.AuxAddresses[name] = address
		}
		all = append(all, data)
	}
	return all, nil
}

// pairsOf is a map of what C has as an array, nil for an empty one.
func pairsOf(pairs *C.netns_pair, count C.size_t) map[string]string {
	if count == 0 {
		return nil
	}
	all := make(map[string]string, count)
	for _, pair := range unsafe.Slice(pairs, count) {
		all[C.GoString(pair.key)] = C.GoString(pair.value)
	}
	return all
}

// tell adds an option to a reply, whose value is JSON or a text.
func tell(reply *C.netns_driver_reply, key, value string, json bool) error {
	return run("answer", func(c *call) C.int32_t {
		key, value := c.text(key), c.text(value)
		if c.err != nil {
			return 0
		}
		if json {
			return C.netns_driver_reply_add_json(reply, key, value, &c.raised)
		}
		return C.netns_driver_reply_add(reply, key, value, &c.raised)
	})
}
