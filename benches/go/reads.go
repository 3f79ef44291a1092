package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"libnetns.dev/go/netns"
)

// reads is the counters of a thousand interfaces in one slice: how long that takes, and how many allocations.
func reads() map[string]float64 {
	controller := must(netns.Open(netns.Options{FromEnv: true}))
	defer controller.Close()
	meter, err := controller.Meter()
	if err != nil {
		fmt.Println("stats: not measured:", err)
		return nil
	}
	defer meter.Close()
	network := must(controller.CreateNetwork(netns.NetworkConfig{
		Name: "many", Type: "bridge", Firewall: netns.FirewallConfig{Mode: netns.FirewallOff},
	}))
	names := make([]string, interfaces)
	for i := range names {
		names[i] = fmt.Sprint("m", i)
		sandbox := must(controller.CreateSandbox(names[i]))
		must(network.Connect(sandbox, netns.EndpointConfig{Name: names[i]}))
		must(0, sandbox.Close())
	}
	readings := make([]netns.Reading, interfaces)
	read := func() {
		if count := must(meter.ReadAll(readings)); count != interfaces {
			must(0, fmt.Errorf("%d interfaces are metered, not %d", count, interfaces))
		}
	}
	took := make([]time.Duration, 200)
	for i := range took {
		took[i] = timed(read)
	}
	slices.Sort(took)
	allocations := testing.AllocsPerRun(100, read)
	for _, name := range names {
		must(0, controller.RemoveSandbox(name))
	}
	must(0, network.Delete())
	return map[string]float64{
		"stats_1000_allocations": allocations,
		"stats_1000_us":          float64(took[len(took)/2].Nanoseconds()) / 1e3,
	}
}
