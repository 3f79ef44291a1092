package native

// #include <netns.h>
import "C"

import "unsafe"

// Plan is what a netns_plan says of itself.
type Plan struct {
	Text, JSON string
	StepCount  int
}

func takePlan(plan *C.netns_plan) Plan {
	defer C.netns_plan_free(plan)
	return Plan{
		Text:      C.GoString(C.netns_plan_text(plan)),
		JSON:      C.GoString(C.netns_plan_json(plan)),
		StepCount: int(C.netns_plan_step_count(plan)),
	}
}

// ReadPlan is netns_plan_from_json.
func ReadPlan(json string) (Plan, error) {
	return ask("read plan", takePlan, func(c *call, ret **C.netns_plan) C.int32_t {
		json := c.text(json)
		if c.err != nil {
			return 0
		}
		return C.netns_plan_from_json(json, ret, &c.raised)
	})
}

func planHandle(plan *C.netns_plan) *Handle {
	return newHandle("plan", unsafe.Pointer(plan), func(pointer unsafe.Pointer) {
		C.netns_plan_free((*C.netns_plan)(pointer))
	})
}

// ApplyPlan is netns_bridge_apply.
func ApplyPlan(bridge *Handle, json string, sandbox *Handle) error {
	plan, err := ask("read plan", planHandle, func(c *call, ret **C.netns_plan) C.int32_t {
		json := c.text(json)
		if c.err != nil {
			return 0
		}
		return C.netns_plan_from_json(json, ret, &c.raised)
	})
	if err != nil {
		return err
	}
	defer plan.Close()
	return run("apply plan", func(c *call) C.int32_t {
		bridge, plan, sandbox := c.bridge(bridge), (*C.netns_plan)(c.object(plan)), c.sandbox(sandbox)
		if c.err != nil {
			return 0
		}
		return C.netns_bridge_apply(bridge, plan, sandbox, &c.raised)
	})
}
