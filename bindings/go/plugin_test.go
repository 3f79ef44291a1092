package netns_test

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
)

func fails(t *testing.T, err error, kind error, word string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), word) {
		t.Errorf("the error is %v; it should be %v, with %q", err, kind, word)
	}
}

func TestPluginsAreListedAndActivated(t *testing.T) {
	sockets, specs := t.TempDir(), t.TempDir()
	listener := must(net.Listen("unix", filepath.Join(sockets, "wire.sock")))
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/Plugin.Activate" {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte(`{"Implements":["IpamDriver"]}`))
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	ok(t, os.WriteFile(filepath.Join(specs, "odd.spec"), []byte("pigeon://home"), 0o600))

	options := netns.Options{
		NetworksDir: t.TempDir(), RunDir: t.TempDir(),
		PluginSocketDirs: []string{sockets}, PluginSpecDirs: []string{specs}, PluginTimeout: 20 * time.Second,
	}
	controller := must(netns.Open(options))
	t.Cleanup(func() { controller.Close() })
	plugins := must(controller.Plugins())
	if len(plugins) != 2 || plugins[0].Name != "odd" || plugins[0].Error == "" || plugins[0].Address != "" {
		t.Fatalf("plugins are %+v", plugins)
	}
	if address := "unix://" + filepath.Join(sockets, "wire.sock"); plugins[1].Address != address {
		t.Errorf("the plugin is %+v", plugins[1])
	}
	if types := must(controller.ActivatePlugin("wire")); len(types) != 1 || types[0] != "IpamDriver" {
		t.Errorf("it implements %v", types)
	}
	for name, kind := range map[string]error{
		"none": errdefs.ErrNotFound, "odd": errdefs.ErrBadRequest, "../wire": errdefs.ErrBadRequest,
	} {
		_, err := controller.ActivatePlugin(name)
		fails(t, err, kind, name)
	}
	_, err := controller.CreateNetwork(netns.NetworkConfig{Name: "far", Type: "wire"})
	fails(t, err, errdefs.ErrNotFound, "IpamDriver")

	options.NoPlugins = true
	without := must(netns.Open(options))
	t.Cleanup(func() { without.Close() })
	if plugins := must(without.Plugins()); len(plugins) != 0 {
		t.Errorf("plugins are %+v", plugins)
	}
	options.PluginTimeout = -1
	_, err = netns.Open(options)
	fails(t, err, errdefs.ErrBadRequest, "negative")
}
