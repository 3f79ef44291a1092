// What Go's encoding/json makes of the configs of runc (seed 003), of the OCI state, and of the networks of
// libcontainer (seed 001).
//
// Each line of the standard input is a word of `kinds` and a document; for each, a line of the output is
// `=` and what json.Marshal writes of what json.Unmarshal read, or `!` and why it could not be read.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

type Config struct {
	ParentDeathSignal int        `json:"parent_death_signal"`
	Rootfs            string     `json:"rootfs"`
	Namespaces        Namespaces `json:"namespaces"`
	Networks          []*Network `json:"networks"`
	Routes            []*Route   `json:"routes"`
	AppArmorProfile   string     `json:"apparmor_profile,omitempty"`
	ProcessLabel      string     `json:"process_label,omitempty"`
	Hooks             Hooks
	Version           string   `json:"version"`
	Labels            []string `json:"labels"`
}

type NamespaceType string

type Namespace struct {
	Type NamespaceType `json:"type"`
	Path string        `json:"path"`
}

type Namespaces []Namespace

type Network struct {
	Type              string `json:"type"`
	Name              string `json:"name"`
	Bridge            string `json:"bridge"`
	MacAddress        string `json:"mac_address"`
	Address           string `json:"address"`
	Gateway           string `json:"gateway"`
	IPv6Address       string `json:"ipv6_address"`
	IPv6Gateway       string `json:"ipv6_gateway"`
	Mtu               int    `json:"mtu"`
	TxQueueLen        int    `json:"txqueuelen"`
	HostInterfaceName string `json:"host_interface_name"`
	HairpinMode       bool   `json:"hairpin_mode"`
}

type Route struct {
	Destination   string `json:"destination"`
	Source        string `json:"source"`
	Gateway       string `json:"gateway"`
	InterfaceName string `json:"interface_name"`
}

type HookName string

type Command struct {
	Path    string         `json:"path"`
	Args    []string       `json:"args"`
	Env     []string       `json:"env"`
	Dir     string         `json:"dir"`
	Timeout *time.Duration `json:"timeout"`
}

type CommandHook struct {
	Command
}

// Hooks has only commands here: nothing else comes out of JSON.
type Hooks map[HookName][]CommandHook

// MarshalJSON writes every name that there is, as runc does, and no other.
func (hooks *Hooks) MarshalJSON() ([]byte, error) {
	all := map[HookName][]CommandHook{}
	for _, name := range []HookName{
		"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
	} {
		all[name] = nil
		if list := (*hooks)[name]; len(list) > 0 {
			all[name] = list
		}
	}
	return json.Marshal(all)
}

type State struct {
	Version     string            `json:"ociVersion"`
	ID          string            `json:"id"`
	Status      string            `json:"status"`
	Pid         int               `json:"pid,omitempty"`
	Bundle      string            `json:"bundle"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// The network of seed 001, which is not that of a config.
type FirstNetwork struct {
	Type       string `json:"type,omitempty"`
	NsPath     string `json:"ns_path,omitempty"`
	Bridge     string `json:"bridge,omitempty"`
	VethPrefix string `json:"veth_prefix,omitempty"`
	Address    string `json:"address,omitempty"`
	Gateway    string `json:"gateway,omitempty"`
	Mtu        int    `json:"mtu,omitempty"`
}

type NetworkState struct {
	VethHost  string `json:"veth_host,omitempty"`
	VethChild string `json:"veth_child,omitempty"`
	NsPath    string `json:"ns_path,omitempty"`
}

type NetworkStats struct {
	RxBytes   uint64 `json:"rx_bytes"`
	RxPackets uint64 `json:"rx_packets"`
	RxErrors  uint64 `json:"rx_errors"`
	RxDropped uint64 `json:"rx_dropped"`
	TxBytes   uint64 `json:"tx_bytes"`
	TxPackets uint64 `json:"tx_packets"`
	TxErrors  uint64 `json:"tx_errors"`
	TxDropped uint64 `json:"tx_dropped"`
}

var kinds = map[string]func() any{
	"config":        func() any { return &Config{} },
	"state":         func() any { return &State{} },
	"network":       func() any { return &FirstNetwork{} },
	"network_state": func() any { return &NetworkState{} },
	"network_stats": func() any { return &NetworkStats{} },
}

func again(document string, into any) string {
	if err := json.Unmarshal([]byte(document), into); err != nil {
		return "!" + err.Error()
	}
	text, err := json.Marshal(into)
	if err != nil {
		return "!" + err.Error()
	}
	return "=" + string(text)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		kind, document, _ := strings.Cut(lines.Text(), " ")
		fmt.Println(again(document, kinds[kind]()))
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
