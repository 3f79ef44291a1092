// Statistics of all endpoints of this host for Prometheus, on /metrics.
//
//	go run ./exporter -listen 127.0.0.1:9464
package main

import (
	"errors"
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
)

var labels = []string{"network", "endpoint", "sandbox"}

func described(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("netns_endpoint_"+name+"_total", help, labels, nil)
}

// counts is the metrics of an endpoint, as its sandbox sees it.
var counts = []struct {
	described *prometheus.Desc
	value     func(netns.Counters) uint64
}{
	{described("receive_bytes", "Bytes received, with Ethernet headers."), func(c netns.Counters) uint64 { return c.RxBytes }},
	{described("receive_packets", "Packets received."), func(c netns.Counters) uint64 { return c.RxPackets }},
	{described("transmit_bytes", "Bytes sent, with Ethernet headers."), func(c netns.Counters) uint64 { return c.TxBytes }},
	{described("transmit_packets", "Packets sent."), func(c netns.Counters) uint64 { return c.TxPackets }},
}

// exporter reads counters when it is asked. Those of metered endpoints are read from memory.
type exporter struct {
	controller *netns.Controller
	meter      *netns.Meter
}

func (e *exporter) Describe(descriptions chan<- *prometheus.Desc) {
	for _, count := range counts {
		descriptions <- count.described
	}
}

func (e *exporter) Collect(metrics chan<- prometheus.Metric) {
	endpoints, err := e.controller.Endpoints()
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(counts[0].described, err)
		return
	}
	for _, endpoint := range endpoints {
		if endpoint.Slot == nil {
			continue
		}
		counters, err := e.meter.Read(*endpoint.Slot)
		if errors.Is(err, errdefs.ErrNotFound) {
			// It has left since.
			continue
		}
		for _, count := range counts {
			if err != nil {
				metrics <- prometheus.NewInvalidMetric(count.described, err)
				continue
			}
			metrics <- prometheus.MustNewConstMetric(count.described, prometheus.CounterValue,
				float64(count.value(counters)), endpoint.Network, endpoint.Name, endpoint.Sandbox)
		}
	}
}

// handler answers with the metrics of the controller's endpoints.
func handler(controller *netns.Controller, meter *netns.Meter) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(&exporter{controller, meter})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

func main() {
	listen := flag.String("listen", "127.0.0.1:9464", "the address and port to listen at")
	flag.Parse()
	controller, err := netns.Open(netns.Options{FromEnv: true})
	if err != nil {
		log.Fatal(err)
	}
	meter, err := controller.Meter()
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/metrics", handler(controller, meter))
	server := &http.Server{Addr: *listen, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
