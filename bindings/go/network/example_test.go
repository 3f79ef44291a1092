package network_test

import (
	"errors"
	"fmt"

	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/network"
)

func Example() {
	err := errors.Join(
		network.SetMtu("lo", 1500),
		network.SetInterfaceIp("lo", "192.0.2.1/32"),
		network.InterfaceUp("lo"),
	)
	fmt.Println(err)
	fmt.Println(errors.Is(network.InterfaceUp("eth9"), errdefs.ErrNotFound))
	// Output:
	// <nil>
	// true
}

func ExampleGetStrategy() {
	_, err := network.GetStrategy("carrier-pigeon")
	fmt.Println(err, err == network.ErrNotValidStrategyType)
	// Output: not a valid network strategy type true
}
