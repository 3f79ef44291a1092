package netns

import (
	"time"

	"libnetns.dev/go/netns/internal/native"
)

// Controller is the store of networks, endpoints and sandboxes of a host, and what is done with them (libnetwork's
// NetworkController). Any number of goroutines may use it at once, and any number of processes may have the same
// directories open.
type Controller struct {
	handle *native.Handle
}

// Options says where a controller keeps what. What is empty is the library's default.
type Options struct {
	// NetworksDir is the directory of network definitions, /etc/libnetns/networks by default.
	NetworksDir string
	// RunDir is the directory of what lasts until the next boot, /run/libnetns by default.
	RunDir string
	// SandboxDir is the directory where sandboxes are mounted, /run/netns by default.
	SandboxDir string
	// MeterDir is the directory of the counters, on a bpf filesystem, /sys/fs/bpf/libnetns by default.
	MeterDir string
	// MeterSlots is how many interfaces can be metered at once, 1 to 65,535; 0 for 4,096. It counts when the counters
	// are made.
	MeterSlots uint32
	// FromEnv takes directories that are empty from NETNS_NETWORKS_DIR, NETNS_RUN_DIR, NETNS_SANDBOX_DIR and
	// NETNS_METER_DIR. For tools; a library's caller says what it wants.
	FromEnv bool
	// ProcessLifetime has what the controller makes last as long as its process: it is collected when that is gone.
	// Else it lasts until it is deleted, or the host restarts.
	ProcessLifetime bool
	// Uncollected leaves what processes that are gone left half done as it is, for PlanCollect to say what that is, or
	// Collect to put it right.
	Uncollected bool
	// NoPlugins has no plugins looked for: types of network and address managements are the library's own, and those
	// that were registered.
	NoPlugins bool
	// PluginSocketDirs is the directories of plugins' sockets, /run/docker/plugins by default.
	PluginSocketDirs []string
	// PluginSpecDirs is the directories of files that say where plugins are, /etc/docker/plugins and
	// /usr/lib/docker/plugins by default.
	PluginSpecDirs []string
	// PluginTimeout is how long a plugin may take for a request, all attempts together; 0 for 30 seconds. It counts in
	// milliseconds.
	PluginTimeout time.Duration
}

// Open opens the store, makes it where there is none, and puts right what processes that are gone left half done, unless
// an option says not to. The host is the network namespace of the calling thread: outside of a Do, that of the process.
//
// It answers [errdefs.ErrBadRequest] for a directory that is not absolute, [errdefs.ErrPermissionDenied] without the
// right to write the run directory, [errdefs.ErrForbidden] when that is another network namespace's.
func Open(options Options) (*Controller, error) {
	return made(newController)(native.OpenController(native.ControllerOptions(options)))
}

func newController(handle *native.Handle) *Controller {
	return &Controller{handle}
}

func (c *Controller) native() *native.Handle {
	if c == nil {
		return nil
	}
	return c.handle
}

// Close lets go of the store. What was made lasts as the options say, and objects that came from it stay usable: the
// store is closed with the last of them. It may be called again.
func (c *Controller) Close() error {
	c.native().Close()
	return nil
}

// NetworkTypes is the types of network that have a driver, sorted.
func (c *Controller) NetworkTypes() ([]string, error) {
	return native.NetworkTypes(c.native())
}

// Plugin is a plugin that is there; whether it answers is not known.
type Plugin struct {
	// Name is the type of network that it drives, or the address management that it is.
	Name string
	// Path is its socket or spec file.
	Path string
	// Address is where it is, as a URL; empty when its spec file cannot be used.
	Address string
	// Error is what is wrong with its spec file; empty when nothing is.
	Error string
}

// Plugins is the plugins that are there, by their names. None is asked anything.
func (c *Controller) Plugins() ([]Plugin, error) {
	found, err := native.Plugins(c.native())
	return convert(found, func(plugin native.Plugin) Plugin { return Plugin(plugin) }), err
}

// ActivatePlugin finds a plugin and asks what it implements, in Docker's words: NetworkDriver, IpamDriver, and others that
// are of no use here. It is then the driver of the network type of its name, and the address management of its name, as
// far as it is one. Networks that need it do so by themselves.
//
// It answers [errdefs.ErrNotFound] when there is no such plugin, [errdefs.ErrBadRequest] when its spec file cannot be
// used, [errdefs.ErrUnsupported] for HTTPS in a library that was built without, [errdefs.ErrSystem] when it does not
// answer in time, or wrongly.
func (c *Controller) ActivatePlugin(name string) ([]string, error) {
	return native.ActivatePlugin(c.native(), name)
}

// made is the object of a handle, or the error.
func made[T any](of func(*native.Handle) *T) func(*native.Handle, error) (*T, error) {
	return func(handle *native.Handle, err error) (*T, error) {
		if err != nil {
			return nil, err
		}
		return of(handle), nil
	}
}
