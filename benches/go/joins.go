package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"libnetns.dev/go/netns"
)

// joins is a controller's connect, with counters and firewall, from both languages into one network.
func joins(worker string, pairs int) map[string]float64 {
	controller := must(netns.Open(netns.Options{FromEnv: true}))
	defer controller.Close()
	network := must(controller.CreateNetwork(netns.NetworkConfig{Name: "bench", Type: "bridge"}))
	rust := begin(worker)
	var names []string
	fresh := func(language string) string {
		names = append(names, fmt.Sprint(language, len(names)))
		return names[len(names)-1]
	}
	byGo := func() time.Duration {
		name := fresh("g")
		sandbox := must(controller.CreateSandbox(name))
		defer sandbox.Close()
		return timed(func() { must(network.Connect(sandbox, netns.EndpointConfig{Name: name})) })
	}
	byRust := func() time.Duration { return rust.join(fresh("r")) }

	var samples [][2]time.Duration
	for len(samples) < pairs+warm {
		for number := range round {
			samples = append(samples, inTurn(number, byGo, byRust))
		}
		for _, name := range names {
			must(0, controller.RemoveSandbox(name))
		}
		names = nil
	}
	rust.end()
	must(0, network.Delete())
	ours, theirs := medians(samples[warm:])
	return map[string]float64{"go_join_over_rust": ours / theirs, "go_join_us": ours, "rust_join_us": theirs}
}

// other is the program that joins in Rust.
type other struct {
	process *exec.Cmd
	input   *bufio.Writer
	output  *bufio.Reader
	close   func() error
}

func begin(worker string) *other {
	process := exec.Command(worker, "bench")
	process.Stderr = os.Stderr
	input := must(process.StdinPipe())
	output := must(process.StdoutPipe())
	must(0, process.Start())
	return &other{process, bufio.NewWriter(input), bufio.NewReader(output), input.Close}
}

func (o *other) join(name string) time.Duration {
	must(fmt.Fprintln(o.input, name))
	must(0, o.input.Flush())
	line := must(o.output.ReadString('\n'))
	return time.Duration(must(strconv.ParseInt(strings.TrimSpace(line), 10, 64)))
}

func (o *other) end() {
	must(0, o.close())
	must(0, o.process.Wait())
}
