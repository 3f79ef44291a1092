package netns

import (
	"net"
	"net/netip"
)

// The library has text where Go has types. What the library says can be read; the zero value is no text.

func addrText(addr netip.Addr) string {
	if addr == (netip.Addr{}) {
		return ""
	}
	return addr.String()
}

func addrOf(text string) netip.Addr {
	addr, _ := netip.ParseAddr(text)
	return addr
}

func prefixText(prefix netip.Prefix) string {
	if prefix == (netip.Prefix{}) {
		return ""
	}
	return prefix.String()
}

func prefixOf(text string) netip.Prefix {
	prefix, _ := netip.ParsePrefix(text)
	return prefix
}

func macOf(text string) net.HardwareAddr {
	mac, _ := net.ParseMAC(text)
	return mac
}

// convert is what each makes of the values.
func convert[T, R any](values []T, each func(T) R) []R {
	if values == nil {
		return nil
	}
	made := make([]R, 0, len(values))
	for _, value := range values {
		made = append(made, each(value))
	}
	return made
}
