package driverapi_test

import (
	"encoding/json"
	"fmt"

	"libnetns.dev/go/netns/driverapi"
)

func ExampleIPAMData() {
	var data driverapi.IPAMData
	if err := json.Unmarshal([]byte(`{"AddressSpace":"LocalDefault","Pool":"10.1.0.0/16","Gateway":"10.1.0.1/16"}`), &data); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(data.Pool, data.Gateway.IP, data.IsV6())
	// Output: 10.1.0.0/16 10.1.0.1 false
}
