target := $(abspath $(or $(CARGO_TARGET_DIR),target))
skipped := $(target)/skipped-tests.txt
survived := $(target)/survived.txt

# Built as the user, run as root: nothing is fetched or compiled in there.
as_root := CARGO_NET_OFFLINE=true scripts/as-root

.PHONY: help demo test test-python test-go kernels many check bench bench-scale bench-churn bench-peers bench-smoke bench-python bench-go pictures docs header ebpf lib wheel size dist install uninstall clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

demo: ## set up a small container network, show it, take it down
	@scripts/setup demo
	cargo build --release -p libnetns-examples --bin demo
	@$(as_root) $(target)/release/demo

# Adds up lines "COUNT WHAT: WHERE" to "survived: COUNT WHAT, COUNT WHAT".
sum := awk -F: '{ count = $$1 + 0; sub(/^[0-9]+ /, "", $$1) } \
	!($$1 in total) { names[++last] = $$1 } \
	{ total[$$1] += count } \
	END { for (i = 1; i <= last; i++) printf "%s%d %s", i == 1 ? "survived: " : ", ", total[names[i]], names[i]; \
		if (last) print "" }'

test: ## run every test, say what was survived and what could not run here; ARGS= goes to cargo test
	@scripts/setup test
	@scripts/peers
	cargo test --workspace --no-run
	scripts/lib
	@mkdir -p $(target) && : >$(skipped) && : >$(survived)
	@status=0; \
	NETNS_TEST_SKIPPED=$(skipped) NETNS_TEST_REPORT=$(survived) \
		$(as_root) cargo test --workspace --no-fail-fast $(ARGS) || status=$$?; \
	[ -n "$(ARGS)" ] || NETNS_TEST_SKIPPED=$(skipped) scripts/python-tests || status=$$?; \
	[ -n "$(ARGS)" ] || NETNS_TEST_SKIPPED=$(skipped) scripts/go-tests || status=$$?; \
	$(sum) $(survived); \
	if [ -s $(skipped) ]; then echo "not run here:"; sort -u $(skipped) | sed 's/^/  /'; \
	else echo "not run here: nothing"; fi; \
	exit $$status

test-python: ## build the Python package's wheel, and test it where it is installed; ARGS= goes to pytest
	@scripts/setup python
	scripts/python-tests $(ARGS)

test-go: ## install the C library in a prefix of its own, and test the Go packages against it; ARGS= goes to go test
	@scripts/setup go
	scripts/go-tests $(ARGS)

kernels: ## run the firewall's tests on older kernels, and on some that lack a part of it, in virtual machines
	@scripts/setup kernels
	scripts/kernels

many: ## count 10 million packets on two processors at once, to the byte as the kernel does
	@scripts/setup test
	cargo test -p libnetns --no-run --test stats
	@NETNS_MANY=1 $(as_root) cargo test -p libnetns --test stats no_packet_of_many

check: ## formatting, lints, documentation, the C header and its symbols, the eBPF object, dependencies
	@scripts/setup check
	cargo fmt --all --check
	rustfmt --check --edition 2021 ebpf/src/main.rs ebpf/src/load.rs
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --workspace
	scripts/python-docs
	cargo run -q -p libnetns-header -- --check
	scripts/ebpf --check
	scripts/lib
	scripts/check-symbols $(target)/lib/libnetns.so $(target)/lib/libnetns.a
	cargo deny check bans licenses sources
	cargo deny --manifest-path ebpf/Cargo.toml check bans licenses sources

benches := -p libnetns-benches -p libnetns-ffi $(addprefix --bench ,controller docker libcontainer link outside scale stats join)

bench: ## run the benchmarks and put their figures together in target/bench/summary.json; ARGS= goes to cargo bench
	@scripts/setup bench
	@scripts/peers
	scripts/lib
	cargo bench $(benches) --no-run
	@$(as_root) cargo bench $(benches) $(ARGS)
	@[ -n "$(ARGS)" ] || scripts/setup python go
	@[ -n "$(ARGS)" ] || scripts/bench-python
	@[ -n "$(ARGS)" ] || scripts/bench-go
	@cargo run -q --release -p libnetns-benches --bin summary
	@[ -n "$(ARGS)" ] || cargo run -q --release -p libnetns-benches --bin pictures -- $(target)/bench $(target)/bench

bench-scale: ## joins, counters and packets, from 1 sandbox to 10,000; NETNS_SCALE_MOST= is how many at most, ARGS= the parts
	@scripts/setup bench
	cargo bench -p libnetns-benches --bench scale --no-run
	@$(as_root) cargo bench -q -p libnetns-benches --bench scale -- $(ARGS)

bench-churn: ## sandboxes come and go for 10 minutes: memory, descriptors, kernel memory; NETNS_CHURN_SECONDS= is how long
	@scripts/setup bench
	cargo bench -p libnetns-benches --bench churn --no-run
	@$(as_root) cargo bench -q -p libnetns-benches --bench churn

bench-peers: ## compare with iproute2, pyroute2, vishvananda/netlink, CNI, netavark and Docker, the same job in one run
	@scripts/setup bench python go
	scripts/bench-peers

bench-smoke: ## compare the promised ratios with bounds that leave room for noise, and see that regressions are noticed
	@scripts/setup demo
	cargo bench -p libnetns-benches --bench smoke --no-run
	@$(as_root) cargo bench -q -p libnetns-benches --bench smoke

bench-python: ## compare the Python package with Rust and pyroute2; ARGS= is how many pairs
	@scripts/setup python
	scripts/bench-python $(ARGS)

bench-go: ## compare the Go packages with Rust and vishvananda/netlink; ARGS= is how many pairs
	@scripts/setup go
	scripts/bench-go $(ARGS)

pictures: ## draw the figures in target/bench to docs/pictures, and fill the tables of docs/benchmarks.md and the README
	cargo run -q --release -p libnetns-benches --bin pictures -- $(target)/bench .

docs: ## build the API documentation, of Rust, of C and of Python
	@scripts/setup docs
	cargo doc --no-deps --workspace
	scripts/docs
	scripts/python-docs
	@echo "open $(target)/doc/netns/index.html, $(target)/doc/c/index.html and $(target)/doc/python/index.html"

header: ## write include/netns.h anew from ffi/src
	cargo run -q -p libnetns-header

ebpf: ## build core/src/stats/counters.o anew from ebpf
	@scripts/setup ebpf
	scripts/ebpf

lib: ## build what is installed in target/lib: libnetns.so, libnetns.a, man pages, netns-hook, netnsctl
	@scripts/setup lib
	scripts/lib

wheel: ## build the Python package's wheel in target/wheels
	@scripts/setup python
	scripts/wheel

size: lib ## say what libnetns.so is made of
	@scripts/size

dist: ## make tarballs of what is installed and of the sources in target/dist
	@scripts/setup lib
	scripts/dist

PREFIX ?= /usr/local
dirs = PREFIX='$(PREFIX)' BINDIR='$(BINDIR)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' MANDIR='$(MANDIR)' SYSTEMDUNITDIR='$(SYSTEMDUNITDIR)' DESTDIR='$(DESTDIR)'

install: ## install the C library, netns-hook and netnsctl; PREFIX=/usr/local BINDIR= LIBDIR= INCLUDEDIR= MANDIR= SYSTEMDUNITDIR= DESTDIR=
	$(dirs) scripts/install

uninstall: ## remove what install installed, from the same directories
	$(dirs) scripts/install --uninstall

clean: ## remove everything built
	cargo clean
