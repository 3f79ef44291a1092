package netns_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/testhost"
	links "libnetns.dev/go/netns/network"
)

// meter is the counters of the test's host, where bpf is permitted. They are removed with it.
func meter(t *testing.T, slots uint32) *netns.Meter {
	t.Helper()
	directory := "/sys/fs/bpf/" + strings.ToLower(t.Name())
	meter, err := netns.OpenMeter(netns.MeterOptions{Directory: directory, Slots: slots})
	if errors.Is(err, errdefs.ErrPermissionDenied) || errors.Is(err, errdefs.ErrNotImplemented) {
		testhost.CannotRun(t, err.Error())
	}
	ok(t, err)
	t.Cleanup(func() {
		ok(t, meter.Close())
		ok(t, os.RemoveAll(directory))
	})
	return meter
}

func TestCountersOfALink(t *testing.T) {
	testhost.Clean(t)
	meter := meter(t, 0)
	ok(t, links.CreateVethPair("left", "right"))
	defer testhost.Execute(t, "ip", "link", "delete", "left")
	for _, name := range []string{"left", "right"} {
		ok(t, links.InterfaceUp(name))
	}
	slot := must(meter.Attach("left"))
	_, err := meter.Attach("left")
	is(t, err, errdefs.ErrAlreadyExists)
	ok(t, links.SetInterfaceIp("left", "192.0.2.1/24"))
	testhost.Execute(t, "ip", "neigh", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:02", "dev", "left")
	before := must(meter.Read(slot))
	conn := must(net.Dial("udp", "192.0.2.2:9"))
	defer conn.Close()
	must(conn.Write(make([]byte, 100)))
	testhost.Eventually(t, func() bool {
		after := must(meter.Read(slot))
		return after.TxPackets > before.TxPackets && after.TxBytes >= before.TxBytes+142
	})
	var readings [4]netns.Reading
	count := must(meter.ReadAll(readings[:]))
	if count != 1 || readings[0].Slot != slot || !readings[0].Inside() || readings[0].Counters.TxBytes == 0 {
		t.Errorf("%d, %+v", count, readings[0])
	}
	if count := must(meter.ReadAll(nil)); count != 1 {
		t.Error(count)
	}
	ok(t, meter.Mapping(func(words []uint64, processors int) {
		at := int(slot.Slot) * processors * netns.StatsLineWords
		var sent uint64
		for processor := range processors {
			sent += atomic.LoadUint64(&words[at+processor*netns.StatsLineWords+2])
		}
		if sent < readings[0].Counters.TxBytes {
			t.Error(sent)
		}
	}))
	is(t, meter.Release(slot), errdefs.ErrBusy)
	ok(t, meter.Detach("left"))
	ok(t, meter.Detach("left"))
	ok(t, meter.Release(slot))
	_, err = meter.Read(slot)
	is(t, err, errdefs.ErrNotFound)
	for _, name := range []string{"nothing", "a\x00", "", strings.Repeat("a", 1<<16)} {
		if _, err := meter.Attach(name); err == nil {
			t.Errorf("%.20q is a link", name)
		}
	}
	for _, slot := range []netns.Slot{{}, {Slot: 65535, Life: 1 << 63}} {
		_, err := meter.Read(slot)
		is(t, err, errdefs.ErrNotFound)
	}
}

func TestCountersOfAThousandLinksAreReadWithoutAllocating(t *testing.T) {
	testhost.Clean(t)
	const pairs = 500
	meter := meter(t, 0)
	var slots []netns.Slot
	// A group goes at once.
	testhost.Execute(t, "sh", "-c",
		"for i in $(seq 0 499); do echo link add l$i group 77 type veth peer name r$i; done | ip -batch -")
	defer testhost.Execute(t, "ip", "link", "delete", "group", "77")
	for number := range pairs {
		for _, end := range []string{"l", "r"} {
			slots = append(slots, must(meter.Attach(fmt.Sprint(end, number))))
		}
	}
	readings := make([]netns.Reading, 2*pairs)
	var failed error
	allocations := testing.AllocsPerRun(100, func() {
		count, err := meter.ReadAll(readings)
		if err != nil || count != len(readings) {
			failed = fmt.Errorf("%d readings: %w", count, err)
		}
	})
	ok(t, failed)
	if allocations != 0 {
		t.Error("a read of all allocates", allocations)
	}
	allocations = testing.AllocsPerRun(100, func() {
		if _, err := meter.Read(slots[7]); err != nil {
			failed = err
		}
	})
	ok(t, failed)
	if allocations != 0 {
		t.Error("a read of one allocates", allocations)
	}
	few := make([]netns.Reading, 10)
	if count := must(meter.ReadAll(few)); count != 2*pairs || few[9].Slot.Slot == 0 {
		t.Error(count, few[9])
	}
	var group sync.WaitGroup
	for range 50 {
		group.Add(1)
		go func() {
			defer group.Done()
			own := make([]netns.Reading, 2*pairs)
			for range 20 {
				if count, err := meter.ReadAll(own); err != nil || count != 2*pairs {
					t.Error(count, err)
				}
			}
		}()
	}
	group.Wait()
}

func TestTheMeterOfAController(t *testing.T) {
	testhost.Clean(t)
	controller := must(netns.Open(netns.Options{}))
	defer controller.Close()
	meter, err := controller.Meter()
	if errors.Is(err, errdefs.ErrPermissionDenied) || errors.Is(err, errdefs.ErrNotImplemented) {
		testhost.CannotRun(t, err.Error())
	}
	ok(t, err)
	made := must(controller.CreateNetwork(netns.NetworkConfig{Name: "n", Type: "bridge"}))
	box := must(controller.CreateSandbox("a"))
	endpoint := must(made.Connect(box, netns.EndpointConfig{Name: "e"}))
	if endpoint.Slot == nil {
		t.Fatalf("%+v", endpoint)
	}
	must(meter.Read(*endpoint.Slot))
	ok(t, controller.Close())
	must(meter.Read(*endpoint.Slot))
	ok(t, made.Disconnect("e"))
	ok(t, box.Destroy())
	ok(t, made.Delete())
	ok(t, errors.Join(box.Close(), made.Close(), meter.Close()))
}

func TestMetersOfNothing(t *testing.T) {
	testhost.Clean(t)
	for _, controller := range []*netns.Controller{nil, {}} {
		_, err := controller.Meter()
		is(t, err, errdefs.ErrClosed)
	}
	for _, meter := range []*netns.Meter{nil, {}} {
		_, attach := meter.Attach("lo")
		_, read := meter.Read(netns.Slot{})
		_, all := meter.ReadAll(nil)
		mapping := meter.Mapping(func([]uint64, int) { t.Error("there is no memory") })
		for _, err := range []error{attach, read, all, mapping, meter.Detach("lo"), meter.Release(netns.Slot{})} {
			is(t, err, errdefs.ErrClosed)
		}
		ok(t, meter.Close())
	}
	_, err := netns.OpenMeter(netns.MeterOptions{Directory: "/tmp"})
	is(t, err, errdefs.ErrNotImplemented)
	_, err = netns.OpenMeter(netns.MeterOptions{Directory: "a\x00"})
	is(t, err, errdefs.ErrBadRequest)
	_, err = netns.OpenMeter(netns.MeterOptions{Directory: "/sys/fs/bpf/many", Slots: 1 << 31})
	if err == nil {
		t.Error("there are no that many slots")
	}
}

func TestMetersCloseUnderPressure(t *testing.T) {
	testhost.Clean(t)
	meter(t, 64)
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	var group sync.WaitGroup
	for range 50 {
		group.Add(1)
		go func() {
			defer group.Done()
			// Every second one is dropped without Close.
			for number := range 4 {
				meter, err := netns.OpenMeter(netns.MeterOptions{Directory: "/sys/fs/bpf/" + strings.ToLower(t.Name())})
				if err != nil {
					t.Error(err)
					return
				}
				var readings [8]netns.Reading
				if _, err := meter.ReadAll(readings[:]); err != nil {
					t.Error(err)
				}
				err = meter.Mapping(func(words []uint64, _ int) {
					if number%2 == 0 {
						_ = meter.Close()
					}
					_ = atomic.LoadUint64(&words[len(words)-1])
				})
				if err != nil {
					t.Error(err)
				}
			}
		}()
	}
	group.Wait()
}
