package netns_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
)

// A bridge network of which nothing but the kernel knows, and a program in a sandbox that joins it.
func Example() {
	web := must(netns.CreateSandboxIn("", "web"))
	defer web.Close()
	bridge := must(netns.CreateBridge("lan", netns.BridgeOptions{Gateway: netip.MustParsePrefix("192.0.2.1/24")}))
	defer bridge.Close()

	eth0 := must(bridge.Join(web, netns.BridgeEndpoint{Name: "web", Address: netip.MustParsePrefix("192.0.2.2/24")}))
	fmt.Println(web.Key(), "has", eth0.Name, eth0.Address)

	fmt.Println(web.Do(func() error { return exec.Command("ping", "-c1", "192.0.2.1").Run() }))
	fmt.Println(bridge.Unlink("web"), bridge.Delete(), web.Destroy())
	// Output:
	// /run/netns/web has eth0 192.0.2.2/24
	// <nil>
	// <nil> <nil> <nil>
}

func ExampleController_OpenNetwork() {
	controller := must(netns.Open(netns.Options{}))
	defer controller.Close()
	_, err := controller.OpenNetwork("blue")
	fmt.Println(errors.Is(err, errdefs.ErrNoNetwork), errors.Is(err, errdefs.ErrNotFound))
	// Output: true true
}

func ExampleNamespace_Do() {
	fresh := must(netns.CreateNamespace())
	defer fresh.Close()
	err := fresh.Do(func() error {
		links, err := exec.Command("ip", "-br", "link").Output()
		fmt.Printf("%.2s\n", links)
		return err
	})
	fmt.Println(err)
	// Output:
	// lo
	// <nil>
}
