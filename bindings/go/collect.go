package netns

import "libnetns.dev/go/netns/internal/native"

// FindingKind is what can be found by Controller.Collect. A later version may add others.
type FindingKind int32

// The kinds of what can be found.
const (
	// FindingOther is something that this version has no number for.
	FindingOther FindingKind = 0
	// FindingBridge is a bridge, or another link of a whole network.
	FindingBridge FindingKind = 1
	// FindingDefinition is a file that was to become a definition.
	FindingDefinition FindingKind = 2
	// FindingEndpoint is an endpoint in the store, with its leases.
	FindingEndpoint FindingKind = 3
	// FindingLease is addresses that a network reserved.
	FindingLease FindingKind = 4
	// FindingLink is an endpoint's link in the host.
	FindingLink FindingKind = 5
	// FindingListener is the socket of a listener to events.
	FindingListener FindingKind = 6
	// FindingProxy is a proxy entry of the neighbour table.
	FindingProxy FindingKind = 7
	// FindingSandbox is a sandbox.
	FindingSandbox FindingKind = 8
	// FindingFirewall is what the firewall has, or lacks.
	FindingFirewall FindingKind = 9
)

var findingKinds = [...]string{
	"other", "bridge", "definition", "endpoint", "lease", "link", "listener", "proxy", "sandbox", "firewall",
}

// String is the kind in a word: "bridge".
func (k FindingKind) String() string {
	return word(findingKinds[:], int32(k))
}

// Finding is one thing that was not as it should be.
type Finding struct {
	Kind FindingKind
	// Object is which one: a name or a path.
	Object string
	// Reason is what is wrong with it, and what becomes of it.
	Reason string
	// Error is why it could not be put right; empty when it could.
	Error string
}

// Collect finds what processes that are gone left half done, or left although it should have gone with them, and puts it
// right. What others made, and what processes that are alive are about to do, is left alone. What could not be put right
// is no error of this: the findings say why.
func (c *Controller) Collect() ([]Finding, error) {
	found, err := native.Collect(c.native(), false)
	return convert(found, findingOf), err
}

// PlanCollect is what Collect would find; it changes nothing.
func (c *Controller) PlanCollect() ([]Finding, error) {
	found, err := native.Collect(c.native(), true)
	return convert(found, findingOf), err
}

func findingOf(finding native.Finding) Finding {
	return Finding{FindingKind(finding.Kind), finding.Object, finding.Reason, finding.Error}
}

// word is the one of that number, the first for a number that is none.
func word(words []string, number int32) string {
	if number < 0 || int(number) >= len(words) {
		number = 0
	}
	return words[number]
}
