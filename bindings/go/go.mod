module libnetns.dev/go/netns

go 1.24
