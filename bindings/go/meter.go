package netns

import "libnetns.dev/go/netns/internal/native"

// Meter is the counters of this host: slots for whatever is metered, and what was counted there. Programs in the kernel
// count; reading takes no system call and no allocation. It may be used by many goroutines at once, and any number of
// processes may have the counters open.
type Meter struct {
	handle *native.Handle
}

// MeterOptions says where the counters are, and how many. What is empty is the library's default.
type MeterOptions struct {
	// Directory is on a bpf filesystem, and made when it is missing: /sys/fs/bpf/libnetns by default.
	Directory string
	// Slots is how many interfaces can be metered at once, 1 to 65535: 4096 by default. It counts when the counters
	// are made; those that are there stay as they are.
	Slots uint32
}

// Counters is what was counted of an interface, as its sandbox sees it.
type Counters struct {
	// RxBytes is bytes received, Ethernet headers included.
	RxBytes uint64
	// RxPackets is packets received; what a network card or the kernel put together counts as one.
	RxPackets uint64
	// TxBytes is bytes sent, Ethernet headers included.
	TxBytes uint64
	// TxPackets is packets sent; what is yet to be cut into segments counts as one.
	TxPackets uint64
}

// Reading is the counters of a slot, and whose it is. Its memory is that of netns_reading in netns.h.
type Reading struct {
	Slot     Slot
	Counters Counters
	// NamespaceCookie is the network namespace in which the host's end is (SO_NETNS_COOKIE), before Linux 5.14 the
	// number of its file with the highest bit set.
	NamespaceCookie uint64
	// Digest is FNV-1a of "NETWORK/ENDPOINT"; 0 for a link of Attach.
	Digest uint64
	// Index is that of the link that is metered.
	Index uint32
	// Mark is the first eight hexadecimal digits of the mark of the run directory, as in " store=" of the link's alias;
	// 0 for a link of Attach.
	Mark  uint32
	flags uint64
}

// Inside is whether the link that is metered is in the sandbox, or was metered by Attach. Else it is the host's end of a
// pair: what it receives is what the sandbox sends.
func (r *Reading) Inside() bool {
	return r.flags&native.ReadingInside != 0
}

// OpenMeter opens the counters, making them when there are none. It is not implemented (errdefs.ErrNotImplemented) where
// the directory is on no bpf filesystem, and denied (errdefs.ErrPermissionDenied) without the right to use bpf: CAP_BPF
// and CAP_NET_ADMIN, before Linux 5.8 CAP_SYS_ADMIN.
func OpenMeter(options MeterOptions) (*Meter, error) {
	return newMeter(native.OpenMeter(options.Directory, options.Slots))
}

// Meter is the counters that the controller meters its endpoints with, opened when they are first needed. They may
// outlive the controller. An error is the reason why nothing is metered.
func (c *Controller) Meter() (*Meter, error) {
	return newMeter(native.ControllerMeter(c.native()))
}

func newMeter(handle *native.Handle, err error) (*Meter, error) {
	if err != nil {
		return nil, err
	}
	return &Meter{handle: handle}, nil
}

// Close lets go of the counters. What is metered stays so. It may be called again.
func (m *Meter) Close() error {
	m.native().Close()
	return nil
}

func (m *Meter) native() *native.Handle {
	if m == nil {
		return nil
	}
	return m.handle
}

// Attach meters a link of the calling thread's namespace, as it sees itself. The slot is given back by Detach, and when
// the link is gone; of a link that went with its namespace Release gives it back.
func (m *Meter) Attach(link string) (Slot, error) {
	slot, err := native.MeterAttach(m.native(), link)
	return Slot(slot), err
}

// Detach meters a link of the calling thread's namespace no more; what was counted is gone. One that is gone, or not
// metered, is no error.
func (m *Meter) Detach(link string) error {
	return native.MeterDetach(m.native(), link)
}

// Release gives the slot back of a link that is gone with its namespace, which only the caller can know. One that was
// given back already is no error. It is errdefs.ErrBusy while the link is there and counted, as far as that can be seen
// from the calling thread's namespace.
func (m *Meter) Release(slot Slot) error {
	return native.MeterRelease(m.native(), native.Slot(slot))
}

// Read is what the interface of a slot has received and sent. It is errdefs.ErrNotFound when the slot is the
// interface's no more. It allocates nothing.
func (m *Meter) Read(slot Slot) (Counters, error) {
	counters, err := native.StatsRead(m.native(), native.Slot(slot))
	return Counters(counters), err
}

// ReadAll puts the counters of all slots that somebody has, by their numbers, into readings, and answers how many there
// are: where that is more than len(readings), those beyond it were left out. It allocates nothing.
func (m *Meter) ReadAll(readings []Reading) (int, error) {
	return native.StatsReadAll(m.native(), readings)
}

// Mapping shows visit the memory of the counters, for programs that read very often or very many. The line of slot s and
// processor c begins at word (s*processors + c) * StatsLineWords and holds, in this order: bytes received, packets
// received, bytes sent, packets sent. A slot's counters are the sums of its lines.
//
// They are by the link's own view, so of a Reading that is not Inside received is what the sandbox sent; and they count
// over all lives of a slot, so only differences mean something, which Read forms. Read each word once, with
// atomic.LoadUint64. Nobody can write to them: a program that tries is ended by SIGSEGV. They are there until visit
// returns.
func (m *Meter) Mapping(visit func(words []uint64, processors int)) error {
	return native.MeterMapping(m.native(), visit)
}

// StatsLineWords is how many words of Mapping a slot takes for each processor.
const StatsLineWords = native.StatsLineWords
