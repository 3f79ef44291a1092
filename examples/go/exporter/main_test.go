package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/testhost"
)

func TestMain(m *testing.M) {
	os.Exit(testhost.Run(m))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// scrape is the metrics that a server answers with.
func scrape(t *testing.T, url string) string {
	t.Helper()
	answer := must(http.Get(url))
	defer answer.Body.Close()
	text := string(must(io.ReadAll(answer.Body)))
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%v %s", answer.Header, text)
	}
	return text
}

func TestWhatASandboxSendsIsOnTheMetrics(t *testing.T) {
	testhost.Clean(t)
	defer http.DefaultClient.CloseIdleConnections()
	controller := must(netns.Open(netns.Options{}))
	defer controller.Close()
	meter, err := controller.Meter()
	if errors.Is(err, errdefs.ErrPermissionDenied) || errors.Is(err, errdefs.ErrNotImplemented) {
		testhost.CannotRun(t, err.Error())
	}
	must(0, err)
	defer meter.Close()
	server := httptest.NewServer(handler(controller, meter))
	defer server.Close()
	if text := scrape(t, server.URL); text != "" {
		t.Error(text)
	}
	blue := must(controller.CreateNetwork(netns.NetworkConfig{Name: "blue", Type: "bridge"}))
	defer blue.Close()
	var sandboxes []*netns.Sandbox
	for _, name := range []string{"web", "db"} {
		sandbox := must(controller.CreateSandbox(name))
		defer sandbox.Close()
		sandboxes = append(sandboxes, sandbox)
		must(blue.Connect(sandbox, netns.EndpointConfig{Name: name}))
		if name == "web" {
			send(t, sandbox, must(blue.Inspect()).Subnets[0].Gateway.String())
		}
	}
	line := regexp.MustCompile(`(?m)^netns_endpoint_transmit_bytes_total\{endpoint="web",network="blue",sandbox="/run/netns/web"\} (\S+)$`)
	testhost.Eventually(t, func() bool {
		found := line.FindStringSubmatch(scrape(t, server.URL))
		return found != nil && must(strconv.ParseFloat(found[1], 64)) >= 10*142
	})
	text := scrape(t, server.URL)
	if lines := strings.Count(text, "\nnetns_endpoint_"); lines != 8 {
		t.Error(lines, text)
	}
	if problems := must(promlint.New(strings.NewReader(text)).Lint()); len(problems) > 0 {
		t.Error(problems)
	}
	var group sync.WaitGroup
	for range 20 {
		group.Add(1)
		go func() {
			defer group.Done()
			scrape(t, server.URL)
		}()
	}
	for _, sandbox := range sandboxes {
		must(0, sandbox.Destroy())
	}
	group.Wait()
	if text := scrape(t, server.URL); text != "" {
		t.Error(text)
	}
	must(0, blue.Delete())
}

// send sends ten datagrams of 100 bytes from a sandbox.
func send(t *testing.T, sandbox *netns.Sandbox, to string) {
	t.Helper()
	must(0, sandbox.Do(func() error {
		conn, err := net.ListenUDP("udp4", nil)
		if err != nil {
			return err
		}
		defer conn.Close()
		for range 10 {
			if _, err := conn.WriteTo(make([]byte, 100), &net.UDPAddr{IP: net.ParseIP(to), Port: 9}); err != nil {
				return err
			}
		}
		return nil
	}))
}
