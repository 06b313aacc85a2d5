package conformance

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Scenario is a topology and its input, as a file beside this package has it.
type Scenario struct {
	Name            string         `json:"name"`
	About           string         `json:"about"`
	Config          map[string]any `json:"config"`
	BuildWithConfig *bool          `json:"buildWithConfig"`
	TopologyConfig  bool           `json:"topologyConfig"`
	Topology        []*step        `json:"topology"`
	Input           []input        `json:"input"`
}

// step is one call of the DSL or of the Processor API. Fields are those of all
// operators; a field that no struct here knows is an error, so that no parameter
// of a scenario is passed over.
type step struct {
	ID        string `json:"id"`
	Op        string `json:"op"`
	From      list   `json:"from"`
	KeyType   string `json:"keyType"`
	ValueType string `json:"valueType"`
	Name      string `json:"name"`
	Fn        string `json:"fn"`

	Topic       list   `json:"topic"`
	Pattern     string `json:"pattern"`
	Timestamp   string `json:"timestamp"`
	Reset       string `json:"reset"`
	Partitioner string `json:"partitioner"`
	Partitions  int32  `json:"partitions"`

	Branches []*branch `json:"branches"`
	Default  *branch   `json:"default"`

	Grouped      string        `json:"grouped"`
	Init         string        `json:"init"`
	Adder        string        `json:"adder"`
	Subtractor   string        `json:"subtractor"`
	Merger       string        `json:"merger"`
	Materialized *materialized `json:"materialized"`
	Joined       *joined       `json:"joined"`
	ForeignKey   string        `json:"foreignKey"`
	Windows      *windowSpec   `json:"windows"`
	Emit         string        `json:"emit"`

	Suppress *suppressSpec `json:"suppress"`

	Parents    list         `json:"parents"`
	Processor  string       `json:"processor"`
	Processors list         `json:"processors"`
	Store      *storeSpec   `json:"store"`
	Stores     list         `json:"stores"`
	OwnStores  []*storeSpec `json:"ownStores"`
	ReadStores list         `json:"readStores"`

	KeyFn string `json:"keyFn"`
}

// branch is one branch of a split.
type branch struct {
	ID    string `json:"id"`
	Fn    string `json:"fn"`
	Name  string `json:"name"`
	Via   string `json:"via"`
	Value string `json:"value"`
}

// input is a record, a move of the wall clock, or a look at the stores.
type input struct {
	Topic       string       `json:"topic"`
	Key         payload      `json:"key"`
	Value       payload      `json:"value"`
	Timestamp   int64        `json:"ts"`
	Headers     [][2]*string `json:"headers"`
	Advance     *int64       `json:"advanceWallClockMs"`
	CheckStores bool         `json:"checkStores"`
}

// list is a string or a list of strings.
type list []string

func (l *list) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*l = make(list, 1)
		return json.Unmarshal(b, &(*l)[0])
	}
	return json.Unmarshal(b, (*[]string)(l))
}

// first is the only element, or the first; "" if there is none.
func (l list) first() string {
	if len(l) == 0 {
		return ""
	}
	return l[0]
}

// payload is the bytes of a key or value; nil is null.
type payload []byte

func (p *payload) UnmarshalJSON(b []byte) error {
	var raw any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&raw); err != nil {
		return err
	}
	switch v := raw.(type) {
	case nil:
		*p = nil
	case string:
		*p = payload(append([]byte{}, v...))
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			return err
		}
		*p = longBytes(n)
	case map[string]any:
		text, ok := v["hex"].(string)
		if !ok {
			return fmt.Errorf("conformance: payload %s is neither text, a number nor hex", b)
		}
		data, err := hex.DecodeString(text)
		*p = append(payload{}, data...)
		return err
	default:
		return fmt.Errorf("conformance: payload %s is neither text, a number nor hex", b)
	}
	return nil
}

const goldenSuffix = ".golden.json"

// files returns the scenario files of a folder, in order of their names.
func files(dir string) ([]string, error) {
	all, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(f string) bool { return strings.HasSuffix(f, goldenSuffix) })
	if len(all) == 0 {
		return nil, fmt.Errorf("conformance: folder %s has no scenarios", dir)
	}
	return all, nil
}

// load reads a scenario and what the original made of it.
func load(file string) (s *Scenario, golden tree, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	d.UseNumber()
	s = &Scenario{}
	if err := d.Decode(s); err != nil {
		return nil, nil, fmt.Errorf("conformance: %s: %w", filepath.Base(file), err)
	}
	if b, err = os.ReadFile(strings.TrimSuffix(file, ".json") + goldenSuffix); err != nil {
		return nil, nil, err
	}
	golden, err = parse(b)
	if err == nil && golden["name"] != s.Name {
		err = errors.New("conformance: " + file + " and its golden have different names")
	}
	return s, golden, err
}
