package netns_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/driverapi"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/testhost"
)

// planner is a driver whose network is a bridge that the library makes, and whose devices are born inside.
type planner struct {
	wires
	wrong json.RawMessage
}

const (
	makeBridge = `{"steps": [{"place": "host", "existing_ok": true, "action": {"create_link": {"name": "wires0",
		"kind": {"bridge": {"multicast_snooping": false, "vlan_default_pvid": 0}}, "group": 20051, "up": true}}}]}`
	deleteBridge = `{"steps": [{"place": "host", "action": {"delete_link": {"name": "wires0"}}}]}`
)

func (p *planner) Plan(method, nid, eid string) (json.RawMessage, error) {
	if p.wrong != nil {
		return p.wrong, nil
	}
	if nid != "n" || (eid == "") != (method == "CreateNetwork" || method == "DeleteNetwork") {
		return nil, fmt.Errorf("%s of %q, %q", method, nid, eid)
	}
	switch method {
	case "CreateNetwork":
		return json.RawMessage(makeBridge), nil
	case "DeleteNetwork":
		return json.RawMessage(deleteBridge), nil
	}
	return nil, nil
}

func (p *planner) CreateEndpoint(string, string, driverapi.InterfaceInfo, map[string]interface{}) error {
	return nil
}

func (p *planner) Join(_, eid, _ string, info driverapi.JoinInfo, _ map[string]interface{}) error {
	birth := info.(driverapi.BirthInfo)
	if birth.MTU() != 1400 {
		return fmt.Errorf("an MTU of %d", birth.MTU())
	}
	if err := info.InterfaceName().SetNames("peer-"+eid, "eth"); err != nil {
		return err
	}
	link := fmt.Sprintf(`{"name": "wire-%s", "kind": {"veth": {"peer": {}}}, "up": true, "mtu": %d, "queues": 1}`, eid, birth.MTU())
	return birth.SetBirth(driverapi.Birth{Link: json.RawMessage(link)})
}

func TestADriverInGoThatPlans(t *testing.T) {
	driver := &planner{}
	controller := wired(t, driver)
	made := must(createWires(controller))
	if !slices.Contains(testhost.Links(), "wires0") {
		t.Error(testhost.Links())
	}
	box := must(controller.CreateSandbox("a"))
	endpoint := must(made.Connect(box, netns.EndpointConfig{Name: "e", MTU: 1400}))
	inside := testhost.IPIn(t, "a", "link", "show", "eth0")
	if endpoint.Interface.Name != "eth0" || inside[0]["mtu"] != 1400.0 || !slices.Contains(testhost.Links(), "wire-e") {
		t.Errorf("%+v, %v", endpoint, inside)
	}
	ok(t, box.Destroy())
	for name, wrong := range map[string]string{"no JSON": "{", "no plan": "7", "NUL": "{}\x00", "no bytes": "\xff"} {
		driver.wrong = json.RawMessage(wrong)
		if err := made.Delete(); err == nil {
			t.Error(name, "is a plan")
		} else {
			is(t, err, errdefs.ErrBadRequest)
		}
	}
	driver.wrong = nil
	ok(t, made.Delete())
	ok(t, box.Close())
	ok(t, made.Close())
	if slices.Contains(testhost.Links(), "wires0") {
		t.Error(testhost.Links())
	}
}
