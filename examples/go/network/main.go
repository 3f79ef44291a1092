// A container's network by the packages that libnetwork's first users knew (seed 002): a network is created, a namespace
// is made at a path, and each container is linked and gets its interfaces moved in. Then all of it is taken down.
//
// What libnetns itself offers does the same at once, with the interface born inside: see netns.Network.Connect.
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/libnetwork"
)

const (
	networkName = "simple"
	containerID = "4d23e7c0ffee"
)

func run(out io.Writer, directory string) (err error) {
	// Create a network for containers to join.
	network, err := libnetwork.NewNetwork("simplebridge", networkName, &libnetwork.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, deleted()) }()

	// For a new container: create network namespace (providing the path).
	path := filepath.Join(directory, containerID)
	namespace, err := libnetwork.NewNetworkNamespace(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, netns.RemoveSandboxIn(directory, containerID)) }()

	// For each new container: allocate IP and interfaces.
	interfaces, err := network.Link(containerID)
	if err != nil {
		return err
	}

	// Add interfaces to the namespace.
	for _, device := range interfaces {
		if err := namespace.AddInterface(device); err != nil {
			return err
		}
	}
	for _, device := range namespace.Interfaces() {
		fmt.Fprintln(out, namespace.Path(), "has", device.DstName, "with", device.Address)
	}
	return nil
}

// deleted is the network gone: that is libnetns' own to say, as the packages have no word for it.
func deleted() error {
	controller, err := netns.Open(netns.Options{})
	if err != nil {
		return err
	}
	defer controller.Close()
	network, err := controller.OpenNetwork(networkName)
	if err != nil {
		return err
	}
	defer network.Close()
	if err := network.DeleteEndpoint(containerID); err != nil {
		return err
	}
	return network.Delete()
}

func main() {
	directory, err := os.MkdirTemp("", "container")
	if err != nil {
		log.Fatal(err)
	}
	err = errors.Join(run(os.Stdout, directory), os.Remove(directory))
	if err != nil {
		log.Fatal(err)
	}
}
