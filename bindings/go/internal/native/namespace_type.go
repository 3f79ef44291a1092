package native

// #include <netns.h>
import "C"

// NamespaceTypes is the numbers of netns_namespace_type, in their order.
func NamespaceTypes() []int32 {
	var types []int32
	for number := int32(1); NamespaceTypeName(number) != ""; number++ {
		types = append(types, number)
	}
	return types
}

// NamespaceTypeName is netns_namespace_type_name.
func NamespaceTypeName(number int32) string {
	return C.GoString(C.netns_namespace_type_name(C.int32_t(number)))
}

// NamespaceTypeFile is netns_namespace_type_file.
func NamespaceTypeFile(number int32) string {
	return C.GoString(C.netns_namespace_type_file(C.int32_t(number)))
}

// NamespaceTypeCloneFlag is netns_namespace_type_clone_flag.
func NamespaceTypeCloneFlag(number int32) uint64 {
	return uint64(C.netns_namespace_type_clone_flag(C.int32_t(number)))
}

// NamespaceTypeIsSupported is netns_namespace_type_is_supported.
func NamespaceTypeIsSupported(number int32) bool {
	return C.netns_namespace_type_is_supported(C.int32_t(number)) == 1
}

// NamespaceTypeFromName is netns_namespace_type_from_name, 0 for what is none.
func NamespaceTypeFromName(name string) int32 {
	number := func(found C.int32_t) int32 { return int32(found) }
	found, _ := ask("use namespace type", number, func(c *call, ret *C.int32_t) C.int32_t {
		name := c.text(name)
		if c.err != nil {
			return 0
		}
		return C.netns_namespace_type_from_name(name, ret, &c.raised)
	})
	return found
}
