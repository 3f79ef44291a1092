package driverapi_test

import (
	"encoding/json"
	"errors"
	"net"
	"reflect"
	"testing"

	"libnetns.dev/go/netns/driverapi"
	"libnetns.dev/go/netns/errdefs"
)

func TestErrorsHaveTheirCategoryAndWords(t *testing.T) {
	for _, test := range []struct {
		err                                 error
		text                                string
		notFound, forbidden, notImplemented bool
	}{
		{driverapi.ErrNoNetwork("blue"), "no network (blue) exists", true, false, false},
		{driverapi.ErrNoEndpoint("web"), "no endpoint (web) exists", true, false, false},
		{driverapi.ErrEndpointExists("web"), "endpoint (web) already exists", false, true, false},
		{driverapi.ErrActiveRegistration("wire"), `driver already registered for type "wire"`, false, true, false},
		{&driverapi.ErrNotImplemented{}, "the API is not implemented yet", false, false, true},
	} {
		_, notFound := test.err.(interface{ NotFound() })
		_, forbidden := test.err.(interface{ Forbidden() })
		_, notImplemented := test.err.(interface{ NotImplemented() })
		if notFound != test.notFound || forbidden != test.forbidden || notImplemented != test.notImplemented {
			t.Errorf("%T is of another category", test.err)
		}
		if test.err.Error() != test.text {
			t.Error(test.err)
		}
	}
}

func cidr(t *testing.T, text string) *net.IPNet {
	t.Helper()
	ip, subnet, err := net.ParseCIDR(text)
	if err != nil {
		t.Fatal(err)
	}
	subnet.IP = ip
	return subnet
}

func TestIPAMDataIsLibnetworksJSON(t *testing.T) {
	data := []driverapi.IPAMData{
		{AddressSpace: "LocalDefault"},
		{
			AddressSpace: "GlobalDefault",
			Pool:         cidr(t, "10.1.0.0/16"),
			Gateway:      cidr(t, "10.1.0.1/16"),
			AuxAddresses: map[string]*net.IPNet{"router": cidr(t, "10.1.0.9/16"), "none": nil},
		},
	}
	const want = `[{"AddressSpace":"LocalDefault"},` +
		`{"AddressSpace":"GlobalDefault","AuxAddresses":{"router":"10.1.0.9/16"},"Gateway":"10.1.0.1/16","Pool":"10.1.0.0/16"}]`
	text, err := json.Marshal(data)
	if err != nil || string(text) != want {
		t.Fatalf("%s, %v", text, err)
	}
	var read []driverapi.IPAMData
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(read)
	if err != nil || string(again) != want {
		t.Errorf("%s, %v", again, err)
	}
	if read[1].Gateway.IP.String() != "10.1.0.1" || read[1].IsV6() || read[1].String() == "" {
		t.Errorf("%+v", read[1])
	}
}

func TestIPAMDataThatIsAbsentOrWrong(t *testing.T) {
	for _, text := range []string{`{}`, `{"AddressSpace":"","Pool":"","Gateway":null,"AuxAddresses":null}`} {
		var read driverapi.IPAMData
		if err := json.Unmarshal([]byte(text), &read); err != nil || !reflect.DeepEqual(read, driverapi.IPAMData{}) {
			t.Errorf("%s: %+v, %v", text, read, err)
		}
	}
	for _, text := range []string{`{"Pool":"10.1.0.0"}`, `{"Gateway":"x/8"}`, `{"AuxAddresses":{"a":""},"Pool":"/"}`, `{"AuxAddresses":{"a":""}}`} {
		var read driverapi.IPAMData
		if err := json.Unmarshal([]byte(text), &read); !errors.Is(err, errdefs.ErrBadRequest) {
			t.Errorf("%s: %v", text, err)
		}
	}
	text, err := json.Marshal(&driverapi.IPAMData{Pool: &net.IPNet{}, AuxAddresses: map[string]*net.IPNet{"a": {}}})
	if err != nil || string(text) != `{"AddressSpace":""}` {
		t.Errorf("%s, %v", text, err)
	}
	ip := net.IPv4(10, 1, 0, 1)
	for _, wrong := range []*net.IPNet{{IP: ip}, {Mask: net.CIDRMask(8, 32)}, {IP: ip, Mask: net.IPMask{255, 0, 255, 0}}} {
		for _, data := range []*driverapi.IPAMData{{Pool: wrong}, {Gateway: wrong}, {AuxAddresses: map[string]*net.IPNet{"a": wrong}}} {
			if text, err := json.Marshal(data); !errors.Is(err, errdefs.ErrBadRequest) {
				t.Errorf("%s, %v", text, err)
			}
		}
	}
	var read driverapi.IPAMData
	if err := json.Unmarshal([]byte(`{"Pool":7}`), &read); err == nil {
		t.Error("a number is no pool")
	}
}
