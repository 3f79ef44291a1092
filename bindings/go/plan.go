package netns

import "libnetns.dev/go/netns/internal/native"

// Plan is what a call would do: steps by namespace, each with its way back (a dry run). It is a value, which can be
// printed, compared by ==, and written as JSON. The zero value has no steps.
type Plan struct {
	text, json string
	steps      int
}

// noSteps is the JSON of the zero value.
const noSteps = `{"steps":[]}`

// ParsePlan reads a plan that JSON wrote, or that was written by hand. It answers [errdefs.ErrBadRequest] when it is
// none.
func ParsePlan(json []byte) (Plan, error) {
	return planOr(native.ReadPlan(string(json)))
}

// String is the plan for people: a line a step.
func (p Plan) String() string {
	return p.text
}

// JSON is an object with the plan's "steps".
func (p Plan) JSON() string {
	if p.json == "" {
		return noSteps
	}
	return p.json
}

// StepCount is how many steps it has.
func (p Plan) StepCount() int {
	return p.steps
}

// MarshalJSON is JSON, for encoding/json.
func (p Plan) MarshalJSON() ([]byte, error) {
	return []byte(p.JSON()), nil
}

// UnmarshalJSON is ParsePlan, for encoding/json. Null changes nothing, as is the custom there.
func (p *Plan) UnmarshalJSON(json []byte) error {
	if string(json) == "null" {
		return nil
	}
	plan, err := ParsePlan(json)
	if err != nil {
		return err
	}
	*p = plan
	return nil
}

// planOr is the plan of an answer, or the error.
func planOr(plan native.Plan, err error) (Plan, error) {
	if err != nil {
		return Plan{}, err
	}
	return Plan{plan.Text, plan.JSON, plan.StepCount}, nil
}
