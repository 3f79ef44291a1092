module libnetns.dev/go/netns

go 1.24

require github.com/opencontainers/runtime-spec v1.2.1
