package libnetwork_test

import (
	"fmt"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/libnetwork"
)

// program is the code of the package's comment.
func program(containerID string) error {
	// Create a network for containers to join.
	network, err := libnetwork.NewNetwork("simplebridge", "demo", &libnetwork.Options{})
	if err != nil {
		return err
	}

	// For a new container: create network namespace (providing the path).
	networkPath := "/var/lib/docker/.../4d23e"
	networkNamespace, err := libnetwork.NewNetworkNamespace(networkPath)
	if err != nil {
		return err
	}

	// For each new container: allocate IP and interfaces. The returned network
	// settings will be used for container infos (inspect and such), as well as
	// iptables rules for port publishing.
	interfaces, err := network.Link(containerID)
	if err != nil {
		return err
	}

	// Add interfaces to the namespace.
	for _, device := range interfaces {
		if err := networkNamespace.AddInterface(device); err != nil {
			return err
		}
	}

	for _, device := range networkNamespace.Interfaces() {
		fmt.Println(networkNamespace.Path(), "has", device.DstName, "on", network.Name())
	}
	return nil
}

func Example() {
	fmt.Println(program("4d23e7c0ffee"))
	clean()
	// Output:
	// /var/lib/docker/.../4d23e has eth0 on demo
	// <nil>
}

func clean() {
	controller, err := netns.Open(netns.Options{})
	if err != nil {
		panic(err)
	}
	defer controller.Close()
	network, err := controller.OpenNetwork("demo")
	if err != nil {
		panic(err)
	}
	defer network.Close()
	fail(network.DeleteEndpoint("4d23e7c0ffee"))
	fail(network.Delete())
	fail(netns.RemoveSandboxIn("/var/lib/docker/...", "4d23e"))
}

func fail(err error) {
	if err != nil {
		panic(err)
	}
}
