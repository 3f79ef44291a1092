package libcontainer

import (
	"github.com/opencontainers/runtime-spec/specs-go"

	"libnetns.dev/go/netns/configs"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/argument"
	"libnetns.dev/go/netns/internal/native"
)

// SetupState is what NetworkSetup.Up made of a container's network: what there is to take down, in whatever process of the
// same host. As JSON it is for other processes.
type SetupState struct {
	// ID is the container's, if the setup had one.
	ID string
	// Path is that of the container's network namespace; empty when the config had nothing for it.
	Path string
	// Networks are those that are up, in the order of the config.
	Networks []SetupNetwork

	text string
}

// SetupNetwork is a network that is up.
type SetupNetwork struct {
	// Type is the strategy's.
	Type string
	// InterfaceName is the interface inside; empty when a strategy brought it by itself.
	InterfaceName string
	// HostLink is the link in the host, which is taken away with its other end; empty when there is none.
	// network.GetStats reads its counters, of a state whose VethHost it is.
	HostLink string
	// HostIndex is the index of that link; 0 when there is none.
	HostIndex uint32
}

// FindSetupState is what is there of a container, in whatever process and by whatever config it was brought up: its pairs,
// which the aliases of the links in the host tell. Of an unknown id there is nothing.
func FindSetupState(id string) (*SetupState, error) {
	found, err := native.FindSetupState(id)
	if err != nil {
		return nil, err
	}
	return setupState(found), nil
}

func setupState(made native.SetupState) *SetupState {
	state := &SetupState{ID: made.ID, Path: made.Path, text: made.JSON}
	for _, network := range made.Networks {
		state.Networks = append(state.Networks, SetupNetwork(network))
	}
	return state
}

// MarshalJSON writes the state for other processes.
func (s *SetupState) MarshalJSON() ([]byte, error) {
	text, err := s.json("write")
	return []byte(text), err
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *SetupState) UnmarshalJSON(data []byte) error {
	read, err := native.ReadSetupState(string(data))
	if err == nil {
		*s = *setupState(read)
	}
	return err
}

// TearDown takes away what was made and is still there. What has come to its place since is left alone. It may be
// repeated.
func (s *SetupState) TearDown() error {
	text, err := s.json("tear down")
	if err != nil {
		return err
	}
	return native.SetupStateTearDown(text)
}

// Down is TearDown, and then runs the hooks Poststop of a config, whether or not that went well.
func (s *SetupState) Down(state *specs.State, hooks configs.Hooks) error {
	text, err := s.json("bring down")
	if err != nil {
		return err
	}
	oci, err := argument.State(state)
	if err != nil {
		return err
	}
	config, err := nativeConfig(&configs.Config{Hooks: hooks})
	if err != nil {
		return err
	}
	defer config.Close()
	return native.SetupStateDown(text, oci, config)
}

// json is the state as the library wrote it. Nil and the zero value are nobody's.
func (s *SetupState) json(operation string) (string, error) {
	if s == nil || s.text == "" {
		return "", errdefs.New(errdefs.ErrBadRequest, operation, "the state of a setup", "it is empty")
	}
	return s.text, nil
}
