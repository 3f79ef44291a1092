package native

// #include <netns.h>
import "C"

// LeaveEndpoint is netns_endpoint_leave.
func LeaveEndpoint(network *Handle, endpoint string) error {
	return run("leave endpoint", func(c *call) C.int32_t {
		network, endpoint := c.network(network), c.text(endpoint)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_leave(network, endpoint, &c.raised)
	})
}

// DisconnectEndpoint is netns_endpoint_disconnect.
func DisconnectEndpoint(network *Handle, endpoint string) error {
	return run("disconnect endpoint", func(c *call) C.int32_t {
		network, endpoint := c.network(network), c.text(endpoint)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_disconnect(network, endpoint, &c.raised)
	})
}

// DeleteEndpoint is netns_endpoint_delete.
func DeleteEndpoint(network *Handle, endpoint string) error {
	return run("delete endpoint", func(c *call) C.int32_t {
		network, endpoint := c.network(network), c.text(endpoint)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_delete(network, endpoint, &c.raised)
	})
}

// ForgetEndpoint is netns_endpoint_forget.
func ForgetEndpoint(network *Handle, endpoint string) error {
	return run("forget endpoint", func(c *call) C.int32_t {
		network, endpoint := c.network(network), c.text(endpoint)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_forget(network, endpoint, &c.raised)
	})
}

// EndpointInfo is netns_endpoint_info.
func EndpointInfo(network *Handle, endpoint string) (Endpoint, error) {
	return ask("inspect endpoint", takeEndpoint, func(c *call, ret **C.netns_endpoint_details) C.int32_t {
		network, endpoint := c.network(network), c.text(endpoint)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_info(network, endpoint, ret, &c.raised)
	})
}

// EndpointOperInfo is netns_endpoint_oper_info.
func EndpointOperInfo(network *Handle, endpoint string) (string, error) {
	return ask("ask about endpoint", takeText, func(c *call, ret **C.char) C.int32_t {
		network, endpoint := c.network(network), c.text(endpoint)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_oper_info(network, endpoint, ret, &c.raised)
	})
}

// PublishEndpoint is netns_endpoint_publish.
func PublishEndpoint(network *Handle, endpoint string, ports []string) ([]string, error) {
	return ask("publish ports of endpoint", takeNames, func(c *call, ret **C.netns_names) C.int32_t {
		network, endpoint := c.network(network), c.text(endpoint)
		ports, count := c.texts(ports)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_publish(network, endpoint, ports, count, ret, &c.raised)
	})
}

// WithdrawEndpoint is netns_endpoint_withdraw.
func WithdrawEndpoint(network *Handle, endpoint string, ports []string) error {
	return run("withdraw ports of endpoint", func(c *call) C.int32_t {
		network, endpoint := c.network(network), c.text(endpoint)
		ports, count := c.texts(ports)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_withdraw(network, endpoint, ports, count, &c.raised)
	})
}

// SetMeter is netns_endpoint_set_meter.
func SetMeter(network *Handle, endpoint string, on bool) error {
	return run("meter endpoint", func(c *call) C.int32_t {
		network, endpoint := c.network(network), c.text(endpoint)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_set_meter(network, endpoint, C.int32_t(flag(on, 1)), &c.raised)
	})
}

// EndpointStats is netns_endpoint_stats. The second is a netns_stats_source.
func EndpointStats(network *Handle, endpoint string, detail int32) (Stats, int32, error) {
	var source C.int32_t
	stats, err := ask("read statistics of endpoint", goStats, func(c *call, ret *C.netns_stats) C.int32_t {
		network, endpoint := c.network(network), c.text(endpoint)
		if c.err != nil {
			return 0
		}
		return C.netns_endpoint_stats(network, endpoint, C.int32_t(detail), ret, &source, &c.raised)
	})
	return stats, int32(source), err
}

func goStats(raw C.netns_stats) Stats {
	return Stats{
		RxBytes:   uint64(raw.rx_bytes),
		RxPackets: uint64(raw.rx_packets),
		RxErrors:  uint64(raw.rx_errors),
		RxDropped: uint64(raw.rx_dropped),
		TxBytes:   uint64(raw.tx_bytes),
		TxPackets: uint64(raw.tx_packets),
		TxErrors:  uint64(raw.tx_errors),
		TxDropped: uint64(raw.tx_dropped),
	}
}
